"""What the benchmarks' tests share."""

from __future__ import annotations

import functools

import pytest

from benchmarks import growth, memory, networks, profiles, sides, steps, suites
from benchmarks.peers import suite
from tests.benchmarks.spy import Near


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small networks, and no processes."""
    network, shape = functools.partial(networks.stack, depth=1, width=4), (2, 3, 8, 8)
    for module in (steps, suites, memory, profiles):
        monkeypatch.setattr(module, "TRAINED", {"LeNet b64": (network, shape)})
    monkeypatch.setattr(steps, "INFERRED", {"ResNet-18": network})
    monkeypatch.setattr(memory, "peaks", lambda name, threads: {"ours": 3.0, "theirs": 4.0, "ratio": 0.75})
    monkeypatch.setattr(growth, "axes", lambda: {"depth": (1,)})
    monkeypatch.setattr(suite.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sides, "Apart", Near)
