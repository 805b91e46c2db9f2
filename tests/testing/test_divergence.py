"""Errors planted into one layer of a network, and found again from a recording of what it gave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn.errors import ArgumentError, DataError
from minicnn.testing import find_divergence, record
from minicnn.testing.zoo import ZOO

F = mc.nn.functional
Plant = Callable[["Net"], Any]


class Net(mc.nn.Module):
    """A layer of each kind, a residual, and a square weight."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = mc.nn.Conv2d(2, 4, 3, stride=2, padding=1)
        self.bn1 = mc.nn.BatchNorm2d(4)
        self.act1 = mc.nn.ReLU()
        self.block = mc.nn.Sequential(mc.nn.Conv2d(4, 4, 3, padding=1), mc.nn.LeakyReLU(0.1))
        self.pool = mc.nn.MaxPool2d(2)
        self.flatten = mc.nn.Flatten()
        self.fc1 = mc.nn.Linear(16, 16)
        self.act2 = mc.nn.GELU()
        self.drop = mc.nn.Dropout(0.25)
        self.fc2 = mc.nn.Linear(16, 3)

    def forward(self, x: mc.Tensor) -> mc.Tensor:
        x = self.act1(self.bn1(self.conv1(x)))
        x = self.pool(x + self.block(x))
        return self.fc2(self.drop(self.act2(self.fc1(self.flatten(x)))))


TARGET = mc.tensor([0, 2, 1, 2])


def loss(out: mc.Tensor) -> mc.Tensor:
    return F.cross_entropy(out, TARGET)


def net() -> Net:
    mc.manual_seed(1)
    model = Net().double()
    with mc.no_grad():
        for name, p in model.named_parameters():
            if name.startswith("bn"):
                p.copy_(mc.rand(*p.shape) + 0.5)
    return model


def images() -> mc.Tensor:
    return mc.tensor(np.random.default_rng(0).standard_normal((4, 2, 8, 8)))


def recorded(model: Net, loss_there: Any = loss) -> Any:
    mc.manual_seed(2)
    return record(model, images(), loss=loss_there)


def found_in(theirs: Any, **options: Any) -> Any:
    model = net()
    mc.manual_seed(2)
    return find_divergence(model, theirs, loss=loss, **options)


def bug(name: str, layer: str) -> Plant:
    """A bug of the zoo in one layer only."""

    def plant(model: Net) -> None:
        module = model.get_submodule(layer)
        right = module.forward

        def wrong(x: mc.Tensor) -> Any:
            with ZOO[name].installed():
                return right(x)

        module.forward = wrong  # type: ignore[method-assign]  # that is the error

    return plant


def setting(layer: str, **options: Any) -> Plant:
    return lambda model: [setattr(model.get_submodule(layer), k, v) for k, v in options.items()]


def late_padding(model: Net) -> None:
    conv = model.conv1
    conv.forward = lambda x: F.conv2d(F.pad(x, (0, 1, 0, 1)), conv.weight, conv.bias, 2)  # type: ignore[method-assign]  # the planted error


def transposed(model: Net) -> None:
    fc = model.fc1
    fc.forward = lambda x: F.linear(x, fc.weight.t(), fc.bias)  # type: ignore[method-assign]  # an error


def channels_last(model: Net) -> None:
    model.flatten.forward = lambda x: x.permute(0, 2, 3, 1).flatten(1)  # type: ignore[method-assign]  # an error


def without_bias(model: Net) -> None:
    fc = model.fc2
    fc.forward = lambda x: F.linear(x, fc.weight)  # type: ignore[method-assign]  # an error


def doubled_residual(model: Net) -> None:
    model.block.register_forward_hook(lambda module, args, out: out * 2)


FORWARD = {
    "another eps": (setting("bn1", eps=1e-3), "bn1", "theirs has eps=0.001, ours 1e-05"),
    "an unbiased variance": (bug("batch_norm: unbiased variance", "bn1"), "bn1", "m − 1"),
    "evaluation mode": (lambda m: m.bn1.eval(), "bn1", "theirs is in eval(), ours is not"),
    "padding on the other side": (late_padding, "conv1", "TensorFlow's same padding"),
    "another border": (setting("block.0", padding_mode="replicate", _reversed=None), "block.0", "replicate"),
    "a flipped kernel": (bug("conv2d: flipped kernel", "block.0"), "block.0", "flipped"),
    "a transposed kernel": (bug("conv2d: transposed kernel", "conv1"), "conv1", "transposed"),
    "another slope": (setting("block.1", negative_slope=0.01), "block.1", "negative_slope=0.01"),
    "a transposed weight": (transposed, "fc1", "weight transposed"),
    "an order of axes": (channels_last, "flatten", "channels last"),
    "an approximation": (setting("act2", approximate="tanh"), "act2", "approximate='tanh'"),
    "dropout without scaling": (bug("dropout: no scaling", "drop"), "drop", "divided by 1 − p"),
    "a forgotten bias": (without_bias, "fc2", "theirs has no bias"),
    "a sum in a block": (doubled_residual, "block", "theirs is ours times 2"),
}  # fmt: skip


@pytest.mark.parametrize(("plant", "layer", "guess"), FORWARD.values(), ids=FORWARD)
def test_an_error_forward_is_found_in_its_layer_with_its_cause(plant: Plant, layer: str, guess: str) -> None:
    model = net()
    plant(model)
    found = found_in(recorded(model))
    assert not found.agrees
    assert [d.layer for d in found.forward if d.what == "result"] == [layer], str(found)
    assert guess in found.forward[0].guess, str(found)


BACKWARD = {
    "every tie": (bug("max_pool2d: gradient to every tie", "pool"), None, ""),
    "constant statistics": (bug("batch_norm: constant statistics", "bn1"), "bn1", "taken for constants"),
    "no mask": (bug("relu: gradient lets all through", "act1"), "act1", "mask"),
    "another slope back": (bug("leaky_relu: slope lost in the gradient", "block.1"), "block.1", "ReLU's gradient"),
    "a mean": (bug("linear: weight gradient is a mean", "fc1"), "fc1", "dW divided by the batch"),
    "dropout lets all through": (bug("dropout: gradient without the mask", "drop"), "drop", "dropped elements"),
}  # fmt: skip


@pytest.mark.parametrize(("plant", "layer", "guess"), BACKWARD.values(), ids=BACKWARD)
def test_an_error_backward_is_found_in_its_layer(plant: Plant, layer: str | None, guess: str) -> None:
    model = net()
    plant(model)
    found = found_in(recorded(model))
    assert found.forward == [], str(found)
    if layer is None:  # random values have no ties
        assert found.agrees, str(found)
        return
    assert found.backward[0].layer == layer, str(found)
    assert guess in found.backward[0].guess, str(found)


def test_a_residual_whose_gradient_is_lost_is_told_from_the_layer_beside_it() -> None:
    def forward(self: Net, x: mc.Tensor) -> mc.Tensor:
        x = self.act1(self.bn1(self.conv1(x)))
        x = self.pool(x.detach() + self.block(x))
        return self.fc2(self.drop(self.act2(self.fc1(self.flatten(x)))))

    model = net()
    model.forward = forward.__get__(model)  # type: ignore[method-assign]  # an error
    found = found_in(recorded(model))
    assert found.forward == []
    assert [d.layer for d in found.backward] == ["after act1"], str(found)
    assert found.backward[0].guess == "theirs has the gradient of block.0 only: what else takes it gives none"

    model = net()
    right = model.block[0].forward
    model.block[0].forward = lambda x: right(x.detach())  # type: ignore[method-assign]  # an error
    found = found_in(recorded(model))
    assert [(d.layer, d.guess) for d in found.backward] == [("block.0", "theirs lacks the gradient of block.0")]


def test_two_errors_are_both_found_and_the_first_is_first() -> None:
    model = net()
    for plant, _, _ in (FORWARD["another slope"], FORWARD["a transposed weight"]):
        plant(model)
    bug("dropout: gradient without the mask", "drop")(model)
    found = found_in(recorded(model))
    assert [d.layer for d in found.forward] == ["block.1", "fc1"]
    assert found.backward[0].layer == "drop"


def test_a_sum_for_a_mean_in_the_loss_is_named() -> None:
    found = found_in(recorded(net(), lambda out: F.cross_entropy(out, TARGET, reduction="sum")))
    assert [(d.layer, d.what) for d in found.forward] == [("loss", "result")]
    assert [(d.layer, d.what) for d in found.backward] == [("loss", "gradient of input")]
    assert found.backward[0].guess == "theirs is ours times 4: a sum over the batch where ours is a mean"


def test_a_biased_running_variance_is_found_though_no_result_shows_it() -> None:
    model = net()
    bug("batch_norm: biased running variance", "bn1")(model)
    found = found_in(recorded(model))
    assert [(d.layer, d.what) for d in found.forward] == [("bn1", "running_var")]
    assert "the running one as it is" in found.forward[0].guess
    assert found.backward == []


def test_weights_that_differ_are_told_first() -> None:
    model = net()
    with mc.no_grad():
        model.fc1.weight.copy_(model.fc1.weight.t().clone())
    found = found_in(recorded(model))
    assert [d.layer for d in found.weights] == ["fc1.weight"]
    assert found.weights[0].guess == "theirs is transposed: ours.permute(1, 0)"
    assert "first weights: fc1.weight: value" in str(found)


def test_what_agrees_agrees_through_a_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "theirs.npz", **recorded(net()))
    found = found_in(tmp_path / "theirs.npz")
    assert found.agrees, str(found)
    some = {"conv1", "block.0.grad", "fc1.weight.grad", "loss", "input.grad", "bn1.running_var.after"}
    assert some <= set(found.compared)
    assert found.missing == []
    (tmp_path / "none.npz").write_text("none")
    with pytest.raises(DataError, match="cannot be read"):
        find_divergence(net(), tmp_path / "none.npz")
    with pytest.raises(ArgumentError, match="no input"):
        find_divergence(net(), {})


def test_a_layer_that_is_used_twice_has_two_entries() -> None:
    act = mc.nn.ReLU()
    theirs = record(mc.nn.Sequential(mc.nn.Linear(3, 3), act, mc.nn.Linear(3, 3), act), mc.ones(2, 3))
    assert {"1", "1:2", "1:2.grad"} <= set(theirs)


RECIPE = Path(__file__).parents[2] / "docs" / "checking.md"


@pytest.mark.parametrize("recipe", [False, True])
def test_pytorch_is_recorded_with_the_same_names(recipe: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch, where that is installed")
    torch.manual_seed(0)
    there = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3, padding=1), torch.nn.BatchNorm2d(4, eps=1e-3), torch.nn.ReLU(inplace=True),
        torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(64, 3),
    )  # fmt: skip
    here = mc.nn.Sequential(
        mc.nn.Conv2d(2, 4, 3, padding=1), mc.nn.BatchNorm2d(4), mc.nn.ReLU(inplace=True), mc.nn.MaxPool2d(2),
        mc.nn.Flatten(), mc.nn.Linear(64, 3),
    )  # fmt: skip
    here.load_state_dict({name: mc.as_tensor(t.cpu().numpy().copy()) for name, t in there.state_dict().items()})
    x = torch.randn(4, 2, 8, 8)
    path = tmp_path / "theirs.npz"
    target = torch.tensor([0, 2, 1, 2])
    if recipe:
        namespace: dict[str, Any] = {}
        text = RECIPE.read_text(encoding="utf-8").split("<!-- recipe -->")[1]
        exec(text.split("```py\n")[1].split("```")[0], namespace)
        namespace["record"](there, x, lambda out: torch.nn.functional.cross_entropy(out, target), path)
    else:
        record(there, x, loss=lambda out: torch.nn.functional.cross_entropy(out, target), path=path)
    found = find_divergence(here, path, loss=loss)
    assert found.weights == []
    assert [d.layer for d in found.forward] == ["1"], str(found)
    assert found.forward[0].guess == "theirs has eps=0.001, ours 1e-05"
    here[1].eps = 1e-3
    assert find_divergence(here, path, loss=loss).agrees
