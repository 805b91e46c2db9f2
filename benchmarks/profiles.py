"""What limits a step: its time by family of work, in minicnn and in PyTorch, on one thread."""

from __future__ import annotations

import functools
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import sides
from benchmarks.case import Row, Settings, Work
from benchmarks.steps import TRAINED, Network, Shape, step_of

Families = dict[str, float]
"""Seconds by family."""

ENGINE = "engine"
"""The family of what belongs to no other."""

THEIR_FAMILIES = [
    ("optimiser", r"Optimizer\."),
    ("convolution", r"conv"),
    ("norm", r"batch_norm"),
    ("pooling", r"pool"),
    ("linear", r"mm$|linear"),
    ("pointwise", r"relu|threshold|add|mul|cat|copy|fill|zero|softmax|nll_loss|dropout|bernoulli|div|sum|mean|clamp|"
                  r"expand|narrow|slice"),
]  # fmt: skip
"""The family of one of PyTorch's operators is the first whose pattern is found in its name; the rest is its engine."""


def profile(settings: Settings, wanted: Callable[[str, str], bool]) -> Iterator[Row]:
    """A row for each training step."""
    for name, (network, shape) in TRAINED.items():
        if wanted("profile", f"profile {name}"):
            calls = 2 if settings.quick else 10 if shape[-1] < 100 else 4
            ours, theirs = (_alone(profile_of, network, shape, calls) for profile_of in (our_profile, their_profile))
            totals = sum(ours.values()), sum(theirs.values())
            yield {"case": f"profile {name}", "threads": 1, "unit": "s", "ours": totals[0], "theirs": totals[1],
                   "ratio": totals[0] / totals[1], "families": {"ours": ours, "theirs": theirs}}  # fmt: skip


def _alone(profile_of: Callable[..., Families], *asked: Any) -> Families:
    """A profile from a process of its own."""
    with sides.Apart(functools.partial, profile_of, *asked) as side:
        return side()


def our_profile(network: Network, shape: Shape, calls: int) -> Families:
    """Seconds of a step by family, the largest first."""
    import minicnn
    from benchmarks.regions import measured

    minicnn.set_num_threads(1)
    step = step_of(minicnn, network, shape)
    _warm(step)
    found = []
    with measured() as watch:
        for _ in range(calls):
            watch.start()
            step()
            found.append(watch.stop())
    return _medians(found)


def their_profile(network: Network, shape: Shape, calls: int) -> Families:
    """The same of PyTorch, by the names of its operators."""
    import torch

    torch.set_num_threads(1)
    step = step_of(torch, network, shape)
    _warm(step)
    found = []
    for _ in range(calls):
        with torch.autograd.profiler.profile() as trace:
            step()
        seconds: Families = defaultdict(float)
        for event in trace.function_events:
            seconds[_their_family(event)] += event.self_cpu_time_total / 1e6
        found.append(seconds)
    return _medians(found)


def summed(families: Families) -> Families:
    """Seconds by the families that both libraries have: "convolution" for "convolution: windows" and its like."""
    total: Families = defaultdict(float)
    for family, seconds in families.items():
        total[family.split(":")[0]] += seconds
    return dict(total)


def _their_family(event: Any) -> str:
    above = event.cpu_parent
    while above is not None:
        if above.name.startswith("Optimizer."):
            return "optimiser"
        above = above.cpu_parent
    return next((family for family, pattern in THEIR_FAMILIES if re.search(pattern, event.name)), ENGINE)


def _warm(step: Work) -> None:
    for _ in range(2):
        step()


def _medians(found: list[Families]) -> Families:
    """The median time of each family, the largest first: what another program costs hits one step of them."""
    families = dict.fromkeys(family for seconds in found for family in seconds)
    medians = {family: statistics.median(seconds.get(family, 0.0) for seconds in found) for family in families}
    return dict(sorted(medians.items(), key=lambda item: -item[1]))
