"""The playground: a page on this machine on which one draws a digit and sees what every layer makes of it.

The server is the standard library's, listens on the loopback address only, and answers three requests: the page, what
the network makes of a drawing, and where a window goes. Whoever asks has little room and time, and pages of other
sites, which a browser on this machine may show, get nothing.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from minicnn.autograd import no_grad
from minicnn.errors import MinicnnError, OptionError, ShapeError
from minicnn.inspect.layers import listening
from minicnn.inspect.sliding import slide
from minicnn.inspect.survey import check_model, evaluating
from minicnn.nn import Conv2d
from minicnn.nn.module import Module
from minicnn.ops.creation import tensor
from minicnn.tensor import Tensor
from minicnn.training.outputs import first_output

HOST = "127.0.0.1"
LARGEST = 1 << 20
"""Bytes of a request."""

CONNECTIONS, SECONDS = 32, 60
"""How many are answered at once, and for how long each."""

SLIDERS = {"size": (1, 12), "kernel": (1, 7), "stride": (1, 4), "padding": (0, 4), "dilation": (1, 3)}
"""The page's: a picture of a wider window has no end."""

MOST = 64
"""Channels of a layer that are shown."""


class Playground:
    """A network, and what it says to drawings.

    Args:
        model: takes images (1, 1, size, size) and gives scores of classes.
        classes: their names; by default their numbers.
        size: of the images.
        mean, std: what the training's images were normalised by.
    """

    def __init__(
        self, model: Module, classes: Sequence[str] = (), *, size: int = 28, mean: float = 0.0, std: float = 1.0
    ) -> None:
        check_model("playground", model)
        self.model, self.classes, self.size, self.mean, self.std = model, tuple(classes), size, mean, std
        self._turn = threading.Lock()

    def page(self) -> str:
        """The page, with its script and style; it asks nobody but this server."""
        page = Path(__file__).with_name("playground.html").read_text(encoding="utf-8")
        return page.replace("$SIZE", str(self.size))

    def look(self, pixels: Any) -> dict[str, Any]:
        """What the network makes of rows of pixels from 0 to 1: probabilities, and the maps of every layer.

        Maps are stretched to whole numbers from 0 to 255, each layer as a whole.
        """
        image = _as_image(pixels, self.size)
        parameter = next(iter(self.model.parameters()), None)
        x = (image - self.mean) / self.std
        x = x if parameter is None else x.to(parameter.device)
        leaves = {module: name for name, module in self.model.named_modules() if not module._modules}
        with self._turn, no_grad(), evaluating(self.model), listening(*leaves) as heard:
            scores = first_output(self.model(x))
        probabilities = scores[0].softmax(0).tolist()
        names = self.classes if len(self.classes) == len(probabilities) else map(str, range(len(probabilities)))
        layers = [_layer(leaves[module], module, output[0]) for module, output in heard.items()
                  if isinstance(output, Tensor) and output.ndim in (2, 4)]  # fmt: skip
        return {"probabilities": dict(zip(names, probabilities, strict=True)), "layers": layers}

    def window(self, size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> dict[str, Any]:
        """Where a window goes over an image of ``size``: the formula with its numbers, the result, and an animation."""
        numbers = {"size": size, "kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        for name, (least, most) in SLIDERS.items():
            if not least <= numbers[name] <= most:
                raise OptionError("playground: there is no such window", got=f"{name} {numbers[name]}"[:80],
                                  rule=f"{name} from {least} to {most}")
        walk = slide(Conv2d(1, 1, kernel, stride, padding, dilation), (size, size), seconds=0.4)
        formula = f"⌊({size} + 2·{padding} − {dilation}·({kernel} − 1) − 1) / {stride}⌋ + 1"
        return {"formula": formula, "result": walk.windows.out_size[0], "svg": walk.svg()}


def serve(playground: Playground, port: int = 0) -> ThreadingHTTPServer:
    """A server of the playground on the loopback address; ``serve_forever()`` runs it, ``shutdown()`` ends it.

    Args:
        playground: what answers.
        port: a free one where 0; ``server_port`` says which.

    Errors: OSError where the port is taken.
    """
    handler = type("Handler", (_Handler,), {"playground": playground})
    return _Server((HOST, port), handler)


_POLICY = (
    "default-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


class _Server(ThreadingHTTPServer):
    """One that lets in ``CONNECTIONS`` at once, and hangs up on each after ``SECONDS``, however slowly it asks."""

    request_queue_size = CONNECTIONS

    def __init__(self, address: tuple[str, int], handler: type[_Handler]) -> None:
        self._since: dict[Any, float] = {}
        super().__init__(address, handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 (the base class's form)
        if len(self._since) >= CONNECTIONS:
            return False
        self._since[request] = time.monotonic()
        return True

    def service_actions(self) -> None:
        oldest = time.monotonic() - SECONDS
        for request, since in list(self._since.items()):
            if since < oldest:
                with suppress(OSError):  # it may be closed already
                    request.shutdown(socket.SHUT_RDWR)

    def shutdown_request(self, request: Any) -> None:
        self._since.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # whoever hangs up is not our error
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    playground: Playground
    timeout = 10

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if not self._from_here():
            self._refuse(403, "this page is for this machine")
        elif path == "/":
            self._send(200, "text/html; charset=utf-8", self.playground.page().encode())
        elif self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            self._refuse(403, "this page is for itself")
        elif path == "/window":
            self._answer(lambda: self.playground.window(
                **{name: int(value) for name, value in parse_qsl(query, max_num_fields=5)}
            ))  # fmt: skip
        else:
            self._refuse(404, "there is no such page")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not self._from_here():
            self._refuse(403, "this page is for this machine")
        elif self.path != "/look":
            self._refuse(404, "there is no such page")
        elif not (length.isascii() and length.isdigit() and len(length) < 9) or int(length) > LARGEST:
            self._refuse(413, f"a drawing has at most {LARGEST} bytes")
        else:
            body = self.rfile.read(int(length))
            self._answer(lambda: self.playground.look(json.loads(body)))

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

    def _from_here(self) -> bool:
        """Whether the browser asks this machine by its name: another site's page must not ask under its own."""
        name = self.headers.get("Host", "").rpartition(":")[0]
        origin = self.headers.get("Origin")
        own = (f"http://{HOST}:{self.server.server_port}", f"http://localhost:{self.server.server_port}")  # type: ignore[attr-defined]  # our own server class has a port
        return name in (HOST, "localhost") and origin in (None, *own)

    def _answer(self, compute: Any) -> None:
        try:
            found = compute()
        except (MinicnnError, ValueError, TypeError, RecursionError) as error:
            self._refuse(400, str(error)[:1000])
        else:
            self._send(200, "application/json", json.dumps(found).encode())

    def _refuse(self, status: int, words: str) -> None:
        self.close_connection = True
        self._send(status, "application/json", json.dumps({"error": words}).encode())

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.end_headers()
        self.wfile.write(content)


def _as_image(pixels: Any, size: int) -> Tensor:
    rows = pixels if isinstance(pixels, list) else []
    if len(rows) != size or any(not isinstance(row, list) or len(row) != size for row in rows):
        raise ShapeError("playground: this is no drawing", rule=f"{size} rows of {size} numbers")
    if any(not isinstance(p, int | float) or not 0 <= p <= 1 for row in rows for p in row):
        raise OptionError("playground: this is no drawing", rule="numbers from 0 to 1")
    return tensor(rows).float().reshape(1, 1, size, size)


def _layer(name: str, module: Module, output: Tensor) -> dict[str, Any]:
    """A layer for the page: its maps, or its vector as one map of one row."""
    maps = output[:MOST] if output.ndim == 3 else output.reshape(1, 1, -1)
    low, high = maps.min(), maps.max()
    levels = ((maps - low) / (high - low + 1e-12) * 255).round().int()
    return {"name": name, "kind": str(module), "shape": list(output.shape), "maps": levels.tolist()}
