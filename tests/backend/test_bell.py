"""Waiting awake: who listens hears the bell, keeps nobody from running, and gives up after a while."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

import minicnn as mc
from minicnn.backend.cpu import bell, threads
from minicnn.backend.cpu.bell import Bell
from tests.backend.test_threads import made, trained

LONG = 1 << 33  # looks: half a minute


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Listeners that stay awake for longer than a test takes."""
    monkeypatch.setattr(bell, "LOOKS", LONG)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    bell._search.cache_clear()
    if bell._search() is None:
        pytest.skip("this C library lacks lfind or strverscmp: threads go to sleep at once")
    yield
    bell._search.cache_clear()


@pytest.mark.parametrize("pause", [0, 10_000])
def test_a_listener_hears_another_thread_ring_and_holds_no_lock(patient: None, pause: int) -> None:
    here, heard = Bell(pause), []

    def listen() -> None:
        here.listen()
        heard.append(True)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    listener.join(0.05)
    assert listener.is_alive() and not heard
    here.ring()  # which this thread could not do if the listener held Python's lock
    listener.join(10)
    assert not listener.is_alive() and heard == [True]


def test_a_bell_rings_until_it_is_hushed(patient: None) -> None:
    here = Bell(5)
    here.ring()
    here.listen()
    here.listen()
    here.hush()
    listener = threading.Thread(target=here.listen, daemon=True)
    listener.start()
    listener.join(0.05)
    assert listener.is_alive()
    here.ring()
    listener.join(10)
    assert not listener.is_alive()


def test_nobody_listens_for_ever() -> None:
    bell._search.cache_clear()
    Bell(100).listen()


def test_who_was_asleep_is_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two pieces of work that lie further apart than anybody listens, workers sleep."""
    monkeypatch.setattr(threads, "_cores", lambda: 2)
    before = mc.get_num_threads()
    mc.set_num_threads(2)
    met = threading.Barrier(2, timeout=10)
    try:
        for pause in (0, 0.05, 0):
            time.sleep(pause)
            assert sorted(threads.run(lambda piece: met.wait(), range(2))) == [0, 1]  # both threads take part
    finally:
        mc.set_num_threads(before)


@pytest.mark.parametrize(("policy", "awake"), [("active", True), ("PASSIVE", False)])
def test_the_wait_policy_is_kept_and_the_results_are_the_same(patient: None, policy: str, awake: bool) -> None:
    script = """
import minicnn as mc
from minicnn.backend.cpu import bell, threads
from tests.backend.test_threads import made, trained
threads._cores = lambda: 2
mc.set_num_threads(2)
print(trained(made(0)), bell._search() is not None)
"""
    environment = {**os.environ, "OMP_WAIT_POLICY": policy}
    asked = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert asked.stdout.split() == [trained(made(0)), str(awake)]


def test_more_threads_than_cores_go_to_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Bell] = []

    def listen(self: Bell) -> None:
        heard.append(self)

    monkeypatch.setattr(Bell, "listen", listen)
    monkeypatch.setattr(threads, "get_num_threads", lambda: 3)
    queue: threads.SimpleQueue[int] = threads.SimpleQueue()
    here = Bell(1)
    for cores, listened in ((2, 0), (3, 1)):
        monkeypatch.setattr(threads, "_cores", lambda cores=cores: cores)
        timer = threading.Timer(0.05, queue.put, [cores])
        timer.start()
        assert threads._wait(queue, here) == cores and len(heard) == listened
