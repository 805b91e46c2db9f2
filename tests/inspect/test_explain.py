"""explain and slide: the terms by hand, that they sum to the output for any geometry, and the pictures."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.errors import OptionError, OutOfRangeError, ShapeError
from minicnn.inspect import explain, slide

IMAGE = [[10.0, 11, 9, 3], [2, 123, 4, 0], [45, 237, 23, 99], [20, 67, 22, 255]]


def image() -> mc.Tensor:
    return mc.tensor(IMAGE).reshape(1, 1, 4, 4)


def conv_of(kernel: list[list[float]], **options: object) -> nn.Conv2d:
    conv = nn.Conv2d(1, 1, (len(kernel), len(kernel[0])), bias=False, **options)  # type: ignore[arg-type]  # options of any type
    conv.load_state_dict({"weight": mc.tensor([[kernel]])})
    return conv


def test_the_documents_example() -> None:
    """A 4 × 4 image and the kernel (1 0; 1 0) at stride 2 make 12, 13, 65 and 45."""
    conv = conv_of([[1.0, 0], [1, 0]], stride=2)
    lines = [str(explain(conv, image(), 0, 0, i, j)).splitlines()[1] for i in (0, 1) for j in (0, 1)]
    assert lines == [
        "  (10 × 1) + (11 × 0) + (2 × 1) + (123 × 0) = 12",
        "  (9 × 1) + (3 × 0) + (4 × 1) + (0 × 0) = 13",
        "  (45 × 1) + (237 × 0) + (20 × 1) + (67 × 0) = 65",
        "  (23 × 1) + (99 × 0) + (22 × 1) + (255 × 0) = 45",
    ]


def test_padding_is_zero_and_lies_outside() -> None:
    found = explain(conv_of([[1.0, 2], [3, 4]], padding=1), image(), 0, 0, 0, -1)
    assert [(t.tap.row, t.tap.column, t.value, t.weight) for t in found.terms] == [
        (-1, 3, 0, 1), (-1, 4, 0, 2), (0, 3, 3, 3), (0, 4, 0, 4)]
    assert found.value == found.total == 9


def test_channels_and_a_bias_have_lines_of_their_own() -> None:
    conv = nn.Conv2d(2, 1, 1)
    conv.load_state_dict({"weight": mc.tensor([[[[2.0]], [[3.0]]]]), "bias": mc.tensor([0.5])})
    found = explain(conv, mc.tensor([[[[4.0]], [[5.0]]]]), 0, 0, 0, 0)
    assert str(found).splitlines()[1:] == [
        "  x[0, 0]: (4 × 2) = 8", "  x[0, 1]: (5 × 3) = 15", "  8 + 15 + 0.5 (bias) = 23.5"]


def test_poolings() -> None:
    most = explain(nn.MaxPool2d(2), image(), 0, 0, 1, 1)
    assert str(most).splitlines()[1] == "  max(23, 99, 22, 255) = 255, which is x[0, 0, 3, 3]"
    mean = explain(nn.AvgPool2d(2), image(), 0, 0, 0, 0)
    assert str(mean).splitlines()[1] == "  (10 + 11 + 2 + 123) / 4 = 36.5"
    tie = explain(nn.MaxPool2d(2), mc.ones(1, 1, 2, 2), 0, 0, 0, 0).winner
    assert tie is not None
    assert (tie.tap.row, tie.tap.column) == (0, 0)


def test_a_transposed_convolution_collects_what_windows_spread() -> None:
    """Stride 2, kernel 3: output 2 is between inputs 0 (tap 2) and 1 (tap 0), output 1 has tap 1 of input 0 only."""
    layer = nn.ConvTranspose2d(1, 1, (1, 3), stride=(1, 2), bias=False)
    layer.load_state_dict({"weight": mc.tensor([[[[1.0, 10, 100]]]])})
    x = mc.tensor([[[[3.0, 7.0]]]])
    found = [explain(layer, x, 0, 0, 0, j) for j in range(5)]
    assert [f.value for f in found] == [f.total for f in found] == [3, 30, 307, 70, 700]
    assert {(t.value, t.weight) for t in found[2].terms} == {(3, 100), (7, 1)}


LAYERS = {
    "dilated": nn.Conv2d(4, 6, 3, stride=2, padding=(1, 2), dilation=2, groups=2),
    "same": nn.Conv2d(4, 3, (2, 4), padding="same"),
    "reflect": nn.Conv2d(4, 3, 3, padding=2, padding_mode="reflect"),
    "circular": nn.Conv2d(4, 4, 3, padding=(0, 1), padding_mode="circular", groups=4),
    "replicate": nn.Conv2d(4, 3, 3, padding=1, stride=3, padding_mode="replicate"),
    "transposed": nn.ConvTranspose2d(4, 6, 3, stride=3, padding=1, output_padding=2, groups=2, dilation=2),
    "max": nn.MaxPool2d(3, 2, 1, dilation=2, ceil_mode=True),
    "average": nn.AvgPool2d(3, 2, 1, ceil_mode=True),
    "inside": nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "override": nn.AvgPool2d(2, divisor_override=3),
}


@pytest.mark.parametrize("name", LAYERS)
def test_terms_sum_to_the_output(name: str) -> None:
    mc.manual_seed(1)
    layer, x = LAYERS[name].double(), mc.randn(2, 4, 7, 8, dtype=mc.float64)
    y = layer(x)
    for i in range(y.shape[2]):
        for j in range(0, y.shape[3], 2):
            c = (i + j) % y.shape[1]
            found = explain(layer, x, 1, c, i, j)
            assert found.value == y[1, c, i, j].item()
            assert found.total == pytest.approx(found.value, rel=1e-12, abs=1e-14)


def drawn(svg: str) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter())


def test_the_picture_shows_pixels_weights_and_result() -> None:
    found = explain(conv_of([[1.0, 0], [1, 0]], stride=2), image(), 0, 0, 0, 0)
    words = [e.text for e in drawn(found.svg()) if e.tag.endswith("text")]
    assert {"237", "y[0, 0, 0, 0] = 12", "(10 × 1) + (11 × 0) + (2 × 1) + (123 × 0) = 12"} <= set(words)
    marked = [e for e in drawn(found.svg()) if e.get("fill") == "#ffd166"]
    assert len(marked) == 4 + 4
    assert found._repr_svg_() == found.svg()
    many = explain(nn.Conv2d(6, 1, 1), mc.zeros(1, 6, 20, 20), 0, 0, 10, 10).svg()
    assert "and 2 more channels" in many
    drawn(explain(nn.MaxPool2d(3, 2, 1), image(), 0, 0, 0, 0).svg())


def test_a_sliding_window_takes_every_step() -> None:
    found = slide(nn.Conv2d(1, 1, 3, stride=2, padding=1), (5, 5))
    assert len(found.steps) == 9
    assert found.steps[0] == ([(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1)], [(0, 0)])
    assert found.steps[-1][1] == [(2, 2)]
    frames = [e for e in drawn(found.svg()) if e.tag.endswith("animate")]
    assert len(frames) == 9
    assert frames[0].get("dur") == "5.4s"
    for frame in frames:
        assert len((frame.get("values") or "").split(";")) == len((frame.get("keyTimes") or "").split(";"))


def test_dilation_leaves_gaps_and_transposition_spreads() -> None:
    assert slide(nn.Conv2d(1, 1, (1, 2), dilation=3), (1, 5)).steps[0][0] == [(0, 0), (0, 3)]
    spread = slide(nn.ConvTranspose2d(1, 1, (1, 3), stride=2, padding=(0, 1)), (1, 2)).steps
    assert spread == [([(0, 0)], [(0, -1), (0, 0), (0, 1)]), ([(0, 1)], [(0, 1), (0, 2), (0, 3)])]


def test_one_step_stands_still_and_a_file_is_written(tmp_path: Path) -> None:
    still = slide(nn.MaxPool2d(2), (2, 2))
    assert not [e for e in drawn(still.svg()) if e.tag.endswith("animate")]
    still.save(str(tmp_path / "a.svg"))
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == still.svg()


def test_what_cannot_be_explained_is_said() -> None:
    conv = nn.Conv2d(1, 1, 3)
    with pytest.raises(OptionError, match="no windows"):
        explain(nn.Linear(3, 2), mc.zeros(1, 1, 4, 4), 0, 0, 0, 0)
    with pytest.raises(ShapeError, match="no batch"):
        explain(conv, mc.zeros(1, 4, 4), 0, 0, 0, 0)
    with pytest.raises(OutOfRangeError, match="outside"):
        explain(conv, mc.zeros(1, 1, 4, 4), 0, 0, 2, 0)
    with pytest.raises(ShapeError, match="no window"):
        slide(conv, (2, 2))
    with pytest.raises(OptionError, match="long way"):
        slide(conv, (50, 50))
    with pytest.raises(OptionError, match="takes time"):
        slide(conv, (5, 5), seconds=0)
    with pytest.raises(OptionError, match="no size"):
        slide(conv, (5,))
