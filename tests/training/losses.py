"""The losses of 200 training steps from one seed, in either library; run as a script it stores PyTorch's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import minicnn.datasets.digits
from minicnn.datasets.idx import read_idx
from tests.training.networks import NETWORKS

FILE = Path(__file__).parent.parent / "reference" / "training.npz"
STEPS, BATCH, IMAGES = 200, 32, 640
DIGITS = Path(minicnn.datasets.digits.__file__).parent


# In float32 a rounding difference grows from step to step wherever training moves fast: PyTorch's own two kernels for a
# convolution (oneDNN's and its own) part by up to 10 % within 200 steps of the float64 recipes. At these slower rates
# they stay within 1e-4 of each other, so that a difference from us means something.
RATE = {
    "float64": {"SimpleCNN": 0.005, "four convolutions": 0.001, "residual": 0.003},
    "float32": {"SimpleCNN": 0.01, "four convolutions": 0.0003, "residual": 0.0002},
}
MOMENTUM = {"float64": 0.9, "float32": 0.0}


def digits(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Packaged digits as images of ``shape``: of mean about 0, with borders and further channels where it has them."""
    pixels = read_idx(DIGITS / "train-images-idx3-ubyte.gz")[:IMAGES].astype(np.float64) / 255
    border = (shape[1] - 28) // 2
    pixels = np.pad(pixels, ((0, 0), (border, border), (border, border)))
    channels = np.stack([pixels * (1 - 0.3 * c) for c in range(shape[0])], axis=1)
    classes = read_idx(DIGITS / "train-labels-idx1-ubyte.gz")[:IMAGES].astype(np.int64)
    return (channels - 0.13) / 0.31, classes


def losses(t: Any, name: str, dtype: str) -> list[float]:
    """Train network ``name`` with library ``t``: its own initial weights, shuffles and dropout masks from seed 0."""
    build, shape = NETWORKS[name]
    pixels, classes = digits(shape)
    images, labels = t.as_tensor(pixels).to(getattr(t, dtype)), t.as_tensor(classes)
    t.manual_seed(0)
    model = build(t).to(getattr(t, dtype))
    optimizer = t.optim.SGD(model.parameters(), RATE[dtype][name], MOMENTUM[dtype], weight_decay=1e-4)
    found: list[float] = []
    order: list[Any] = []
    for _ in range(STEPS):
        order = order or list(t.randperm(IMAGES).split(BATCH))
        picked = order.pop(0)
        loss = t.nn.functional.cross_entropy(model(images[picked]), labels[picked])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


def make() -> None:
    """Store PyTorch's losses."""
    import torch

    runs = {(name, dtype): losses(torch, name, dtype) for name in NETWORKS for dtype in ("float64", "float32")}
    np.savez_compressed(FILE, **{f"{name}|{dtype}": values for (name, dtype), values in runs.items()})
    for key, values in runs.items():
        print(key, values[0], values[-1])


if __name__ == "__main__":
    make()
