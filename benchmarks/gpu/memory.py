"""The peak of a card's memory that training steps need, by each library's own count and by the card's."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from benchmarks import networks
from benchmarks.case import Row, Settings
from benchmarks.gpu import comparison
from benchmarks.gpu.sides import (
    MINICNN,
    MINICNN_GRAPH,
    TORCH,
    TORCH_GRAPH,
    TORCH_LAST,
    OnDevice,
    Side,
    precision,
    sides,
)
from benchmarks.gpu.steps import cases
from benchmarks.steps import Network, Shape

STEPS = 5
SIDES = (TORCH, TORCH_LAST, TORCH_GRAPH, MINICNN, MINICNN_GRAPH)
LATE = (functools.partial(networks.stack, depth=1, width=4), (2, 3, 8, 8))
"""A step before the one that is measured: what libraries load late is no part of that."""


def memory(settings: Settings, wanted: Callable[[str, str], bool]) -> Iterator[Row]:
    """A row for each side of each training step, without TF32."""
    found = sides()
    names = [name for name in SIDES if name in found]
    for case, network, shape in cases(settings, small=True):
        first: float | None = None
        for name in names if wanted("memory", f"memory {case}") else ():
            row: Row = {"case": f"memory {case}", "side": name, "tf32": False, "unit": "MB"}
            try:
                with precision(tf32=False, tuned=False):  # what is tried and not taken needs memory, too
                    row |= peaks(found[name], network, shape, [found[other].t for other in names])
            except Exception as error:  # whatever a library raises is what there is to tell; others go on
                row |= comparison.failure(error)
            else:
                first = row["allocated"] if name == names[0] else first
                row |= {} if first is None else {"ratio": row["allocated"] / first}
            yield row


def peaks(side: Side, network: Network, shape: Shape, libraries: list[OnDevice]) -> dict[str, float]:
    """MB above what was held before the step was made.

    ``allocated``: the most that tensors held at a time. ``reserved``: what the library took from the card for them.
    ``card``: what the card has less of than before, which counts workspaces and a graph's own memory, too.
    """
    side.make(*LATE)()
    comparison.release(libraries)
    cuda, before = side.t.cuda, side.t.cuda.memory_allocated()
    reserved, free = cuda.memory_reserved(), cuda.mem_get_info()[0]
    cuda.reset_peak_memory_stats()
    step = side.make(network, shape)
    for _ in range(STEPS):
        step()
    side.t.wait()
    found = {"allocated": cuda.max_memory_allocated() - before, "reserved": cuda.memory_reserved() - reserved,
             "card": free - cuda.mem_get_info()[0]}  # fmt: skip
    return {name: bytes_ / 1e6 for name, bytes_ in found.items()}

