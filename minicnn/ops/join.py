"""Tensors joined and taken apart along a dimension."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from minicnn import dtypes
from minicnn.arguments import too_large
from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.ops.convert import cast
from minicnn.ops.index import narrow, select
from minicnn.ops.shape import expand, reshaped, unsqueeze
from minicnn.shapes.dims import number_in, one_dim, own_dim
from minicnn.shapes.sizes import size_tuple
from minicnn.tensor import Tensor

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "cartesian_prod", "cat", "chunk", "column_stack", "concat", "concatenate",
    "dsplit", "dstack", "hsplit", "hstack", "meshgrid", "row_stack", "split", "split_with_sizes", "stack",
    "tensor_split", "unbind", "vsplit", "vstack",
]  # fmt: skip
METHODS = ("chunk", "dsplit", "hsplit", "split", "split_with_sizes", "tensor_split", "unbind", "vsplit")

Array = Any
Pieces = tuple[Tensor, ...]


class Cat(Function):
    def forward(self, *tensors: Array, dim: int) -> Array:
        self.dim = dim
        self.sizes = [x.shape[dim] for x in tensors]
        return backend_of(tensors[0]).concatenate(tensors, dim)

    def backward(self, g: Tensor) -> tuple[Tensor | None, ...]:
        starts = itertools.accumulate(self.sizes, initial=0)
        return tuple(
            narrow(g, self.dim, start, size) if need else None
            for start, size, need in zip(starts, self.sizes, self.needs, strict=False)
        )


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """``tensors`` one after the other along ``dim``.

    Shapes: equal except in ``dim``; empty tensors of shape (0,) add nothing to any. dtypes: by promotion.
    Errors: ShapeError where other sizes differ, or for no tensors at all.

    Example:
        >>> mc.cat([mc.zeros(2, 3), mc.ones(1, 3)]).shape
        Size([3, 3])
    """
    given = _tensors("cat", tensors)
    whole = [x for x in given if x.array.shape != (0,)] or given[:1]
    first = whole[0]
    if not first.ndim:
        raise ShapeError("cat: a tensor without dimensions", got="shape ()", rule="at least one dimension",
                         hint="stack")
    dim = one_dim("cat", dim, first.ndim)
    others = [(*x.array.shape[:dim], *x.array.shape[dim + 1 :]) for x in whole]
    if any(x.ndim != first.ndim or other != others[0] for x, other in zip(whole, others, strict=True)):
        raise ShapeError("cat: the shapes differ", got=", ".join(str(x.array.shape) for x in whole),
                         rule=f"shapes are equal except in dimension {dim}", hint="stack makes a new dimension")
    nothing = (*others[0][:dim], 0, *others[0][dim:])
    pieces = [reshaped(x, nothing) if x.array.shape == (0,) else x for x in given]
    return Cat.apply(*_one_dtype(pieces, given), dim=dim)


def _tensors(name: str, tensors: Any) -> list[Tensor]:
    if not isinstance(tensors, Sequence) or isinstance(tensors, str):
        raise DtypeError(f"{name}: takes one sequence of tensors", got=tensors if isinstance(tensors, Tensor)
                         else type(tensors).__name__, rule="a list or tuple of tensors", hint=f"{name}([a, b])")
    for place, item in enumerate(tensors):
        if not isinstance(item, Tensor):
            raise DtypeError(f"{name}: item {place} is no tensor", got=f"{item!r:.80}, of type {type(item).__name__}",
                             rule="a list or tuple of tensors", hint="mc.as_tensor(value) for each")
    if not tensors:
        raise ShapeError(f"{name}: no tensors", got="an empty sequence", rule="at least one tensor")
    return list(tensors)


def _one_dtype(tensors: list[Tensor], given: list[Tensor]) -> list[Tensor]:
    dtype = dtypes.result_type(*(x.array for x in given))
    return [cast(x, dtype) for x in tensors]


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """``tensors``, all of one shape, side by side in a new dimension ``dim``.

    Errors: ShapeError where the shapes differ.

    Example:
        >>> mc.stack([mc.zeros(3), mc.ones(3)]).shape
        Size([2, 3])
    """
    given = _tensors("stack", tensors)
    if any(x.array.shape != given[0].array.shape for x in given):
        raise ShapeError("stack: the shapes differ", got=", ".join(str(x.array.shape) for x in given),
                         rule="all shapes are equal", hint="cat joins along an existing dimension; pad first otherwise")
    dim = one_dim("stack", dim, given[0].ndim + 1)
    return Cat.apply(*_one_dtype([unsqueeze(x, dim) for x in given], given), dim=dim)


def atleast_1d(*tensors: Tensor) -> Any:
    """Each tensor with at least 1 dimension."""
    return _each([reshaped(x, x.array.shape or (1,)) for x in tensors])


def atleast_2d(*tensors: Tensor) -> Any:
    """Each tensor with at least 2 dimensions, new ones in front."""
    return _each([reshaped(x, (1,) * (2 - x.ndim) + x.array.shape) for x in tensors])


def atleast_3d(*tensors: Tensor) -> Any:
    """Each tensor with at least 3 dimensions: a vector becomes (1, n, 1), a matrix (n, m, 1)."""
    flat = [atleast_2d(x) for x in tensors]
    return _each([unsqueeze(x, -1) if x.ndim == 2 else x for x in flat])


def _each(tensors: list[Tensor]) -> Any:
    return tensors[0] if len(tensors) == 1 else tuple(tensors)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Side by side: along dimension 1, or 0 for vectors."""
    parts = [atleast_1d(x) for x in _tensors("hstack", tensors)]
    return cat(parts, 0 if parts[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """One below the other: along dimension 0, vectors being rows."""
    return cat([atleast_2d(x) for x in _tensors("vstack", tensors)], 0)


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """One behind the other: along dimension 2."""
    return cat([atleast_3d(x) for x in _tensors("dstack", tensors)], 2)


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Side by side, vectors being columns."""
    parts = _tensors("column_stack", tensors)
    return cat([reshaped(x, (x.array.size, 1)) if x.ndim < 2 else x for x in parts], 1)


def split(x: Tensor, split_size: int | Sequence[int], dim: int = 0) -> Pieces:
    """Views of pieces along ``dim``: of ``split_size`` each (the last may be smaller), or of the sizes listed."""
    split_size = number_in(split_size)
    if not isinstance(split_size, int):
        return split_with_sizes(x, split_size, dim)
    size = _size("split", x, dim)
    if split_size < 0 or (split_size == 0 and size):
        raise OptionError("split: the pieces have no size", got=split_size, rule="split_size >= 1")
    sizes = [min(split_size, size - start) for start in range(0, size, split_size)] if size else [0]
    return split_with_sizes(x, sizes, dim)


def split_with_sizes(x: Tensor, split_sizes: Sequence[int], dim: int = 0) -> Pieces:
    """Views of pieces of the sizes listed, which add up to that of ``dim``."""
    sizes, whole = size_tuple("split", (split_sizes,)), _size("split", x, dim)
    if sum(sizes) != whole or min(sizes, default=0) < 0:
        raise ShapeError("split: the sizes do not add up", got=f"{sizes} for a size of {whole}",
                         rule="their sum is the size of the dimension")
    starts = itertools.accumulate(sizes, initial=0)
    return tuple(narrow(x, dim, start, size) for start, size in zip(starts, sizes, strict=False))


def chunk(x: Tensor, chunks: int, dim: int = 0) -> Pieces:
    """Views of at most ``chunks`` pieces along ``dim``, of one size except a smaller last."""
    if chunks < 1:
        raise OptionError("chunk: no chunks", got=chunks, rule="chunks >= 1")
    size = _size("chunk", x, dim)
    return split(x, -(-size // chunks), dim) if size else split_with_sizes(x, [0] * chunks, dim)


def tensor_split(x: Tensor, indices_or_sections: Any, dim: int = 0) -> Pieces:
    """Views of that many pieces along ``dim``, sizes differing by at most 1; or cut at the positions listed."""
    size = _size("tensor_split", x, dim)
    cuts = number_in(indices_or_sections)
    cuts = cuts.tolist() if isinstance(cuts, Tensor) else cuts
    if isinstance(cuts, bool):
        raise DtypeError("tensor_split: a bool is no number", got=cuts, rule="a number of pieces, or where to cut")
    if isinstance(cuts, int):
        if cuts > 2**31:
            raise too_large("tensor_split", f"{cuts} pieces")
        if cuts < 1:
            raise OptionError("tensor_split: no pieces", got=cuts, rule="sections >= 1")
        each, larger = divmod(size, cuts)
        return split_with_sizes(x, [each + (i < larger) for i in range(cuts)], dim)
    bounds = [0, *(slice(cut).indices(size)[1] for cut in size_tuple("tensor_split", (cuts,))), size]
    return tuple(narrow(x, dim, a, max(b - a, 0)) for a, b in itertools.pairwise(bounds))


def hsplit(x: Tensor, indices_or_sections: int | Sequence[int]) -> Pieces:
    """``tensor_split`` along dimension 1, or 0 for a vector, into pieces of one size where their number is given."""
    return _even_split("hsplit", x, indices_or_sections, 0 if x.ndim == 1 else 1)


def vsplit(x: Tensor, indices_or_sections: int | Sequence[int]) -> Pieces:
    """``tensor_split`` along dimension 0; as ``hsplit``."""
    if x.ndim < 2:
        raise ShapeError("vsplit: there are no rows", got=f"shape {tuple(x.shape)}", rule="at least 2 dimensions",
                         hint="hsplit")
    return _even_split("vsplit", x, indices_or_sections, 0)


def dsplit(x: Tensor, indices_or_sections: int | Sequence[int]) -> Pieces:
    """``tensor_split`` along dimension 2; as ``hsplit``."""
    return _even_split("dsplit", x, indices_or_sections, 2)


def _even_split(name: str, x: Tensor, pieces: int | Sequence[int], dim: int) -> Pieces:
    size, pieces = _size(name, x, dim), number_in(pieces)
    if isinstance(pieces, int) and (pieces < 1 or size % pieces):
        raise ShapeError(f"{name}: no pieces of one size", got=f"{pieces} pieces of a size of {size}",
                         rule="the number of pieces divides the size", hint="tensor_split takes any")
    return tensor_split(x, pieces, dim)


def unbind(x: Tensor, dim: int = 0) -> Pieces:
    """Views of the slices along ``dim``, which goes away."""
    return tuple(select(x, dim, i) for i in range(_size("unbind", x, dim)))


def _size(name: str, x: Tensor, dim: int) -> int:
    return int(x.array.shape[own_dim(name, dim, x.ndim)])


def meshgrid(*tensors: Any, indexing: str = "ij") -> Pieces:
    """The coordinates of a grid, one tensor for each vector; ``indexing`` is "ij" (rows first) or "xy"."""
    vectors = _tensors("meshgrid", tensors[0] if len(tensors) == 1 and isinstance(tensors[0], Sequence) else tensors)
    if max(x.ndim for x in vectors) > 1 or len({(x.dtype, x.device) for x in vectors}) > 1:
        raise ShapeError("meshgrid: these are no vectors of one kind",
                         got=", ".join(f"{tuple(x.shape)} {x.dtype} on {x.device}" for x in vectors),
                         rule="vectors of one dtype on one device", hint="x.flatten()")
    if indexing not in ("ij", "xy"):
        raise OptionError("meshgrid: unknown indexing", got=repr(indexing), rule='"ij" or "xy"')
    swap = indexing == "xy" and len(vectors) > 1
    if swap:
        vectors[:2] = vectors[1::-1]
    sizes = tuple(x.array.size for x in vectors)
    grids = [expand(reshaped(x, (sizes[i],) + (1,) * (len(sizes) - i - 1)), sizes) for i, x in enumerate(vectors)]
    if swap:
        grids[:2] = grids[1::-1]
    return tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of the vectors' elements, one a row; of a single vector that vector."""
    if any(x.ndim != 1 for x in tensors):
        raise ShapeError("cartesian_prod: these are no vectors", got=", ".join(str(x.array.shape) for x in tensors),
                         rule="tensors of one dimension", hint="x.flatten()")
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshaped(grid, (grid.array.size,)) for grid in meshgrid(*tensors)], 1)


concat = concatenate = cat
row_stack = vstack
