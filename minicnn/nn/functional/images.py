"""What the image functions share: 1-D or 2-D input, batched or not, brought to (N, C, H, W) and back; and its checks.

A sequence is an image of height 1, and an unbatched image a batch of one, so the operations below know one form only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minicnn.arguments import too_large
from minicnn.errors import DtypeError, ShapeError
from minicnn.ops.shape import View
from minicnn.shapes.conv import ntuple
from minicnn.tensor import Tensor

MOST = 2**36
"""Elements of a result beyond which there is no point in trying."""

AXES = {1: "L", 2: "H, W"}


def check_tensor(name: str, role: str, x: Any) -> None:
    """DtypeError unless ``x`` is a Tensor."""
    if not isinstance(x, Tensor):
        raise DtypeError(f"{name}: the {role} is no tensor", got=type(x).__name__,
                         rule=f"{name} computes with tensors", hint="mc.as_tensor(value)")


def check_input(name: str, x: Any, spatial: int, *, batch_only: bool = False) -> None:
    """DtypeError or ShapeError unless ``x`` is (N, C, …) or, where ``batch_only`` is False, (C, …), and not empty.

    ``spatial`` is the number of dimensions after the channels. A batch may be empty, an image may not.
    """
    check_tensor(name, "input", x)
    shape = x.array.shape
    allowed = (spatial + 2,) if batch_only else (spatial + 1, spatial + 2)
    if len(shape) not in allowed:
        batched, one = f"(N, C, {AXES[spatial]})", f"(C, {AXES[spatial]})"
        raise ShapeError(f"{name}: the input has {len(shape)} dimensions", got=f"input {tuple(shape)}",
                         rule=f"input is {batched}" + ("" if batch_only else f", or {one} for one of them"),
                         hint="x.unsqueeze(0) for a batch of one, x.unsqueeze(1) for one channel")
    if 0 in shape[-spatial - 1 :]:
        raise ShapeError(f"{name}: the input is empty", got=f"input {tuple(shape)}",
                         rule="channels and pixels are at least one; only the batch may be empty")


def check_floating(name: str, x: Tensor) -> None:
    """DtypeError unless ``x`` is floating point."""
    if x.array.dtype.kind != "f":
        raise DtypeError(f"{name}: the input is not floating point", got=x.array.dtype,
                         rule=f"{name} is defined for floating point tensors", hint="x.float()")


def check_no_bools(name: str, x: Tensor) -> None:
    """DtypeError if ``x`` is of bools."""
    if x.array.dtype.kind == "b":
        raise DtypeError(f"{name}: the input is of bools", got=x.array.dtype, rule=f"{name} is for numbers",
                         hint="x.float()")


def check_memory(name: str, *sizes: int) -> None:
    """OptionError for an image that no memory holds, before a table of its pixels is made."""
    if math.prod(sizes) > MOST:
        raise too_large(name, f"a result of {' × '.join(map(str, sizes))}")


def lift(value: int | Sequence[int], spatial: int, name: str, filler: int) -> tuple[int, int]:
    """An option of a 1-D or 2-D function as (height, width); a sequence's height gets ``filler``.

    Example:
        >>> lift(3, 1, "max_pool1d: kernel_size", 1), lift(3, 2, "max_pool2d: kernel_size", 1)
        ((1, 3), (3, 3))
    """
    height, width = (filler,) * (2 - spatial) + ntuple(value, spatial, name)
    return height, width


def as_images(x: Tensor, spatial: int) -> Tensor:
    """x (N, C, …) or (C, …) as (N, C, H, W); ``x`` itself where it is that already."""
    shape = x.array.shape
    if len(shape) == 4:
        return x if spatial == 2 else _view(x, (*shape[:2], 1, shape[3]))
    lead = shape[: len(shape) - spatial]
    return _view(x, (*(1,) * (2 - len(lead)), *lead, *(1,) * (2 - spatial), *shape[len(lead) :]))


def as_given(y: Any, x: Tensor, spatial: int) -> Any:
    """y (N, C, H, W), or each of several, in the form that ``x`` had: without what ``as_images`` added."""
    if x.array.ndim == 4:
        return y
    if isinstance(y, tuple):
        return tuple(as_given(each, x, spatial) for each in y)
    shape, lead = y.array.shape, x.array.ndim - spatial
    return _view(y, (*shape[2 - lead : 2], *shape[4 - spatial :]))


def _view(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """``x`` with dimensions of size 1 more or less: a view whatever its memory order."""
    return View.apply(x, shape=shape)
