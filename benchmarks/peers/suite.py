"""minicnn beside the other libraries that are installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from typing import NamedTuple

from benchmarks.case import Row, Settings
from benchmarks.peers import one


class Peer(NamedTuple):
    """What a library is called, and what to know of it."""

    title: str
    about: str


PEERS = {
    "mygrad": Peer("MyGrad", "no optimiser: the step is written in NumPy here; no grouped and no transposed "
                             "convolution"),
    "dezero": Peer("DeZero", "written for NumPy 1: here `np.int` is given back to it, and NumPy 2 makes "
                             "its gradients float64; no grouped and no dilated convolution"),
    "pydynet": Peer("PyDyNet", "no grouped, dilated or transposed convolution; keeps all nodes in one list, which "
                               "it searches for each that is freed"),
    "autograd": Peer("autograd", "no layers and no optimiser: written here around its "
                                 "`scipy.signal.convolve`, as its own example is; so no strides, groups or batch norm"),
    "tinygrad": Peer("tinygrad", "needs clang; steps compiled before they are timed; each hundred operations of the "
                                 "chain become one kernel, and its gradient a constant, thought out anew at each call"),
    "jax": Peer("JAX", "steps compiled before they are timed; the chain as Python calls it, "
                       "without a compiler"),
}  # fmt: skip
TASKS = (*one.STEPS, *one.CHAINS)


def peers(settings: Settings, wanted: Callable[[str, str], bool]) -> Iterator[Row]:
    """A row for each task of each library, with all threads; one that says so where the library is not installed."""
    threads = max(settings.threads)
    for peer, (title, about) in PEERS.items():
        for task in TASKS if wanted("peers", f"peer {title}") else ():
            row = {"case": task, "library": title, "about": about, "threads": threads, "unit": "s"}
            if importlib.util.find_spec(peer) is None:
                yield {**row, "note": f"not installed: pip install {peer}"}
            else:
                yield {**row, **one.measured(peer, task, threads, 0.5 if settings.quick else 2.0, settings.clock)}
