"""Pooling to a given size: the bins grow with the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.errors import OptionError
from minicnn.nn.functional.images import as_given, as_images, check_floating, check_input, check_memory, lift
from minicnn.ops.pool import AdaptiveAvgPool, AdaptiveMaxPool
from minicnn.shapes.conv import Pair
from minicnn.tensor import Tensor

__all__ = ["adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d"]

OutputSize = int | None | Sequence[int | None]


def adaptive_max_pool1d(input: Tensor, output_size: int | Sequence[int], return_indices: bool = False) -> Any:
    """The maximum of each of ``output_size`` bins of a sequence: ``adaptive_max_pool2d`` in one dimension.

    Shapes: input (N, C, L) or (C, L) → (N, C, OL) or (C, OL). Args, errors: as ``adaptive_max_pool2d``.
    """
    return _adaptive("adaptive_max_pool1d", 1, AdaptiveMaxPool, input, output_size, indices=bool(return_indices))


def adaptive_max_pool2d(input: Tensor, output_size: OutputSize, return_indices: bool = False) -> Any:
    """The maximum of each of OH × OW bins, whatever the input's size. Ties, NaN and gradients: as ``max_pool2d``.

    Bin i holds the pixels ⌊i·H/OH⌋ to ⌈(i + 1)·H/OH⌉ − 1; bins overlap where the sizes do not divide.

    Args:
        input: floating point images.
        output_size: (OH, OW), or one number for both; None keeps the input's size.
        return_indices: also return where each maximum was found, h·W + w in its own plane.

    Shapes: input (N, C, H, W) or (C, H, W) → (N, C, OH, OW) or (C, OH, OW).
    Errors: ShapeError, OptionError for a negative size, DtypeError for integers.

    Example:
        >>> mc.nn.functional.adaptive_max_pool2d(mc.arange(25.0).reshape(1, 5, 5), 2)
        tensor([[[12., 14.],
                 [22., 24.]]])
    """
    return _adaptive("adaptive_max_pool2d", 2, AdaptiveMaxPool, input, output_size, indices=bool(return_indices))


def adaptive_avg_pool1d(input: Tensor, output_size: int | Sequence[int]) -> Tensor:
    """The mean of each of ``output_size`` bins of a sequence: ``adaptive_avg_pool2d`` in one dimension.

    Shapes: input (N, C, L) or (C, L) → (N, C, OL) or (C, OL). Args, errors: as ``adaptive_avg_pool2d``.
    """
    return _adaptive("adaptive_avg_pool1d", 1, AdaptiveAvgPool, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: OutputSize) -> Tensor:
    """The mean of each of OH × OW bins, whatever the input's size; bins are those of ``adaptive_max_pool2d``.

    ``output_size=1`` is global average pooling.

    Args:
        input: floating point images.
        output_size: (OH, OW), or one number for both; None keeps the input's size.

    Shapes: input (N, C, H, W) or (C, H, W) → (N, C, OH, OW) or (C, OH, OW).
    Errors: ShapeError, OptionError for a negative size, DtypeError for integers.
    Source: M. Lin, Q. Chen and S. Yan, "Network in network", ICLR 2014 (global average pooling).

    Example:
        >>> mc.nn.functional.adaptive_avg_pool2d(mc.arange(4.0).reshape(1, 2, 2), 1)
        tensor([[[1.5000]]])
    """
    return _adaptive("adaptive_avg_pool2d", 2, AdaptiveAvgPool, input, output_size)


def _adaptive(name: str, spatial: int, pool: Any, x: Tensor, output_size: Any, **options: Any) -> Any:
    check_input(name, x, spatial)
    check_floating(name, x)
    images = as_images(x, spatial)
    size = _output_size(name, spatial, output_size, images.array.shape[2:])
    check_memory(name, *size)
    return as_given(pool.apply(images, output_size=size, **options), x, spatial)


def _output_size(name: str, spatial: int, output_size: Any, size: Pair) -> Pair:
    """(OH, OW) with the input's own size for each None; only images have that choice."""
    several = isinstance(output_size, Sequence) and not isinstance(output_size, str | bytes)
    given = tuple(output_size) if several else (output_size,) * spatial
    if len(given) != spatial:
        raise OptionError(f"{name}: output_size has {len(given)} numbers", got=repr(output_size),
                          rule=f"one number, or {spatial}")
    if spatial == 2:
        given = tuple(own if n is None else n for n, own in zip(given, size, strict=True))
    height, width = lift(given, spatial, f"{name}: output_size", 1)
    if min(height, width) < 0:
        raise OptionError(f"{name}: a size is negative", got=repr(output_size), rule="output_size >= 0")
    return height, width
