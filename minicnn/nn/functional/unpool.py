"""Max-unpooling: maxima back to where they were found, zeros elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError, OutOfRangeError, ShapeError
from minicnn.nn.functional.images import as_given, as_images, check_floating, check_input, check_tensor, lift
from minicnn.nn.functional.pool import Option, pool_geometry
from minicnn.ops.pool import MaxUnpool
from minicnn.shapes.conv import Pair
from minicnn.shapes.pool import PoolGeometry
from minicnn.tensor import Tensor

__all__ = ["max_unpool1d", "max_unpool2d"]


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Option,
    stride: Option | None = None,
    padding: Option = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """``max_unpool2d`` of sequences. Shapes: input and indices (N, C, L) or (C, L) → (N, C, OL) or (C, OL)."""
    return _unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Option,
    stride: Option | None = None,
    padding: Option = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Zeros, but each value at the position that ``max_pool2d(…, return_indices=True)`` found its maximum at.

    Several values for one position are not added; one of them is kept (on a CPU the last).

    Args:
        input: floating point images, as max-pooling returned them.
        indices: int64 positions h·W + w, as max-pooling returned them.
        kernel_size, stride, padding: those of the pooling.
        output_size: which of the sizes that pool to the input's size; by default
            (H − 1)·stride − 2·padding + kernel_size.

    Shapes: input and indices (N, C, H, W) or (C, H, W) → (N, C, OH, OW) or (C, OH, OW).
    Errors: ShapeError where indices and input differ; OptionError for an output_size a stride or more from the default;
    OutOfRangeError for an index outside of the result; DtypeError for indices that are not int64.
    Source: M. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014.

    Example:
        >>> y, where = mc.nn.functional.max_pool2d(mc.tensor([[[1.0, 2.0], [4.0, 3.0]]]), 2, return_indices=True)
        >>> mc.nn.functional.max_unpool2d(y, where, 2)
        tensor([[[0., 0.],
                 [4., 0.]]])
    """
    return _unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def _unpool(
    name: str, spatial: int, x: Tensor, indices: Tensor, kernel: Any, stride: Any, padding: Any, output_size: Any
) -> Tensor:
    geometry = pool_geometry(name, spatial, kernel, stride, padding)
    check_input(name, x, spatial)
    check_floating(name, x)
    check_tensor(name, "indices", indices)
    if indices.array.dtype != "int64":
        raise DtypeError(f"{name}: the indices are not int64", got=indices.array.dtype,
                         rule="indices are those that max-pooling returned", hint="indices.long()")
    if indices.array.shape != x.array.shape:
        raise ShapeError(f"{name}: input and indices differ in shape",
                         got=f"input {tuple(x.array.shape)}, indices {tuple(indices.array.shape)}",
                         rule="one index for each value")
    images = as_images(x, spatial)
    size = _unpooled_size(name, spatial, geometry, images.array.shape[2:], output_size)
    _check_indices(name, indices, size)
    y = MaxUnpool.apply(images, as_images(indices, spatial), size=size)
    return as_given(y, x, spatial)


def _unpooled_size(name: str, spatial: int, geometry: PoolGeometry, size: Pair, output_size: Any) -> Pair:
    default = geometry.unpooled_size(size)
    if output_size is None:
        return default
    if not isinstance(output_size, Sequence) or isinstance(output_size, str):
        raise DtypeError(f"{name}: output_size is no sequence", got=repr(output_size)[:80],
                         rule=f"{spatial} numbers, or {spatial + 2} with N and C", hint="x.shape of what was pooled")
    wanted = tuple(output_size)[2 if len(output_size) == spatial + 2 else 0 :]
    if len(wanted) != spatial:
        raise OptionError(f"{name}: output_size has {len(wanted)} numbers", got=repr(output_size),
                          rule=f"{spatial} numbers, or {spatial + 2} with N and C")
    height, width = lift(wanted, spatial, f"{name}: output_size", default[0])
    if any(abs(n - d) >= s for n, d, s in zip((height, width), default, geometry.stride, strict=True)):
        raise OptionError(f"{name}: output_size is out of range", got=repr(output_size),
                          rule=f"less than a stride {geometry.stride[2 - spatial:]} from {default[2 - spatial:]}",
                          hint="the size of what was pooled")
    return height, width


def _check_indices(name: str, indices: Tensor, size: Pair) -> None:
    array = indices.array
    outside = (array < 0) | (array >= size[0] * size[1])
    backend_of(array).refuse(outside, OutOfRangeError, f"{name}: an index is outside of the result",
                             got=lambda: f"{int(array.min())} to {int(array.max())}",
                             rule=f"0 <= index < {size[0]} · {size[1]}, the result's pixels",
                             hint="output_size, the size of what was pooled")
