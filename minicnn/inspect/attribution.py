"""What a network looks at: saliency, integrated gradients, occlusion, Grad-CAM, and what it likes best to see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn.autograd import enable_grad, no_grad
from minicnn.errors import OptionError, ShapeError
from minicnn.inspect.layers import Layer, find_layer, gradient, listening, output_of
from minicnn.inspect.survey import check_model, evaluating
from minicnn.nn.functional import interpolate
from minicnn.nn.module import Module
from minicnn.ops.creation import as_tensor, zeros_like
from minicnn.ops.join import stack
from minicnn.ops.sampling import rand
from minicnn.random import Generator
from minicnn.shapes.conv import pair
from minicnn.tensor import Tensor
from minicnn.training.outputs import first_output

Target = int | Tensor | None


def saliency(model: Module, x: Tensor, target: Target = None) -> Tensor:
    """How much each pixel moves the score of a class: max over the channels of |∂ score / ∂ x|.

    Args:
        model: gives scores (N, classes), before the softmax.
        x: images (N, C, H, W).
        target: the class, one for all or one for each image; by default the predicted ones.

    Shapes: → (N, H, W). Errors: ShapeError for what are no images or no scores, OptionError for an unknown class.
    Source: K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional networks", 2014.

    Example:
        >>> heat = mc.inspect.saliency(model, images)
        >>> mc.inspect.draw_heat(images, heat).savefig("saliency.png")
    """
    return _slopes("saliency", model, x, target)[0].abs().amax(1)


def integrated_gradients(
    model: Module, x: Tensor, target: Target = None, *, baseline: Tensor | None = None, steps: int = 64
) -> Tensor:
    """Each pixel's part of what the score gains from ``baseline`` to ``x``: (x − baseline) · the mean slope between.

    The parts sum to score(x) − score(baseline), but for the error of summing ``steps`` slopes at the middles of as many
    pieces of the way.

    Args:
        model, x, target: as of ``saliency``.
        baseline: an image that shows nothing, by default zeros.
        steps: pieces of the way.

    Shapes: → (N, C, H, W).
    Source: M. Sundararajan, A. Taly and Q. Yan, "Axiomatic attribution for deep networks", ICML 2017.
    """
    _check_images("integrated_gradients", model, x)
    if not isinstance(steps, int) or steps < 1:
        raise OptionError("integrated_gradients: these are no steps", got=steps, rule="an integer, at least 1")
    start = zeros_like(x) if baseline is None else baseline.expand_as(x)
    target = _classes("integrated_gradients", _scores("integrated_gradients", model, x), target)
    total = zeros_like(x)
    for step in range(steps):
        total += _slopes("integrated_gradients", model, start + (x - start) * ((step + 0.5) / steps), target)[0]
    return (x - start).detach() * total / steps


def occlusion(
    model: Module, x: Tensor, target: Target = None, *, size: int | tuple[int, int] = 4,
    stride: int | tuple[int, int] | None = None, value: float = 0.0,
) -> Tensor:  # fmt: skip
    """How much the score falls when a patch is covered, for each place of the patch.

    Args:
        model, x, target: as of ``saliency``.
        size: of the patch.
        stride: from one place to the next, by default ``size``.
        value: what the patch is covered with.

    Shapes: → (N, OH, OW), as of an unpadded pooling by such a window. Errors: also ShapeError for a larger patch.
    Source: M. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014.
    """
    _check_images("occlusion", model, x)
    height, width = pair(size, "occlusion: size")
    down, right = pair(size if stride is None else stride, "occlusion: stride")
    H, W = x.shape[2:]
    if not (0 < height <= H and 0 < width <= W and down > 0 and right > 0):
        raise ShapeError("occlusion: the patch does not fit", got=f"size {(height, width)}, image {(H, W)}",
                         rule="a patch of 1 × 1 up to the image's size, and a positive stride")
    whole = _scores("occlusion", model, x)
    chosen = _classes("occlusion", whole, target)
    before = _picked(whole, chosen)
    rows = []
    for i in range(0, H - height + 1, down):
        falls = []
        for j in range(0, W - width + 1, right):
            covered = x.detach().clone()
            covered[:, :, i : i + height, j : j + width] = value
            falls.append(before - _picked(_scores("occlusion", model, covered), chosen))
        rows.append(stack(falls, 1))
    return stack(rows, 1)


def grad_cam(model: Module, x: Tensor, layer: Layer, target: Target = None, *, resize: bool = True) -> Tensor:
    """Where a layer's maps speak for a class: ReLU(Σ over channels of the mean slope of a map times the map).

    Args:
        model, x, target: as of ``saliency``.
        layer: a layer or its path, usually the last convolution; what works on its output in place does no harm.
        resize: bilinearly to the size of the images; else in the size of the maps.

    Shapes: → (N, H, W). Errors: also OptionError where the layer's output is no map.
    Source: R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks", ICCV 2017.

    Example:
        >>> heat = mc.inspect.grad_cam(model, images, "features.3")
    """
    _check_images("grad_cam", model, x)
    with enable_grad():
        maps, output = output_of("grad_cam", model, x.detach().requires_grad_(), layer)
        if maps.ndim != 4:
            raise OptionError("grad_cam: the layer's output is no map", got=tuple(maps.shape), rule="(N, C, H, W)",
                              hint="the last convolution")
        scores = _checked("grad_cam", output, x)
        slopes = gradient(_picked(scores, _classes("grad_cam", scores, target)).sum(), maps)
    heat = (slopes.mean((2, 3), keepdim=True) * maps.detach()).sum(1, keepdim=True).relu()
    if resize:
        heat = interpolate(heat, size=tuple(x.shape[2:]), mode="bilinear", align_corners=False)
    return heat.squeeze(1)


def activation_maximisation(
    model: Module, shape: tuple[int, ...], layer: Layer = "", channel: int = 0, *, steps: int = 50, lr: float = 0.1,
    decay: float = 0.01, start: Tensor | None = None, each: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:  # fmt: skip
    """An image that a channel of ``layer`` likes: climbing its mean, with steps of a normalised slope.

    Each step is x ← (1 − decay) · x + lr · slope / (the root of the mean of slope²).

    Args:
        model: a network.
        shape: of the image (1, C, H, W).
        layer: a layer or its path, by default what the model returns; of scores, ``channel`` is the class.
        channel: which channel.
        steps, lr, decay: of the climb.
        start: the first image; by default noise around 0, the same in each call.
        each: is given the image after each step, and returns the one to go on with, such as a blurred one.

    Shapes: → ``shape``.
    Source: D. Erhan et al., "Visualizing higher-layer features of a deep network", 2009.
    """
    check_model("activation_maximisation", model)
    module = find_layer("activation_maximisation", model, layer)
    parameter = next(iter(model.parameters()), None)
    place: dict[str, Any] = {} if parameter is None else {"device": parameter.device, "dtype": parameter.dtype}
    noise = (rand(shape, generator=Generator().manual_seed(0)) - 0.5) * 0.2
    x = (noise.to(**place) if start is None else start).detach().clone()
    for _ in range(steps):
        x.requires_grad_()
        with enable_grad(), evaluating(model), listening(module) as heard:
            output = first_output(model(x))
            found = output if layer == "" else heard[module]
            slope = gradient(found[:, channel].mean(), x)
        with no_grad():
            x = x.detach() * (1 - decay) + slope * (lr / ((slope**2).mean().sqrt() + 1e-12))
            x = x if each is None else each(x)
    return x.detach()


def _slopes(name: str, model: Module, x: Tensor, target: Target) -> tuple[Tensor, Tensor]:
    """The slopes of the targets' scores at ``x``, and the scores."""
    _check_images(name, model, x)
    x = x.detach().requires_grad_()
    with enable_grad(), evaluating(model):
        scores = _checked(name, model(x), x)
        return gradient(_picked(scores, _classes(name, scores, target)).sum(), x), scores


def _scores(name: str, model: Module, x: Tensor) -> Tensor:
    with no_grad(), evaluating(model):
        return _checked(name, model(x), x)


def _check_images(name: str, model: Any, x: Any) -> None:
    check_model(name, model)
    if not isinstance(x, Tensor) or x.ndim != 4 or not x.is_floating_point():
        raise ShapeError(f"{name}: these are no images", got=x, rule="a floating point tensor (N, C, H, W)",
                         hint="x.unsqueeze(0) for one image")


def _checked(name: str, output: Any, x: Tensor) -> Tensor:
    scores = first_output(output)
    if not isinstance(scores, Tensor) or scores.ndim != 2 or scores.shape[0] != x.shape[0]:
        raise ShapeError(f"{name}: the model's output is no scores", got=output, rule=f"({x.shape[0]}, classes)")
    return scores


def _classes(name: str, scores: Tensor, target: Target) -> Tensor:
    """The class of each image."""
    if target is None:
        return scores.detach().argmax(1)
    chosen = as_tensor(target, device=scores.device).long().expand(scores.shape[0])
    if bool(((chosen < 0) | (chosen >= scores.shape[1])).any()):
        raise OptionError(f"{name}: there is no such class", got=target, rule=f"0 to {scores.shape[1] - 1}")
    return chosen


def _picked(scores: Tensor, classes: Tensor) -> Tensor:
    return scores.gather(1, classes.unsqueeze(1)).squeeze(1)
