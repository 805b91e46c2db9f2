"""Out of memory: which layer asked for how much, and how many images would fit."""

from __future__ import annotations

import math
import traceback
import tracemalloc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from minicnn.autograd.function import Function
from minicnn.errors import MinicnnError, OutOfMemoryError
from minicnn.nn.module import Module
from minicnn.tensor import Tensor
from minicnn.training.outputs import loss_of
from minicnn.training.rehearsal import rehearsal
from minicnn.training.run import Run

Batch = tuple[Any, Any]

SPARE = 0.9
"""The part of the free memory that a batch may fill: blocks do not fit it without gaps."""


@contextmanager
def explained(run: Run, group: list[Batch]) -> Iterator[None]:
    """Turn a MemoryError of a step into one that says where, how much, and what to try. Errors: OutOfMemoryError."""
    try:
        yield
    except MemoryError as error:
        where, asked = place(error, run.model), asked_for(error)
        _let_go(error)
        for p in run.model.parameters():
            p.grad = None
        batch = max(group, key=lambda pair: len(pair[1]))
        raise OutOfMemoryError(
            f"fit: the memory is too small for a batch of {len(batch[1])}, {where}",
            got=f"{'a block' if asked is None else size(asked)} asked for, in step {run.step + 1}",
            rule="a step holds the results of all layers until its backward pass has used them",
            hint=_advice(run, batch)) from error  # fmt: skip


def place(error: BaseException, model: Module) -> str:
    """The pass and the layer in which ``error`` was raised."""
    names = {id(module): name for name, module in model.named_modules()}
    layer, operation = None, None
    for variables in _variables(error.__traceback__):
        me, node = variables.get("self"), variables.get("node")
        if isinstance(me, Module) and id(me) in names:
            layer = f"{names[id(me)]} ({type(me).__name__})" if names[id(me)] else type(me).__name__
        elif isinstance(node, Function) and layer is None:
            operation = node
    if layer is not None:
        return f"in the forward pass of layer {layer}"
    if operation is None:
        return "outside of all layers"
    parameters = {id(p): name.rpartition(".")[0] for name, p in model.named_parameters()}
    owner = next((parameters[id(edge[0])] for edge in operation.edges if id(edge[0]) in parameters), "")
    return f"in the backward pass of {operation.name}" + (f", in layer {owner}" if owner else "")


def _variables(trace: TracebackType | None) -> Iterator[Mapping[str, Any]]:
    """The local variables of each call, outermost first."""
    while trace is not None:
        yield trace.tb_frame.f_locals
        trace = trace.tb_next


def _let_go(error: BaseException | None) -> None:
    """Drop the tensors of the step, which the calls of its traceback hold."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        for _ in _variables(error.__traceback__):  # asked again, Python 3.11 and 3.12 empty the copies they made before
            pass
        error = error.__context__


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
    return max(min(found), 0) if found else None


def size(count: float) -> str:
    """Bytes in a unit that suits them."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.3g} {unit}" if unit != "bytes" else f"{count:.0f} bytes"
        count /= 1024
    return f"{count:.3g} GiB"
