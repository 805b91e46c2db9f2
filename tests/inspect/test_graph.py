"""graph: nodes, shapes, norms and steps by hand, and its three forms."""

from __future__ import annotations

import html
import itertools
import json
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.errors import GradientError
from minicnn.inspect import graph
from minicnn.inspect.layout import layout
from minicnn.nn import functional as F
from tests.inspect.browser import document, needs_browser


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1)
        self.bn = nn.BatchNorm2d(1)
        self.conv.load_state_dict({"weight": mc.tensor([[[[2.0]]]]), "bias": mc.tensor([1.0])})

    def forward(self, x: mc.Tensor) -> mc.Tensor:
        return F.relu(self.bn(self.conv(x)) + x)


X = mc.tensor([[[[3.0, -4.0]]]])


def test_nodes_edges_and_norms_by_hand() -> None:
    """relu(2x + 1 + x) at 3 and −4: the gradient is 1 and 0 from the ReLU on, 3 and 0 at x, (3, 1) at (w, b)."""
    found = graph(Residual(), X)
    assert [(node.name, node.path, node.shape) for node in found.nodes] == [
        ("input", "", (1, 1, 1, 2)), ("Conv2d", "conv", (1, 1, 1, 2)), ("BatchNorm2d", "bn", (1, 1, 1, 2)),
        ("add", "", (1, 1, 1, 2)), ("relu", "", (1, 1, 1, 2)), ("sum", "", ()),
    ]  # fmt: skip
    assert found.edges == ((0, 1), (1, 2), (2, 3), (0, 3), (3, 4), (4, 5))
    scale = 1 / math.sqrt(1 + 1e-5)
    expected = [2 * scale + 1, scale, 1, 1, math.sqrt(2), 1]
    assert [node.gradient for node in found.nodes] == pytest.approx(expected, rel=1e-6)
    assert found.nodes[1].parameters == pytest.approx({"weight": 3 * scale, "bias": scale}, rel=1e-6)
    assert found.loss == pytest.approx(7 * scale + 3, rel=1e-6)


def test_backward_goes_one_operation_at_a_time() -> None:
    net = Residual()
    found = graph(net, X, loss=lambda y: (y * y).sum() / 2)
    assert [step.operation for step in found.backward][:4] == ["div", "sum", "mul", "relu"]
    assert [step.number for step in found.backward] == list(range(1, len(found.backward) + 1))
    relu = found.backward[3]
    assert relu.arriving is not None
    value = 7 / math.sqrt(1 + 1e-5) + 3
    assert relu.arriving.flatten().tolist() == pytest.approx([value, 0], rel=1e-6)
    assert re.fullmatch(r"4: relu: \(1 × 1 × 1 × 2, norm 10\) -> \(1 × 1 × 1 × 2, norm 10\)", str(relu))
    assert found.backward[-1].node.path == "conv"
    assert all(p.grad is None for p in net.parameters())


def test_operations_have_nodes_of_their_own_where_asked() -> None:
    found = graph(nn.Sequential(nn.Linear(2, 3), nn.ReLU(inplace=True)), (1, 2), operations=True)
    assert [(node.name, node.path) for node in found.nodes] == [
        ("input", ""), ("linear", "0"), ("relu", "1"), ("sum", "")]
    assert found.edges == ((0, 1), (1, 2), (2, 3))
    assert set(found.nodes[1].parameters) == {"weight", "bias"}


def test_mermaid() -> None:
    found = graph(nn.Sequential(nn.Linear(2, 1, bias=False)), mc.tensor([[3.0, 4.0]]))
    assert found.mermaid().splitlines()[0] == "flowchart TD"
    assert '  n1["0 Linear<br/>1 × 1<br/>gradient 1<br/>weight 5"]' in found.mermaid()
    assert found.mermaid().endswith("  n0 --> n1\n  n1 --> n2")


def test_the_picture_has_each_node_once_and_an_arrow_for_each_edge() -> None:
    found = graph(Residual(), X)
    parts = list(ET.fromstring(found.svg()).iter())
    assert [e.get("id") for e in parts if e.get("class") == "node"] == [f"n{i}" for i in range(6)]
    assert sum(e.get("marker-end") is not None for e in parts) == 6
    assert found._repr_svg_() == found.svg()


def test_the_page_needs_nothing_else_and_has_the_steps() -> None:
    found = graph(Residual(), X)
    page = found.html()
    assert "http" not in page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    steps = json.loads(re.search(r"const steps = (.*);", page).group(1))  # type: ignore[union-attr]  # it is there, or the test fails
    assert [node for node, _ in steps] == [step.node.number for step in found.backward]
    assert steps[0][1].startswith("1: sum: ")


@needs_browser
def test_the_page_steps_through_backward_in_a_browser(tmp_path: Path) -> None:
    found = graph(Residual(), X)
    clicks = "<script>for (const id of ['next', 'next', 'next', 'back']) document.getElementById(id).click()</script>"
    (tmp_path / "page.html").write_text(found.html().replace("</body>", f"{clicks}</body>"), encoding="utf-8")
    shown = document((tmp_path / "page.html").as_uri(), tmp_path / "browser")
    words = re.search(r'<span id="words">(.*)</span>', shown)
    assert words is not None
    assert html.unescape(words.group(1)) == f"{found.backward[1]} (2 of {len(found.backward)})"
    classes = dict(re.findall(r'<g id="n(\d)" class="([^"]*)"', shown))
    assert classes == {"5": "node done", "4": "node done now"} | {str(i): "node" for i in range(4)}


def test_layout_leaves_room_and_bends_long_edges() -> None:
    found = layout([10.0, 20.0, 30.0, 10.0], [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3)])
    assert [place.rank for place in found.nodes] == [0, 1, 1, 2]
    assert [len(way) for way in found.ways] == [2, 2, 2, 2, 3]
    for rank in found.ranks:
        for a, b in itertools.pairwise(rank):
            assert b.x - a.x >= (a.width + b.width) / 2 + 24 - 1e-9
    assert min(p.x - p.width / 2 for p in found.nodes) >= -1e-9


def test_what_depends_on_nothing_has_no_graph() -> None:
    with pytest.raises(GradientError, match="depends on nothing"):
        graph(nn.Linear(2, 2), (1, 2), loss=lambda y: y.detach().sum())
