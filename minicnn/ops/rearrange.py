"""Elements repeated or put in another order, in new memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.arguments import check_count
from minicnn.autograd.function import Function, mixed_devices
from minicnn.backend import backend_of
from minicnn.errors import OptionError, ShapeError
from minicnn.ops.index import Index
from minicnn.ops.keys import ALL, PICK
from minicnn.ops.shape import Reshape, expand, reshaped, transpose
from minicnn.shapes.dims import own_dim
from minicnn.shapes.sizes import dims_in_order, size_tuple, varargs
from minicnn.tensor import Tensor, wrap

__all__ = ["flip", "fliplr", "flipud", "repeat_interleave", "roll", "rot90", "tile"]
METHODS = (*__all__, "repeat")

Array = Any


class Flip(Function):
    def forward(self, x: Array, *, dims: tuple[int, ...]) -> Array:
        self.dims = dims
        return backend_of(x).xp.flip(x, dims).copy(order="C")

    def grad_x(self, g: Tensor) -> Tensor:
        return Flip.apply(g, dims=self.dims)


class Roll(Function):
    def forward(self, x: Array, *, shifts: tuple[int, ...], dims: tuple[int, ...]) -> Array:
        self.shifts, self.dims = shifts, dims
        return backend_of(x).xp.roll(x, shifts, dims)

    def grad_x(self, g: Tensor) -> Tensor:
        return Roll.apply(g, shifts=tuple(-s for s in self.shifts), dims=self.dims)


def repeat(x: Tensor, *repeats: Any) -> Tensor:
    """``x`` laid out ``repeats[i]`` times along dimension i; more repeats than dimensions add leading ones.

    Example:
        >>> mc.tensor([1, 2]).repeat(2, 2)
        tensor([[1, 2, 1, 2],
                [1, 2, 1, 2]])
    """
    times = size_tuple("repeat", repeats)
    if len(times) < x.ndim or min(times, default=0) < 0:
        raise ShapeError("repeat: the numbers do not fit the tensor", got=f"{times} for shape {tuple(x.shape)}",
                         rule="one number >= 0 for each dimension, or more", hint="tile fills up with ones")
    sizes = (1,) * (len(times) - x.ndim) + x.array.shape
    spread = reshaped(x, tuple(n for size in sizes for n in (1, size)))
    grown = expand(spread, [n for pair in zip(times, sizes, strict=True) for n in pair])
    return Reshape.apply(grown, shape=tuple(t * n for t, n in zip(times, sizes, strict=True)))


def tile(x: Tensor, *dims: Any) -> Tensor:
    """As ``repeat``, but with fewer numbers than dimensions the leading ones are 1."""
    times = size_tuple("tile", dims)
    return repeat(x, (1,) * (x.ndim - len(times)) + times)


def repeat_interleave(x: Tensor, repeats: Any, dim: int | None = None, *, output_size: int | None = None) -> Tensor:
    """Each element (or slice along ``dim``) ``repeats`` times in a row; a tensor has a number for each.

    Without ``dim`` the tensor counts as one row. ``output_size`` is accepted for PyTorch's sake.
    """
    if dim is None:
        x, dim = reshaped(x, (x.array.size,)), 0
    dim = own_dim("repeat_interleave", dim, x.ndim)
    size = x.array.shape[dim]
    xp = backend_of(x.array).xp
    if isinstance(repeats, Tensor) and repeats.device != x.device:
        raise mixed_devices("repeat_interleave", (x, repeats))
    times = repeats.tolist() if isinstance(repeats, Tensor) else repeats
    given = size_tuple("repeat_interleave", (times,))
    counts = given * (size if len(given) == 1 else 1)
    if len(counts) != size or min(counts, default=0) < 0 or output_size not in (None, sum(counts)):
        raise ShapeError("repeat_interleave: the numbers do not fit", got=f"{len(counts)} for a size of {size}",
                         rule="one number >= 0, or one for each slice; output_size is their sum")
    check_count("repeat_interleave", sum(counts))
    positions = xp.repeat(xp.arange(size), counts)
    return Index.apply(x, wrap(positions), pattern=(*[ALL] * dim, PICK))


def flip(x: Tensor, *dims: Any) -> Tensor:
    """The order along each of ``dims`` reversed, in new memory."""
    order = dims_in_order("flip", varargs(dims), x.ndim)
    return Flip.apply(x, dims=order if x.ndim else ())


def fliplr(x: Tensor) -> Tensor:
    """Columns in reverse order: ``flip(1)``."""
    if x.ndim < 2:
        raise ShapeError("fliplr: there are no columns", got=f"shape {tuple(x.shape)}", rule="at least 2 dimensions")
    return flip(x, 1)


def flipud(x: Tensor) -> Tensor:
    """Rows in reverse order: ``flip(0)``."""
    if not x.ndim:
        raise ShapeError("flipud: there are no rows", got="shape ()", rule="at least 1 dimension")
    return flip(x, 0)


def roll(x: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Tensor:
    """Elements moved by ``shifts`` along ``dims``, those pushed out coming in at the other end.

    Without ``dims`` the tensor is rolled as one row.
    """
    by = size_tuple("roll", (shifts,))
    if dims is None:
        return reshaped(roll(reshaped(x, (x.array.size,)), by, 0), x.array.shape)
    along = size_tuple("roll", (dims,))
    if not along and len(by) == 1:
        return roll(x, by)
    if len(by) != len(along):
        raise ShapeError("roll: a shift for each dimension", got=f"shifts {shifts}, dims {dims}",
                         rule="len(shifts) == len(dims)")
    places = tuple(own_dim("roll", d, x.ndim) for d in along)
    return Roll.apply(x, shifts=by, dims=places)


def rot90(x: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turned ``k`` times by 90 degrees, from the first of ``dims`` towards the second."""
    plane = dims_in_order("rot90", dims, x.ndim)
    if len(plane) != 2:
        raise OptionError("rot90: two dimensions make a plane", got=dims, rule="dims are two different ones")
    a, b = plane
    turns: dict[int, Any] = {0: x.clone, 1: lambda: transpose(flip(x, b), a, b), 2: lambda: flip(x, a, b),
                             3: lambda: flip(transpose(x, a, b), b)}
    return turns[k % 4]()
