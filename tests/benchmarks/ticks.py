"""A clock for tests: it goes on by one second each time it is asked."""

from __future__ import annotations

import itertools

from benchmarks.case import Clock


def ticks() -> Clock:
    """A new clock."""
    return itertools.count().__next__
