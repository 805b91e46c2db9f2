"""Threads of a program that all use minicnn: nothing that they share is lost, drawn twice or computed otherwise.

What each test does goes wrong only where threads meet at an unlucky moment. So under Python's lock they change places
after every few instructions; a free-threaded Python needs no such help.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from tests.test_hashes import at_once

THREADS = 4

pytestmark = pytest.mark.host("threads begin with the CPU for their default device")


@pytest.fixture(autouse=True)
def often() -> Iterator[None]:
    """Let threads change places often, and kernels have a helper."""
    interval, helpers = sys.getswitchinterval(), mc.get_num_threads()
    sys.setswitchinterval(1e-5)
    mc.set_num_threads(2)
    yield
    sys.setswitchinterval(interval)
    mc.set_num_threads(helpers)


def by_each(task: Any) -> list[Any]:
    """What ``task(number)`` returns in each of four threads at once."""
    found: list[Any] = [None] * THREADS

    def work(number: int) -> None:
        found[number] = task(number)

    at_once(*[lambda number=number: work(number) for number in range(THREADS)])
    return found


def convolutions(width: int = 8) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(width, 16, 3), nn.GELU(), nn.Flatten(), nn.Dropout(0.3), nn.Linear(16 * 36, 5),
    )  # fmt: skip


def perceptron() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(768, 64), nn.LayerNorm(64), nn.Tanh(), nn.Dropout(0.5), nn.Linear(64, 5),
    )  # fmt: skip


def images(count: int = 8) -> mc.Tensor:
    return mc.as_tensor(np.random.default_rng(0).standard_normal((count, 3, 16, 16)).astype("float32"))


def trained(number: int) -> bytes:
    """The weights of one of two models after a few steps, with seed, dropout and optimiser of its own."""
    with mc.random.own_stream(number):
        model = perceptron() if number % 2 else convolutions()
        optimizer = (mc.optim.Adam if number < 2 else mc.optim.SGD)(model.parameters(), lr=0.01)
        x, labels = images(), mc.arange(8) % 5
        for _ in range(6):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), labels).backward()
            optimizer.step()
    return b"".join(value.numpy().tobytes() for value in model.state_dict().values())


def test_models_that_train_at_once_end_in_the_bits_of_each_alone() -> None:
    alone = [trained(number) for number in range(THREADS)]
    assert len(set(alone)) == THREADS
    assert by_each(trained) == alone


def test_every_word_of_the_shared_stream_is_drawn_once() -> None:
    """Of each word ``rand`` and such a ``randint`` take the lower 24 bits."""

    def drawn(number: int) -> list[int]:
        found: list[int] = []
        for _ in range(150):
            found += (mc.rand(37) * 2**24).tolist() if number % 2 else mc.randint(0, 2**24, (53,)).tolist()
        return found

    mc.manual_seed(5)
    parts = by_each(drawn)
    after = mc.rand(3).tolist()
    mc.manual_seed(5)
    stream = mc.randint(0, 2**24, (sum(map(len, parts)),)).tolist()
    assert sorted(word for part in parts for word in part) == sorted(stream)
    assert mc.rand(3).tolist() == after


def test_of_a_pair_of_normal_values_no_half_is_lost_or_given_twice() -> None:
    mc.manual_seed(6)
    values = [value for part in by_each(lambda _: [mc.randn(1).item() for _ in range(1500)]) for value in part]
    mc.manual_seed(6)
    assert sorted(values) == sorted(mc.randn(1).item() for _ in values)


def test_backward_passes_that_meet_at_a_leaf_add_up() -> None:
    leaf, g, meeting = mc.zeros(500_000, requires_grad=True), mc.ones(500_000), threading.Barrier(THREADS)

    def walk(_: int) -> None:
        for _ in range(30):
            meeting.wait(60)
            leaf.backward(g)

    by_each(walk)
    assert (leaf.grad == 30 * THREADS).all()


def test_gradients_through_one_model_and_one_graph_are_the_same_bits_in_each_thread() -> None:
    model, x = convolutions().eval(), images()
    shared = model(x).square().sum()

    def through(loss: mc.Tensor) -> list[bytes]:
        return [g.numpy().tobytes() for g in mc.autograd.grad(loss, list(model.parameters()), retain_graph=True)]

    alone = through(shared)
    assert by_each(lambda number: through(shared if number % 2 else model(x).square().sum())) == [alone] * THREADS


def test_nodes_are_numbered_in_the_order_they_are_made() -> None:
    """The walk goes by these numbers, from the newest to the oldest, so each must exceed those of its inputs."""

    def numbers(_: int) -> list[int]:
        x, found = mc.ones(1, requires_grad=True), []
        for _ in range(1000):
            x = x + 1
            found.append(x.grad_fn.order)
        return found

    made = by_each(numbers)
    assert all(part == sorted(part) for part in made)
    assert len({number for part in made for number in part}) == THREADS * 1000


def test_hooks_that_are_put_on_at_once_are_all_called() -> None:
    for prepend in (False, True):
        model, seen = nn.Identity(), []

        def put_on(number: int, model: nn.Module = model, seen: list[int] = seen, prepend: bool = prepend) -> None:
            for _ in range(50):
                model.register_forward_hook(lambda *_: seen.append(number), prepend=prepend)

        by_each(put_on)
        model(mc.ones(1))
        assert sorted(seen) == [number for number in range(THREADS) for _ in range(50)]


def test_hooks_come_and_go_while_other_threads_use_the_model() -> None:
    model, x, seen = nn.Identity(), mc.ones(1), []
    model.register_forward_hook(lambda *_: seen.append(1))

    def use(number: int) -> None:
        for _ in range(200):
            if number % 2:
                model(x)
            else:
                model.register_forward_hook(lambda *_: None).remove()

    by_each(use)
    assert len(seen) == 400


FIRST = """
import minicnn as mc
from tests.test_hashes import at_once
found = []
def first(rooms):
    for room in rooms:
        getattr(mc, room)
    x = mc.ones(4, 3, 12, 12, requires_grad=True)
    w = mc.full((8, 3, 3, 3), 0.1)
    mc.nn.functional.gelu(mc.nn.functional.conv2d(x, w, padding=1)).sum().backward()
    found.append(x.grad.numpy().tobytes())
rooms = [room for room in mc._ROOMS if room not in ("compat", "exercises", "testing")]
at_once(*[lambda k=k: first(rooms[k::4] + rooms[::-1]) for k in range(4)])
assert len(found) == 4 and len(set(found)) == 1
"""


def test_threads_may_all_be_the_first() -> None:
    """To open a room, to start the workers, to find BLAS: in a new process."""
    done = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, timeout=120, check=False,
                          cwd=Path(__file__).parents[1])  # fmt: skip
    assert done.returncode == 0, done.stderr
