"""What layers make of images, as tensors: their maps by name, and the filters that make them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minicnn.autograd import no_grad
from minicnn.errors import OptionError
from minicnn.inspect.layers import Layer, find_layer, listening
from minicnn.inspect.survey import check_model, evaluating
from minicnn.nn import Conv2d, ConvTranspose2d
from minicnn.nn.module import Module
from minicnn.tensor import Tensor


def feature_maps(model: Module, x: Tensor, layers: Iterable[Layer] | None = None) -> dict[str, Tensor]:
    """What layers return for ``x``, by their paths, in evaluation mode and before anything edits it in place.

    Args:
        model: a network.
        x: its input.
        layers: layers or their paths; by default all that return maps (N, C, H, W) and have no layers below them.

    Errors: OptionError for a layer that does not run.

    Example:
        >>> maps = mc.inspect.feature_maps(model, images)
        >>> mc.inspect.draw_maps(maps["conv1"][0]).savefig("conv1.png")
    """
    check_model("feature_maps", model)
    wanted = None if layers is None else [find_layer("feature_maps", model, layer) for layer in layers]
    leaves = [module for module in model.modules() if not module._modules]
    names = {module: name for name, module in model.named_modules()}
    with no_grad(), evaluating(model), listening(*(wanted or leaves)) as heard:
        model(x)
    if wanted is None:
        return {names[m]: y for m, y in heard.items() if isinstance(y, Tensor) and y.ndim == 4}
    if idle := [names[m] for m in wanted if not isinstance(heard.get(m), Tensor)]:
        raise OptionError("feature_maps: a layer returns no tensor in this run", got=", ".join(idle),
                          rule="layers that run, and return one tensor")
    return {names[m]: heard[m] for m in wanted}


def filters(layer: Any) -> Tensor:
    """A convolution's filters, detached: (O, C / groups, KH, KW). Errors: OptionError for other layers."""
    if not isinstance(layer, Conv2d | ConvTranspose2d):
        raise OptionError("filters: this layer has none", got=type(layer).__name__, rule="a Conv2d or ConvTranspose2d",
                          hint="model.conv1, or the first layer of model.features")
    weight = layer.weight.detach()
    return weight.transpose(0, 1) if isinstance(layer, ConvTranspose2d) else weight
