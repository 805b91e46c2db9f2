"""Every misconception that lint knows has a network or batch that has it, and a twin that has it not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.errors import DtypeError
from minicnn.inspect import lint
from minicnn.nn import functional as F

pytestmark = pytest.mark.filterwarnings("ignore:Listed.layers is a plain:UserWarning")


@pytest.fixture(autouse=True)
def _seed() -> None:
    mc.manual_seed(0)


def images() -> mc.Tensor:
    return mc.randn(16, 1, 6, 6, generator=mc.Generator().manual_seed(1))


LABELS = mc.arange(16) % 3


def net(*layers: nn.Module, bias: bool = True, last: tuple[nn.Module, ...] = ()) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 4, 3, bias=bias), *layers, nn.ReLU(), nn.Flatten(), nn.Linear(64, 3), *last)


class Listed(nn.Module):
    def __init__(self, keep: Callable[[Any], Any]) -> None:
        super().__init__()
        self.layers = keep([nn.Linear(36, 3)])

    def forward(self, x: mc.Tensor) -> mc.Tensor:
        return self.layers[0](x.flatten(1))


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.spare = nn.Linear(36, 3), nn.Linear(36, 3)

    def forward(self, x: mc.Tensor) -> mc.Tensor:
        return self.used(x.flatten(1))


def dead() -> nn.Sequential:
    made = net()
    with mc.no_grad():
        made[0].bias.fill_(-100.0)
    return made


def loader(shuffle: bool) -> mc.data.DataLoader:
    labels = mc.arange(40) // 20
    return mc.data.DataLoader(mc.data.TensorDataset(mc.zeros(40, 1), labels), batch_size=4, shuffle=shuffle)


CASES: dict[str, tuple[str, Callable[[], Any], Callable[[], Any]]] = {
    "list": ("list-of-layers", lambda: lint(Listed(list)), lambda: lint(Listed(nn.ModuleList))),
    "dict": ("list-of-layers", lambda: lint(Listed(lambda a: {0: a[0]})), lambda: lint(Unused())),
    "dropout": ("eval-forgotten", lambda: lint(net(nn.Dropout()), evaluating=True),
                lambda: lint(net(nn.Dropout()).eval(), evaluating=True)),
    "batch norm": ("eval-forgotten", lambda: lint(net(nn.BatchNorm2d(4)), evaluating=True),
                   lambda: lint(net(), evaluating=True)),
    "bytes": ("pixels-to-255", lambda: lint(net(), (images() * 9).abs().to(mc.uint8)), lambda: lint(net(), images())),
    "to 255": ("pixels-to-255", lambda: lint(net(), images().abs() * 99), lambda: lint(net(), images().abs())),
    "bias": ("bias-before-norm", lambda: lint(net(nn.BatchNorm2d(4)), images()),
             lambda: lint(net(nn.BatchNorm2d(4), bias=False), images())),
    "bias, tested": ("bias-before-norm", lambda: lint(net(nn.BatchNorm2d(4)).eval(), images()),
                     lambda: lint(net(nn.ReLU(), nn.BatchNorm2d(4)).eval(), images())),
    "dead": ("dead-relus", lambda: lint(dead(), images()), lambda: lint(net(), images())),
    "softmax": ("softmax-twice", lambda: lint(net(last=(nn.Softmax(1),)), images(), LABELS),
                lambda: lint(net(last=(nn.LogSoftmax(1),)), images(), LABELS, loss_function=F.nll_loss)),
    "sigmoid": ("softmax-twice", lambda: lint(net(last=(nn.Sigmoid(),)), images(), mc.zeros(16, 3),
                                              loss_function=F.binary_cross_entropy_with_logits),
                lambda: lint(net(last=(nn.Sigmoid(),)), images(), mc.zeros(16, 3),
                             loss_function=F.binary_cross_entropy)),
    "unused": ("zero-gradients", lambda: lint(Unused(), images(), LABELS), lambda: lint(net(), images(), LABELS)),
    "order": ("unshuffled", lambda: lint(net(), loader=loader(False)), lambda: lint(net(), loader=loader(True))),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_fault_is_found_and_its_absence_too(name: str) -> None:
    rule, faulty, sound = CASES[name]
    assert faulty().rules == [rule]
    assert not sound()


def test_dead_relus_bring_zero_gradients() -> None:
    found = lint(dead(), images(), LABELS)
    assert found.rules == ["dead-relus", "zero-gradients"]
    assert found.findings[0].place == "layer 1 (ReLU)"
    assert found.findings[0].message.startswith("4 of 4 channels")
    assert found.findings[1].place == "0.weight, 0.bias, 3.weight"


def test_places_and_hints() -> None:
    (finding,) = lint(Listed(list)).findings
    assert str(finding) == (
        "list-of-layers: layers: a list hides layers (1): they are neither trained nor saved nor moved\n"
        "  try   nn.ModuleList(…), or nn.Sequential(…)")  # fmt: skip
    assert lint(net(nn.BatchNorm2d(4)), images()).findings[0].place == "0"
    assert str(lint(net())) == "nothing was found"


def test_nothing_changes() -> None:
    model = net(nn.BatchNorm2d(4), nn.Dropout())
    state, buffers = mc.get_rng_state(), [b.tolist() for b in model.buffers()]
    lint(model, images(), LABELS, loader=loader(True))
    assert (mc.get_rng_state() == state).all()
    assert [b.tolist() for b in model.buffers()] == buffers
    assert model.training
    assert all(p.grad is None for p in model.parameters())


def test_what_is_no_batch_is_refused() -> None:
    with pytest.raises(DtypeError, match="inputs"):
        lint(net(), [1, 2])  # type: ignore[arg-type]  # what is wrong is the point
