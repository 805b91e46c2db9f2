"""Every converter on a small network, with options off the beaten track, in every range of opsets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.nn import functional as F
from minicnn.onnx.table import CONVERTERS
from minicnn.onnx.trace import Tracer
from tests.onnx.runtime import assert_same, kinds, outputs, run


class Of(nn.Module):
    """A network of one function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: mc.Tensor) -> Any:
        return self.function(*inputs)


IMAGE = (3, 7, 9)
ROW = (6,)
TABLE = mc.tensor([[0.5, -1.0], [2.0, 0.0], [1.5, -0.25]])
CONSTANT = mc.tensor([0.25, -0.5, 2.0])

# A name, the network, and the shape of each input behind the batch; the inputs are N(0, 1).
CASES: dict[str, tuple[Any, ...]] = {
    # convolutions
    "conv": (nn.Conv2d(3, 4, (2, 3), stride=(2, 1), padding=(1, 2), dilation=(1, 2)), IMAGE),
    "conv grouped": (nn.Conv2d(6, 4, 3, groups=2, bias=False), (6, 5, 5)),
    "conv depthwise": (nn.Conv2d(3, 6, 3, groups=3), IMAGE),
    "conv same": (nn.Conv2d(3, 2, (2, 4), padding="same"), IMAGE),
    "conv 1d": (nn.Conv1d(3, 4, 3, stride=2, padding=1), (3, 8)),
    "conv reflect": (nn.Conv2d(3, 2, 3, padding=(1, 2), padding_mode="reflect"), IMAGE),
    "conv circular": (nn.Conv2d(3, 2, 3, padding=1, padding_mode="circular"), IMAGE),
    "conv replicate": (nn.Conv1d(3, 2, 3, padding=2, padding_mode="replicate"), (3, 8)),
    "conv transpose": (nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1), IMAGE),
    "conv transpose odd": (nn.ConvTranspose2d(4, 6, (2, 3), stride=(3, 2), output_padding=(2, 0), dilation=(1, 2),
                                              groups=2, bias=False), (4, 5, 4)),
    "conv transpose 1d": (nn.ConvTranspose1d(3, 2, 4, stride=2, padding=1), (3, 6)),
    "unfold": (nn.Unfold((2, 3), dilation=(2, 1), padding=1, stride=(1, 2)), IMAGE),
    # pooling
    "max pool": (nn.MaxPool2d((2, 3), stride=(1, 2), padding=(1, 0)), IMAGE),
    "max pool dilated": (nn.MaxPool2d(2, stride=2, dilation=3), IMAGE),
    "max pool ceil": (nn.MaxPool2d(3, stride=2, ceil_mode=True), (3, 8, 8)),
    "max pool ceil padded": (nn.MaxPool2d(2, stride=2, padding=1, ceil_mode=True), (3, 7, 8)),
    "max pool indices": (nn.MaxPool2d(2, stride=2, padding=1, return_indices=True), (3, 6, 7)),
    "max unpool": (Of(lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2, output_size=(7, 9))),
                   IMAGE),
    "max pool 1d": (nn.MaxPool1d(3, stride=2, padding=1), (3, 8)),
    "avg pool": (nn.AvgPool2d((2, 3), stride=(2, 1), padding=1), IMAGE),
    "avg pool without pad": (nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False), IMAGE),
    "avg pool ceil": (nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True), (3, 8, 6)),
    "avg pool ceil without pad": (nn.AvgPool2d(3, 2, padding=1, ceil_mode=True, count_include_pad=False), (3, 8, 6)),
    "avg pool divisor": (nn.AvgPool2d(2, stride=3, ceil_mode=True, divisor_override=3), (3, 8, 8)),
    "avg pool 1d": (nn.AvgPool1d(2), (3, 8)),
    "lp pool": (nn.LPPool2d(2, 2), (3, 6, 6)),
    "adaptive avg to one": (nn.AdaptiveAvgPool2d(1), IMAGE),
    "adaptive avg divides": (nn.AdaptiveAvgPool2d((2, 3)), (3, 6, 9)),
    "adaptive avg uneven": (nn.AdaptiveAvgPool2d((3, None)), IMAGE),
    "adaptive avg enlarges": (nn.AdaptiveAvgPool2d(7), (3, 2, 1)),
    "adaptive avg same": (nn.AdaptiveAvgPool2d((7, 9)), IMAGE),
    "adaptive avg 1d": (nn.AdaptiveAvgPool1d(3), (3, 7)),
    "adaptive max to one": (nn.AdaptiveMaxPool2d(1), IMAGE),
    "adaptive max divides": (nn.AdaptiveMaxPool2d((2, 3)), (3, 6, 9)),
    "adaptive max uneven": (nn.AdaptiveMaxPool2d((3, 4)), IMAGE),
    # normalisation
    "batch norm": (nn.BatchNorm2d(3, eps=0.1), IMAGE),
    "batch norm plain": (nn.BatchNorm2d(3, affine=False), IMAGE),
    "batch norm of rows": (nn.BatchNorm1d(6), ROW),
    "batch norm 1d": (nn.BatchNorm1d(3), (3, 8)),
    "batch norm by given statistics": (Of(lambda x: F.batch_norm(x, CONSTANT, CONSTANT.abs())), IMAGE),
    "instance norm": (nn.InstanceNorm2d(3, affine=True, eps=0.01), IMAGE),
    "instance norm plain": (nn.InstanceNorm2d(3), IMAGE),
    "instance norm by running": (nn.InstanceNorm2d(3, track_running_stats=True), IMAGE),
    "layer norm": (nn.LayerNorm((7, 9)), IMAGE),
    "layer norm plain": (nn.LayerNorm(6, elementwise_affine=False), ROW),
    "layer norm without bias": (nn.LayerNorm(9, bias=False), IMAGE),
    "group norm": (nn.GroupNorm(2, 4, eps=0.01), (4, 3, 5)),
    "group norm plain": (nn.GroupNorm(3, 6, affine=False), ROW),
    "rms norm": (nn.RMSNorm(9), IMAGE),
    "local response norm": (nn.LocalResponseNorm(3, alpha=0.5), IMAGE),
    # linear
    "linear": (nn.Linear(6, 4), ROW),
    "linear of images": (nn.Linear(9, 4), IMAGE),
    "linear without bias": (nn.Linear(9, 2, bias=False), IMAGE),
    "bilinear": (nn.Bilinear(6, 5, 2), ROW, (5,)),
    "matmul": (Of(lambda x, y: x @ y), (3, 4, 5), (3, 5, 2)),
    "matmul of a matrix": (Of(lambda x: x @ TABLE), (4, 3)),
    "attention": (Of(lambda x: (x @ x.mT / 3).softmax(-1) @ x), (4, 3)),
    "einsum": (Of(lambda x, y: mc.einsum("nij,njk->nik", x, y)), (3, 4), (4, 2)),
    "softmax": (nn.Softmax(dim=1), IMAGE),
    "softmax of all": (Of(lambda x: x.sum().softmax(0)), ROW),
    "log softmax": (nn.LogSoftmax(dim=-1), IMAGE),
    "embedding": (nn.Sequential(Of(lambda x: (x > 0).long()), nn.Embedding(2, 3, padding_idx=1)), ROW),
    # activations
    **{str(layer): (layer, IMAGE) for layer in (
        nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6(), nn.LeakyReLU(0.2), nn.LeakyReLU(-0.2), nn.PReLU(), nn.PReLU(3),
        nn.RReLU(), nn.Hardtanh(-0.5, 2), nn.Hardsigmoid(), nn.Hardswish(inplace=True), nn.Threshold(0.1, 7.0),
        nn.Hardshrink(0.3), nn.Softshrink(0.3), nn.SiLU(), nn.LogSigmoid(), nn.Softplus(2, 1), nn.Mish(), nn.ELU(0.7),
        nn.SELU(), nn.CELU(0.7), nn.GELU(), nn.GELU("tanh"), nn.Sigmoid(), nn.Tanh(), nn.Tanhshrink(), nn.Softsign(),
        nn.Softmin(1),
    )},
    "glu": (nn.GLU(1), (4, 3)),
    # elementwise
    **{name: (Of(lambda x, name=name: getattr(x, name)()), ROW) for name in (
        "abs", "exp", "exp2", "expm1", "square", "reciprocal", "sign", "erf", "erfc", "neg", "sin", "cos", "tan",
        "atan", "sinh", "cosh", "asinh", "floor", "ceil", "trunc", "round", "isnan", "isinf", "isfinite", "logical_not",
        "isposinf", "isneginf", "relu", "clone", "double", "half", "long", "bool",
    )},
    **{name: (Of(lambda x, name=name: getattr(x.sigmoid(), name)()), ROW) for name in (
        "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "asin", "acos", "atanh",
    )},
    "acosh": (Of(lambda x: (x.abs() + 1).acosh()), ROW),
    "round to decimals": (Of(lambda x: x.round(decimals=2)), ROW),
    "arithmetic": (Of(lambda x, y: (x + 2) * (3 - y) / (x * x + 1) - 1 / (y * y + 2)), IMAGE, (3, 1, 9)),
    "powers": (Of(lambda x: x**2 + (x * x + 1) ** -0.5 + 2**x), ROW),
    "in place": (Of(lambda x: (x * 2).add_(1).mul_(x).clamp_(-1, 1).div_(3).sub_(x)), ROW),
    "integers": (Of(lambda x: x.long() * 3 - 1), ROW),
    "remainders": (Of(lambda x: (x // 0.7 + x % 0.7, (x * 5).long() // 3, (x * 5).long() % -3, 7 % (x * x + 1))), ROW),
    "extrema of two": (Of(lambda x, y: mc.maximum(x, y) - mc.minimum(x, y)), ROW, ROW),
    "clamp": (Of(lambda x: x.clamp(-0.5, 1) + x.clamp(min=0.1) + x.clamp(max=0.2)), ROW),
    "clamp by tensors": (Of(lambda x, y: x.clamp(y, y + 1)), ROW, ROW),
    "lerp": (Of(lambda x, y: x.lerp(y, 0.3) + mc.lerp(x, y, y)), ROW, ROW),
    "comparisons": (Of(lambda x, y: tuple(c(x, y) for c in (mc.eq, mc.ne, mc.lt, mc.le, mc.gt, mc.ge))), ROW, ROW),
    "logic": (Of(lambda x: ((x > 0) & (x < 1)) | ~(x > -1) ^ x.logical_and(x > 2)), ROW),
    "where": (Of(lambda x, y: mc.where(x > 0, x, y) + mc.where(y > 0, x, 1.0)), ROW, ROW),
    "masked fill": (Of(lambda x: x.masked_fill(x > 0, -1.0)), ROW),
    "copy": (Of(lambda x: mc.zeros(3, 6).copy_(x[:1] * 2)), ROW),
    "fill": (Of(lambda x: (x * 2).fill_(3.0) + x), ROW),
    # shapes
    "flatten": (nn.Flatten(), IMAGE),
    "flatten all": (Of(lambda x: x.flatten() * 2), IMAGE),
    "unflatten": (nn.Unflatten(1, (2, 3)), ROW),
    "reshape": (Of(lambda x: x.reshape(x.shape[0], 9, -1).reshape(-1, 7)), IMAGE),
    "several free sizes": (Of(lambda x: (x.unsqueeze(1) * x.unsqueeze(0)).reshape(x.shape[0], -1, 6)), ROW),
    "batch and channels": (Of(lambda x: x.reshape(x.shape[0] * 3, 63).softmax(1).reshape(x.shape)), IMAGE),
    "permute": (Of(lambda x: x.permute(0, 2, 3, 1).transpose(1, 2)), IMAGE),
    "batch last": (Of(lambda x: x.permute(1, 2, 3, 0).reshape(63, 3, -1)), IMAGE),
    "squeeze": (Of(lambda x: x.mean(1, keepdim=True).squeeze(1).unsqueeze(-1)), IMAGE),
    "expand": (Of(lambda x: x.mean((1, 2), keepdim=True).expand(-1, 3, 2, 9) + x.mean().expand(x.shape[0], 1, 1, 9)),
               IMAGE),
    "expand a constant": (Of(lambda x: CONSTANT.expand(x.shape[0], 3)), ROW),
    "repeat": (Of(lambda x: x.repeat(2, 3)), ROW),
    "zeros of the batch": (Of(lambda x: mc.cat([x, mc.zeros(x.shape[0], 2)], 1)), ROW),
    "pad": (Of(lambda x: F.pad(x, (1, -2, 0, 3), value=0.5)), IMAGE),
    "pad channels": (Of(lambda x: F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 1, 2))), IMAGE),
    "pad reflect": (nn.ReflectionPad2d((1, 2, 3, 0)), IMAGE),
    "pad replicate": (nn.ReplicationPad2d((1, 2, 3, 0)), IMAGE),
    "pad circular": (nn.CircularPad2d((1, 2, 3, 0)), IMAGE),
    "pad 1d": (nn.ReflectionPad1d(2), (3, 5)),
    "slices": (Of(lambda x: x[:, 1:, -3, ::2, None] + x[..., 1:, 0, ::2, None]), IMAGE),
    "slices of the batch": (Of(lambda x: (x[1:] * x[:-1])[:, None]), IMAGE),
    "crop the end": (Of(lambda x: x[:, :, :-1, -4:]), IMAGE),
    "first image": (Of(lambda x: x[0] + x[-1]), IMAGE),
    "chunk": (Of(lambda x: mc.cat(x.chunk(3, 1)[::-1], 1)), IMAGE),
    "stack": (Of(lambda x, y: mc.stack([x, y], 1)), ROW, ROW),
    "index": (Of(lambda x: x[:, [2, 0]] + x.index_select(1, mc.tensor([1, 1]))), IMAGE),
    "constant mask": (Of(lambda x: x[:, mc.tensor([True, False, True])]), IMAGE),
    "flip": (Of(lambda x: x.flip(1, 3)), IMAGE),
    "roll": (Of(lambda x: x.roll((1, -2), (1, 2))), IMAGE),
    "pixel shuffle": (nn.PixelShuffle(2), (8, 3, 5)),
    "pixel unshuffle": (nn.PixelUnshuffle(2), (2, 4, 6)),
    "channel shuffle": (nn.ChannelShuffle(2), (4, 3, 5)),
    # reductions
    "sum": (Of(lambda x: (x.sum(), x.sum((1, 3)), x.sum(-1, keepdim=True))), IMAGE),
    "mean": (Of(lambda x: (x.mean(), x.mean((2, 3)), x.mean(0))), IMAGE),
    "amax": (Of(lambda x: (x.amax((1, 2)), x.amin(3, keepdim=True), x.max(), x.min())), IMAGE),
    "logsumexp": (Of(lambda x: x.logsumexp((1, 2))), IMAGE),
    "sum of bools": (Of(lambda x: ((x > 0).sum(1), (x > 0).count_nonzero((2, 3)), (x > 0).cumsum(1))), IMAGE),
    "prod": (Of(lambda x: x.prod(1)), IMAGE),
    "variance": (Of(lambda x: (x.var((2, 3)), x.std(1, unbiased=False, keepdim=True), x.var(1, correction=2))), IMAGE),
    "norm": (Of(lambda x: (x.norm(dim=1), x.norm(1, (2, 3), keepdim=True), x.norm(3, dim=2))), IMAGE),
    "normalised": (Of(lambda x: F.normalize(x, dim=1)), IMAGE),
    "cosine similarity": (nn.CosineSimilarity(dim=1), IMAGE, IMAGE),
    "triangles": (Of(lambda x: x.tril() + x.triu(1)), IMAGE),
    "cumsum": (Of(lambda x: x.cumsum(1)), IMAGE),
    "argmax": (Of(lambda x: (x.argmax(1), x.argmin(2, keepdim=True))), IMAGE),
    "max with its index": (Of(lambda x: tuple(x.max(1))), IMAGE),
    "any and all": (Of(lambda x: ((x > 1).any(1), (x > -1).all((2, 3)), (x > 5).any())), IMAGE),
    # resizing
    "nearest": (nn.Upsample(scale_factor=2), IMAGE),
    "nearest to a size": (nn.Upsample(size=(10, 5)), IMAGE),
    "nearest exact": (nn.Upsample(size=(10, 5), mode="nearest-exact"), IMAGE),
    "bilinear twice": (nn.Upsample(scale_factor=2, mode="bilinear"), IMAGE),
    "bilinear to a size": (nn.Upsample(size=(5, 12), mode="bilinear"), IMAGE),
    "bilinear by a factor": (nn.Upsample(scale_factor=1.7, mode="bilinear"), IMAGE),
    "bilinear aligned": (nn.Upsample(size=(10, 20), mode="bilinear", align_corners=True), IMAGE),
    "bilinear antialiased": (Of(lambda x: F.interpolate(x, (3, 4), mode="bilinear", antialias=True)), IMAGE),
    "bicubic": (nn.Upsample(scale_factor=3, mode="bicubic"), IMAGE),
    "bicubic aligned": (nn.Upsample(size=(10, 20), mode="bicubic", align_corners=True), IMAGE),
    "linear upsampling": (nn.Upsample(scale_factor=2, mode="linear"), (3, 5)),
    "area": (Of(lambda x: F.interpolate(x, (3, 4), mode="area")), IMAGE),
}


def inputs(shapes: tuple[tuple[int, ...], ...], batch: int) -> list[mc.Tensor]:
    numbers = np.random.RandomState(batch)
    return [mc.tensor(numbers.standard_normal((batch, *shape)).astype("float32")) for shape in shapes]


@pytest.fixture(autouse=True, scope="module")
def weights() -> None:
    """Numbers in place of the ones and zeros that layers of normalisation begin with."""
    numbers = np.random.RandomState(0)
    for network, *_ in CASES.values():
        for tensor in network.state_dict().values():
            if tensor.dtype.kind == "f":
                tensor.copy_(mc.tensor(numbers.uniform(0.2, 1.0, tuple(tensor.shape)).astype("float32")))


@pytest.mark.parametrize("opset", [17, 18, 21])
@pytest.mark.parametrize("name", CASES)
def test_a_converter_says_the_same(name: str, opset: int) -> None:
    network, *shapes = CASES[name]
    exported = mc.onnx.export(network, tuple(inputs(tuple(shapes), 2)), dynamic_axes="batch", opset_version=opset)
    tensors = inputs(tuple(shapes), 3)
    assert_same(run(exported, *(t.clone() for t in tensors)), outputs(network, *tensors), 2e-5)


@pytest.mark.parametrize(("name", "expected"), [
    ("conv reflect", ["Pad", "Conv"]),
    ("conv transpose", ["ConvTranspose", "Reshape", "Add"]),
    ("max pool ceil", ["MaxPool"]),
    ("avg pool without pad", ["AveragePool"]),
    ("adaptive avg to one", ["GlobalAveragePool"]),
    ("adaptive avg divides", ["AveragePool"]),
    ("batch norm plain", ["BatchNormalization"]),
    ("batch norm of rows", ["BatchNormalization"]),
    ("instance norm", ["InstanceNormalization"]),
    ("layer norm", ["LayerNormalization"]),
    ("group norm", ["GroupNormalization"]),
    ("linear", ["Gemm"]),
    ("flatten", ["Reshape"]),
    ("GELU(approximate='tanh')", ["Gelu"]),
    ("ReLU(inplace=True)", ["Relu"]),
    ("bilinear to a size", ["Resize"]),
    ("nearest", ["Resize"]),
    ("pad circular", ["Pad"]),
    ("mean", ["ReduceMean"] * 3),
])
def test_operators_are_those_that_onnx_has(name: str, expected: list[str]) -> None:
    network, *shapes = CASES[name]
    exported = mc.onnx.export(network, tuple(inputs(tuple(shapes), 2)), dynamic_axes="batch", opset_version=21)
    assert kinds(exported) == expected


def test_every_converter_has_a_case() -> None:
    met = set()
    for network, *shapes in CASES.values():
        tracer = Tracer(network.eval())
        tracer.run(network, tuple(inputs(tuple(shapes), 2)), {})
        met |= {step.kind for step in tracer.steps}
    assert set(CONVERTERS) - met == set()
