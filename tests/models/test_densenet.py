"""DenseNet's weights under the names that torchvision's published files have."""

from __future__ import annotations

import re
from collections import OrderedDict
from pathlib import Path

import pytest

import minicnn as mc
from minicnn.errors import StateError
from minicnn.models.densenet import DenseNet


def small() -> DenseNet:
    return DenseNet(4, (2, 1), 8, num_classes=3)


def old_names(state: OrderedDict[str, mc.Tensor]) -> dict[str, mc.Tensor]:
    """denselayer1.norm1.weight → denselayer1.norm.1.weight, as in densenet121-a639ec97.pth; the others stay."""
    return {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", name): v for name, v in state.items()}


def test_the_old_names_are_understood(tmp_path: Path) -> None:
    mc.manual_seed(0)
    source = small()
    for value in source.state_dict().values():
        value.copy_(mc.rand(value.shape) if value.dtype == mc.float32 else mc.tensor(7))
    old = old_names(source.state_dict())
    assert "features.denseblock1.denselayer2.conv.1.weight" in old and "features.transition1.norm.weight" in old
    assert sum(name not in source.state_dict() for name in old) == 3 * 2 * (5 + 1)
    mc.save(old, tmp_path / "old.pt")
    for state in (old, mc.load(tmp_path / "old.pt")):
        names = list(state)
        model = small()
        found = model.load_state_dict(state)
        assert (found.missing_keys, found.unexpected_keys) == ([], []) and list(state) == names
        for name, value in model.state_dict().items():
            assert value.equal(source.state_dict()[name]), name
    x = mc.randn(1, 3, 32, 32)
    assert model.eval()(x).equal(source.eval()(x))


def test_a_wrong_name_is_still_named() -> None:
    state = old_names(small().state_dict())
    layer = "features.denseblock1.denselayer1"
    state[f"{layer}.norm.3.weight"] = state.pop(f"{layer}.norm.1.weight")
    with pytest.raises(StateError) as error:
        small().load_state_dict(state)
    assert "denselayer1.norm.3.weight" in str(error.value) and "denselayer1.norm1.weight" in str(error.value)
