"""Every network, exported with a free batch, computes by onnxruntime what it computes here, for another batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from tests.models.cases import INPUTS, fill_all
from tests.onnx.runtime import assert_same, kinds, outputs, run

SMALLER = {
    **dict.fromkeys(("densenet121", "densenet161", "densenet169", "densenet201"), (4, 3, 32, 32)),
    "googlenet": (4, 3, 32, 32),
    "inception_v3": (4, 3, 75, 75),
    **dict.fromkeys(("nasnetalarge", "pnasnet5large"), (4, 3, 48, 48)),
    **dict.fromkeys(("squeezenet1_0", "squeezenet1_1"), (2, 3, 48, 48)),
}
"""Images where the tests of the networks themselves, which train too, need larger ones."""


NARROW = {"nasnetalarge": {"num_features": 672}, "pnasnet5large": {"num_features": 720}}
WIDE = ("alexnet", "vgg", "resnet50", "resnet101", "resnet152", "resnext", "wide_resnet", "densenet")
"""Networks of so many weights that reading and writing them takes most of the time: here they have a quarter of the
channels."""


def build(name: str, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """The network with weights that are not drawn."""
    with monkeypatch.context() as patch:
        for draw in ("uniform_", "normal_", "trunc_normal_"):
            patch.setattr(nn.init, draw, lambda tensor, *_, **__: tensor)
        if name.startswith(WIDE):
            for layer in (nn.Conv2d, nn.BatchNorm2d, nn.Linear):
                patch.setattr(layer, "__init__", quartered(layer.__init__))
        network = mc.models.get_model(name, **NARROW.get(name, {}))
    fill_all(network)
    return network


def quartered(init: Callable[..., None]) -> Callable[..., None]:
    """A layer's ``__init__`` that makes a quarter of the channels, its first one or two arguments, where 4 divides."""

    def narrower(self: nn.Module, *args: int, **options: Any) -> None:
        count = 1 if isinstance(self, nn.BatchNorm2d) else 2
        init(self, *(n // 4 if n % 4 == 0 else n for n in args[:count]), *args[count:], **options)

    return narrower


@pytest.mark.parametrize("name", mc.models.list_models())
def test_a_network_computes_the_same_in_onnxruntime(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = build(name, monkeypatch)
    shape = SMALLER.get(name, INPUTS[name])[1:]
    numbers = np.random.RandomState(2)
    example, images = (mc.tensor(numbers.standard_normal((n, *shape)).astype("float32")) for n in (1, 3))
    exported = mc.onnx.export(network, example, dynamic_axes="batch")
    assert_same(run(exported, images), outputs(network, images))
    assert all(d.dim_param == "batch" for v in (*exported.graph.input, *exported.graph.output)
               for d in v.type.tensor_type.shape.dim[:1])
    state = {key for key in network.state_dict() if not key.endswith("num_batches_tracked")}
    stored = {tensor.name for tensor in exported.graph.initializer}
    assert {key for key in state if key.startswith(("AuxLogits", "aux1", "aux2"))} == state - stored
    assert ("BatchNormalization" in kinds(exported)) == any(isinstance(m, nn.BatchNorm2d) for m in network.modules())
