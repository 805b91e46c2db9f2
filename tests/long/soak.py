"""A long training, and a thousand loaders: ``python -m tests.long.soak [--steps 20000] [--loaders 1000]``.

Memory must stay flat with Python's collector of cycles off, so that whatever is left over shows; and loaders, read to
the end or left in the middle, must leave no thread, process, descriptor or file. The suite has short forms of both
(``tests/training/test_memory.py``, ``tests/data/test_workers.py``).
"""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import minicnn as mc
from minicnn import nn
from minicnn.data import DataLoader, TensorDataset

ROOM = 4.0
"""MiB by which the memory may differ between the first tenth of the steps and the end."""


def memory() -> float:
    """The process's own memory in use, MiB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def children() -> int:
    """Processes that this one started and that have not ended."""
    me, found = str(os.getpid()), 0
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            found += place.read_text(encoding="latin1").rpartition(")")[2].split()[1] == me
        except OSError:
            continue  # it ended meanwhile
    return found


def held(folder: Path) -> dict[str, Any]:
    """What may not become more."""
    return {"threads": threading.active_count(), "processes": children(),
            "descriptors": len(os.listdir("/proc/self/fd")), "files": sorted(p.name for p in folder.rglob("*")),
            "shared memory": sorted(name for name in os.listdir("/dev/shm") if "minicnn" in name)}  # fmt: skip


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Dropout(0.1),
        nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip


def train(steps: int) -> float:
    """Train for so many steps, and show the memory on the way; how much it grew after the first tenth, MiB."""
    mc.manual_seed(0)
    data = TensorDataset(mc.randn(800, 1, 12, 12), mc.randint(0, 10, (800,)))
    model = network()
    optimizer = mc.optim.Adam(model.parameters(), lr=1e-3)
    schedule = mc.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    loader = DataLoader(data, 8, shuffle=True)
    done, settled, started = 0, 0.0, time.perf_counter()
    while done < steps:
        for images, labels in loader:
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            done += 1
            if done == steps // 10:
                settled = memory()
            if done % max(1, steps // 10) == 0:
                print(f"{done:6} steps, {memory():7.1f} MiB, {time.perf_counter() - started:5.0f} s, "
                      f"loss {loss.item():.3f}", flush=True)  # fmt: skip
    return memory() - settled


def load(loaders: int, folder: Path) -> dict[str, tuple[Any, Any]]:
    """Open and close loaders of every kind, read to the end or left; what there was before and afterwards."""
    data = TensorDataset(mc.randn(64, 1, 8, 8), mc.arange(64))
    kinds = [{"num_workers": 0}, {"num_workers": 2, "worker_method": "thread"},
             {"num_workers": 1, "worker_method": "multiprocessing"},
             {"num_workers": 1, "worker_method": "thread", "persistent_workers": True}]  # fmt: skip
    before: dict[str, Any] = {}
    for number in range(loaders):
        loader = DataLoader(data, 16, shuffle=True, **kinds[number % len(kinds)])
        for batch, _ in enumerate(loader):
            if number % 3 == 0 and batch == 1:
                break
        del loader
        if number == 2 * len(kinds):  # what starts once has started
            before = held(folder)
        if number % max(1, loaders // 5) == 0:
            print(f"{number:6} loaders, {memory():7.1f} MiB, {held(folder)}", flush=True)
    deadline = time.monotonic() + 10
    while held(folder) != before and time.monotonic() < deadline:
        time.sleep(0.05)  # a worker that was left ends in its own time
    after = held(folder)
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--loaders", type=int, default=1_000)
    chosen = parser.parse_args()
    gc.disable()
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        left = load(chosen.loaders, Path(folder))
        print(f"left behind: {left or 'nothing'}")
        grown = train(chosen.steps)
        print(f"memory grew by {grown:.1f} MiB after the first tenth of the steps")
    raise SystemExit(bool(left) or grown > ROOM)


if __name__ == "__main__":
    main()
