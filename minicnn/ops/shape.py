"""Other shapes of the same memory: reshape, permute, expand. Their results are views wherever PyTorch's are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minicnn.autograd.function import Function
from minicnn.autograd.inplace import view_in_place
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.ops.operands import check_broadcast
from minicnn.shapes.dims import one_dim
from minicnn.shapes.sizes import dims_in_order, resolve_sizes, size_tuple
from minicnn.tensor import Tensor

__all__ = [
    "adjoint", "broadcast_tensors", "broadcast_to", "flatten", "moveaxis", "movedim", "permute", "ravel", "reshape",
    "squeeze", "swapaxes", "swapdims", "t", "transpose", "unflatten", "unsqueeze",
]  # fmt: skip
METHODS = (
    "H", "T", "broadcast_to", "expand", "expand_as", "flatten", "mH", "mT", "moveaxis", "movedim", "permute", "ravel",
    "reshape", "reshape_as", "squeeze", "squeeze_", "swapaxes", "swapaxes_", "swapdims", "swapdims_", "t", "t_",
    "transpose", "transpose_", "unflatten", "unsqueeze", "unsqueeze_", "view", "view_as",
)  # fmt: skip

Array = Any


class View(Function):
    """The same elements in row-major order under another shape."""

    is_view = True

    def forward(self, x: Array, *, shape: tuple[int, ...]) -> Array:
        self.shape = x.shape
        return x.reshape(shape)

    def grad_x(self, g: Tensor) -> Tensor:
        return reshaped(g, self.shape)


class Reshape(Function):
    """What View computes, in memory of its own: for memory orders that no view can express."""

    def forward(self, x: Array, *, shape: tuple[int, ...]) -> Array:
        self.shape = x.shape
        return backend_of(x).xp.array(x, order="C", copy=True).reshape(shape)

    def grad_x(self, g: Tensor) -> Tensor:
        return reshaped(g, self.shape)


class Permute(Function):
    is_view = True

    def forward(self, x: Array, *, dims: tuple[int, ...]) -> Array:
        self.dims = dims
        return x.transpose(dims)

    def grad_x(self, g: Tensor) -> Tensor:
        back = sorted(range(len(self.dims)), key=self.dims.__getitem__)
        return Permute.apply(g, dims=tuple(back))


class Expand(Function):
    """Sizes of 1, and new leading ones, repeated by a stride of 0; the engine sums the gradient over them."""

    is_view = True

    def forward(self, x: Array, *, shape: tuple[int, ...]) -> Array:
        new = len(shape) - x.ndim
        old = zip(x.strides, x.shape, shape[new:], strict=True)
        strides = (0,) * new + tuple(step if have == want else 0 for step, have, want in old)
        return backend_of(x).windows(x, shape, strides)

    def grad_x(self, g: Tensor) -> Tensor:
        return g


def viewable(array: Array, sizes: tuple[int, ...]) -> bool:
    """Whether ``array``'s memory, read in row-major order, can be seen under ``sizes`` without a copy.

    Neighbouring dimensions that lie in memory as one merge into runs; a new dimension must not straddle two runs, so
    the elements behind each run's end must be those behind some new dimension's end.
    """
    if array.flags.c_contiguous or array.size == 0:
        return True
    ends, behind, step = set(), 1, None
    for size, stride in zip(reversed(array.shape), reversed(array.strides), strict=True):
        if size == 1:
            continue
        if step is not None and stride != step:
            ends.add(behind)
        behind, step = behind * size, stride * size
    reachable, behind = {1}, 1
    for size in reversed(sizes):
        behind *= size
        reachable.add(behind)
    return ends <= reachable


def reshaped(x: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """``x`` under ``sizes`` that fit: a view where its memory order allows, else a copy."""
    if x.array.shape == sizes:
        return x
    return (View if viewable(x.array, sizes) else Reshape).apply(x, shape=sizes)


def _reshape_as_user(name: str, x: Tensor, given: tuple[int, ...]) -> Tensor:
    """reshape and view of a user, who may rely on sharing memory with ``x`` as PyTorch's tensor would.

    PyTorch's results are in row-major order, while a backend may have laid ``x`` out as it saw fit. If nobody else
    holds that memory ``x`` moves to row-major order first. If somebody does, the copy made here cannot be edited in
    place: the edit would not reach ``x``.
    """
    sizes = resolve_sizes(name, x.array.size, given)
    if viewable(x.array, sizes):
        return View.apply(x, shape=sizes)
    if x._base is None and not x._aliased:
        x.array = backend_of(x.array).xp.ascontiguousarray(x.array)
        return View.apply(x, shape=sizes)
    base = x if x._base is None else x._base
    ordinary = base.array.flags.c_contiguous
    if ordinary and name == "view":
        raise ShapeError("view: the new size is not compatible with the tensor's memory",
                         got=f"shape {x.array.shape} with strides {x.array.strides} (bytes) into {sizes}",
                         rule="a view takes memory as it lies, here not in row-major order",
                         hint="reshape, which copies where it must, or contiguous().view")
    copy: Tensor = Reshape.apply(x, shape=sizes)
    copy._frozen = not ordinary
    if not ordinary and hasattr(copy.array.flags, "writeable"):  # for NumPy's edits; CuPy has no such flag
        copy.array.flags.writeable = False
    return copy


def reshape(x: Tensor, *shape: Any) -> Tensor:
    """The elements of ``x``, in row-major order, under another shape; one size may be -1.

    A view where the memory order of ``x`` allows, else a copy. Errors: ShapeError where the sizes do not multiply up to
    the number of elements.

    Example:
        >>> mc.arange(6).reshape(2, -1)
        tensor([[0, 1, 2],
                [3, 4, 5]])
    """
    return _reshape_as_user("reshape", x, size_tuple("reshape", shape))


def view(x: Tensor, *shape: Any) -> Tensor:
    """As ``reshape``, but never a copy: ShapeError where the memory order of ``x`` does not allow a view."""
    if len(shape) == 1 and not isinstance(shape[0], int | Sequence):
        raise DtypeError("view: other dtypes of the same bits are not offered", got=repr(shape[0]),
                         rule="view takes sizes", hint="x.to(dtype) converts the values")
    return _reshape_as_user("view", x, size_tuple("view", shape))


def reshape_as(x: Tensor, other: Tensor) -> Tensor:
    """``x`` in the shape of ``other``."""
    return reshape(x, other.shape)


def view_as(x: Tensor, other: Tensor) -> Tensor:
    """A view of ``x`` in the shape of ``other``."""
    return view(x, other.shape)


def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from ``start_dim`` to ``end_dim``, both included, as one. A 0-d tensor becomes (1,).

    Example:
        >>> mc.zeros(8, 3, 4, 4).flatten(1).shape
        Size([8, 48])
    """
    first, last = (one_dim("flatten", d, x.ndim) for d in (start_dim, end_dim))
    if first > last:
        raise OptionError("flatten: start_dim comes after end_dim", got=f"{start_dim} and {end_dim}",
                          rule="start_dim <= end_dim")
    shape = x.array.shape
    if first == last and shape:
        return x
    return _reshape_as_user("flatten", x, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


def ravel(x: Tensor) -> Tensor:
    """All elements in one dimension."""
    return reshape(x, -1)


def unflatten(x: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Dimension ``dim`` as several of ``sizes``; one of them may be -1."""
    dim = one_dim("unflatten", dim, x.ndim)
    shape = x.array.shape
    pieces = resolve_sizes("unflatten", shape[dim], size_tuple("unflatten", (sizes,)))
    return reshaped(x, (*shape[:dim], *pieces, *shape[dim + 1 :]))


def squeeze(x: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Without its dimensions of size 1; of the given ``dim`` or dims only those that have size 1."""
    shape = x.array.shape
    dims = range(len(shape)) if dim is None else dims_in_order("squeeze", dim, len(shape))
    return View.apply(x, shape=tuple(n for d, n in enumerate(shape) if n != 1 or d not in dims))


def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1 at ``dim``."""
    shape = x.array.shape
    dim = one_dim("unsqueeze", dim, len(shape) + 1)
    return View.apply(x, shape=(*shape[:dim], 1, *shape[dim:]))


def squeeze_(x: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """``squeeze`` of the tensor itself, which gets another shape of the same memory."""
    return view_in_place("squeeze_", squeeze, x, dim)


def unsqueeze_(x: Tensor, dim: int) -> Tensor:
    """``unsqueeze`` of the tensor itself."""
    return view_in_place("unsqueeze_", unsqueeze, x, dim)


def permute(x: Tensor, *dims: Any) -> Tensor:
    """The dimensions in another order: result dimension i is ``dims[i]`` of ``x``.

    Example:
        >>> mc.zeros(8, 3, 32, 16).permute(0, 2, 3, 1).shape
        Size([8, 32, 16, 3])
    """
    given = size_tuple("permute", dims)
    if len(given) != x.ndim:
        raise ShapeError("permute: the dimensions do not fit the tensor", got=f"{given} for shape {tuple(x.shape)}",
                         rule="one number for each dimension")
    return Permute.apply(x, dims=dims_in_order("permute", given, x.ndim))


def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Dimensions ``dim0`` and ``dim1`` exchanged."""
    a, b = (one_dim("transpose", d, x.ndim) for d in (dim0, dim1))
    dims = list(range(x.ndim))
    if dims:
        dims[a], dims[b] = b, a
    return Permute.apply(x, dims=tuple(dims))


def t(x: Tensor) -> Tensor:
    """A matrix transposed; vectors and 0-d tensors as they are."""
    if x.ndim > 2:
        raise ShapeError("t: more than two dimensions", got=f"shape {tuple(x.shape)}", rule="t() is for matrices",
                         hint="x.transpose(-2, -1), x.mT or x.permute")
    return transpose(x, 0, -1)


def transpose_(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """``transpose`` of the tensor itself."""
    return view_in_place("transpose_", transpose, x, dim0, dim1)


def t_(x: Tensor) -> Tensor:
    """``t`` of the tensor itself."""
    return view_in_place("t_", t, x)


def adjoint(x: Tensor) -> Tensor:
    """The last two dimensions exchanged."""
    if x.ndim < 2:
        raise ShapeError("mT: fewer than two dimensions", got=f"shape {tuple(x.shape)}", rule="at least a matrix")
    return transpose(x, -2, -1)


def movedim(x: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Dimensions ``source`` moved to the places ``destination``, the others kept in order."""
    from_, to = dims_in_order("movedim", source, x.ndim), dims_in_order("movedim", destination, x.ndim)
    if len(from_) != len(to):
        raise ShapeError("movedim: as many sources as destinations", got=f"{source} and {destination}",
                         rule="each source has its destination")
    order = [d for d in range(x.ndim) if d not in from_]
    for place, dim in sorted(zip(to, from_, strict=True)):
        order.insert(place, dim)
    return permute(x, order)


def expand(x: Tensor, *sizes: Any) -> Tensor:
    """Dimensions of size 1 repeated to ``sizes``, and new leading ones, without copying; -1 keeps a size.

    Errors: ShapeError where a size other than 1 would change. The elements share memory: ``clone`` before an edit.
    """
    given, shape = size_tuple("expand", sizes), x.array.shape
    new = len(given) - len(shape)
    wanted = given[: max(new, 0)] + tuple(
        have if want == -1 else want for want, have in zip(given[max(new, 0) :], shape, strict=False)
    )
    fits = new >= 0 and all(h in (1, w) for h, w in zip(shape, wanted[new:], strict=True))
    if not fits or min(wanted, default=0) < 0:
        raise ShapeError("expand: the sizes do not fit", got=f"shape {shape} to {given}",
                         rule="aligned at the right, only sizes of 1 grow; -1 keeps an existing size")
    return Expand.apply(x, shape=wanted)


def expand_as(x: Tensor, other: Tensor) -> Tensor:
    """``x`` expanded to the shape of ``other``."""
    return expand(x, other.shape)


def broadcast_to(x: Tensor, shape: Sequence[int]) -> Tensor:
    """``x`` expanded to ``shape``."""
    return expand(x, shape)


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """All ``tensors`` expanded to their common shape."""
    shape = check_broadcast("broadcast_tensors", *(x.shape for x in tensors))
    return tuple(expand(x, shape) for x in tensors)


def _reversed_dims(x: Tensor) -> Tensor:
    return permute(x, range(x.ndim)[::-1])


moveaxis, swapaxes, swapdims = movedim, transpose, transpose
swapaxes_ = swapdims_ = transpose_
T = H = property(_reversed_dims, doc="All dimensions in reverse order.")
mT = mH = property(adjoint, doc="The last two dimensions exchanged.")  # noqa: N816 (PyTorch's name)
