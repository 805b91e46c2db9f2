"""The short form of ``python -m tests.long.kills``."""

from __future__ import annotations

import os

import pytest

from tests.long import kills


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_a_training_that_is_killed_and_resumed_ends_with_the_same_bits() -> None:
    report = kills.run(3, seed=2, kinds=("shuffled",))
    assert sum(report.places.values()) == 3 and report.differences == []
