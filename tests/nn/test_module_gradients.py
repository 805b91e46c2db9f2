"""The gradients of every layer, by its inputs and by its parameters, against central differences."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.testing import gradcheck, gradgradcheck

IMAGE, SIGNAL, FEATURES = (2, 2, 4, 3), (2, 2, 6), (4, 3)
SMALL = (2, 2, 2, 2)  # for layers with parameters, whose second derivatives are checked
CONTAINERS = {"Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential", "LazyModuleMixin"}

LAYERS: list[tuple[str, tuple[int, ...]]] = [
    ("Conv1d(2, 2, 3, stride=2, padding=1)", (2, 2, 3)),
    ("Conv1d(2, 4, 2, groups=2, bias=False)", (2, 2, 3)),
    ("Conv2d(2, 3, 2)", SMALL),
    ("Conv2d(2, 2, (3, 2), stride=(2, 1), padding=(1, 0), groups=2)", (1, 2, 4, 3)),
    ("Conv2d(2, 1, 3, padding='same', padding_mode='reflect')", SMALL),
    ("ConvTranspose1d(2, 2, 3, stride=2, padding=1, output_padding=1)", (2, 2, 3)),
    ("ConvTranspose2d(2, 2, 2, stride=2)", (1, 2, 2, 2)),
    ("MaxPool1d(2)", SIGNAL),
    ("MaxPool2d((3, 2), stride=1, padding=1)", IMAGE),
    ("AvgPool1d(3, 2, 1)", SIGNAL),
    ("AvgPool2d(2, ceil_mode=True)", IMAGE),
    ("LPPool1d(2, 3)", SIGNAL),
    ("LPPool2d(3, 2)", IMAGE),
    ("AdaptiveAvgPool1d(4)", SIGNAL),
    ("AdaptiveAvgPool2d((3, 2))", IMAGE),
    ("AdaptiveMaxPool1d(4)", SIGNAL),
    ("AdaptiveMaxPool2d((3, 2))", IMAGE),
    ("BatchNorm1d(3)", FEATURES),
    ("BatchNorm1d(2, momentum=None)", (2, 2, 3)),
    ("BatchNorm2d(2)", SMALL),
    ("BatchNorm2d(2, affine=False)", SMALL),
    ("BatchNorm2d(2, track_running_stats=False, eps=0.1)", SMALL),
    ("InstanceNorm1d(2)", (2, 2, 3)),
    ("InstanceNorm2d(2, affine=True, track_running_stats=True)", SMALL),
    ("LayerNorm(2)", SMALL),
    ("LayerNorm((2, 2), bias=False)", SMALL),
    ("GroupNorm(2, 4)", (2, 4, 2)),
    ("RMSNorm(3)", FEATURES),
    ("LocalResponseNorm(2, alpha=0.5)", IMAGE),
    ("Dropout(0.4)", FEATURES),
    ("Dropout1d(0.4)", SIGNAL),
    ("Dropout2d(0.4)", IMAGE),
    ("AlphaDropout(0.4)", FEATURES),
    ("FeatureAlphaDropout(0.4)", SIGNAL),
    ("Linear(3, 2)", FEATURES),
    ("Linear(2, 2, bias=False)", SMALL),
    ("Identity()", FEATURES),
    ("Flatten()", SIGNAL),
    ("Unflatten(1, (1, 3))", FEATURES),
    ("Unfold(2)", IMAGE),
    ("Fold((3, 3), 2)", (1, 8, 4)),
    ("ZeroPad1d((1, 2))", SIGNAL),
    ("ZeroPad2d((1, -1, 0, 1))", IMAGE),
    ("ConstantPad1d(1, 0.5)", SIGNAL),
    ("ConstantPad2d(1, 0.5)", IMAGE),
    ("ReflectionPad1d(2)", SIGNAL),
    ("ReflectionPad2d((1, 2, 1, 0))", IMAGE),
    ("ReplicationPad1d(2)", SIGNAL),
    ("ReplicationPad2d(1)", IMAGE),
    ("CircularPad1d(2)", SIGNAL),
    ("CircularPad2d(1)", IMAGE),
    ("Upsample(scale_factor=2, mode='bilinear')", IMAGE),
    ("Upsample(size=4)", SIGNAL),
    ("UpsamplingNearest2d(scale_factor=2)", IMAGE),
    ("UpsamplingBilinear2d(size=(3, 4))", IMAGE),
    ("PixelShuffle(2)", (1, 4, 2, 2)),
    ("PixelUnshuffle(2)", (1, 1, 4, 2)),
    ("ChannelShuffle(2)", (1, 4, 2, 1)),
    ("Threshold(0.1, 20)", FEATURES),
    ("ReLU()", FEATURES),
    ("Sequential(Linear(3, 2), Dropout(0.3, inplace=True), ReLU(inplace=True), Linear(2, 2))", FEATURES),
    ("Sequential(Conv2d(2, 1, 2, bias=False), BatchNorm2d(1), LeakyReLU(0.1, inplace=True), MaxPool2d(2))",
     (2, 2, 3, 3)),  # without a bias, whose gradient before batch norm is zero
    ("RReLU()", FEATURES),
    ("Hardtanh(-1, 2)", FEATURES),
    ("ReLU6()", FEATURES),
    ("Sigmoid()", FEATURES),
    ("Hardsigmoid()", FEATURES),
    ("Tanh()", FEATURES),
    ("SiLU()", FEATURES),
    ("Mish()", FEATURES),
    ("Hardswish()", FEATURES),
    ("ELU(2)", FEATURES),
    ("CELU(2.0)", FEATURES),
    ("SELU()", FEATURES),
    ("GLU(1)", SIGNAL),
    ("GELU()", FEATURES),
    ("GELU('tanh')", FEATURES),
    ("Hardshrink()", FEATURES),
    ("Softshrink(0.2)", FEATURES),
    ("LeakyReLU()", FEATURES),
    ("LogSigmoid()", FEATURES),
    ("Softplus(2.0)", FEATURES),
    ("PReLU()", FEATURES),
    ("PReLU(2)", SMALL),
    ("Softsign()", FEATURES),
    ("Tanhshrink()", FEATURES),
    ("Softmin(1)", FEATURES),
    ("Softmax(1)", FEATURES),
    ("Softmax2d()", IMAGE),
    ("LogSoftmax(1)", FEATURES),
    ("LazyLinear(2)", FEATURES),
    ("LazyConv1d(2, 2)", (2, 2, 3)),
    ("LazyConv2d(2, 2)", SMALL),
    ("LazyConvTranspose1d(2, 2)", (2, 2, 3)),
    ("LazyConvTranspose2d(2, 2)", (1, 2, 2, 2)),
    ("LazyBatchNorm1d()", (2, 2, 3)),
    ("LazyBatchNorm2d()", SMALL),
    ("LazyInstanceNorm1d(affine=True)", (2, 2, 3)),
    ("LazyInstanceNorm2d()", SMALL),
]

MATRIX, CLASSES = (3, 4), [1, 0, 3]
SIGNS = [[1, -1, -1, 1], [-1, 1, 1, -1], [1, 1, -1, -1]]
CHANCES = (np.arange(1.0, 13.0) / 13).reshape(MATRIX)
# A layer of several inputs: shapes are of inputs with a gradient, anything else is a constant argument.
SEVERAL: list[tuple[str, tuple[Any, ...]]] = [
    ("Bilinear(3, 2, 2)", (FEATURES, (4, 2))),
    ("CosineSimilarity()", (FEATURES, FEATURES)),
    ("PairwiseDistance()", (FEATURES, FEATURES)),
    ("Embedding(4, 2)", ([[0, 3], [3, 1]],)),
    ("MaxUnpool1d(2)", ((1, 2, 2), [[[1, 2], [0, 3]]])),
    ("MaxUnpool2d(2)", ((1, 1, 2, 1), [[[[1], [7]]]])),
    ("L1Loss()", (MATRIX, MATRIX)),
    ("MSELoss()", (MATRIX, MATRIX)),
    ("SmoothL1Loss(beta=0.5)", (MATRIX, MATRIX)),
    ("HuberLoss(delta=0.5)", (MATRIX, MATRIX)),
    ("CrossEntropyLoss(label_smoothing=0.1)", (MATRIX, CLASSES)),
    ("CrossEntropyLoss(weight=tensor([1.0, 2.0, 0.5, 3.0]))", (MATRIX, CLASSES)),
    ("NLLLoss(weight=tensor([1.0, 2.0, 0.5, 3.0]))", (MATRIX, CLASSES)),
    ("BCELoss()", ("chances", CHANCES)),
    ("BCEWithLogitsLoss(pos_weight=tensor([1.0, 2.0, 0.5, 3.0]))", (MATRIX, CHANCES)),
    ("KLDivLoss(reduction='batchmean')", (MATRIX, CHANCES)),
    ("PoissonNLLLoss()", (MATRIX, CHANCES)),
    ("GaussianNLLLoss()", (MATRIX, MATRIX, CHANCES)),
    ("SoftMarginLoss()", (MATRIX, SIGNS)),
    ("HingeEmbeddingLoss(margin=0.5)", (MATRIX, SIGNS)),
    ("MultiLabelSoftMarginLoss()", (MATRIX, CHANCES)),
    ("MultiMarginLoss(margin=0.5)", (MATRIX, CLASSES)),
    ("MarginRankingLoss(margin=0.1)", (MATRIX, MATRIX, SIGNS)),
    ("CosineEmbeddingLoss(margin=0.1)", (MATRIX, MATRIX, [1, -1, 1])),
    ("TripletMarginLoss(margin=0.5)", (MATRIX, MATRIX, MATRIX)),
]

DIFFER_IN_EVAL = (nn.BatchNorm1d, nn.BatchNorm2d, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.RReLU, nn.Dropout,
                  nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout)  # fmt: skip


def apart(expression: str, number: int, shape: tuple[int, ...]) -> mc.Tensor:
    """Values 0.3 apart, no two of one size, and none at a kink; positive for roots of sums of powers."""
    rng = np.random.default_rng(zlib.crc32(f"{expression} {number}".encode()))
    size = int(np.prod(shape))
    values = 0.3 * (rng.permutation(size) - size // 2) + 0.14 + 0.02 * number
    values = np.abs(values) if expression.startswith("LPPool") else values
    return mc.tensor(values.reshape(shape), dtype=mc.float64, requires_grad=True)


def made(expression: str, *inputs: mc.Tensor) -> nn.Module:
    """The layer after one call in training, which lazy ones need, with no value left where its gradient would hide."""
    mc.manual_seed(0)
    layer = eval(expression, {**vars(nn), "tensor": mc.tensor}).double()
    layer(*inputs)
    rng = np.random.default_rng(0)
    with mc.no_grad():
        for p in layer.parameters():
            p.copy_(mc.as_tensor(rng.uniform(-1, 1, tuple(p.shape))))
    return layer


def check(layer: nn.Module, inputs: list[mc.Tensor]) -> None:
    assert gradcheck(layer, inputs)
    if list(layer.parameters()):
        assert gradgradcheck(layer, inputs)


@pytest.mark.parametrize(("expression", "shape"), LAYERS, ids=[row[0] for row in LAYERS])
def test_gradients_of_layers(expression: str, shape: tuple[int, ...]) -> None:
    x = apart(expression, 0, shape)
    layer = made(expression, x.detach())
    check(layer, [x])
    if any(isinstance(part, DIFFER_IN_EVAL) for part in layer.modules()):
        check(layer.eval(), [x])


@pytest.mark.parametrize(("expression", "given"), SEVERAL, ids=[row[0] for row in SEVERAL])
def test_gradients_of_layers_of_several_inputs(expression: str, given: tuple[Any, ...]) -> None:
    inputs = []
    for number, what in enumerate(given):
        if isinstance(what, tuple):
            inputs.append(apart(expression, number, what))
        elif isinstance(what, str):
            inputs.append(mc.tensor(1 - CHANCES, requires_grad=True))
        else:
            inputs.append(mc.tensor(what))
    check(made(expression, *(x.detach() for x in inputs)), inputs)


def test_every_layer_has_a_gradient_check() -> None:
    layers = {name for name, found in vars(nn).items() if isinstance(found, type) and issubclass(found, nn.Module)}
    checked = {row[0].partition("(")[0] for row in (*LAYERS, *SEVERAL)}
    assert layers - CONTAINERS - checked == set()
