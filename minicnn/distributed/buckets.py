"""Gradients summed over ranks in buckets, while the backward pass still makes those of earlier layers.

A gradient is ready when the walk has left its parameter for good, the last layer's first. Each bucket is one array with
the gradients of some megabytes of parameters, so that a message is worth its latency. As soon as a bucket is full its
sum is started, and the walk goes on meanwhile.

Ranks must ask for the same sums in the same order. So buckets start strictly one after the other, and all of them in
every backward pass: a parameter without a gradient counts as zeros, and a flag beside it tells how many ranks had one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from minicnn.autograd.mode import mode
from minicnn.backend import backend_of
from minicnn.distributed.group import group
from minicnn.tensor import Tensor, wrap

Array = Any


class Bucket:
    """Parameters of one dtype and device whose gradients travel together."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.parameters = parameters
        first = parameters[0].array
        sizes = [math.prod(p.shape) for p in parameters]
        starts = [sum(sizes[:i]) for i in range(len(sizes) + 1)]
        self.places = [slice(a, b) for a, b in pairwise(starts)]
        self.array = backend_of(first).xp.empty(starts[-1] + len(parameters), first.dtype)
        self.waiting: set[int] = set()
        self.wait: Callable[[], None] | None = None

    def begin(self) -> None:
        """A new backward pass: every gradient is still to come."""
        self.waiting, self.wait = {id(p) for p in self.parameters}, None

    def start(self) -> None:
        """Copy the gradients in, divided by the number of ranks, and begin the sum."""
        ranks, flags = group().size, self.places[-1].stop
        for i, (p, place) in enumerate(zip(self.parameters, self.places, strict=True)):
            self.array[flags + i] = 0 if p.grad is None else 1
            self.array[place] = 0 if p.grad is None else p.grad.array.reshape(-1) / ranks
        self.wait = group().start_sum(self.array)

    def end(self) -> None:
        """Wait for the sum, and give each parameter its mean gradient; none where no rank had one."""
        assert self.wait is not None
        self.wait()
        flags = backend_of(self.array).to_numpy(self.array[self.places[-1].stop :])
        for p, place, flag in zip(self.parameters, self.places, flags, strict=True):
            if flag == 0:
                continue
            if p.grad is None:
                p.grad = wrap(backend_of(p.array).xp.empty_like(p.array))
            p.grad.array[...] = self.array[place].reshape(p.shape)


class Reducer:
    """Sums the gradients of ``parameters`` in buckets; does nothing while not ``on``."""

    def __init__(self, parameters: Sequence[Tensor], bytes_each: int) -> None:
        self.buckets = [Bucket(part) for part in _parts(list(reversed(parameters)), bytes_each)]
        self.bucket_of = {id(p): bucket for bucket in self.buckets for p in bucket.parameters}
        self.on, self.next = True, 0
        for p in parameters:
            p.register_post_accumulate_grad_hook(self._ready)

    def _ready(self, parameter: Tensor) -> None:
        if not self.on:
            return
        if self._end not in mode.after_backward:  # this backward pass's first gradient
            self.next = 0
            for bucket in self.buckets:
                bucket.begin()
            mode.after_backward.append(self._end)
        self.bucket_of[id(parameter)].waiting.discard(id(parameter))
        while self.next < len(self.buckets) and not self.buckets[self.next].waiting:
            self._start_next()

    def _start_next(self) -> None:
        self.buckets[self.next].start()
        self.next += 1

    def _end(self) -> None:
        """The backward pass is over: start what no gradient filled, and wait for all."""
        while self.next < len(self.buckets):
            self._start_next()
        for bucket in self.buckets:
            bucket.end()


def _parts(parameters: list[Tensor], bytes_each: int) -> list[list[Tensor]]:
    """Parameters in their order, cut where the dtype or the device changes, or a part has ``bytes_each`` bytes."""
    parts: list[list[Tensor]] = []
    size = 0
    for p in parameters:
        last = parts[-1][-1] if parts else None
        if last is None or last.dtype != p.dtype or last.device != p.device or size >= bytes_each:
            parts.append([])
            size = 0
        parts[-1].append(p)
        size += p.array.nbytes
    return parts
