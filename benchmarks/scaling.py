"""Weak scaling of data parallel training: ``mpiexec -n 2 python -m benchmarks.scaling``.

Every rank has the same number of images whatever the number of ranks, so ideally a step takes as long as alone. What is
measured are a step alone (the other ranks wait), a step of all ranks, and the time of a sum over all ranks for several
sizes of message, from which latency and bandwidth are fitted. The projection adds them up for more ranks than there
are; it is arithmetic, and marked as such.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import minicnn as mc
from minicnn import distributed
from minicnn.nn import functional as F

SIZES = [2**n for n in range(8, 25, 2)]  # bytes
NETWORKS = {"LeNet": (mc.models.LeNet, (1, 28, 28)), "ResNet-20": (mc.models.resnet20, (3, 32, 32))}


def median(work: Callable[[], Any], times: int) -> float:
    """Seconds of a call, the median."""
    work()
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def stepper(model: Any, images: mc.Tensor, labels: mc.Tensor) -> Callable[[], None]:
    """A training step."""
    optimizer = mc.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return step


def steps(name: str, batch: int, times: int) -> dict[str, float]:
    """Seconds of a step alone and of all ranks together, and bytes of gradients."""
    make, shape = NETWORKS[name]
    mc.manual_seed(0)
    images, labels = mc.randn(batch, *shape), mc.randint(0, 10, (batch,))
    alone = 0.0
    for rank in range(distributed.get_world_size()):
        if rank == distributed.get_rank():
            alone = median(stepper(make(), images, labels), times)
        distributed.barrier()
    model = distributed.DataParallel(make())
    together = median(stepper(model, images, labels), times)
    alone, together = (distributed.all_reduce(mc.tensor([t]), "mean").item() for t in (alone, together))
    return {"alone": alone, "together": together, "bytes": float(sum(p.array.nbytes for p in model.parameters()))}


def link(times: int) -> dict[str, float]:
    """Latency in seconds and bandwidth in bytes a second of a sum over the ranks: the least squares line."""
    seconds = []
    for size in SIZES:
        message = mc.zeros(size // 4)
        seconds.append(median(lambda message=message: distributed.all_reduce(message), times))
    mean_size, mean_time = statistics.fmean(SIZES), statistics.fmean(seconds)
    slope = (sum((s - mean_size) * (t - mean_time) for s, t in zip(SIZES, seconds, strict=True))
             / sum((s - mean_size) ** 2 for s in SIZES))  # fmt: skip
    return {"latency": min(seconds), "bandwidth": 1 / slope}


def projected(step: dict[str, float], found: dict[str, float], measured_ranks: int, ranks: int) -> float:
    """Efficiency on more ranks, by a ring: 2·(n − 1) messages of 1/n of the gradients, none of it hidden.

    The measured link carries that of ``measured_ranks``; its parts are taken to be the same between any two.
    """
    per_message = found["latency"] / (2 * (measured_ranks - 1))
    per_byte = 1 / found["bandwidth"] / (2 * (measured_ranks - 1) / measured_ranks)
    share = 2 * (ranks - 1)
    return step["alone"] / (step["alone"] + share * (per_message + step["bytes"] / ranks * per_byte))


def main() -> None:
    """Measure, and print a table and JSON on rank 0."""
    mc.set_num_threads(1)
    distributed.init()
    ranks = distributed.get_world_size()
    found = link(50)
    results = {name: steps(name, 32, 30) for name in NETWORKS}
    if distributed.get_rank() > 0:
        return
    print(f"{ranks} ranks, one thread each; a sum over them: latency {found['latency'] * 1e6:.0f} µs, "
          f"{found['bandwidth'] / 1e9:.2f} GB/s\n")  # fmt: skip
    more = [4, 16, 64]
    print(f"| network, batch 32 a rank | gradients | alone | {ranks} ranks | efficiency, measured | "
          + " | ".join(f"{n} ranks, projected" for n in more) + " |")  # fmt: skip
    print("|---" * (5 + len(more)) + "|")
    for name, step in results.items():
        cells = [name, f"{step['bytes'] / 1e6:.2f} MB", f"{step['alone'] * 1e3:.1f} ms",
                 f"{step['together'] * 1e3:.1f} ms", f"{step['alone'] / step['together']:.2f}",
                 *(f"{projected(step, found, ranks, n):.2f}" for n in more)]  # fmt: skip
        print(f"| {' | '.join(cells)} |")
    print(json.dumps({"ranks": ranks, "link": found, "steps": results}))


if __name__ == "__main__":
    main()
