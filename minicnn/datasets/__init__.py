"""Data to train on: the digits in the package, shapes drawn on the spot, the well-known sets, and your own folders."""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.datasets.base import VisionDataset
from minicnn.datasets.cifar import CIFAR10, CIFAR100
from minicnn.datasets.fake import FakeData
from minicnn.datasets.folder import DatasetFolder, ImageFolder
from minicnn.datasets.idx import read_idx, write_idx
from minicnn.datasets.mat import read_mat
from minicnn.datasets.mnist import EMNIST, KMNIST, MNIST, FashionMNIST
from minicnn.datasets.packaged import Digits
from minicnn.datasets.shapes import ColouredShapes
from minicnn.datasets.svhn import SVHN
from minicnn.keywords import spell_constructors

__all__ = [
    "CIFAR10", "CIFAR100", "EMNIST", "KMNIST", "MNIST", "SVHN", "ColouredShapes", "DatasetFolder", "Digits",
    "FakeData", "FashionMNIST", "ImageFolder", "VisionDataset", "read_idx", "read_mat", "write_idx",
]  # fmt: skip

spell_constructors(globals(), __all__)

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
