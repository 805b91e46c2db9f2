"""Learning rates, landscapes and histograms, on losses that can be computed by hand."""

from __future__ import annotations

import math

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.errors import OptionError
from minicnn.inspect import Histograms, find_learning_rate, loss_landscape
from minicnn.inspect.histograms import histogram


class Parabola(nn.Module):
    """The output is w, whatever the input."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(mc.tensor([1.0], dtype=mc.float64))

    def forward(self, x: mc.Tensor) -> mc.Tensor:
        return self.w.expand(x.shape[0])


def half_square(y: mc.Tensor, targets: mc.Tensor) -> mc.Tensor:
    return (y * y).mean() / 2


BATCHES = [(mc.zeros(2, 1), mc.zeros(2))]


def test_the_rate_grows_by_equal_factors_and_steps_follow_it() -> None:
    """w ← (1 − rate) · w, the loss is w² / 2: with rates 0.01, 0.1 and 1, w is 1, 0.99 and 0.891."""
    model = Parabola()
    optimizer = mc.optim.SGD(model.parameters(), lr=0.3)
    found = find_learning_rate(model, BATCHES, optimizer, loss_function=half_square, start=0.01, end=1.0, steps=3,
                               smoothing=0)  # fmt: skip
    assert found.rates == pytest.approx((0.01, 0.1, 1))
    assert found.losses == pytest.approx((0.5, 0.99**2 / 2, 0.891**2 / 2))
    assert found.suggestion == pytest.approx(0.1)
    assert (model.w.item(), model.w.grad, optimizer.param_groups[0]["lr"]) == (1, None, 0.3)


def test_losses_are_smoothed_without_a_bias_to_the_start() -> None:
    found = find_learning_rate(Parabola(), BATCHES, mc.optim.SGD([nn.Parameter(mc.zeros(1))], lr=1.0),
                               loss_function=half_square, steps=5)  # fmt: skip
    assert found.losses == pytest.approx((0.5,) * 5)


def test_the_search_ends_where_the_loss_explodes_and_puts_momentum_back() -> None:
    model = Parabola()
    optimizer = mc.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    half_square(model(BATCHES[0][0]), BATCHES[0][1]).backward()
    optimizer.step()
    momentum, w = optimizer.state_dict(), model.w.item()
    before = momentum["state"][0]["momentum_buffer"].clone()
    found = find_learning_rate(model, BATCHES, optimizer, loss_function=half_square, start=1.0, end=100.0, steps=50,
                               smoothing=0)  # fmt: skip
    assert len(found.rates) < 50
    assert model.w.item() == w
    assert optimizer.state_dict()["state"][0]["momentum_buffer"].tolist() == before.tolist()
    with pytest.raises(OptionError, match="no such search"):
        find_learning_rate(model, BATCHES, optimizer, start=1.0, end=0.1)


def test_a_landscape_of_a_square_is_a_parabola() -> None:
    """Along a direction d as long as w the loss Σ (w + t d)² is |w|² (1 + t² + 2 t cos), at −t and t together twice
    |w|² (1 + t²)."""
    mc.manual_seed(0)
    net = nn.Linear(3, 1).double()
    weight, bias = net.weight.detach().clone(), net.bias.detach().clone()
    square = float((weight**2).sum())
    found = loss_landscape(net, lambda m: (m.weight**2).sum(), span=2.0, points=5, dimensions=1)
    assert found.steps == (-2, -1, 0, 1, 2)
    assert found.losses[2] == pytest.approx(square)
    assert found.losses[0] + found.losses[4] == pytest.approx(2 * square * 5, rel=1e-9)
    assert found.losses[1] + found.losses[3] == pytest.approx(2 * square * 2, rel=1e-9)
    assert (net.weight.tolist(), net.bias.tolist()) == (weight.tolist(), bias.tolist())


def test_two_directions_make_a_table_and_leave_biases_alone() -> None:
    net = nn.Conv2d(1, 2, 3)
    found = loss_landscape(net, lambda m: m.bias.sum() + (m.weight**2).sum() * 0, points=3)
    assert found.losses == ((pytest.approx(net.bias.sum().item()),) * 3,) * 3
    again = [loss_landscape(net, lambda m: m.weight.sum(), points=3, seed=s).losses for s in (0, 0, 1)]
    assert again[0] == again[1] != again[2]
    with pytest.raises(OptionError, match="no such landscape"):
        loss_landscape(net, lambda m: 0, points=4)


def test_a_histogram_by_hand() -> None:
    found = histogram(mc.tensor([0.0, 0.0, 1.0, 3.0, 4.0, math.nan]), 4, 2)
    assert (found.epoch, found.low, found.high, found.counts, found.zeros) == (2, 0, 4, (2, 1, 0, 2), 2)
    assert (found.mean, found.deviation) == (1.6, pytest.approx(math.sqrt(13.2 / 5)))
    assert histogram(mc.ones(3), 3).counts == (0, 3, 0)
    assert histogram(mc.zeros(0), 2).counts == (0, 0)


def test_histograms_of_a_training() -> None:
    model = Parabola()
    spread = Histograms(bins=3)
    mc.training.fit(model, BATCHES, mc.optim.SGD(model.parameters(), lr=0.5), epochs=2, loss_function=half_square,
                    accuracy=None, callbacks=[spread], progress=False)  # fmt: skip
    assert [(h.epoch, h.mean) for h in spread.weights["w"]] == [(0, 1), (1, 0.5), (2, 0.25)]
    assert [(h.epoch, h.mean) for h in spread.gradients["w"]] == [(1, 1), (2, 0.5)]
    with pytest.raises(OptionError, match="no parameter"):
        spread.plot("v")
    with pytest.raises(OptionError, match="bins"):
        Histograms(bins=0)


def test_figures_show_the_curves() -> None:
    pytest.importorskip("matplotlib", reason='pip install "minicnn[plot]"')
    model = Parabola()
    spread = Histograms(bins=3)
    mc.training.fit(model, BATCHES, mc.optim.SGD(model.parameters(), lr=0.5), epochs=1, loss_function=half_square,
                    accuracy=None, callbacks=[spread], progress=False)  # fmt: skip
    assert [len(axes.lines) for axes in spread.plot("w").axes] == [2, 1]
    search = find_learning_rate(model, BATCHES, mc.optim.SGD(model.parameters(), lr=1.0), loss_function=half_square,
                                start=0.01, end=1.0, steps=3, smoothing=0)  # fmt: skip
    assert list(search.plot().axes[0].lines[0].get_xdata()) == list(search.rates)
    line = loss_landscape(nn.Linear(2, 2), lambda m: (m.weight**2).sum(), points=3, dimensions=1)
    assert list(line.plot().axes[0].lines[0].get_ydata()) == list(line.losses)
    assert loss_landscape(nn.Linear(2, 2), lambda m: (m.weight**2).sum(), points=3).plot().axes
