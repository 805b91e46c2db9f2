"""The playground and whoever should not ask it, or asks for too much, too slowly or in nonsense."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from minicnn.errors import OptionError
from minicnn.inspect import playground
from minicnn.inspect.playground import serve
from tests.long.request import DRAWING, EXCHANGES, HOST, PLAYGROUND, answer, request


@contextmanager
def serving() -> Iterator[Any]:
    server = serve(PLAYGROUND)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def status(content: bytes) -> int:
    sent = answer(content)
    return int(sent.split(b" ", 2)[1])


def test_only_this_machine_is_listened_to() -> None:
    with serving() as server:
        assert server.socket.family == socket.AF_INET and server.server_address[0] == "127.0.0.1"
        # every address 127.… is this machine, too; the others must not be listened to
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", server.server_port), timeout=5)


def test_what_the_page_asks_is_answered() -> None:
    assert [status(content) for content in EXCHANGES] == [200] * 3


@pytest.mark.parametrize("host", [
    None, "", "example.org", "example.org:80", "127.0.0.1.example.org:80", "localhost.example.org:80", "0.0.0.0:80",
    "127.0.0.1@example.org:80", "example.org:80@127.0.0.1", "127.0.0.2:80", "[::1]:80", "\xb2:80",
])  # fmt: skip
def test_other_names_of_this_machine_are_refused(host: str | None) -> None:
    """A page of another site whose name comes to mean 127.0.0.1 asks under its own name."""
    for line, body in (("GET / HTTP/1.1", ""), ("GET /window?size=3&kernel=1 HTTP/1.1", ""),
                       ("POST /look HTTP/1.1", DRAWING)):  # fmt: skip
        headers = {} if host is None else {"Host": host}
        assert status(request(line, body, **headers, Content_Length=str(len(body)))) == 403


@pytest.mark.parametrize("origin", ["http://example.org", "null", "https://127.0.0.1:80", "http://127.0.0.1:81", ""])
def test_other_origins_are_refused(origin: str) -> None:
    content = request("POST /look HTTP/1.1", DRAWING, Host=HOST, Origin=origin, Content_Length=str(len(DRAWING)))
    assert status(content) == 403


def test_other_sites_cannot_let_a_picture_ask() -> None:
    """A browser asks for the address of a picture without an origin, but says where the picture stands."""
    line = "GET /window?size=3&kernel=1 HTTP/1.1"
    for site, expected in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
        assert status(request(line, Host=HOST, Sec_Fetch_Site=site)) == expected


@pytest.mark.parametrize("length", ["", "-1", "+5", "1e3", "0x10", "\xb2", "٣".encode().decode("latin1"), "1" * 5000,
                                    str((1 << 20) + 1), "5, 5"])  # fmt: skip
def test_lengths_that_are_none(length: str) -> None:
    content = f"POST /look HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\n\r\n{DRAWING}".encode("latin1")
    assert status(content) == 413


@pytest.mark.parametrize("body", [
    "", "[", "[" * 100_000, "{}", "null", "NaN", "[[NaN, 0], [0, 0]]", "[[1e999, 0], [0, 0]]", "[[" + "1" * 9000 + "]]",
    "\x00", '"\\ud800"', json.dumps([[0] * 1000] * 100),
])  # fmt: skip
def test_bodies_that_are_no_drawing(body: str) -> None:
    assert status(request("POST /look HTTP/1.1", body, Host=HOST, Content_Length=str(len(body)))) == 400


@pytest.mark.parametrize("query", [
    "size=7&kernel=30000", "size=7&kernel=1&padding=1000000", "size=7&kernel=1&stride=99999999999999999999", "size=7",
    "size=" + "9" * 5000 + "&kernel=1", "&".join(f"a{i}=1" for i in range(1000)), "%00=%ff",
    "self=1&size=1&kernel=1", "size=12&kernel=7&padding=5", "size=13&kernel=3", "size=12&kernel=8&dilation=2",
    "size=7&kernel=-1", "size=7&kernel=0", "size=7&kernel=1.5",
])  # fmt: skip
def test_windows_that_are_none(query: str) -> None:
    started = time.perf_counter()
    assert status(request(f"GET /window?{query} HTTP/1.1", Host=HOST)) == 400
    assert time.perf_counter() - started < 8


def test_a_window_may_have_no_great_number() -> None:
    with pytest.raises(OptionError, match="no such window"):
        PLAYGROUND.window(7, 8)
    for kernel, dilation in ((1, 1), (7, 1), (7, 3)):  # the largest pictures
        assert len(PLAYGROUND.window(12, kernel, 1, 4, dilation)["svg"]) < 1 << 21


def test_the_page_has_the_same_sliders() -> None:
    text = re.search(r"const SLIDERS = \{(.*)\};", PLAYGROUND.page())
    assert text is not None
    found = {name: (int(low), int(high)) for name, low, high in re.findall(r"(\w+): \[(\d+), (\d+), \d+\]", text[1])}
    assert found == playground.SLIDERS


@pytest.mark.parametrize("path", ["http://[", "/../../etc/passwd", "/%2e%2e/", "/window/", "*", "/playground.py"])
def test_other_paths(path: str) -> None:
    assert status(request(f"GET {path} HTTP/1.1", Host=HOST)) == 404


lines = st.sampled_from([line for content in EXCHANGES for line in content.split(b"\r\n")]) | st.binary(max_size=40)


@settings(max_examples=300, deadline=None)
@given(st.lists(lines, max_size=8), st.integers(0, 400), st.binary(max_size=4))
@example([b"GET / HTTP/1.1"] + [b"a: " + b"b" * 60_000] * 101, 0, b"")
@example([b"GET /" + b"a" * 70_000], 0, b"")
@example([b"GET /"], 0, b"")
def test_any_bytes_get_an_answer_or_none(parts: list[bytes], at: int, changed: bytes) -> None:
    content = b"\r\n".join(parts)
    answer(content[:at] + changed + content[at + len(changed) :])


def test_few_are_let_in_at_once() -> None:
    with serving() as server:
        before = threading.active_count()
        address = ("127.0.0.1", server.server_port)
        silent = [socket.create_connection(address, timeout=10) for _ in range(playground.CONNECTIONS + 20)]
        for refused in silent[playground.CONNECTIONS :]:
            assert refused.recv(1) == b""
        assert threading.active_count() - before <= playground.CONNECTIONS
        for connection in silent:
            connection.close()
        deadline = time.monotonic() + 10
        while server._since and time.monotonic() < deadline:
            time.sleep(0.01)
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(EXCHANGES[1])
            assert connection.recv(12) == b"HTTP/1.0 200"


def test_whoever_asks_slowly_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playground, "SECONDS", 0.2)
    with serving() as server, socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        started = time.monotonic()
        with pytest.raises(ConnectionError):
            while time.monotonic() - started < 10:
                connection.sendall(b"G")
                time.sleep(0.02)
        assert 0.1 < time.monotonic() - started < 9


def test_whoever_hangs_up_is_no_error_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as server:
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.sendall(EXCHANGES[0])
        deadline = time.monotonic() + 10
        while server._since and time.monotonic() < deadline:
            time.sleep(0.01)
    assert capsys.readouterr().err == ""
