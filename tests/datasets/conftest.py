"""CIFAR of a few images: the true files are known to have thousands, and others are refused."""

import pytest

from minicnn.datasets import CIFAR10, CIFAR100


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (CIFAR10, CIFAR100):
        monkeypatch.setattr(kind, "images_a_file", None)
