"""Too little memory for a step: the layer, the bytes asked for, and a batch that does fit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.autograd.function import Function
from minicnn.errors import OutOfMemoryError
from minicnn.training import fit
from minicnn.training.memory import asked_for, free_memory, size

ROOT = Path(__file__).parents[2]


class Greedy(nn.Module):
    """Fails as NumPy does where more than ``most`` images come."""

    def __init__(self, most: int, where: str) -> None:
        super().__init__()
        self.most, self.where = most, where
        self.weight = nn.Parameter(mc.ones(1))

    def forward(self, x: Any) -> Any:
        if self.where == "forward" and len(x) > self.most:
            mc.zeros(len(x), 1 << 40).sum()
        return Scaled.apply(x, self.weight) if self.where == "backward" else x * self.weight


class Scaled(Function):
    """x · w, whose gradient there is no memory for."""

    def forward(self, x: Any, w: Any) -> Any:
        return x * w

    def grad_x(self, g: Any, w: Any) -> Any:
        return g * w

    def grad_w(self, g: Any) -> Any:
        return mc.zeros(len(g), 1 << 40) if len(g) > 8 else mc.ones(1)


def network(most: int, where: str) -> nn.Module:
    mc.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Sequential(nn.BatchNorm2d(4), Greedy(most, where)), nn.Flatten(),
                         nn.Linear(4 * 26 * 26, 3))  # fmt: skip


def failure(most: int, where: str, count: int = 16, **options: Any) -> OutOfMemoryError:
    model = network(most, where)
    before = [value.tolist() for value in model.state_dict().values()]
    batch = mc.randn(count, 1, 28, 28), mc.zeros(count, dtype=mc.int64)
    with pytest.raises(OutOfMemoryError) as caught:
        fit(model, [batch], mc.optim.SGD(model.parameters(), 0.1), epochs=1, progress=False, **options)
    assert isinstance(caught.value, MemoryError) and isinstance(caught.value.__cause__, MemoryError)
    assert [p.grad for p in model.parameters()] == [None] * 7
    after = [value.tolist() for value in model.state_dict().values()]
    assert after[0] == before[0]  # no step was made
    return caught.value


@pytest.mark.host("the host's free memory is asked for")
def test_the_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minicnn.training.memory.free_memory", lambda: 1 << 20)
    error = failure(8, "forward")
    assert "too small for a batch of 16, in the forward pass of layer 1.1 (Greedy)" in error.what
    assert str(error.got) == f"{16 * 4 * 1024:.3g} GiB asked for, in step 1"
    found = re.search(r"batches of about (\d+) \(an estimate: about ([\d.]+) KiB an image", str(error.hint))
    # The output of the convolution and of each layer after it, 4 · 26 · 26 numbers, is 10.6 KiB: three of them are
    # held, and one or two gradients; 1024 KiB are free.
    assert found is not None and 40 < float(found[2]) < 120 and 7 < int(found[1]) < 16


def test_the_backward_pass() -> None:
    error = failure(8, "backward")
    assert error.what.endswith("in the backward pass of Scaled, in layer 1.1 (Greedy)")


@pytest.mark.host("the host's free memory is asked for")
@pytest.mark.parametrize(("free", "count", "most", "said"), [
    (None, 16, 8, r"batches of 8, or fewer; accumulate"),
    (1, 16, 8, "smaller images, or a smaller network .an estimate"),
    (1 << 40, 16, 8, "batches of about 15 .an estimate"), (1 << 40, 1, 0, "smaller images, or a smaller network$"),
    (1 << 40, 16, 1, "batches of 8, or fewer"),  # not even two: nothing was measured
])  # fmt: skip
def test_what_to_try(free: int | None, count: int, most: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minicnn.training.memory.free_memory", lambda: free)
    assert re.search(said, str(failure(most, "forward", count).hint))


def test_bytes_that_nobody_tells() -> None:
    assert asked_for(MemoryError()) is None
    assert [size(n) for n in (12, 4096, 5 * 2**20, 3 * 2**30)] == ["12 bytes", "4 KiB", "5 MiB", "3 GiB"]


CHILD = """
import resource, sys
import minicnn as mc
from minicnn import nn

def run(batch):
    mc.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
                          nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 3))
    pair = mc.zeros(batch, 3, 48, 48), mc.zeros(batch, dtype=mc.int64)
    mc.training.fit(model, [pair], mc.optim.SGD(model.parameters(), 0.1), epochs=1, progress=False)

run(2)  # what is loaded and made once
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (200 << 20),) * 2)
try:
    run(int(sys.argv[1]))
except mc.errors.OutOfMemoryError as error:
    print(error)
else:
    print("fits")
"""


def limited(batch: int) -> str:
    return subprocess.run([sys.executable, "-c", CHILD, str(batch)], cwd=ROOT, check=True, capture_output=True,
                          text=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}).stdout  # fmt: skip


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit, and what is used, are Linux's")
def test_a_process_that_may_take_200_mib_more() -> None:
    error = limited(600)
    assert re.search(r"for a batch of 600, in the (forward|backward) pass of ", error)
    assert re.search(r"got   [\d.]+ MiB asked for, in step 1", error)
    found = re.search(r"about (\d+) \(an estimate", error)
    assert found is not None and limited(int(found[1])) == "fits\n"
    assert limited(2 * int(found[1])) != "fits\n"  # so it was not far too careful


def test_the_memory_that_is_free() -> None:
    free = free_memory()
    assert free is None or 0 < free < 1 << 50
