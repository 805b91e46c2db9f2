"""Out of memory: which layer asked for how much, and how many images would fit."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minicnn.backend.cpu import heap
from minicnn.errors import MinicnnError, OutOfMemoryError
from minicnn.tensor import Tensor
from minicnn.training.outputs import loss_of
from minicnn.training.rehearsal import rehearsal
from minicnn.training.run import Run
from minicnn.training.whereabouts import let_go, whereabouts

Batch = tuple[Any, Any]

SPARE = 0.9
"""The part of the free memory that a batch may fill: blocks do not fit it without gaps."""


@contextmanager
def explained(run: Run, group: list[Batch]) -> Iterator[None]:
    """Turn a MemoryError of a step into one that says where, how much, and what to try. Errors: OutOfMemoryError."""
    try:
        yield
    except MemoryError as error:
        inputs, targets = batch = max(group, key=lambda pair: len(pair[1]))
        few = (inputs[:2], targets[:2]) if isinstance(inputs, Tensor) else batch
        where, asked = whereabouts(error, run.model, run.recipe.loss_function, few), asked_for(error)
        let_go(error)
        for p in run.model.parameters():
            p.grad = None
        raise OutOfMemoryError(
            f"fit: the memory is too small for a batch of {len(targets)}, {where}",
            got=f"{'a block' if asked is None else size(asked)} asked for, in step {run.step + 1}",
            rule="a step holds the results of all layers until its backward pass has used them",
            hint=_advice(run, batch)) from error  # fmt: skip


def asked_for(error: BaseException | None) -> int | None:
    """The bytes that could not be had, where NumPy or CuPy says so, perhaps in the error from which this one came."""
    while error is not None:
        shape, dtype, taken = (getattr(error, name, None) for name in ("shape", "dtype", "_size"))
        if shape is not None and dtype is not None:
            return math.prod(shape) * int(dtype.itemsize)
        if taken is not None:
            return int(taken)
        error = error.__context__
    return None


def _advice(run: Run, batch: Batch) -> str:
    """What to try. The batch that would fit is an estimate, and said to be one."""
    count = len(batch[1])
    room, each = free_memory(), None if count < 2 else _bytes_an_image(run, batch)
    keep = "; accumulate=… keeps the steps as they are"
    if count < 2:
        return "smaller images, or a smaller network"
    if room is None or each is None:
        return f"batches of {count // 2}, or fewer{keep}"
    per_image, fixed = each
    fits = int((SPARE * room - fixed) / per_image)
    measured = f"(an estimate: about {size(per_image)} an image, measured with fewer, and {size(room)} free)"
    if fits < 1:
        return f"smaller images, or a smaller network {measured}"
    return f"batches of about {min(fits, count - 1)} {measured}{keep}"


def _bytes_an_image(run: Run, batch: Batch) -> tuple[float, float] | None:
    """What a step takes for each image, and besides, by the peaks of two small ones; None where that cannot be told.

    The peaks are of the host's memory, as Python counts it.
    """
    inputs, targets = batch
    few = max(len(targets) // 16, 2 if len(targets) >= 4 else 1)  # of one or two, kernels hold whole what they cut up
    if not isinstance(inputs, Tensor) or inputs.device.type != "cpu":
        return None
    try:
        small, large = (_peak(run, inputs[:n], targets[:n]) for n in (few, 2 * few))
    except (MemoryError, MinicnnError):  # too small for even these, or for this network
        return None
    each = (large - small) / few
    return (each, small - few * each) if each > 0 else None


def _peak(run: Run, inputs: Any, targets: Any) -> int:
    """The most bytes that a step on a batch holds at once."""
    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        with rehearsal(run.model):
            loss_of(run.recipe.loss_function, run.model(inputs), targets).backward()
            return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not tracing:
            tracemalloc.stop()


def free_memory() -> int | None:
    """The bytes that this process may still take, by the tightest of the limits that Linux tells; None elsewhere."""
    kept = heap.free_bytes()  # which the system counts as taken
    found = []
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            found.append(limit - int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize())
        lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        found.append(int(lines["MemAvailable"].split()[0]) * 1024)
        group = Path("/sys/fs/cgroup")
        if (text := (group / "memory.max").read_text().strip()) != "max":
            found.append(int(text) - int((group / "memory.current").read_text()))
    except (ImportError, OSError, KeyError, ValueError):
        pass
    return max(min(found) + kept, 0) if found else None


def size(count: float) -> str:
    """Bytes in a unit that suits them."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.3g} {unit}" if unit != "bytes" else f"{count:.0f} bytes"
        count /= 1024
    return f"{count:.3g} GiB"
