"""The reprs of layers and losses are PyTorch's, character for character."""

import pytest

import minicnn as mc
from minicnn import nn
from tests.nn.layer_table import LAYERS, LOSSES, PAIRS

EXPRESSIONS = [
    *dict.fromkeys(row[0] for row in [*LAYERS, *PAIRS, *LOSSES]),
    "MaxUnpool1d(2, padding=1)", "MaxUnpool2d((2, 3), stride=1)", "AdaptiveMaxPool2d(3, return_indices=True)",
    "MaxPool2d(2, return_indices=True)", "Embedding(3, 4)", "Embedding(3, 4, padding_idx=-1)",
    "LazyConv1d(3, 3)", "LazyConv2d(3, 3, padding=1)", "LazyConvTranspose1d(3, 3)",
    "LazyConvTranspose2d(3, 3, stride=2)", "LazyLinear(3)",
    "LazyLinear(3, bias=False)", "LazyBatchNorm1d()", "LazyBatchNorm2d(affine=False)",
    "LazyInstanceNorm1d()", "LazyInstanceNorm2d(affine=False)",
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_repr_equals_pytorchs(expression):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    ours = eval(expression, {**vars(nn), "tensor": mc.tensor})
    theirs = eval(expression, {**vars(torch.nn), "tensor": torch.tensor})
    assert repr(ours) == repr(theirs)


def test_known_reprs():
    assert repr(nn.Conv2d(1, 6, 5, padding=2)) == "Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))"
    assert repr(nn.ReLU(inplace=True)) == "ReLU(inplace=True)"
    assert repr(nn.Sequential(nn.Flatten(), nn.Linear(2, 1))) == (
        "Sequential(\n  (0): Flatten(start_dim=1, end_dim=-1)\n"
        "  (1): Linear(in_features=2, out_features=1, bias=True)\n)")


def test_every_layer_is_in_a_table():
    layers = {name for name, value in vars(nn).items() if isinstance(value, type) and issubclass(value, nn.Module)}
    others = {"Module", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "LazyModuleMixin"}
    assert layers - others == {expression.partition("(")[0] for expression in EXPRESSIONS}
