"""Nothing waits within a step: what goes between host and device is counted, on the stand-ins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn.data import DataLoader, TensorDataset
from minicnn.errors import OutOfRangeError
from minicnn.nn import functional as F
from minicnn.testing import standin
from minicnn.training import Callback, evaluate, fit
from tests.backend import fakecupy
from tests.backend.hostcuda import COMPILER

pytestmark = pytest.mark.host("counts what goes between the CPU and a stand-in")

nn, optim = mc.nn, mc.optim

OPTIMIZERS: dict[str, Callable[[Any], optim.Optimizer]] = {
    "SGD": lambda p: optim.SGD(p, 0.1, momentum=0.9, weight_decay=1e-4, nesterov=True),
    "Adam": lambda p: optim.Adam(p, 1e-3, amsgrad=True), "AdamW": lambda p: optim.AdamW(p, 1e-3),
    "RMSprop": lambda p: optim.RMSprop(p, 1e-3, momentum=0.9), "Adagrad": optim.Adagrad, "Adadelta": optim.Adadelta,
    "Adamax": optim.Adamax, "NAdam": optim.NAdam, "RAdam": optim.RAdam,
}  # fmt: skip

LOSSES: dict[str, Callable[[mc.Tensor, mc.Tensor], mc.Tensor]] = {
    "cross_entropy": F.cross_entropy,
    "smoothed": lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1),
    "of probabilities": lambda x, y: F.cross_entropy(x, F.one_hot(y, 3).float()),
    "nll_loss": lambda x, y: F.nll_loss(x.log_softmax(1), y),
    "mse_loss": lambda x, y: F.mse_loss(x[:, 0], y.float()),
    "binary_cross_entropy": lambda x, y: F.binary_cross_entropy(x.sigmoid(), F.one_hot(y, 3).float()),
    "with_logits": lambda x, y: F.binary_cross_entropy_with_logits(x, F.one_hot(y, 3).float()),
    "smooth_l1_loss": lambda x, y: F.smooth_l1_loss(x[:, 0], y.float()),
    "multi_margin_loss": F.multi_margin_loss,
}  # fmt: skip


@pytest.fixture(params=["standin", "hostcuda"])
def place(request: pytest.FixtureRequest) -> str:
    """A device that counts; the second is the CUDA backend with its kernels, on a stand-in for CuPy."""
    name: str = request.param
    if name == "hostcuda":
        if COMPILER is None:
            pytest.skip("no C++ compiler here to build the kernels for the host")
        fakecupy.register()
    return name


def traffic_on(device: str) -> Any:
    return fakecupy.traffic if device == "hostcuda" else standin.traffic


def network(device: str, *more: nn.Module) -> nn.Sequential:
    mc.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, groups=2),
        nn.GroupNorm(2, 4), nn.GELU(), nn.AvgPool2d(2, ceil_mode=True, padding=1), nn.Upsample(scale_factor=2),
        nn.AdaptiveMaxPool2d(3), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 8), nn.LayerNorm(8), nn.SiLU(),
        *more, nn.Linear(8, 3),
    ).to(device)  # fmt: skip


def batch(device: str) -> tuple[mc.Tensor, mc.Tensor]:
    return mc.randn(4, 1, 8, 8).to(device), mc.randint(0, 3, (4,)).to(device)


def counts(traffic: Any) -> tuple[int, int, int]:
    return traffic.to_host, traffic.to_device, traffic.waits


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_waits_for_nothing_and_brings_nothing(place: str, name: str) -> None:
    model, traffic = network(place), traffic_on(place)
    average = [p.detach().clone() for p in model.parameters()]
    optimizer = OPTIMIZERS[name](model.parameters())
    schedules = [optim.lr_scheduler.CosineAnnealingLR(optimizer, 10), optim.lr_scheduler.ExponentialLR(optimizer, 0.9)]
    for number in range(4):
        images, labels = batch(place)
        if number == 2:  # the first made the optimiser's buffers, and brought tables that stay
            traffic.clear()
        before = counts(traffic)
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        nn.utils.clip_grad_value_(model.parameters(), 0.5)
        optimizer.step()
        for schedule in schedules:
            schedule.step()
        with mc.no_grad():
            for mean, p in zip(average, model.parameters(), strict=True):
                mean.lerp_(p, 0.1)
        if number >= 2:
            assert counts(traffic) == before


def test_the_mean_over_all_batches_is_kept_without_a_wait(place: str) -> None:
    layer, traffic = nn.BatchNorm1d(2, momentum=None).to(place), traffic_on(place)
    given = [[[0.0, 1.0], [2.0, 5.0]], [[4.0, 2.0], [8.0, 2.0]], [[1.0, 3.0], [1.0, 9.0]]]
    batches = [mc.tensor(values).to(place) for values in given]
    traffic.clear()
    for batch in batches:
        layer(batch)
    assert counts(traffic) == (0, 0, 0)
    # The batches' means are (1, 3), (6, 2), (1, 6), their unbiased variances (2, 8), (8, 0), (0, 18).
    assert layer.running_mean.tolist() == pytest.approx([8 / 3, 11 / 3], rel=1e-6)
    assert layer.running_var.tolist() == pytest.approx([10 / 3, 26 / 3], rel=1e-6)
    assert layer.num_batches_tracked.item() == 3


@pytest.mark.parametrize("name", LOSSES)
def test_no_loss_waits(place: str, name: str) -> None:
    traffic, (images, labels) = traffic_on(place), batch(place)
    model = network(place)
    for _ in range(2):
        traffic.clear()
        LOSSES[name](model(images), labels).backward()
    assert counts(traffic) == (0, 0, 0)


def test_batches_are_the_only_thing_that_fit_brings(place: str) -> None:
    mc.manual_seed(1)
    data = TensorDataset(mc.randn(24, 1, 8, 8), mc.randint(0, 3, (24,)))
    model, traffic, seen = network(place), traffic_on(place), []

    class Count(Callback):
        def on_epoch_begin(self, run: Any) -> None:
            traffic.clear()

        def on_step_end(self, run: Any) -> None:
            seen.append(counts(traffic))

        def on_epoch_end(self, run: Any) -> None:
            seen.append(counts(traffic))

    fit(model, DataLoader(data, 4, shuffle=True), optim.SGD(model.parameters(), 0.1, momentum=0.9), epochs=2,
        validation=DataLoader(data, 8), callbacks=[Count()], clip_norm=1.0, progress=False)  # fmt: skip
    second = seen[7:]
    assert second[:6] == [(0, 2 * n, 0) for n in range(1, 7)]  # the images and the targets of each batch
    to_host, to_device, waits = second[6]
    assert to_device == 2 * 6 + 2 * 3 and (to_host, waits) == (8, 2)  # at the epoch's end, and at the validation's


def trained(device: str, lazy: bool = True, **options: Any) -> tuple[Any, Any]:
    mc.manual_seed(1)
    data = TensorDataset(mc.randn(20, 1, 8, 8), mc.randint(0, 3, (20,)))
    model = network(device)
    heard = []

    class Listen(Callback):
        def on_batch_end(self, run: Any) -> None:
            if not lazy:
                heard.append((run.meter.loss, run.meter.accuracy))

    history = fit(model, DataLoader(data, 8, shuffle=True), optim.Adam(model.parameters(), 1e-2), epochs=3,
                  validation=DataLoader(data, 8), callbacks=[Listen()], progress=False, **options)  # fmt: skip
    records = [(r.loss, r.accuracy, r.validation_loss, r.validation_accuracy) for r in history]
    return records, {name: value.tolist() for name, value in model.state_dict().items()}


def test_values_that_are_read_late_have_the_same_bits(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    late = trained(place)
    assert trained(place, lazy=False) == late
    monkeypatch.setattr("minicnn.training.meter.MOST_UNREAD", 2)
    assert trained(place) == late
    assert trained(place, on_nan="stop") == late and trained(place, on_nan="skip") == late
    monkeypatch.setattr("minicnn.backend.late.LateErrors.asynchronous", False)
    if place == "standin":  # each loss read when it is made, as on the CPU
        monkeypatch.setattr(standin.StandinBackend, "asynchronous", False)
        assert trained(place)[0] == [pytest.approx(record, rel=1e-6) for record in late[0]]


def test_a_loss_that_is_no_number_is_told_with_its_step(place: str) -> None:
    images = mc.randn(8, 1, 8, 8)
    images[5] = float("nan")
    model = network(place)
    loader = DataLoader(TensorDataset(images, mc.zeros(8).long()), 2)
    with pytest.warns(UserWarning, match=r"the loss is nan, at step 3, batch 3 of epoch 1; it was read later") as found:
        fit(model, loader, optim.SGD(model.parameters(), 0.0), epochs=1, progress=False)
    assert len([w for w in found if "the loss is" in str(w.message)]) == 1


def test_skipped_batches_are_skipped_on_a_device(place: str) -> None:
    images = mc.randn(8, 1, 8, 8)
    images[5] = float("nan")
    model = network(place)
    loader = DataLoader(TensorDataset(images, mc.zeros(8).long()), 2)
    with pytest.warns(UserWarning, match="the batch itself holds"):
        history = fit(model, loader, optim.SGD(model.parameters(), 0.1), epochs=1, on_nan="skip", progress=False)
    assert history[0].loss == history[0].loss
    assert all(p.isfinite().all() for p in model.parameters())


def test_evaluate_waits_at_its_end_alone(place: str) -> None:
    mc.manual_seed(1)
    model, traffic = network(place), traffic_on(place)
    for images in (8, 8, 32):
        loader = DataLoader(TensorDataset(mc.randn(images, 1, 8, 8), mc.randint(0, 3, (images,))), 8)
        before = counts(traffic)
        evaluate(model, loader)
    assert np.subtract(counts(traffic), before).tolist() == [5, 2 * 4, 1]


def test_a_number_in_a_cpu_tensor_is_told_to_a_kernel(place: str) -> None:
    x, s = mc.tensor([1.0, -2.0]).to(place).requires_grad_(), mc.tensor(3.0)
    traffic = traffic_on(place)
    traffic.clear()
    y = mc.where(x > s - 3, x * s, s / x).clamp(max=s)
    y.add_(s).sum().backward()
    assert counts(traffic) == (0, 0, 0)
    assert y.tolist() == [6.0, 1.5] and x.grad.tolist() == [3.0, -0.75]


def test_a_wrong_class_is_told_when_a_value_is_read(place: str) -> None:
    scores, labels = mc.zeros(2, 3).to(place).requires_grad_(), mc.tensor([0, 3]).to(place)
    traffic = traffic_on(place)
    traffic.clear()
    loss = F.cross_entropy(scores, labels)
    loss.backward()
    assert counts(traffic) == (0, 0, 0)
    with pytest.raises(OutOfRangeError, match="cross_entropy: a target class does not exist") as error:
        loss.item()
    assert "0 <= target < 3" in str(error.value) and "a step before this" in str(error.value)
    assert F.cross_entropy(scores, labels * 0).item() == pytest.approx(1.0986123)  # told once


def test_wrong_indices_are_told_when_a_value_is_read(place: str) -> None:
    F.one_hot(mc.tensor([5]).to(place), 3)
    with pytest.raises(OutOfRangeError, match="one_hot: a class does not exist"):
        mc.ones(1).to(place).item()


def test_ignored_classes_are_left_out_without_looking(place: str) -> None:
    scores = mc.tensor([[1.0, 2.0], [3.0, 0.0], [0.0, 0.0]], requires_grad=True)
    for labels in ([1, -100, 0], [1, 0, 0]):
        target = mc.tensor(labels)
        want = mc.grad(F.cross_entropy(scores, target), [scores])[0]
        got = mc.grad(F.cross_entropy(scores.to(place), target.to(place)), [scores])[0]
        np.testing.assert_allclose(got.numpy(), want.numpy(), 1e-6, 1e-7)


def test_on_the_cpu_a_wrong_class_is_told_at_once() -> None:
    with pytest.raises(OutOfRangeError, match=r"does not exist\n  got   3 of 3 classes"):
        F.cross_entropy(mc.zeros(1, 3), mc.tensor([3]))


GRADIENTS = [float("nan"), 1.0, float("inf"), 2.0, 0.5, float("nan"), 1.0, 1.0, 1.0, -float("inf"), 3.0]


def scaled(device: str, name: str, *, late: bool = True) -> tuple[list[Any], Any]:
    """Steps by given gradients, the first of which overflows; the scales, and all that the optimiser came to."""
    weights = [mc.ones(3).to(device).requires_grad_(), mc.full((2,), 0.5).to(device).requires_grad_()]
    dampened = {"SGD": lambda p: optim.SGD(p, 0.1, momentum=0.9, dampening=0.5)}
    optimizer = {**OPTIMIZERS, **dampened}[name](weights)
    scaler = mc.amp.GradScaler(init_scale=8.0, growth_factor=3.0, backoff_factor=0.25, growth_interval=2)
    scales, traffic = [], traffic_on(device)
    for gradient in GRADIENTS:
        given = mc.tensor([gradient, 1.0, 1.0]).to(device)
        before = (*counts(traffic), traffic.begun)
        optimizer.zero_grad()
        scaler.scale((weights[0] * given).sum() + weights[1].sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        if late and device != "cpu":
            assert np.subtract((*counts(traffic), traffic.begun), before).tolist() == [0, 0, 0, 1]
        if not late:
            scales.append(scaler.get_scale())
    state = {number: {n: v.tolist() if isinstance(v, mc.Tensor) else v for n, v in kept.items()}
             for number, kept in optimizer.state_dict()["state"].items()}  # fmt: skip
    return scales, ([w.tolist() for w in weights], state, scaler.state_dict())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_scaled_step_does_not_wait_to_be_skipped(place: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found, looked = scaled(place, name), scaled(place, name, late=False)
    assert found[1] == looked[1]
    scales, (weights, state, scaler) = scaled("cpu", name, late=False)
    assert looked[0] == scales == [2, 2, 0.5, 0.5, 1.5, 0.375, 0.375, 1.125, 1.125, 0.28125, 0.28125]
    assert found[1][2] == scaler
    for mine, theirs in zip(found[1][0], weights, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-6)
    assert {n: {k: pytest.approx(v, rel=1e-5) for k, v in kept.items()} for n, kept in state.items()} == found[1][1]


def test_what_a_skipped_step_counted_is_taken_back_before_anybody_sees_it(place: str) -> None:
    weight = mc.ones(2).to(place).requires_grad_()
    optimizer, scaler = optim.Adam([weight], 0.1), mc.amp.GradScaler()
    weight.grad = mc.ones(2).to(place)
    scaler.step(optimizer)
    scaler.update()
    weight.grad = mc.full((2,), float("nan")).to(place)
    scaler.step(optimizer)
    assert optimizer.state_dict()["state"][0]["step"].item() == 1
    weight.grad = mc.ones(2).to(place)
    optimizer.step()
    assert optimizer.state[weight]["step"].item() == 2


def test_an_optimiser_with_a_step_of_its_own_is_asked_at_once(place: str) -> None:
    steps = []

    class Own(optim.SGD):
        def step(self, closure: Any = None) -> None:
            steps.append(1)

    weight = mc.ones(2).to(place).requires_grad_()
    optimizer, scaler = Own([weight], 0.1), mc.amp.GradScaler()
    for gradient in (1.0, float("nan")):
        weight.grad = mc.full((2,), gradient).to(place)
        scaler.step(optimizer)
        scaler.update()
    assert steps == [1] and scaler.get_scale() == 2.0**15


def test_rules_of_ones_own_are_undone_too(place: str) -> None:
    class Signs(optim.SGD):
        def update(self, x: Any, g: Any, state: Any, options: Any) -> None:
            x -= options["lr"] * ((g > 0) * 1.0 - (g < 0))
            super().update(x, g, state, options)

    weight = mc.ones(2).to(place).requires_grad_()
    optimizer, scaler = Signs([weight], 0.5), mc.amp.GradScaler(init_scale=1.0)
    for gradient, expected in ((float("inf"), 1.0), (1.0, 0.0)):
        weight.grad = mc.full((2,), gradient).to(place)
        scaler.step(optimizer)
        scaler.update(1.0)
        assert weight.tolist() == [expected] * 2
