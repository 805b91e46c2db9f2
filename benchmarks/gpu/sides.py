"""What is compared: the libraries on their devices, eager, channels-last, and as CUDA graphs."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import minicnn
from benchmarks.case import Work
from benchmarks.gpu import card
from benchmarks.steps import Network, Shape, learner, step_of

MINICNN, MINICNN_GRAPH, CPU = "minicnn", "minicnn, graph", "minicnn, CPU"
TORCH, TORCH_LAST, TORCH_GRAPH = "PyTorch", "PyTorch, channels-last", "PyTorch, graph"

WARM_UP = 3
"""Steps that a graph runs as they are before it is captured; minicnn's own number."""


class OnDevice:
    """A library whose ``from_numpy`` leads to a device; all else is its own."""

    def __init__(self, library: Any, device: str, *, channels_last: bool = False) -> None:
        self.library, self.device = library, device
        self.options = {"memory_format": library.channels_last} if channels_last else {}
        self.__name__ = f"{library.__name__} on {device}"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.library, name)

    def from_numpy(self, values: Any) -> Any:
        """The values as a tensor of the device; images in the memory order of this side."""
        return self.library.from_numpy(values).to(self.device, **(self.options if values.ndim == 4 else {}))

    def wait(self) -> None:
        """Until the device has done all that it was asked for."""
        if self.device != "cpu":
            self.library.cuda.synchronize()

    def release(self) -> None:
        """Give back the card's memory that this library keeps for later: the other one cannot use it."""
        if self.device != "cpu":
            self.library.cuda.empty_cache()


class Side(NamedTuple):
    """One of those that are compared: a library, and how it makes a training step."""

    t: OnDevice
    step: Callable[[OnDevice, Network, Shape], Work]

    def make(self, network: Network, shape: Shape) -> Work:
        """A function that does one step."""
        return self.step(self.t, network, shape)


def sides() -> dict[str, Side]:
    """Those that can be measured here, by name."""
    ours = OnDevice(minicnn, card.OURS)
    found = {MINICNN: Side(ours, step_of), MINICNN_GRAPH: Side(ours, our_graph),
             CPU: Side(OnDevice(minicnn, "cpu"), step_of)}  # fmt: skip
    if card.why_no_torch() is None:
        import torch

        theirs, last = OnDevice(torch, card.THEIRS), OnDevice(torch, card.THEIRS, channels_last=True)
        found |= {TORCH: Side(theirs, step_of), TORCH_LAST: Side(last, channels_last),
                  TORCH_GRAPH: Side(theirs, their_graph)}  # fmt: skip
    return found


def our_graph(t: OnDevice, network: Network, shape: Shape) -> Work:
    """The step captured by ``mc.cuda.graph``."""
    step, x, labels = learner(t, network, shape)
    return functools.partial(t.cuda.graph(step), x, labels)


def channels_last(t: OnDevice, network: Network, shape: Shape) -> Work:
    """The step with images and weights in PyTorch's channels-last order."""
    return step_of(t, lambda t: network(t).to(**t.options), shape)


def their_graph(t: OnDevice, network: Network, shape: Shape) -> Work:
    """The step captured by PyTorch, as its manual says: a warm-up on a stream beside, static inputs, results copied."""
    step, x, labels = learner(t, network, shape)
    cuda, static = t.cuda, (x.clone(), labels.clone())
    beside, calls, captured = cuda.Stream(), 0, cuda.CUDAGraph()
    results: Any = None

    def run() -> Any:
        nonlocal calls, results
        calls += 1
        if calls <= WARM_UP:
            beside.wait_stream(cuda.current_stream())
            with cuda.stream(beside):
                found = step(x, labels)
            cuda.current_stream().wait_stream(beside)
            return found
        if results is None:
            with cuda.graph(captured):
                results = step(*static)
        for place, given in zip(static, (x, labels), strict=True):
            place.copy_(given)
        captured.replay()
        return tuple(result.clone() for result in results)

    return run


@contextlib.contextmanager
def precision(tf32: bool, *, tuned: bool = True) -> Iterator[None]:
    """Both libraries with or without TF32 in their products and convolutions; ``tuned``: both may measure, at the first
    call with new shapes, which way to convolve is the fastest, as every step has the same."""
    switches = [(minicnn.backends.cuda.matmul, "allow_tf32", tf32), (minicnn.backends.cuda.conv, "benchmark", tuned)]
    if card.why_no_torch() is None:
        from torch import backends

        switches += [(backends.cuda.matmul, "allow_tf32", tf32), (backends.cudnn, "allow_tf32", tf32),
                     (backends.cudnn, "benchmark", tuned)]  # fmt: skip
    before = [getattr(owner, name) for owner, name, _ in switches]
    try:
        for owner, name, value in switches:
            setattr(owner, name, value)
        yield
    finally:
        for (owner, name, _), value in zip(switches, before, strict=True):
            setattr(owner, name, value)
