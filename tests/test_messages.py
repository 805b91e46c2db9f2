"""What a newcomer gets wrong, and whether the message leads out of it."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.errors import ShapeError, nearest, shown
from minicnn.nn import functional as F

x = mc.zeros(2, 3, 8, 8)


@pytest.mark.parametrize(
    ("slip", "error", "hint"),
    [
        (lambda: nn.Conv2d(3, 4, 3)(mc.zeros(2, 8, 8, 3)), ValueError, "x.permute(0, 3, 1, 2)"),
        (lambda: nn.Conv2d(1, 4, 3)(x), ValueError, "Conv2d(in_channels=3, …)"),
        (lambda: nn.Linear(192, 4)(x), ValueError, "x.flatten(1)"),
        (lambda: F.cross_entropy(mc.tensor([0, 1]), mc.zeros(2, 3)), TypeError, "the output before the target"),
        (lambda: nn.Sequential(nn.Linear(2, 2), F.relu), TypeError, "nn.ReLU(…), the layer that calls it"),
        (lambda: nn.Sequential(F.max_pool2d), TypeError, "nn.MaxPool2d(…)"),
        (lambda: nn.Sequential(nn.ReLU), TypeError, "ReLU() with parentheses"),
        (lambda: nn.Sequential(print), TypeError, "a Module whose forward calls it"),
        (lambda: nn.ModuleList([x]), TypeError, "nn.Sequential(…) of layers, then layers(x)"),
        (lambda: mc.optim.SGD([mc.ones(1)], 0.1).lr, AttributeError, 'optimizer.param_groups[0]["lr"]'),
        (lambda: mc.optim.SGD([mc.ones(1)], 0.1).zerograd(), AttributeError, "'zero_grad'"),
        (lambda: nn.Linear(2, 2).load_state_dict(nn.Linear(2, 3).state_dict()), RuntimeError, "strict=False leaves"),
        (lambda: nn.Linear(2, 2).load_state_dict({"epoch": 3, "net": nn.Linear(2, 2).state_dict()}), RuntimeError,
         "a checkpoint of several states: state['net']"),
        (lambda: mc.transforms.Compose([mc.transforms.ToTensor]), TypeError, "ToTensor() with parentheses"),
        (lambda: mc.transforms.Compose(mc.transforms.ToTensor()), TypeError, "Compose([transform])"),
        (lambda: mc.cdist(mc.ones(2), mc.ones(3, 2)), ValueError, "x.unsqueeze(0) for a single row"),
    ],
)
def test_the_hint_leads_out(slip: Any, error: type[Exception], hint: str) -> None:
    with pytest.raises(error) as caught:
        slip()
    assert f"  try   {hint}" in str(caught.value) or hint in str(caught.value).partition("  try   ")[2]


def test_an_optimiser_is_copied_and_pickled_although_it_suggests_names() -> None:
    optimizer = mc.optim.SGD([mc.ones(1, requires_grad=True)], 0.1, momentum=0.9)
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert twin.param_groups[0]["momentum"] == 0.9 and not hasattr(twin, "lr")


def test_plus_is_for_numbers() -> None:
    assert (+mc.ones(2)).tolist() == [1.0, 1.0]
    with pytest.raises(TypeError, match="not defined for bools"):
        +mc.tensor([True])


@pytest.mark.host("texts of CPU tensors, which do not name their device")
def test_tensors_in_messages_are_short() -> None:
    error = ShapeError("f: no", got=x)
    assert str(error) == "f: no\n  got   Tensor of shape (2, 3, 8, 8)" and error.got is x
    assert shown([mc.zeros(2, 2)]) == "[tensor([[0., 0.], [0., 0.]])]"
    assert len(shown([x])) == 100 and "\n" not in shown([x])
    assert shown("2 missing\n  weight") == "2 missing\n  weight" and shown(mc.tensor(3)) == "tensor(3)"


@pytest.mark.parametrize(
    ("name", "found"),
    [("Sgd", "SGD"), ("conv2D", "conv2d"), ("conv_2d", "conv2d"), ("Dropuot", "dropout"), ("maxpool2d", "max_pool2d")],
)
def test_case_and_underscores_count_little(name: str, found: str) -> None:
    assert nearest(name, ["SGD", "conv2d", "dropout", "max_pool2d", "relu"], 1) == [found]
    assert nearest("zzzz", ["SGD", "relu"]) == []


@pytest.mark.parametrize(
    ("owner", "name", "hint"),
    [
        (mc, "mode", "NumPy's function"), (mc.ones(1), "quantile", "NumPy's function"),
        (F, "grid_sample", "interpolate"), (mc.ones(1), "apply_", "whole tensors"),
        (mc.cuda, "FloatTensor", "mc.FloatTensor(…).cuda()"), (mc.cuda, "set_device", "mc.set_default_device"),
        (mc.cuda, "initial_seed", "mc.initial_seed itself"), (mc.testing, "assert_close", "mc.allclose"),
        (mc.ones(1), "fill_diagonal_", "x.diagonal().fill_(value)"), (F, "pdist", "mc.cdist"), (mc, "svd", "np.linalg"),
        (F, "max_pool2d_with_indices", "return_indices=True"), (mc.optim, "LBFGS", "SGD or Adam"),
        (nn, "SyncBatchNorm", "nn.BatchNorm2d"), (nn.Linear(1, 1), "bfloat16", "model.half()"),
        (mc, "channels_last", "order in memory"), (mc.nn, "DataParallel", "mc.distributed"),
        (mc, "version", "mc.__version__"),
    ],
)  # fmt: skip
def test_names_of_pytorch_that_are_not_there(owner: Any, name: str, hint: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(owner, name)
    assert hint in str(caught.value).partition("  try   ")[2]


def test_hints_that_are_code_run() -> None:
    square, rows = mc.zeros(2, 2), mc.tensor([[0.0], [3.0]])
    square.diagonal().fill_(5)
    assert square.tolist() == [[5.0, 0.0], [0.0, 5.0]]
    assert mc.cdist(rows, rows).tolist() == [[0.0, 3.0], [3.0, 0.0]]
