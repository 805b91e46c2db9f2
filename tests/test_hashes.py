"""The same seed gives the same bits: for any number of threads and workers, in any run, and beside another training.

Two claims are checked. On one machine a training ends in the same weights, to the bit, however many threads compute and
however many workers load; that is compared here, each time. From one version to the next the bits stay too, unless a
kernel was changed on purpose: for that, ``hashes.json`` keeps a hash of the weights after 100 steps. It is no measure
of right or wrong (``tests/training/test_against_pytorch.py`` is), and it holds only where sums are made in the same
order: for one NumPy, one BLAS and the kernels that these choose for the processor, which is what a key names. Where the
key is another, or lacks a network, the file says nothing. ``python -m tests.test_hashes`` adds this machine's hashes,
or replaces them after a change of kernels, which then belongs into docs/changelog.md.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.backend.cpu import blas
from minicnn.data import DataLoader, TensorDataset
from minicnn.errors import OptionError
from tests.training.networks import four_convolutions

pytestmark = pytest.mark.host("bits of the CPU's kernels; tests/cuda/test_determinism.py has those of devices")

FILE = Path(__file__).with_name("hashes.json")
STEPS, FEW, BATCH = 100, 20, 2


def separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), nn.BatchNorm2d(inputs), nn.ReLU6(),
        nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU6(),
    )  # fmt: skip


def mobile() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), separable(8, 16, 1), separable(16, 32, 2), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Dropout(0.2), nn.Linear(32, 10))  # fmt: skip


class Dense(nn.Module):
    """Every layer sees all before it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(3 + 6 * k, 6, 3, padding=1) for k in range(4))
        self.head = nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Dropout(0.3), nn.Linear(27 * 16, 10))

    def forward(self, x: mc.Tensor) -> mc.Tensor:
        for layer in self.layers:
            x = mc.cat([x, nn.functional.relu(layer(x))], 1)
        return self.head(x)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "lenet": (mc.models.LeNet, (1, 28, 28)),
    "four convolutions": (lambda: four_convolutions(mc), (1, 28, 28)),
    "simplecnn": (lambda: mc.models.get_model("simplecnn"), (3, 32, 32)),
    "resnet20": (lambda: mc.models.get_model("resnet20"), (3, 8, 8)),
    "dense": (Dense, (3, 16, 16)),
    "mobile": (mobile, (3, 16, 16)),
}


def trained(name: str, seed: int = 0, steps: int = STEPS, threads: int | None = None, **loading: Any) -> str:
    """The hash of a network's state after training; images, weights, order and dropout come from the seed."""
    before = mc.get_num_threads()
    mc.set_num_threads(threads or before)
    try:
        mc.manual_seed(seed)
        make, size = NETWORKS[name]
        data = TensorDataset(mc.randn(10 * BATCH, *size), mc.randint(0, 10, (10 * BATCH,)))
        model = make()
        optimizer = mc.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
        loader = DataLoader(data, BATCH, shuffle=True, **loading)
        for _ in range(steps // 10):
            for images, labels in loader:
                loss = nn.functional.cross_entropy(model(images), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    finally:
        mc.set_num_threads(before)
    return hash_of(model)


def hash_of(model: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode() + np.ascontiguousarray(value.numpy()).tobytes())
    return digest.hexdigest()[:32]


def kernels() -> str:
    """What decides the order of sums and the last bits of functions: NumPy, its BLAS, and what both found here."""
    config: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment, call-overload]  # typed as None
    found = ",".join(config["SIMD Extensions"].get("found", []))
    parts = [f"numpy {np.__version__}", blas_config() or config["Build Dependencies"]["blas"]["name"], found,
             platform.machine(), "-".join(platform.libc_ver())]  # fmt: skip
    return " | ".join(parts)


def blas_config() -> str | None:
    """OpenBLAS's own description, with the processor that it chose its kernels for; without its number of threads."""
    for library in blas._libraries():
        for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
            function = getattr(library, f"{prefix}openblas_get_config{suffix}", None)
            if function is not None:
                function.restype = ctypes.c_char_p
                return " ".join(word for word in function().decode().split() if not word.startswith("MAX_THREADS"))
    return None


@pytest.mark.parametrize("name", NETWORKS)
def test_any_number_of_threads_and_workers_gives_the_same_bits(name: str) -> None:
    alone = trained(name, steps=FEW, threads=1)
    assert trained(name, steps=FEW, threads=2, num_workers=2, worker_method="thread") == alone
    assert trained(name, steps=FEW, threads=3) == alone


@pytest.mark.parametrize("name", NETWORKS)
def test_a_hundred_steps_give_the_bits_that_are_kept(name: str) -> None:
    kept = json.loads(FILE.read_text(encoding="utf-8")).get(kernels(), {}).get(name)
    if kept is None:
        pytest.skip(f"no hash of {name} is kept for {kernels()}")
    assert trained(name) == kept, "the bits changed: was a kernel changed on purpose? See the top of this file."


def test_worker_processes_give_the_same_bits() -> None:
    assert trained("lenet", steps=20, num_workers=2, worker_method="multiprocessing") == trained("lenet", steps=20)


def test_another_run_gives_the_same_bits() -> None:
    """A process of its own, whose strings hash otherwise, and whose BLAS has four threads."""
    code = "from tests.test_hashes import FEW, trained; print(trained('mobile', steps=FEW, threads=2))"
    environment = {**os.environ, "PYTHONHASHSEED": "5", "OPENBLAS_NUM_THREADS": "4", "MKL_NUM_THREADS": "4"}
    out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert out.stdout.split() == [trained("mobile", steps=FEW)]


def test_another_seed_gives_other_bits() -> None:
    assert trained("mobile", seed=1, steps=10) != trained("mobile", steps=10)


def at_once(*tasks: Callable[[], None]) -> None:
    """Run each task in a thread of its own, all at the same time."""
    failed: list[BaseException] = []
    start = threading.Barrier(len(tasks))

    def run(task: Callable[[], None]) -> None:
        try:
            start.wait(60)
            task()
        except BaseException as error:
            failed.append(error)

    users = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for user in users:
        user.start()
    for user in users:
        user.join(120)
        assert not user.is_alive()
    assert not failed, failed


def test_two_trainings_at_once_do_not_disturb_each_other_nor_their_streams() -> None:
    """Dropout, shuffled batches, initial weights and loaders' workers included; nor the streams of everybody else."""
    plans = {"mobile": {"num_workers": 2, "worker_method": "thread"}, "dense": {}}
    alone = {name: trained(name, seed=3, steps=FEW, **loading) for name, loading in plans.items()}
    found: dict[str, str] = {}

    def train(name: str) -> None:
        with mc.random.own_stream(99):
            found[name] = trained(name, seed=3, steps=FEW, threads=2, **plans[name])

    mc.manual_seed(8)
    expected = mc.rand(50)
    mc.manual_seed(8)
    drawn = []
    at_once(lambda: train("mobile"), lambda: train("dense"), lambda: drawn.append([mc.rand(5) for _ in range(10)]))
    assert found == alone
    assert mc.cat(drawn[0]).tolist() == expected.tolist()


def test_a_stream_of_ones_own_ends_with_its_block() -> None:
    mc.manual_seed(4)
    first, second = mc.rand(1).item(), mc.rand(1).item()
    mc.manual_seed(4)
    assert mc.rand(1).item() == first
    with mc.random.own_stream(4):
        assert mc.rand(1).item() == first
        mc.manual_seed(7)
        with pytest.raises(OptionError, match="own stream already"), mc.random.own_stream(1):
            pass
    assert mc.rand(1).item() == second
    with pytest.raises(mc.errors.DtypeError, match="own_stream: this is no seed"), mc.random.own_stream("x"):
        pass


def main() -> None:
    """Keep the hashes of this machine."""
    kept = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    kept[kernels()] = {name: trained(name, threads=1) for name in NETWORKS}
    FILE.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(kernels(), kept[kernels()], sep="\n")


if __name__ == "__main__":
    main()
