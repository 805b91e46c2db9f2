"""The playground: its answers, and its server as a browser meets it."""

from __future__ import annotations

import html
import http.client
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.cli import main
from minicnn.errors import MinicnnError, OptionError
from minicnn.inspect.playground import Playground, serve
from tests.inspect.browser import document, needs_browser


def network() -> nn.Sequential:
    mc.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(2 * 16, 3))


DRAWING = [[0.0] * 6 for _ in range(3)] + [[1.0] * 6 for _ in range(3)]


def test_a_drawing_is_answered_as_the_network_does() -> None:
    net = network()
    found = Playground(net, ["a", "b", "c"], size=6, mean=0.5, std=0.25).look(DRAWING)
    x = (mc.tensor(DRAWING).reshape(1, 1, 6, 6) - 0.5) / 0.25
    assert list(found["probabilities"]) == ["a", "b", "c"]
    assert list(found["probabilities"].values()) == net(x)[0].softmax(0).tolist()
    shapes = {layer["name"]: layer["shape"] for layer in found["layers"]}
    assert shapes == {"0": [2, 4, 4], "1": [2, 4, 4], "2": [32], "3": [3]}
    maps = mc.tensor(found["layers"][0]["maps"])
    y = net[0](x)[0]
    assert (maps.min().item(), maps.max().item()) == (0, 255)
    assert maps.argmax().item() == y.argmax().item()
    assert [len(found["layers"][3]["maps"]), len(found["layers"][3]["maps"][0][0])] == [1, 3]


def test_the_window_has_its_formula() -> None:
    found = Playground(network()).window(size=7, kernel=3, stride=2, padding=1)
    assert found["formula"] == "⌊(7 + 2·1 − 1·(3 − 1) − 1) / 2⌋ + 1"
    assert found["result"] == 4 == nn.Conv2d(1, 1, 3, 2, 1)(mc.zeros(1, 1, 7, 7)).shape[2]
    assert found["svg"].count("<animate") == 16


ROW = [0] * 6


@pytest.mark.parametrize("drawing", [None, [], [ROW] * 5, [ROW] * 5 + [[2] * 6], [["a"] * 6] * 6, [[0] * 5] * 6])
def test_what_is_no_drawing_is_refused(drawing: Any) -> None:
    with pytest.raises(MinicnnError, match="no drawing"):
        Playground(network(), size=6).look(drawing)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = serve(Playground(network(), size=6))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = connection.getresponse()
        content = reply.read().decode()
        return reply.status, json.loads(content) if reply.headers["Content-Type"] == "application/json" else content
    finally:
        connection.close()


def test_the_page_needs_nothing_from_elsewhere(port: int) -> None:
    status, page = ask(port, "GET", "/")
    assert status == 200
    assert "const SIZE = 6, draw" in page
    assert "http:" not in page
    assert "https:" not in page


def test_requests_are_answered(port: int) -> None:
    status, found = ask(port, "POST", "/look", DRAWING, Origin=f"http://localhost:{port}")
    assert status == 200
    assert sum(found["probabilities"].values()) == pytest.approx(1)
    assert ask(port, "GET", "/window?size=5&kernel=3")[1]["result"] == 3


def test_wrong_requests_are_refused_in_words(port: int) -> None:
    assert ask(port, "POST", "/look", [[1]]) == (400, {"error": "playground: this is no drawing\n"
                                                               "  rule  6 rows of 6 numbers"})  # fmt: skip
    assert ask(port, "GET", "/window?size=2&kernel=5")[0] == 400
    assert ask(port, "GET", "/window?size=99&kernel=5")[0] == 400
    assert ask(port, "GET", "/window?size=a")[0] == 400
    assert ask(port, "GET", "/window?depth=1")[0] == 400
    assert ask(port, "GET", "/etc/passwd")[0] == 404
    assert ask(port, "POST", "/", [])[0] == 404
    assert ask(port, "POST", "/look", **{"Content-Length": "9999999"})[0] == 413


def test_other_sites_cannot_ask(port: int) -> None:
    assert ask(port, "GET", "/", Host="example.org:80")[0] == 403
    assert ask(port, "POST", "/look", DRAWING, Origin="http://example.org")[0] == 403


def test_the_command_refuses_what_it_cannot_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["playground", "--weights", str(tmp_path / "a.npz"), "--no-browser"]) == 1
    assert "no network of grey images" in capsys.readouterr().err
    assert main(["playground", "--port", "-1"]) == 1


def test_the_command_serves_what_was_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Server:
        server_port = 1

        def __enter__(self) -> Server:
            return self

        def __exit__(self, *error: object) -> None: ...

        def serve_forever(self) -> None:
            raise KeyboardInterrupt

    shown: list[Playground] = []
    monkeypatch.setattr("minicnn.inspect.playground.serve", lambda given, port: shown.append(given) or Server())
    weights = tmp_path / "lenet.npz"
    mc.save(mc.models.LeNet().state_dict(), weights)
    described = {"model": "lenet", "classes": list("0123456789"), "channels": 1, "size": 28}
    weights.with_suffix(".json").write_text(json.dumps(described | {"mean": [0.1], "std": [0.3]}))
    assert main(["playground", "--weights", str(weights), "--no-browser"]) == 0
    assert "http://127.0.0.1:1/" in capsys.readouterr().out
    assert (shown[0].size, shown[0].mean, shown[0].std) == (28, 0.1, 0.3)
    assert len(shown[0].look([[0.5] * 28] * 28)["probabilities"]) == 10


def test_a_window_of_no_size_is_refused() -> None:
    with pytest.raises(OptionError, match="no such window"):
        Playground(network()).window(0, 1)


HAND = """<script>
const touch = (kind, x, y) => draw.dispatchEvent(new PointerEvent(kind, {clientX: draw.getBoundingClientRect().left + x,
  clientY: draw.getBoundingClientRect().top + y, pointerId: 1}));
touch("pointerdown", 20, 20); touch("pointermove", 260, 20); touch("pointerup", 260, 20);
byId("clear").click();
touch("pointerdown", 70, 40); touch("pointermove", 70, 240); touch("pointerup", 70, 240);
byId("stride").value = 2; byId("stride").dispatchEvent(new Event("input"));
</script></body>"""


SIZES = "output size = ⌊(5 + 2·1 − 1·(3 − 1) − 1) / 2⌋ + 1 = 3"


class Seen(Playground):
    """A playground whose page draws by itself, and that keeps what it was shown."""

    drawings: list[Any]

    def page(self) -> str:
        self.drawings = []
        return super().page().replace("</body>", HAND)

    def look(self, pixels: Any) -> dict[str, Any]:
        self.drawings.append(pixels)
        return super().look(pixels)


@needs_browser
def test_a_browser_draws_clears_and_moves_the_window(tmp_path: Path) -> None:
    mc.manual_seed(0)
    playground = Seen(mc.models.LeNet())
    server = serve(playground)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        page = document(f"http://127.0.0.1:{server.server_port}/", tmp_path, until=SIZES)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    drawing = playground.drawings[-1]
    lit = [(i, j) for i, row in enumerate(drawing) for j, p in enumerate(row) if p > 0.5]
    assert {j for _, j in lit} <= {5, 6, 7, 8}
    assert (min(lit)[0], max(lit)[0]) in {(i, j) for i in (2, 3, 4) for j in (23, 24, 25)}
    shown = re.findall(r"<span>(\d)</span><div style=[^>]*></div><span>([\d.]+) %</span>", page)
    expected = Playground(playground.model).look(drawing)["probabilities"]
    assert {name: float(p) for name, p in shown} == {k: pytest.approx(100 * p, abs=0.051) for k, p in expected.items()}
    titles = [html.unescape(t).partition(":")[0] for t in re.findall(r"<h2>([^<]*: [^<]*)</h2>", page)]
    assert titles == [f"layer{n}" for n in ("1.conv1", "1.pool1", "2.conv2", "2.pool2", "3.fc1", "3.fc2", "3.fc3")]
    assert SIZES in page
    assert page.count("<animate") == 9
