"""on_nan: what is done about a loss or a gradient that is no finite number, and what is said of where it came from."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.data import DataLoader, TensorDataset
from minicnn.errors import NotFiniteError, OptionError
from minicnn.training import Callback, History, Run, fit
from tests.training.test_fit import data

F = nn.functional


class Cause(nn.Module):
    """A layer that fails on a batch that holds a certain number."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.weight = nn.Parameter(mc.ones(3, dtype=mc.float64))

    def forward(self, x: Any) -> Any:
        marked = float((x == 77).sum())  # whether the batch is the bad one
        if self.kind == "forward" and marked:
            return (self.weight * x - self.weight * x).log() * x
        if self.kind == "backward":  # the root of zero has a slope without bound
            return x + ((self.weight - 1) ** 2).sum().sqrt() if marked else x * self.weight
        return x * self.weight


def network(kind: str) -> nn.Module:
    mc.manual_seed(0)
    first = nn.Linear(6, 3)
    return nn.Sequential(first, nn.BatchNorm1d(3), Cause(kind), nn.Linear(3, 3)).double()


class Mark(nn.Module):
    """Puts the mark of a bad batch behind the batch norm, which would hide it."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Any) -> Any:
        hidden = self.body[1](self.body[0](x))
        bad = (x[:, :3] == 77).double()
        return self.body[3](self.body[2](hidden * (1 - bad) + 77 * bad))


def batches(bad: tuple[int, ...] = (2,), value: float = 77.0) -> list[Any]:
    found = []
    for number in range(5):
        x, y = data(8)[:]
        x = x + number
        if number in bad:
            x[0, 0] = value
        found.append((x, y))
    return found


def trained(kind: str, given: list[Any], on_nan: str, epochs: int = 1, accumulate: int = 1,
            callbacks: Any = ()) -> tuple[nn.Module, History]:  # fmt: skip
    model = Mark(network(kind))
    # The weight of Cause stays 1, so that the root of zero stays one.
    rest = [p for name, p in model.named_parameters() if name != "body.2.weight"]
    history = fit(model, given, mc.optim.SGD(rest, 0.1, momentum=0.9), epochs=epochs, on_nan=on_nan, progress=False,
                  accumulate=accumulate, callbacks=callbacks)  # fmt: skip
    return model, history


def state(model: nn.Module) -> list[Any]:
    return [value.tolist() for value in model.state_dict().values()]


@pytest.mark.parametrize(("kind", "said"), [
    ("forward", r"the loss is nan, at step 3, batch 3 of epoch 1: Log made the first (infinity|NaN), in the forward "
                r"pass, in layer body\.2 \(Cause\)"),
    ("backward", r"the gradient of body\.\d\.weight is not finite, at step 3, batch 3 of epoch 1: Sqrt made the first "
                 r"(infinity|NaN), in the backward pass, in layer body\.2 \(Cause\)"),
])  # fmt: skip
def test_stop_raises_before_the_step_and_names_step_and_layer(kind: str, said: str) -> None:
    weights: list[Any] = []

    class Keep(Callback):
        def on_step_end(self, run: Run) -> None:
            weights.append([p.tolist() for p in run.model.parameters()])

        def on_fit_end(self, run: Run) -> None:
            weights.append([p.tolist() for p in run.model.parameters()])

    with pytest.raises(NotFiniteError, match=said):
        trained(kind, batches(), "stop", callbacks=[Keep()])
    assert len(weights) == 3 and weights[-1] == weights[-2]


@pytest.mark.parametrize("kind", ["forward", "backward"])
def test_skip_is_as_if_the_batch_had_not_been(kind: str) -> None:
    expected, whole = trained(kind, [b for i, b in enumerate(batches()) if i != 2], "stop", epochs=2)
    with pytest.warns(UserWarning, match="the step is left out") as caught:
        model, history = trained(kind, batches(), "skip", epochs=2)
    assert len(caught) == 2  # once in each epoch: in between there were finite losses
    found, counts = state(model), expected.state_dict()["body.1.num_batches_tracked"]
    assert found == state(expected) and int(counts) == 8
    assert history.column("loss") == whole.column("loss")


def test_skip_leaves_out_the_whole_group() -> None:
    given = batches()[:4]
    expected, _ = trained("forward", given[:2], "stop", accumulate=2)
    with pytest.warns(UserWarning, match="batch 3 of epoch 1"):
        model, history = trained("forward", given, "skip", accumulate=2)
    assert state(model) == state(expected) and math.isfinite(history[0].loss)


def test_skip_ends_where_no_batch_can_help() -> None:
    with (pytest.warns(UserWarning, match="left out"),
          pytest.raises(NotFiniteError, match="all 5 batches of epoch 1 were left out")):  # fmt: skip
        trained("forward", batches(bad=(0, 1, 2, 3, 4)), "skip")

    class Spoil(Callback):
        def on_step_end(self, run: Run) -> None:
            with mc.no_grad():
                next(run.model.parameters())[0, 0] = math.inf

    with pytest.raises(NotFiniteError, match=r"body\.0\.weight is not finite any more, since the step before"):
        trained("none", batches(bad=()), "skip", callbacks=[Spoil()])


@pytest.mark.host("a device's losses are read later: tests/cuda/test_traffic.py")
def test_report_warns_once_until_a_loss_is_finite_again_and_changes_nothing() -> None:
    given = batches()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model, history = trained("forward", given, "report")
    assert len(caught) == 1 and "batch 3 of epoch 1: Log made the first" in str(caught[0].message)
    again = Mark(network("forward"))
    rest = [p for name, p in again.named_parameters() if name != "body.2.weight"]
    optimizer = mc.optim.SGD(rest, 0.1, momentum=0.9)
    for x, y in given:
        optimizer.zero_grad()
        F.cross_entropy(again(x), y).backward()
        optimizer.step()
    assert str(state(model)) == str(state(again)) and math.isnan(history[0].loss)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_batch_that_is_itself_at_fault(value: float) -> None:
    with pytest.raises(NotFiniteError, match="the batch itself holds an infinity or a NaN"):
        trained("none", batches(value=value), "stop")


def test_a_cause_that_chance_hides_is_not_made_up() -> None:
    def loss(outputs: Any, targets: Any) -> Any:
        calls.append(1)
        return F.cross_entropy(outputs, targets) * (math.nan if len(calls) == 1 else 1.0)

    calls: list[int] = []
    model = nn.Linear(6, 3).double()
    with pytest.raises(NotFiniteError, match="a second run of the batch does not show where"):
        fit(model, DataLoader(data(8), 8), mc.optim.SGD(model.parameters(), 0.1), epochs=1, loss_function=loss,
            on_nan="stop", progress=False)  # fmt: skip


@pytest.mark.host("a device's losses are read later: tests/cuda/test_traffic.py")
def test_the_second_run_leaves_no_trace() -> None:
    def run(on_nan: str) -> tuple[list[Any], bytes]:
        mc.manual_seed(1)
        model = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 3)).double()
        x, y = data(16)[:]
        x[9, 0] = math.inf if on_nan == "report" else 3e307
        fit(model, DataLoader(TensorDataset(x, y), 8), mc.optim.SGD(model.parameters(), 0.0), epochs=1, on_nan=on_nan,
            progress=False)  # fmt: skip
        return state(model)[:2], mc.get_rng_state().tobytes()

    with pytest.warns(UserWarning, match="the batch itself"):
        reported = run("report")
    with pytest.warns(UserWarning, match="made the first"):
        skipped = run("skip")
    assert reported[1] == skipped[1]  # both drew for two batches, no more


def test_a_wrong_word_is_refused() -> None:
    with pytest.raises(OptionError, match="report, stop, skip"):
        trained("none", batches(), "ignore")
