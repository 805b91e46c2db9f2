"""GradScaler beside PyTorch's: the same scales, the same skipped steps, the same states."""

from __future__ import annotations

from typing import Any

import pytest

import minicnn as mc
from minicnn.errors import DtypeError, OptionError, StateError

GRADIENTS = [1.0, float("inf"), 2.0, 0.5, float("nan"), 1.0, 1.0, 1.0, -float("inf"), 3.0]
OPTIONS = {"init_scale": 8.0, "growth_factor": 3.0, "backoff_factor": 0.25, "growth_interval": 2}


def run(lib: Any, scaler: Any, *, unscale: bool = False) -> list[tuple[Any, ...]]:
    """Steps with given gradients; what the weight, the scale and the state are after each."""
    weight = lib.ones(3, requires_grad=True)
    optimizer = lib.optim.SGD([weight], lr=0.1, momentum=0.9)
    found = []
    for gradient in GRADIENTS:
        optimizer.zero_grad()
        scaler.scale((weight * lib.tensor([gradient, 1.0, 1.0])).sum()).backward()
        if unscale:
            scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        found.append((weight.tolist(), scaler.get_scale(), scaler.state_dict()))
    return found


@pytest.mark.parametrize("unscale", [False, True])
def test_scales_and_steps_are_pytorchs(unscale: bool) -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live; the scales below are checked without it")
    theirs = run(torch, torch.amp.GradScaler("cpu", **OPTIONS), unscale=unscale)
    for mine, other in zip(run(mc, mc.amp.GradScaler("cpu", **OPTIONS), unscale=unscale), theirs, strict=True):
        assert mine[0] == pytest.approx(other[0], rel=1e-6) and mine[1:] == other[1:]


def test_the_scale_backs_off_and_grows() -> None:
    scales = [scale for _, scale, _ in run(mc, mc.amp.GradScaler(**OPTIONS))]
    assert scales == [8, 2, 2, 6, 1.5, 1.5, 4.5, 4.5, 1.125, 1.125]


def test_overflowed_gradients_change_nothing() -> None:
    weights = [weight for weight, _, _ in run(mc, mc.amp.GradScaler(**OPTIONS))]
    assert weights[1] == weights[0] and weights[4] == weights[3] and weights[8] == weights[7]
    assert weights[2] != weights[1]


def test_a_disabled_one_is_a_plain_step() -> None:
    scaler = mc.amp.GradScaler(enabled=False)
    loss = mc.ones(1)
    assert scaler.scale(loss) is loss and scaler.get_scale() == 1 and scaler.state_dict() == {}
    weight = mc.ones(1, requires_grad=True)
    optimizer = mc.optim.SGD([weight], lr=0.5)
    weight.sum().backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert weight.tolist() == [0.5] and not scaler.is_enabled()


def test_a_float16_loss_does_not_overflow_when_scaled() -> None:
    scaled = mc.amp.GradScaler().scale(mc.tensor(3.0, dtype=mc.float16))
    assert scaled.dtype == mc.float32 and scaled.item() == 3 * 2.0**16
    assert [t.item() for t in mc.amp.GradScaler(init_scale=2).scale([mc.tensor(1.0), mc.tensor(2.0)])] == [2.0, 4.0]


def test_it_can_be_clipped_in_between() -> None:
    scaler, weight = mc.amp.GradScaler(init_scale=1024.0), mc.zeros(2, requires_grad=True)
    optimizer = mc.optim.SGD([weight], lr=1.0)
    scaler.scale((weight * mc.tensor([3.0, 4.0])).sum()).backward()
    scaler.unscale_(optimizer)
    assert mc.nn.utils.clip_grad_norm_([weight], 1.0).item() == pytest.approx(5.0)
    scaler.step(optimizer)
    assert weight.tolist() == pytest.approx([-0.6, -0.8], rel=1e-5)


def test_steps_out_of_order_are_refused() -> None:
    scaler, weight = mc.amp.GradScaler(), mc.ones(1, requires_grad=True)
    optimizer = mc.optim.SGD([weight], lr=0.1)
    with pytest.raises(StateError, match="no gradients were looked at"):
        scaler.update()
    scaler.scale(weight.sum()).backward()
    scaler.unscale_(optimizer)
    with pytest.raises(StateError, match="unscaled already"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    with pytest.raises(StateError, match="stepped already"):
        scaler.step(optimizer)
    with pytest.raises(StateError, match="unscaled already"):
        scaler.unscale_(optimizer)
    scaler.update()
    with pytest.raises(OptionError, match="closures"):
        scaler.step(optimizer, closure=lambda: None)


def test_float16_gradients_are_refused() -> None:
    weight = mc.ones(1, dtype=mc.float16, requires_grad=True)
    weight.sum().backward()
    with pytest.raises(DtypeError, match="a gradient is float16"):
        mc.amp.GradScaler().unscale_(mc.optim.SGD([weight], lr=0.1))


def test_states_go_to_and_fro() -> None:
    first = mc.amp.GradScaler(**OPTIONS)
    run(mc, first)
    second = mc.amp.GradScaler()
    second.load_state_dict(first.state_dict())
    assert second.state_dict() == first.state_dict() and second.get_growth_interval() == 2
    with pytest.raises(StateError, match="empty"):
        second.load_state_dict({})


@pytest.mark.parametrize("options", [{"growth_factor": 1.0}, {"backoff_factor": 1.0}, {"growth_interval": 0}])
def test_factors_out_of_range(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="out of range"):
        mc.amp.GradScaler(**options)


def test_a_network_trains_in_mixed_precision_as_in_float32() -> None:
    images, labels = mc.datasets.Digits(train=True).tensors()[:128]

    def losses(mixed: bool) -> list[float]:
        mc.manual_seed(0)
        model, scaler = mc.models.LeNet(), mc.amp.GradScaler(enabled=mixed)
        optimizer = mc.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        found = []
        for _ in range(8):
            optimizer.zero_grad()
            with mc.autocast(mc.get_default_device().type, enabled=mixed):
                loss = mc.nn.functional.cross_entropy(model(images), labels)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            found.append(loss.item())
        return found

    assert losses(True) == pytest.approx(losses(False), rel=2e-3)
