"""The one table from which Tensor's methods and operators are bound.

A family is a module of ``minicnn.ops``. It says

- ``__all__``: its functions that are also ``mc.<name>``;
- ``METHODS``: its functions that are also methods; the first parameter is the tensor;
- ``IN_PLACE``: those that also have the in-place form ``<name>_``, made here: compute, then write into the tensor;
- ``OPERATORS``: Python's special methods, each by the name of a function or of an in-place form.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from minicnn import printing
from minicnn.arguments import check_all, checked
from minicnn.autograd.autocast import all_autocast_aware, autocast_aware
from minicnn.autograd.inplace import compute_in_place
from minicnn.methods import Methods
from minicnn.ops import (
    activation,
    arithmetic,
    autograd_methods,
    compare,
    convert,
    creation,
    cumulate,
    diagonal,
    dropout,
    einsum,
    extrema,
    fill,
    index,
    join,
    legacy,
    linalg,
    pointwise,
    query,
    rearrange,
    reduce,
    rounding,
    sampling,
    scatter,
    shape,
    softmax,
    sorting,
    statistics,
    steps,
    trigonometry,
    unary,
)
from minicnn.tensor import Tensor

FAMILIES: tuple[ModuleType, ...] = (
    activation, arithmetic, autograd_methods, compare, convert, creation, cumulate, diagonal, dropout, einsum,
    extrema, fill, index, join, legacy, linalg, pointwise, printing, query, rearrange, reduce, rounding, sampling,
    scatter, shape, softmax, sorting, statistics, steps, trigonometry, unary,
)  # fmt: skip


def in_place(name: str, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """``name_``: what ``function`` computes, written into the tensor itself."""

    @functools.wraps(function)
    def edit(x: Tensor, *args: Any, **options: Any) -> Tensor:
        return compute_in_place(f"{name}_", function, x, *args, **options)

    edit.__name__ = edit.__qualname__ = f"{name}_"
    edit.__doc__ = f"{name}, in place."
    return edit


def methods() -> Iterator[tuple[str, Any]]:
    """Every (name, function) that Tensor gets, in the table's order."""
    yield from convert.CASTS.items()
    for family in FAMILIES:
        made = {f"{name}_": in_place(name, getattr(family, name)) for name in getattr(family, "IN_PLACE", ())}
        for name in (*made, *getattr(family, "METHODS", ())):
            function = autocast_aware(name, made.get(name) or getattr(family, name))
            yield name, checked(function, method=True) if isinstance(function, FunctionType) else function
        for special, name in getattr(family, "OPERATORS", {}).items():
            yield special, autocast_aware(special, made.get(name) or getattr(family, name))


def bind() -> None:
    """Give Tensor its methods and operators, and check the arguments of the functions that are ``mc.<name>``."""
    for name, function in methods():
        setattr(Methods, name, function)
    for family in FAMILIES:
        all_autocast_aware(vars(family), family.__all__)
        check_all(vars(family), family.__all__)
