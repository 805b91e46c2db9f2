"""Feature maps, filters, mistakes, and the figures that show them."""

from __future__ import annotations

import math
import sys

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.errors import DataError, MissingPackageError, OptionError, ShapeError
from minicnn.inspect import (
    draw_confusion,
    draw_filters,
    draw_heat,
    draw_maps,
    draw_mistakes,
    feature_maps,
    filters,
    worst_mistakes,
)


def net() -> nn.Sequential:
    made = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.ReLU(inplace=True), nn.Flatten())
    made[0].load_state_dict({"weight": mc.tensor([2.0, -1]).reshape(2, 1, 1, 1)})
    return made


X = mc.tensor([[[[1.0, -3]]]])


def test_feature_maps_are_those_before_an_edit_in_place() -> None:
    maps = feature_maps(net(), X)
    assert {name: y.tolist() for name, y in maps.items()} == {
        "0": [[[[2, -6]], [[-1, 3]]]], "1": [[[[2, 0]], [[0, 3]]]]}  # fmt: skip
    assert list(feature_maps(net(), X, ["2"])) == ["2"]
    with pytest.raises(OptionError, match="no tensor"):
        feature_maps(mc.models.googlenet(num_classes=2, init_weights=False), mc.zeros(1, 3, 64, 64), ["aux1"])


def test_filters() -> None:
    assert filters(nn.Conv2d(3, 8, 5)).shape == (8, 3, 5, 5)
    assert filters(nn.ConvTranspose2d(3, 8, 5)).shape == (8, 3, 5, 5)
    with pytest.raises(OptionError, match="none"):
        filters(nn.Linear(2, 2))


SCORES = mc.tensor([[2.0, 0], [0, 3], [1, 0], [0, 1]])


def test_the_worst_mistakes_come_first() -> None:
    """Scores (2, 0), (0, 3), (1, 0), (0, 1) for classes 1, 1, 1, 0: wrong are images 0, 2 and 3."""
    model = nn.Sequential(nn.Flatten())
    batches = [(SCORES[:2].reshape(2, 2, 1, 1), mc.tensor([1, 1])), (SCORES[2:].reshape(2, 2, 1, 1), mc.tensor([1, 0]))]
    found = worst_mistakes(model, batches)
    assert [(m.index, m.target, m.predicted) for m in found] == [(0, 1, 0), (2, 1, 0), (3, 0, 1)]
    assert found[0].loss == pytest.approx(math.log(1 + math.exp(2)), rel=1e-6)
    assert found[0].probability == pytest.approx(1 / (1 + math.exp(-2)), rel=1e-6)
    assert found[0].image.flatten().tolist() == [2, 0]
    assert [m.index for m in worst_mistakes(model, batches, count=1)] == [0]
    with pytest.raises(OptionError, match="count"):
        worst_mistakes(model, batches, count=0)
    with pytest.raises(DataError, match="no scores"):
        worst_mistakes(nn.Identity(), batches)


def test_figures_have_a_picture_for_each() -> None:
    pytest.importorskip("matplotlib", reason='pip install "minicnn[plot]"')
    assert len(draw_filters(nn.Conv2d(3, 5, 3)).axes) == 5
    assert len(draw_filters(nn.Conv2d(2, 5, 3), columns=4).axes) == 10
    maps = draw_maps(mc.arange(12.0).reshape(3, 2, 2))
    assert [axes.get_title() for axes in maps.axes] == ["0", "1", "2"]
    assert maps.axes[2].images[0].get_array().tolist() == [[0, pytest.approx(1 / 3)], [pytest.approx(2 / 3), 1]]
    heat = draw_heat(mc.rand(2, 3, 4, 4), mc.rand(2, 2, 2))
    assert [len(axes.images) for axes in heat.axes] == [2, 2]
    with pytest.raises(ShapeError, match="one image"):
        draw_maps(mc.zeros(1, 2, 3, 3))
    with pytest.raises(ShapeError, match="fit"):
        draw_heat(mc.zeros(2, 1, 3, 3), mc.zeros(1, 3, 3))
    with pytest.raises(OptionError, match="columns"):
        draw_maps(mc.zeros(2, 3, 3), columns=0)


def test_a_confusion_matrix_and_mistakes_are_drawn() -> None:
    pytest.importorskip("matplotlib", reason='pip install "minicnn[plot]"')
    result = mc.training.evaluate(nn.Identity(), [(SCORES, mc.tensor([1, 1, 1, 0]))], classes=["cat", "dog"])
    axes = draw_confusion(result).axes[0]
    assert [(t.get_position(), t.get_text()) for t in axes.texts] == [((1, 0), "1"), ((0, 1), "2"), ((1, 1), "1")]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]
    worst = worst_mistakes(nn.Flatten(), [(SCORES.reshape(4, 2, 1, 1), mc.tensor([1, 1, 1, 0]))])
    assert draw_mistakes(worst).axes[0].get_title() == "1, not 0 (88%)"
    with pytest.raises(OptionError, match="none"):
        draw_mistakes([])


def test_without_matplotlib_figures_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingPackageError, match=r"minicnn\[plot\]"):
        draw_maps(mc.zeros(2, 3, 3))
