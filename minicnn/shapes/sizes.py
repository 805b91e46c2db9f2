"""Sizes as users write them, made plain: varargs or a tuple, with a -1 for what is left over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.shapes.conv import LARGEST, integer
from minicnn.shapes.dims import one_dim


def dims_in_order(name: str, dims: Any, ndim: int) -> tuple[int, ...]:
    """Several dimensions (or one) counted from the front, in the order given, each at most once."""
    given = tuple(dims) if isinstance(dims, Sequence) else (dims,)
    found = tuple([one_dim(name, d, ndim) for d in given])
    if len(set(found)) != len(found):
        raise ShapeError(f"{name}: a dimension is given twice", got=given, rule="each dimension at most once")
    return found


def varargs(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """``f(2, 3)`` and ``f((2, 3))`` both as (2, 3)."""
    if len(values) != 1 or type(values[0]) is int:  # isinstance of a Sequence takes its time
        return values
    if isinstance(values[0], Sequence) and not isinstance(values[0], str):
        return tuple(values[0])
    return values


def size_tuple(name: str, values: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes given as varargs or as one sequence, as integers; -1 is left for the caller to read."""
    sizes = varargs(values)
    try:
        found = tuple(map(integer, sizes))
    except TypeError:
        raise DtypeError(f"{name}: a size is no integer", got=repr(values)[:80], rule="sizes are integers",
                         hint=f"{name}(2, 3) or {name}((2, 3)); use // for whole quotients") from None
    if found and not -LARGEST <= min(found) <= max(found) <= LARGEST:
        raise OptionError(f"{name}: a size is too large", got=repr(values)[:80], rule="sizes lie within ±2**63")
    return found


def resolve_sizes(name: str, numel: int, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """``sizes`` for ``numel`` elements, with the one -1 replaced by what is left over."""
    if sizes and min(sizes) >= 0 and math.prod(sizes) == numel:  # nothing to find out
        return sizes
    unknown = sizes.count(-1)
    known = math.prod(size for size in sizes if size != -1)
    if unknown > 1 or any(size < -1 for size in sizes):
        raise OptionError(f"{name}: these are no sizes", got=sizes, rule="sizes are >= 0, and at most one is -1")
    if unknown and known == 0:
        raise ShapeError(f"{name}: -1 could be any size here", got=f"{numel} elements into {sizes}",
                         rule="with -1 the other sizes are positive", hint="write the size out")
    if numel % known if unknown else numel != known:
        raise ShapeError(f"{name}: the shape does not fit", got=f"{numel} elements into {sizes}",
                         rule="the product of the sizes is the number of elements")
    return tuple(numel // known if size == -1 else size for size in sizes)
