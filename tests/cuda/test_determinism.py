"""A hundred trainings from the same seed end in the same bits, whatever the device: no kernel adds in another order."""

from __future__ import annotations

import hashlib

import minicnn as mc
from minicnn import nn

RUNS, STEPS = 100, 2


def network() -> nn.Module:
    """Every family of kernels: columns, depthwise and 1×1 convolution, both pools, norm, dropout, linear layers."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
        nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Conv2d(8, 16, 1), nn.GELU(), nn.AvgPool2d(2),
        nn.ConvTranspose2d(16, 8, 2, 2), nn.Dropout(0.5), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(72, 5),
    )  # fmt: skip


def trained(device: str) -> str:
    """The hash of the weights after some steps of Adam."""
    mc.manual_seed(7)
    model, images = network().to(device), mc.randn(6, 3, 16, 16, device=device)
    targets = mc.arange(6, device=device) % 5
    optimizer = mc.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(STEPS):
        loss = nn.functional.cross_entropy(model(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    digest = hashlib.sha256()
    for value in model.state_dict().values():
        digest.update(value.cpu().numpy().tobytes())
    return digest.hexdigest()


def test_a_hundred_runs_end_in_the_same_bits(device: str) -> None:
    assert len({trained(device) for _ in range(RUNS)}) == 1
