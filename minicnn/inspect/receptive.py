"""Receptive fields: what a layer's output can see of the image by theory, and what it does see by its gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minicnn.autograd import enable_grad
from minicnn.errors import OptionError, OutOfRangeError
from minicnn.inspect.fields import ReceptiveField
from minicnn.inspect.layers import Layer, find_layer, gradient, output_of
from minicnn.inspect.survey import Call, as_inputs, check_model, survey
from minicnn.nn.module import Module
from minicnn.tensor import Tensor


def receptive_field(model: Module, input: Any, layer: Layer = "") -> ReceptiveField:
    """What one position of ``layer``'s output can depend on, by the sizes of all windows before it.

    Padding counts as if it were image, so a field may be larger than the image. Fields that differ, where branches
    meet, are united. Statistics of normalisation layers are left out; a mean over the whole image, as of squeeze and
    excitation, sees all of it.

    Args:
        model: a network of images.
        input: a Tensor (N, C, H, W), or its shape.
        layer: a layer or its path; by default what the model returns.

    Errors: OptionError where the layer does not run, or sees no image.
    Source: A. Araujo, W. Norris and J. Sim, "Computing receptive fields of convolutional neural networks", Distill,
    2019.

    Example:
        >>> field = mc.inspect.receptive_field(mc.models.vgg16(), (1, 3, 224, 224), "features")
        >>> field.size, field.jump, field.region(0, 0, (224, 224))
        ((212, 212), (32, 32), ((0, 121), (0, 121)))
    """
    check_model("receptive_field", model)
    module = find_layer("receptive_field", model, layer)
    found = survey(model, as_inputs("receptive_field", model, (input,)))
    call = _last_call(found.top, module)
    seen = found.field_of(call.output) if call is not None and isinstance(call.output, Tensor) else None
    if seen is None:
        raise OptionError("receptive_field: the layer's output depends on no image", got=f"layer {layer!r}",
                          rule="a layer that runs and returns a tensor, of a network whose input is (N, C, H, W)")
    return seen


def _last_call(call: Call, module: Module) -> Call | None:
    if call.module is module:
        return call
    below = (_last_call(event, module) for event in reversed(call.events) if isinstance(event, Call))
    return next((found for found in below if found is not None), None)


@dataclass(frozen=True)
class MeasuredField:
    """Where an output's gradient is not zero.

    Attributes:
        rows, columns: the first and the last of each.
        influence: (H, W), the magnitude of the gradient at each pixel, summed over the image's channels.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    influence: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.rows[1] - self.rows[0] + 1, self.columns[1] - self.columns[0] + 1


def measured_field(
    model: Module, input: Any, layer: Layer = "", position: tuple[int, int] | None = None
) -> MeasuredField:
    """What one position of ``layer``'s output does depend on, by its gradient at the first image of ``input``.

    It lies in the region of ``receptive_field``, and is less where ReLUs are off, maxima are elsewhere and the image
    ends. How ``influence`` falls off from the middle is called the effective receptive field.

    Args:
        model: a network of images.
        input: a Tensor (N, C, H, W), or its shape: then of random pixels, the same ones in each call.
        layer: a layer or its path; by default what the model returns.
        position: (i, j) of the output; by default its middle.

    Errors: OptionError where the output is no map or has no gradient, OutOfRangeError for a position outside of it.
    Source: W. Luo et al., "Understanding the effective receptive field in deep convolutional neural networks", 2016.

    Example:
        >>> mc.inspect.measured_field(nn.Conv2d(1, 1, 3, padding=2, dilation=2), (1, 1, 9, 9)).size
        (5, 5)
    """
    check_model("measured_field", model)
    (x,) = as_inputs("measured_field", model, (input,))
    x = x.detach()[:1].clone().requires_grad_()
    with enable_grad():
        output, _ = output_of("measured_field", model, x, layer)
        if output.ndim != 4:
            raise OptionError("measured_field: the layer's output is no map", got=tuple(output.shape),
                              rule="an output (N, C, H, W)", hint="a layer before the image is flattened")
        i, j = position or (output.shape[2] // 2, output.shape[3] // 2)
        if not (0 <= i < output.shape[2] and 0 <= j < output.shape[3]):
            raise OutOfRangeError("measured_field: the position is outside of the output", got=(i, j),
                                  rule=f"inside of {tuple(output.shape[2:])}")
        influence = gradient(output[0, :, i, j].sum(), x).abs().sum((0, 1))
    hit = (influence > 0).nonzero().tolist()
    if not hit:
        raise OptionError("measured_field: the gradient is zero everywhere", got=f"position {(i, j)}",
                          rule="some pixel moves the output", hint="another image or position: all ReLUs are off here")
    rows, columns = ([place[axis] for place in hit] for axis in (0, 1))
    return MeasuredField((min(rows), max(rows)), (min(columns), max(columns)), influence)
