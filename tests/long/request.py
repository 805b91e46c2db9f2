"""The playground's answers to any bytes that a connection may bring, without a network."""

from __future__ import annotations

import contextlib
import io
import json
from types import SimpleNamespace
from typing import Any

import minicnn as mc
from minicnn.inspect import playground

DRAWING = json.dumps([[0, 0.5], [1, 0.25]])


def request(line: str, body: str = "", **headers: str) -> bytes:
    """A request of HTTP."""
    lines = [line, *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()), "", body]
    return "\r\n".join(lines).encode()


HOST = "127.0.0.1:80"
EXCHANGES = [
    request("GET / HTTP/1.1", Host=HOST),
    request("GET /window?size=7&kernel=3&stride=2&padding=1&dilation=1 HTTP/1.1", Host=HOST),
    request("POST /look HTTP/1.1", DRAWING, Host="localhost:80", Content_Length=str(len(DRAWING)),
            Origin="http://localhost:80"),
]  # fmt: skip


STATUSES = (200, 400, 403, 404, 413, 414, 431, 501, 505)


class Connection:
    """What a handler asks of a socket: bytes that come, and those that go."""

    def __init__(self, content: bytes) -> None:
        self.content, self.sent = content, bytearray()

    def makefile(self, mode: str, size: int) -> io.BytesIO:
        return io.BytesIO(self.content)

    def sendall(self, content: bytes) -> None:
        self.sent += content

    def settimeout(self, seconds: float | None) -> None:
        """There is nothing to wait for."""


SERVER: Any = SimpleNamespace(server_port=80)
PLAYGROUND = playground.Playground(mc.nn.Sequential(mc.nn.Conv2d(1, 2, 2), mc.nn.Flatten(), mc.nn.Linear(2, 3)), size=2)


def answer(content: bytes) -> bytes:
    """What the playground answers; AssertionError for what no request may get."""
    kind = type("Handler", (playground._Handler,), {"playground": PLAYGROUND})
    connection = Connection(content)
    with contextlib.redirect_stderr(io.StringIO()) as said:
        kind(connection, ("127.0.0.1", 1), SERVER)
    sent = bytes(connection.sent)
    assert not said.getvalue() and len(sent) < 1 << 21
    if sent.startswith(b"HTTP/1."):
        status = int(sent.split(b" ", 2)[1])
        assert status in STATUSES
        assert status != 200 or any(name in content.lower() for name in (b"127.0.0.1:", b"localhost:"))
    return sent


__all__ = ["EXCHANGES", "answer"]
