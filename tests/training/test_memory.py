"""Memory over many steps, with the collector of cycles switched off: nothing grows, nothing is held too long."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.autograd import Function


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def growth(warm_up: Callable[[], None], work: Callable[[], None]) -> tuple[int, int]:
    """Bytes of arrays, and nodes and tensors, that ``work`` leaves behind beyond what ``warm_up`` left."""

    def held() -> tuple[int, int]:
        arrays = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)])
        objects = sum(issubclass(type(o), (mc.Tensor, Function)) for o in gc.get_objects())
        return sum(trace.size for trace in arrays.traces), objects

    tracemalloc.start()
    try:
        warm_up()
        before = held()
        work()
        after = held()
    finally:
        tracemalloc.stop()
    return after[0] - before[0], after[1] - before[1]


def small_network() -> nn.Module:
    mc.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(True), nn.MaxPool2d(2), nn.Dropout(0.1),
        nn.Flatten(), nn.Linear(4 * 16, 10),
    )  # fmt: skip


def test_a_thousand_steps_do_not_grow(no_collector: None) -> None:
    model = small_network()
    optimizer = mc.optim.Adam(model.parameters())
    images, labels = mc.randn(4, 1, 8, 8), mc.tensor([0, 1, 2, 3])

    def steps(count: int) -> None:
        for _ in range(count):
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    assert growth(lambda: steps(50), lambda: steps(1000)) == (0, 0)


def test_second_derivatives_do_not_grow(no_collector: None) -> None:
    x = mc.randn(50, 50, dtype=mc.float64, requires_grad=True)

    def once() -> None:
        (g,) = mc.grad((x.exp() * x).sum(), x, create_graph=True)
        mc.grad((g * g).sum(), x)

    def often() -> None:
        for _ in range(200):
            once()

    assert growth(once, often) == (0, 0)


@pytest.mark.host("what tracemalloc counts is the host's memory")
def test_a_convolutions_step_never_holds_the_columns_of_the_batch() -> None:
    x = mc.as_tensor(np.zeros((64, 16, 32, 32), np.float32))
    conv = nn.Conv2d(16, 16, 3, padding=1)
    columns = 64 * 32 * 32 * 16 * 9 * 4
    conv(x).sum().backward()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        conv(x).sum().backward()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The result, its gradient, and a copy in another memory order are 4 MB each; the columns would be 38 MB.
    assert peak - before < columns / 2


def test_what_backward_no_longer_needs_is_freed_as_it_walks() -> None:
    x = mc.zeros(100_000, requires_grad=True)
    y = x
    for _ in range(20):
        y = y.exp()
    tracemalloc.start()
    try:
        y.sum().backward()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * 400_000  # a few gradients at a time, never the twenty of the chain
