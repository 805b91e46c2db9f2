"""Elements picked and placed by index tensors along a dimension, and by masks."""

from __future__ import annotations

from typing import Any

from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OutOfRangeError, ShapeError
from minicnn.ops.arithmetic import mul
from minicnn.ops.fill import constant
from minicnn.ops.index import Index, IndexAdd, IndexPut, get_item
from minicnn.ops.keys import ALL, PICK, Pattern
from minicnn.ops.operands import check_broadcast, choice
from minicnn.ops.shape import expand, reshaped
from minicnn.shapes.dims import one_dim
from minicnn.tensor import Tensor, wrap

__all__ = [
    "argwhere", "gather", "index_add", "index_copy", "index_fill", "index_select", "masked_scatter", "masked_select",
    "nonzero", "scatter", "scatter_add", "take", "take_along_dim",
]  # fmt: skip
METHODS = tuple(__all__)
IN_PLACE = ("index_add", "index_copy", "index_fill", "masked_scatter", "scatter", "scatter_add")

Array = Any
Places = tuple[list[Tensor], Pattern]


class IndexMultiply(Function):
    """x with x[key] *= value, as often as a position is named; without a gradient, as in PyTorch."""

    def forward(self, x: Array, value: Any, *indices: Array) -> Array:
        xp = backend_of(x).xp  # CuPy has no multiply.at
        places = xp.arange(x.size).reshape(x.shape)[indices]
        values = xp.broadcast_to(xp.asarray(value, x.dtype), places.shape).reshape(-1)
        order = xp.argsort(places.reshape(-1), kind="stable")
        places = places.reshape(-1)[order]
        times = xp.arange(places.size) - xp.searchsorted(places, places)  # a position has been named before
        out = x.reshape(-1).copy()
        for turn in range(int(times.max()) + 1 if places.size else 0):
            now = times == turn
            out[places[now]] *= values[order[now]]
        return out.reshape(x.shape)


def _along(name: str, x: Tensor, dim: int, index: Tensor) -> Places:
    """The index tensors that name every position of ``index``, with ``dim`` replaced by its value there."""
    dim = one_dim(name, dim, x.ndim)
    sizes, shape = x.array.shape, index.array.shape
    if len(sizes) != len(shape) or any(i > n for d, (i, n) in enumerate(zip(shape, sizes, strict=True)) if d != dim):
        raise ShapeError(f"{name}: the index does not fit the tensor", got=f"index {shape}, tensor {sizes}",
                         rule=f"as many dimensions, and sizes at most the tensor's except in dimension {dim}")
    _check_index(name, index, (*sizes, 1)[dim])
    xp, last = backend_of(index.array).xp, len(shape) - 1
    places = [
        index if d == dim else wrap(xp.arange(n).reshape((n,) + (1,) * (last - d))) for d, n in enumerate(shape)
    ]
    return places, (PICK,) * len(shape)


def _rows(name: str, x: Tensor, dim: int, index: Tensor) -> Places:
    """The index tensor that picks along ``dim``, for all of the other dimensions."""
    dim = one_dim(name, dim, x.ndim)
    if index.ndim > 1:
        raise ShapeError(f"{name}: the index has several dimensions", got=f"shape {tuple(index.shape)}",
                         rule="the index is a vector of positions", hint="gather, or x[index]")
    _check_index(name, index, (*x.array.shape, 1)[dim])
    return [reshaped(index, (index.array.size,))], (*[ALL] * dim, PICK)


def _check_index(name: str, index: Tensor, size: int) -> None:
    if not isinstance(index, Tensor) or str(index.array.dtype) not in ("int64", "int32"):
        raise DtypeError(f"{name}: the index is no integer tensor", got=getattr(index, "dtype", type(index).__name__),
                         rule="an index is an int64 or int32 tensor", hint="index.long()")
    if not index.array.size:
        return
    backend, what, rule = backend_of(index.array), f"{name}: an index is out of range", f"0 <= index < {size}"
    if backend.asynchronous:
        backend.refuse((index.array < 0) | (index.array >= size), OutOfRangeError, what, rule=rule)
        return
    low, high = int(index.array.min()), int(index.array.max())  # twice as fast as a look at each
    if low < 0 or high >= size:
        raise OutOfRangeError(what, got=low if low < 0 else high, rule=rule)


def gather(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """``out[i][j] = x[i][index[i][j]]`` for dim 1, and so on: one element of ``x`` for each of ``index``.

    Shapes: index has as many dimensions as x, and sizes at most x's except in ``dim``; out has its shape.
    Errors: ShapeError, OutOfRangeError, DtypeError for an index that is not int64 or int32.

    Example:
        >>> mc.tensor([[1, 2], [3, 4]]).gather(1, mc.tensor([[0, 0], [1, 0]]))
        tensor([[1, 1],
                [4, 3]])
    """
    places, pattern = _along("gather", x, dim, index)
    return Index.apply(x, *places, pattern=pattern)


def take_along_dim(x: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """``gather`` whose other dimensions broadcast; without ``dim``, from all elements in one row."""
    if dim is None:
        return gather(reshaped(x, (x.array.size,)), 0, reshaped(indices, (indices.array.size,)))
    dim = one_dim("take_along_dim", dim, x.ndim)
    others = check_broadcast("take_along_dim", *((*s[:dim], 1, *s[dim + 1 :]) for s in (x.shape, indices.shape)))
    widened = [expand(t, *others[:dim], t.shape[dim], *others[dim + 1 :]) for t in (x, indices)]
    return gather(widened[0], dim, widened[1])


def scatter(x: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None,
            reduce: str | None = None) -> Tensor:
    """``x`` with ``out[i][index[i][j]] = src[i][j]`` for dim 1, and so on; the inverse of ``gather``.

    Args:
        x: any tensor.
        dim, index: as of ``gather``.
        src: a tensor at least as large as ``index``, or a number.
        value: the number, by name.
        reduce: None to replace, ``"add"`` or ``"multiply"`` to accumulate.
    """
    src = value if src is None else src
    places, pattern = _along("scatter", x, dim, index)
    if choice("scatter", "reduce", reduce, (None, "add", "multiply")) == "multiply":
        return IndexMultiply.apply(x, _source("scatter", x, index, src), *places)
    cls = IndexPut if reduce is None else IndexAdd
    return cls.apply(x, _source("scatter", x, index, src), *places, pattern=pattern)


def scatter_add(x: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """``x`` with ``out[i][index[i][j]] += src[i][j]`` for dim 1, and so on."""
    places, pattern = _along("scatter_add", x, dim, index)
    return IndexAdd.apply(x, _source("scatter_add", x, index, src), *places, pattern=pattern)


def _source(name: str, x: Tensor, index: Tensor, src: Any) -> Any:
    """The part of ``src`` that ``index`` names, or the number."""
    if not isinstance(src, Tensor):
        return constant(name, x, src)
    _check_dtype(name, x, src)
    if src.ndim != index.ndim or any(i > n for i, n in zip(index.shape, src.shape, strict=True)):
        raise ShapeError(f"{name}: src is smaller than the index", got=f"{tuple(src.shape)} and {tuple(index.shape)}",
                         rule="src is at least as large as the index in every dimension")
    return src if src.shape == index.shape else get_item(src, tuple(slice(n) for n in index.shape))


def _check_dtype(name: str, x: Tensor, source: Tensor) -> None:
    if source.array.dtype != x.array.dtype:
        raise DtypeError(f"{name}: the dtypes differ", got=f"{source.dtype} into {x.dtype}",
                         rule="the source has the tensor's dtype", hint="source.to(x.dtype)")


def index_select(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of ``x`` along ``dim`` that the vector ``index`` names."""
    places, pattern = _rows("index_select", x, dim, index)
    return Index.apply(x, *places, pattern=pattern)


def index_add(x: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """``x`` with alpha · ``source``'s slices along ``dim`` added to those that ``index`` names."""
    places, pattern = _rows("index_add", x, dim, index)
    _check_slices("index_add", x, dim, index, source)
    source = source if alpha == 1 else mul(source, alpha)
    return IndexAdd.apply(x, source, *places, pattern=pattern)


def index_copy(x: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """``x`` with the slices along ``dim`` that ``index`` names replaced by those of ``source``."""
    places, pattern = _rows("index_copy", x, dim, index)
    _check_slices("index_copy", x, dim, index, source)
    return IndexPut.apply(x, source, *places, pattern=pattern)


def index_fill(x: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """``x`` with the slices along ``dim`` that ``index`` names filled with a number or 0-d tensor."""
    places, pattern = _rows("index_fill", x, dim, index)
    return IndexPut.apply(x, constant("index_fill", x, value), *places, pattern=pattern)


def _check_slices(name: str, x: Tensor, dim: int, index: Tensor, source: Tensor) -> None:
    _check_dtype(name, x, source)
    expected = list(x.array.shape)
    if expected:
        expected[dim] = index.array.size
    if source.array.shape != tuple(expected):
        raise ShapeError(f"{name}: the source does not fit",
                         got=f"source {tuple(source.shape)}, {index.array.size} indices",
                         rule=f"one slice for each index: {tuple(expected)}")


def take(x: Tensor, index: Tensor) -> Tensor:
    """The elements at ``index`` of ``x`` seen as one row; negative positions count from the end."""
    if not isinstance(index, Tensor) or index.array.dtype.kind not in "iu":
        raise DtypeError("take: the index is no integer tensor", got=getattr(index, "dtype", type(index).__name__),
                         rule="an index is an int64 tensor", hint="index.long()")
    return Index.apply(reshaped(x, (x.array.size,)), index, pattern=(PICK,))


def masked_select(x: Tensor, mask: Tensor) -> Tensor:
    """The elements of ``x`` where ``mask`` is True, in one row; the two broadcast."""
    shape = check_broadcast("masked_select", x.shape, mask.shape)
    _check_mask("masked_select", mask)
    return Index.apply(expand(x, shape), expand(mask, shape), pattern=(PICK,))


def masked_scatter(x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """``x`` with the elements where ``mask`` is True replaced by the first elements of ``source``, in order."""
    shape = check_broadcast("masked_scatter", x.shape, mask.shape)
    _check_mask("masked_scatter", mask)
    _check_dtype("masked_scatter", x, source)
    mask = expand(mask, shape)
    count = int(mask.array.sum())
    if count > source.array.size:
        raise ShapeError("masked_scatter: the source has too few elements", got=f"{source.array.size} for {count}",
                         rule="at least as many as the mask has True")
    first = get_item(reshaped(source, (source.array.size,)), slice(count))
    return IndexPut.apply(expand(x, shape), first, mask, pattern=(PICK,))


def _check_mask(name: str, mask: Tensor) -> None:
    if mask.array.dtype.kind != "b":
        raise DtypeError(f"{name}: the mask is not a bool tensor", got=mask.dtype, rule="a mask holds True and False",
                         hint="mask.bool(), or a comparison such as x > 0")


def nonzero(x: Tensor, *, as_tuple: bool = False) -> Any:
    """The positions of the elements that are not 0: (count, dimensions), or a tuple of one vector a dimension.

    Example:
        >>> mc.nonzero(mc.tensor([0, 5, 7]))
        tensor([[1],
                [2]])
    """
    xp = backend_of(x.array).xp
    found = xp.nonzero(x.array if x.ndim else x.array.reshape(1))
    if as_tuple:
        return tuple(wrap(positions) for positions in found)
    return wrap(xp.stack(found, axis=1)[:, : x.ndim])


def argwhere(x: Tensor) -> Tensor:
    """The positions of the elements that are not 0, (count, dimensions)."""
    return nonzero(x)
