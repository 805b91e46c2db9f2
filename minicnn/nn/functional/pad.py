"""Padding in every mode: constant values, or the image's own pixels again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.nn.functional.images import as_given, as_images, check_memory, check_tensor
from minicnn.ops.operands import choice
from minicnn.ops.pad import Pad
from minicnn.ops.resize import Resize
from minicnn.ops.shape import reshaped
from minicnn.shapes.conv import Pair, ntuple
from minicnn.shapes.pad import pad_weights
from minicnn.tensor import Tensor

__all__ = ["pad"]

MODES = ("constant", "reflect", "replicate", "circular")


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """The tensor with more elements around it; a negative amount crops.

    Args:
        input: any tensor; for the modes other than "constant", sequences, images or volumes, batched or not.
        pad: (before, after) of the last dimension, then of the one before it, and so on: (left, right, top, bottom).
        mode: what the new elements are. "constant" is ``value``; "reflect" mirrors at the border pixel, which is not
            repeated (so amounts are smaller than the size); "replicate" repeats the border pixel; "circular" goes on
            with the other side (so amounts are at most the size).
        value: the constant, by default 0.

    Shapes: (…, n) → (…, n + before + after), and so on for each dimension named. The modes other than "constant" take
    one dimension of (N, C, L), two of (N, C, H, W) or three of (N, C, D, H, W), or of the same without N.
    Errors: ShapeError where the amounts do not fit the sizes; OptionError for an odd number of them, an unknown mode,
    and a value with a mode that needs none.

    Example:
        >>> x = mc.tensor([[1.0, 2.0, 3.0]])
        >>> mc.nn.functional.pad(x, (2, 1), mode="reflect")
        tensor([[3., 2., 1., 2., 3., 2.]])
    """
    check_tensor("pad", "input", input)
    choice("pad", "mode", mode, MODES)
    if not isinstance(pad, Sequence):
        raise DtypeError("pad: the amounts are no sequence", got=repr(pad)[:80],
                         rule="(before, after) for each dimension", hint="(1, 1, 1, 1) pads an image by one all around")
    amounts = ntuple(pad, len(pad), "pad: pad")
    if len(amounts) % 2 or len(amounts) > 2 * input.ndim:
        raise OptionError("pad: the amounts do not fit the dimensions",
                          got=f"{len(amounts)} amounts, input {_shape(input)}",
                          rule="(before, after) for some of the last dimensions", hint="(left, right, top, bottom)")
    pairs = [(amounts[i], amounts[i + 1]) for i in range(0, len(amounts), 2)][::-1]
    for n, (before, after) in zip(input.array.shape[input.ndim - len(pairs) :], pairs, strict=True):
        if n + min(before, 0) + min(after, 0) < 0 or (mode != "constant" and n + before + after < 1):
            raise ShapeError("pad: more is cropped than there is", got=f"pad {amounts}, input {_shape(input)}",
                             rule="a size plus its negative amounts is >= 0" if mode == "constant" else
                             "a size plus its amounts is >= 1")
    if mode == "constant":
        return _constant(input, pairs, 0 if value is None else value)
    if value:
        raise OptionError(f"pad: mode {mode!r} takes no value", got=f"value={value}",
                          rule='value is for mode="constant"')
    _check_repeats(input, pairs, mode)
    check_memory("pad", *(n + sum(amounts) for n, amounts in zip(input.shape[-len(pairs) :], pairs, strict=True)))
    return _repeated(input, pairs, mode)


def _constant(x: Tensor, pairs: list[Pair], value: float) -> Tensor:
    dtype = x.array.dtype
    if dtype.kind in "iu":
        limits = backend_of(x.array).xp.iinfo(dtype)
        if not limits.min <= value <= limits.max:
            raise OptionError(f"pad: {value} is no {dtype}", got=f"value={value}", rule=f"{limits.min} to {limits.max}",
                              hint="x.float()")
    number = bool(value) if dtype.kind == "b" else value if dtype.kind == "f" else int(value)
    untouched = [(0, 0)] * (x.ndim - len(pairs))
    return Pad.apply(x, pads=(*untouched, *pairs), value=number)


def _check_repeats(x: Tensor, pairs: list[Pair], mode: str) -> None:
    """Whether the pixels to repeat are there."""
    number = len(pairs)
    if number not in (1, 2, 3) or x.ndim not in (number + 1, number + 2):
        raise ShapeError(f"pad: mode {mode!r} pads the last one to three dimensions behind the channels",
                         got=f"{2 * number} amounts, input {_shape(x)}",
                         rule="2 amounts for (N, C, L), 4 for (N, C, H, W), 6 for (N, C, D, H, W), or without N",
                         hint="(left, right, top, bottom) for images")
    sizes = x.array.shape[x.ndim - number :]
    if 0 in x.array.shape[x.ndim - number - 1 :]:
        raise ShapeError("pad: there is no pixel to repeat", got=f"input {_shape(x)}", rule="sizes are at least one")
    most = {"reflect": -1, "circular": 0}.get(mode)
    if most is None:
        return
    for size, amounts in zip(sizes, pairs, strict=True):
        if max(amounts) > size + most:
            rule = "< the size: the border pixel is the mirror" if mode == "reflect" else "<= the size: it wraps once"
            raise ShapeError(f"pad: {max(amounts)} is more than mode {mode!r} has of a size of {size}",
                             got=f"pad {pairs}, input {_shape(x)}", rule=f"an amount is {rule}")


def _repeated(x: Tensor, pairs: list[Pair], mode: str) -> Tensor:
    """Rows and columns by a table each; the depth of a volume after them, as the rows of an image of H·W columns."""
    shape, number = x.array.shape, len(pairs)
    *others, columns = (pad_weights(n, *amounts, mode) for n, amounts in zip(shape[-number:], pairs, strict=True))
    rows = others.pop() if others else pad_weights(1, 0, 0, mode)
    if not others:
        y = Resize.apply(as_images(x, number), rows=rows, columns=columns)
        return as_given(y, x, number)
    lead, depth = math.prod(shape[:-3]), shape[-3]
    y = Resize.apply(reshaped(x, (lead, depth, *shape[-2:])), rows=rows, columns=columns)
    height, width = y.array.shape[2:]
    flat = reshaped(y, (1, lead, depth, height * width))
    y = Resize.apply(flat, rows=others[0], columns=pad_weights(height * width, 0, 0, mode))
    return reshaped(y, (*shape[:-3], y.array.shape[2], height, width))


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(x.array.shape)
