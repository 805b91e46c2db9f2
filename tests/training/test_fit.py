"""fit: the loop, accumulation, clipping, schedules, losses of all kinds; every expected number comes from elsewhere."""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.data import DataLoader, TensorDataset
from minicnn.errors import DataError, DtypeError, OptionError
from minicnn.training import Callback, Run, fit

F = nn.functional
L = mc.optim.lr_scheduler


def net(inputs: int = 6, outputs: int = 3) -> nn.Module:
    mc.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, 8), nn.Tanh(), nn.Linear(8, outputs)).double()


def data(count: int, inputs: int = 6, classes: int = 3) -> TensorDataset:
    generator = mc.Generator().manual_seed(1)
    x = mc.randn(count, inputs, dtype=mc.float64, generator=generator)
    return TensorDataset(x, mc.randint(0, classes, (count,), generator=generator))


def trained(count: int, batch: int, accumulate: int = 1, **options: Any) -> list[Any]:
    model = net()
    optimizer = mc.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    fit(model, DataLoader(data(count), batch), optimizer, epochs=3, accumulate=accumulate, progress=False, **options)
    return [p.detach() for p in model.parameters()]


def largest_difference(a: list[Any], b: list[Any]) -> float:
    return max(float((x - y).abs().max()) for x, y in zip(a, b, strict=True))


class Rates(Callback):
    """Notes the rate of every step."""

    def __init__(self) -> None:
        self.rates: list[float] = []

    def on_batch_end(self, run: Run) -> None:
        self.rates.append(run.lr)


@pytest.mark.parametrize(("count", "batch", "accumulate", "as_if"), [(64, 16, 2, 32), (40, 16, 2, 32), (44, 16, 3, 48)])
def test_accumulated_batches_are_one_batch(count: int, batch: int, accumulate: int, as_if: int) -> None:
    assert largest_difference(trained(count, batch, accumulate), trained(count, as_if)) < 1e-12
    assert largest_difference(trained(count, batch), trained(count, as_if)) > 1e-3


def test_fit_is_the_loop_written_out() -> None:
    model = net()
    optimizer = mc.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    losses, right = [], 0
    for _ in range(3):
        right, total = 0, 0.0
        for x, y in DataLoader(data(40), 16):
            optimizer.zero_grad()
            scores = model(x)
            loss = F.cross_entropy(scores, y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
            right += int((scores.argmax(1) == y).sum())
        losses.append(total / 40)
    again = net()
    history = fit(again, DataLoader(data(40), 16), mc.optim.SGD(again.parameters(), 0.1, momentum=0.9), epochs=3,
                  progress=False)  # fmt: skip
    pairs = zip(model.parameters(), again.parameters(), strict=True)
    assert all(p.detach().cpu().numpy().tobytes() == q.detach().cpu().numpy().tobytes() for p, q in pairs)
    assert history.column("loss") == pytest.approx(losses, rel=1e-14)
    assert history[-1].accuracy == pytest.approx(right / 40, rel=1e-14)
    assert [r.epoch for r in history] == [1, 2, 3] and all(r.seconds > 0 and r.images_per_second > 0 for r in history)


def test_clip_norm_bounds_the_gradients_as_one_vector() -> None:
    before = [p.detach() for p in net().parameters()]
    model = net()
    fit(model, DataLoader(data(32), 32), mc.optim.SGD(model.parameters(), 1.0), epochs=1, clip_norm=0.01,
        progress=False)  # fmt: skip
    squares = [float(((p.detach() - b) ** 2).sum()) for p, b in zip(model.parameters(), before, strict=True)]
    assert math.sqrt(sum(squares)) == pytest.approx(0.01, rel=1e-3)  # PyTorch's formula adds 1e-6 to the norm


def test_clip_value_bounds_each_element() -> None:
    before = [p.detach() for p in net().parameters()]
    model = net()
    fit(model, DataLoader(data(32), 32), mc.optim.SGD(model.parameters(), 1.0), epochs=1, clip_value=1e-4,
        progress=False)  # fmt: skip
    assert largest_difference([p.detach() for p in model.parameters()], before) == pytest.approx(1e-4, rel=1e-9)


@pytest.mark.parametrize(("accumulate", "steps"), [(1, 9), (2, 6)])
def test_one_cycle_is_stepped_after_every_step(accumulate: int, steps: int) -> None:
    def scheduled() -> tuple[nn.Module, mc.optim.SGD, L.OneCycleLR]:
        model = net()
        optimizer = mc.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        return model, optimizer, L.OneCycleLR(optimizer, 0.1, total_steps=steps)

    _, optimizer, scheduler = scheduled()
    expected = []
    for _ in range(steps):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(expected) < steps:
            scheduler.step()
    model, optimizer, scheduler = scheduled()
    seen = Rates()
    history = fit(model, DataLoader(data(40), 16), optimizer, epochs=3, scheduler=scheduler, accumulate=accumulate,
                  callbacks=[seen], progress=False)  # fmt: skip
    assert seen.rates[:: accumulate if accumulate == 1 else 1] == (
        expected if accumulate == 1 else [expected[i] for i in (0, 0, 1, 2, 2, 3, 4, 4, 5)]
    )
    assert scheduler.last_epoch == steps
    assert history.column("lr")[0] != history.column("lr")[-1]


@pytest.mark.parametrize(
    ("every", "expected"),
    [(None, [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]), ("epoch", [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]),
     ("batch", [1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125])],
)  # fmt: skip
def test_other_schedules_are_stepped_after_every_epoch_unless_told(every: str | None, expected: list[float]) -> None:
    model, seen = net(), Rates()
    optimizer = mc.optim.SGD(model.parameters(), 1.0)
    fit(model, DataLoader(data(20), 10), optimizer, epochs=3, scheduler=L.StepLR(optimizer, 1, gamma=0.5),
        step_scheduler=every, callbacks=[seen], progress=False)  # fmt: skip
    assert seen.rates == expected


@pytest.mark.parametrize("validation", [None, DataLoader(data(10), 5)])
def test_reduce_on_plateau_watches_the_loss(validation: Any) -> None:
    model = net()
    optimizer = mc.optim.SGD(model.parameters(), 0.1)
    history = fit(model, DataLoader(data(10), 5), optimizer, epochs=4, validation=validation, progress=False,
                  scheduler=L.ReduceLROnPlateau(optimizer, patience=0), loss_function=lambda o, t: (o * 0).sum() + 1)
    # The first epoch is the best so far, the second brings nothing: its end lowers the rate, and each after it.
    assert history.column("lr") == pytest.approx([0.1, 0.1, 0.01, 0.001])


def test_reduce_on_plateau_with_max_watches_the_accuracy() -> None:
    model = net()
    optimizer = mc.optim.SGD(model.parameters(), 0.1)
    plateau = L.ReduceLROnPlateau(optimizer, mode="max", patience=0)
    fit(model, DataLoader(data(10), 5), optimizer, epochs=1, validation=DataLoader(data(4), 4), scheduler=plateau,
        progress=False)  # fmt: skip
    assert plateau.best == mc.training.evaluate(model, DataLoader(data(4), 4)).accuracy


def test_validation_is_evaluation_after_each_epoch_and_leaves_training_mode() -> None:
    model, loader = net(), DataLoader(data(12), 5)
    optimizer = mc.optim.SGD(model.parameters(), 0.1)
    history = fit(model, DataLoader(data(40), 16), optimizer, epochs=2, validation=loader, progress=False)
    result = mc.training.evaluate(model, loader)
    assert (history[-1].validation_loss, history[-1].validation_accuracy) == (result.loss, result.accuracy)
    assert history[0].validation_loss != history[1].validation_loss and model.training


def test_a_regression_has_a_loss_and_no_accuracy(capsys: pytest.CaptureFixture[str]) -> None:
    mc.manual_seed(0)
    x = mc.linspace(-1, 1, 50).reshape(-1, 1)
    model = nn.Linear(1, 1)
    history = fit(model, DataLoader(TensorDataset(x, 3 * x - 1), 10, shuffle=True),
                  mc.optim.SGD(model.parameters(), 0.2), epochs=30, loss_function=nn.MSELoss())
    assert history[-1].loss < 1e-4 and history[-1].accuracy is None
    assert model.weight.item() == pytest.approx(3, abs=0.02) and model.bias.item() == pytest.approx(-1, abs=0.02)
    assert "accuracy" not in capsys.readouterr().out
    assert "accuracy" not in str(mc.training.evaluate(model, DataLoader(TensorDataset(x, x), 10),
                                                      loss_function=nn.MSELoss()))


def test_an_accuracy_of_your_own() -> None:
    model = nn.Linear(1, 1)
    x = mc.zeros(10, 1)
    history = fit(model, DataLoader(TensorDataset(x, x), 4), mc.optim.SGD(model.parameters(), 0.1), epochs=1,
                  loss_function=F.mse_loss, accuracy=lambda outputs, targets: len(targets) / 4, progress=False)
    assert history[0].accuracy == (4 * 1 + 4 * 1 + 2 * 0.5) / 10


Heads = namedtuple("Heads", "logits aux")


class TwoHeads(nn.Module):
    """Like GoogLeNet: a second output in training only."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.aux = net(), net()

    def forward(self, x: Any) -> Any:
        return Heads(self.body(x), self.aux(x)) if self.training else self.body(x)


def test_auxiliary_heads_count_with_their_weight() -> None:
    model, (x, y) = TwoHeads(), data(20)[:]
    expected = F.cross_entropy(model.body(x), y) + 0.3 * F.cross_entropy(model.aux(x), y)
    right = float((model.body(x).argmax(1) == y).float().mean())
    loader = DataLoader(TensorDataset(x, y), 20)
    history = fit(model, loader, mc.optim.SGD(model.parameters(), 0.1), epochs=1, validation=loader, progress=False,
                  loss_function=mc.training.auxiliary_loss(0.3))  # fmt: skip
    assert history[0].loss == pytest.approx(expected.item(), rel=1e-14)
    assert history[0].accuracy == pytest.approx(right)
    assert history[0].validation_loss == pytest.approx(F.cross_entropy(model.eval()(x), y).item(), rel=1e-14)


def test_googlenet_trains() -> None:
    model = mc.models.googlenet(num_classes=3)
    x, y = mc.randn(2, 3, 32, 32), mc.tensor([0, 2])
    history = fit(model, [(x, y)], mc.optim.SGD(model.parameters(), 0.01), epochs=1, progress=False,
                  loss_function=mc.training.auxiliary_loss())  # fmt: skip
    assert math.isfinite(history[0].loss) and model.aux1.fc2.weight.grad is not None


def test_several_outputs_without_a_loss_for_them_are_explained() -> None:
    model = TwoHeads()
    with pytest.raises(OptionError, match="auxiliary_loss"):
        fit(model, DataLoader(data(4), 4), mc.optim.SGD(model.parameters(), 0.1), epochs=1, progress=False)


def test_targets_that_the_loss_ignores_are_not_counted() -> None:
    scores = mc.tensor([[9.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    assert mc.training.class_accuracy(scores, mc.tensor([0, -100, 0])) == 0.5
    assert mc.training.class_accuracy(scores, mc.tensor([255, -100, -1])) is None


def test_a_nan_is_reported_as_one_and_is_no_best(capsys: pytest.CaptureFixture[str]) -> None:
    model = net()
    with pytest.warns(UserWarning, match="the loss is nan, at step 1"):
        history = fit(model, DataLoader(data(20), 10), mc.optim.SGD(model.parameters(), 0.1), epochs=5,
                      early_stopping=2, loss_function=lambda o, t: F.cross_entropy(o, t) * math.nan)  # fmt: skip
    assert len(history) == 2 and history.best() is None
    assert "loss nan" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs=0"), ({"epochs": 1, "accumulate": 0}, "accumulate=0"),
        ({"epochs": 1, "clip_norm": 0.0}, "clip_norm=0"), ({"epochs": 1, "clip_value": math.nan}, "clip_value=nan"),
        ({"epochs": 1, "clip_norm": 1.0, "clip_value": 1.0}, "exclude each other"),
        ({"epochs": 1, "early_stopping": 0}, "no patience"),
    ],
)  # fmt: skip
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    model = net()
    with pytest.raises(OptionError, match=message):
        fit(model, DataLoader(data(4), 4), mc.optim.SGD(model.parameters(), 0.1), progress=False, **options)


def test_wrong_schedules() -> None:
    model = net()
    optimizer = mc.optim.SGD(model.parameters(), 0.1)
    plateau = L.ReduceLROnPlateau(optimizer, mode="max")
    wrong: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (DtypeError, "no schedule|not a schedule", {"scheduler": 0.1}),
        (OptionError, "when is the schedule", {"scheduler": plateau, "step_scheduler": "step"}),
        (OptionError, "waits for epochs", {"scheduler": plateau, "step_scheduler": "batch"}),
        (OptionError, "no accuracy to watch", {"scheduler": plateau, "accuracy": None}),
    ]
    for error, message, options in wrong:
        with pytest.raises(error, match=message):
            fit(model, DataLoader(data(4), 4), optimizer, epochs=1, progress=False, **options)


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([], "no batches"), ([mc.zeros(2, 6)], "no pair"), ([(1, 2, 3)], "no pair"), (3, "this gives no batches"),
        (data(4), r"got   TensorDataset\n.*\n  try   mc.data.DataLoader\(dataset"),
    ],
)  # fmt: skip
def test_loaders_that_give_no_pairs(batches: Any, message: str) -> None:
    model = net()
    with pytest.raises(DataError, match=message):
        fit(model, batches, mc.optim.SGD(model.parameters(), 0.1), epochs=1, progress=False)
    with pytest.raises(DataError, match=message):
        mc.training.evaluate(model, batches)


def test_an_optimiser_of_another_model_is_warned_of() -> None:
    model, loader = net(), DataLoader(data(4), 4)
    with pytest.warns(UserWarning, match="none of the model's parameters"):
        fit(model, loader, mc.optim.SGD(net().parameters(), 0.1), epochs=1, progress=False)
    last = list(model.parameters())[-1:]
    fit(model, loader, mc.optim.SGD(last, 0.1), epochs=1, progress=False)  # the others are frozen


def test_a_generator_that_is_used_up_is_explained() -> None:
    model = net()
    used_once = (batch for batch in [data(4)[:]])
    with pytest.raises(DataError, match="used up"):
        fit(model, used_once, mc.optim.SGD(model.parameters(), 0.1), epochs=2, progress=False)


@pytest.mark.parametrize("columns", ["20", "70", "120"])
def test_the_bar_fits_into_any_terminal(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("rich._console", None)
    model = net()
    fit(model, DataLoader(data(20), 10), mc.optim.SGD(model.parameters(), 0.1), epochs=2)
    out = " ".join(capsys.readouterr().out.split())
    assert "epoch 1/2" in out and "epoch 2/2" in out and "accuracy" in out


def test_lines_have_loss_accuracy_speed_and_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    model = net()
    fit(model, DataLoader(data(20), 10), mc.optim.SGD(model.parameters(), 0.1), epochs=2,
        validation=DataLoader(data(5), 5))  # fmt: skip
    first, second = capsys.readouterr().out.splitlines()
    for part in ("epoch 1/2  loss ", "  accuracy ", "  validation loss ", " images/s", "  left 0:00:00"):
        assert part in first
    assert "left" not in second




def test_everything_runs_on_a_device(device: str, tmp_path: Any) -> None:
    model = net(outputs=7).to(device)
    optimizer = mc.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    loader = DataLoader(data(20, classes=7), 8)  # on the CPU: fit moves the batches
    history = fit(model, loader, optimizer, epochs=2, validation=loader, accumulate=2, clip_norm=1.0, progress=False,
                  scheduler=L.StepLR(optimizer, 1), checkpoint=tmp_path)  # fmt: skip
    on_cpu = net(outputs=7)
    descent = mc.optim.SGD(on_cpu.parameters(), 0.1, momentum=0.9)
    expected = fit(on_cpu, loader, descent, epochs=2, validation=loader, accumulate=2, clip_norm=1.0, progress=False,
                   scheduler=L.StepLR(descent, 1))  # fmt: skip
    assert history.column("validation_loss") == pytest.approx(expected.column("validation_loss"), rel=1e-12)
    assert history.column("accuracy") == expected.column("accuracy")
    result = mc.training.evaluate(model, loader)
    assert result.confusion is not None and result.confusion.sum().item() == 20
    assert result.top5 == mc.training.evaluate(on_cpu, loader).top5 and len(result.rows()) == 8
    assert mc.load(tmp_path / "best.pt")["epoch"] == 2
