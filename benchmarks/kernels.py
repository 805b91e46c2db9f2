"""Each kernel alone, forward and gradients, on the shapes of real layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.case import Case, Work

# name: N, C, H, O, kernel, stride, padding, dilation, groups
CONVOLUTIONS = {
    "1x1 64-256@56": (4, 64, 56, 256, 1, 1, 0, 1, 1),
    "1x1 256-64@56": (4, 256, 56, 64, 1, 1, 0, 1, 1),
    "1x1 s2 256-512@56": (4, 256, 56, 512, 1, 2, 0, 1, 1),
    "3x3 16-16@32": (32, 16, 32, 16, 3, 1, 1, 1, 1),
    "3x3 32-64@16": (64, 32, 16, 64, 3, 1, 1, 1, 1),
    "3x3 64-64@56": (4, 64, 56, 64, 3, 1, 1, 1, 1),
    "3x3 64-128@8": (64, 64, 8, 128, 3, 1, 1, 1, 1),
    "3x3 s2 64-128@56": (4, 64, 56, 128, 3, 2, 1, 1, 1),
    "3x3 256-256@14": (4, 256, 14, 256, 3, 1, 1, 1, 1),
    "3x3 512-512@7": (4, 512, 7, 512, 3, 1, 1, 1, 1),
    "3x3 3-32@32": (64, 3, 32, 32, 3, 1, 1, 1, 1),
    "3x3 3-64@224": (4, 3, 224, 64, 3, 1, 1, 1, 1),
    "5x5 6-16@14": (64, 6, 14, 16, 5, 1, 0, 1, 1),
    "5x5 64-192@27": (4, 64, 27, 192, 5, 1, 2, 1, 1),
    "7x7 s2 3-64@224": (4, 3, 224, 64, 7, 2, 3, 1, 1),
    "11x11 s4 3-64@224": (4, 3, 224, 64, 11, 4, 2, 1, 1),
    "depthwise 3x3 144@56": (4, 144, 56, 144, 3, 1, 1, 1, 144),
    "depthwise 3x3 s2 144@56": (4, 144, 56, 144, 3, 2, 1, 1, 144),
    "depthwise 3x3 576@14": (4, 576, 14, 576, 3, 1, 1, 1, 576),
    "grouped 3x3 128-128@28 g32": (4, 128, 28, 128, 3, 1, 1, 1, 32),
    "grouped 3x3 256-256@28 g32": (4, 256, 28, 256, 3, 1, 1, 1, 32),
    "dilated 3x3 64-64@28": (4, 64, 28, 64, 3, 1, 2, 2, 1),
}

# name: N, C, H, O, kernel, stride, padding, of what enlarges
TRANSPOSED = {
    "2x2 s2 128-64@14": (8, 128, 14, 64, 2, 2, 0),
    "4x4 s2 64-32@16": (16, 64, 16, 32, 4, 2, 1),
}

# name: the layer, and the shape of its input
LAYERS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "max pool 2x2": (lambda t: t.nn.MaxPool2d(2), (32, 32, 32, 32)),
    "max pool 3x3 s2": (lambda t: t.nn.MaxPool2d(3, 2, 1), (4, 64, 112, 112)),
    "avg pool 2x2": (lambda t: t.nn.AvgPool2d(2), (32, 32, 32, 32)),
    "adaptive avg pool 1": (lambda t: t.nn.AdaptiveAvgPool2d(1), (32, 256, 8, 8)),
    "batch norm": (lambda t: t.nn.BatchNorm2d(64), (32, 64, 32, 32)),
    "group norm": (lambda t: t.nn.GroupNorm(8, 64), (32, 64, 32, 32)),
    "layer norm": (lambda t: t.nn.LayerNorm(256), (4096, 256)),
    "ReLU": (lambda t: t.nn.ReLU(), (32, 64, 32, 32)),
    "GELU": (lambda t: t.nn.GELU(), (32, 64, 32, 32)),
    "SiLU": (lambda t: t.nn.SiLU(), (32, 64, 32, 32)),
    "softmax": (lambda t: t.nn.Softmax(1), (256, 1000)),
    "linear 2048-512": (lambda t: t.nn.Linear(2048, 512), (64, 2048)),
}
PARTS = ("y", "dx", "dw")
OPTIMISERS = {"SGD": {"momentum": 0.9}, "Adam": {}, "AdamW": {}}
TOLERANCE = 2e-5


def kernels(times: int = 1) -> Iterator[Case]:
    """Forward, input gradient and weight gradient of every layer above, with ``times`` as many images; losses;
    optimisers."""
    for name in CONVOLUTIONS:
        for part in PARTS:
            yield convolution(name, part, times)
    for name, (batch, *rest) in TRANSPOSED.items():
        sizes = (times * batch, *rest)
        for part in PARTS:
            yield Case(f"transposed {name} {part}", lambda t, a=sizes, part=part: _transposed(t, part, *a), TOLERANCE)
    for name, (layer, (batch, *image)) in LAYERS.items():
        shape = (times * batch, *image)
        for part in PARTS if name.startswith("linear") else ("y", "gradients"):
            yield Case(f"{name} {part}", lambda t, a=(layer, shape), part=part: _layer(t, part, *a), TOLERANCE)
    yield Case("cross-entropy y", lambda t: _cross_entropy(t, "y"), TOLERANCE)
    yield Case("cross-entropy dx", lambda t: _cross_entropy(t, "dx"), TOLERANCE)
    for name, options in OPTIMISERS.items():
        yield Case(f"{name} step", lambda t, name=name, options=options: _optimiser(t, name, options), 1e-5)


def convolution(name: str, part: str, times: int = 1) -> Case:
    """The case of one of CONVOLUTIONS; its operations are those of the definition, however it is computed."""
    batch, *layer = CONVOLUTIONS[name]
    N, C, H, O, kernel, stride, padding, dilation, groups = sizes = (times * batch, *layer)
    OH = (H + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    flops = 2.0 * N * OH * OH * O * C // groups * kernel**2
    return Case(f"conv {name} {part}", lambda t: _convolution(t, part, *sizes), TOLERANCE, flops)


def _input(t: Any, shape: tuple[int, ...], *, channels_last: bool = True, seed: int = 0) -> Any:
    """What a layer inside of a network is given: minicnn's memory is channels-last there, PyTorch's its own."""
    x = np.random.default_rng(seed).standard_normal(shape).astype("float32")
    if t.__name__ == "minicnn" and len(shape) == 4 and channels_last:
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return t.from_numpy(x)


def _part(t: Any, part: str, function: Callable[[], Any], x: Any, weights: list[Any]) -> Work:
    """``function`` itself, or the gradients of its result alone, for a result that is computed once."""
    if part == "y":
        return function
    wanted = {"dx": [x], "dw": weights[:1], "gradients": [x, *weights]}[part]
    for tensor in (x, *weights):
        tensor.requires_grad_(any(tensor is one for one in wanted))
    y = function()
    g = _input(t, tuple(y.shape), seed=1)
    return lambda: t.autograd.grad(y, wanted, g, retain_graph=True)


def _convolution(
    t: Any, part: str, N: int, C: int, H: int, O: int, kernel: int, stride: int, padding: int, dilation: int,
    groups: int,
) -> Work:
    x = _input(t, (N, C, H, H), channels_last=C > 3)
    w = _input(t, (O, C // groups, kernel, kernel), channels_last=False)
    conv = t.nn.functional.conv2d
    return _part(t, part, lambda: conv(x, w, None, stride, padding, dilation, groups), x, [w])


def _transposed(t: Any, part: str, N: int, C: int, H: int, O: int, kernel: int, stride: int, padding: int) -> Work:
    x, w = _input(t, (N, C, H, H)), _input(t, (C, O, kernel, kernel), channels_last=False)
    return _part(t, part, lambda: t.nn.functional.conv_transpose2d(x, w, None, stride, padding), x, [w])


def _layer(t: Any, part: str, layer: Callable[[Any], Any], shape: tuple[int, ...]) -> Work:
    t.manual_seed(0)
    x = _input(t, shape)
    module = layer(t).to(x.device)
    return _part(t, part, lambda: module(x), x, list(module.parameters()))


def _cross_entropy(t: Any, part: str) -> Work:
    x = _input(t, (256, 1000))
    labels = t.from_numpy(np.random.default_rng(1).integers(0, 1000, 256))
    return _part(t, part, lambda: t.nn.functional.cross_entropy(x, labels), x, [])


def _optimiser(t: Any, name: str, options: dict[str, Any]) -> Work:
    """The parameters of a small residual network: many small ones and some large."""
    shapes = [(64, 64, 3, 3), (64,), (64,)] * 10 + [(512, 256, 3, 3), (1000, 512)]
    params = [_input(t, shape, channels_last=False).requires_grad_() for shape in shapes]
    for p in params:
        p.grad = p.detach() * 0.01
    optimizer = getattr(t.optim, name)(params, lr=0.01, **options)

    def step() -> Any:
        optimizer.step()
        return params[1]

    return step
