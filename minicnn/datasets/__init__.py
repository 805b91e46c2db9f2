"""Data to train on: the digits inside the package, and the IDX format of MNIST."""

from minicnn.datasets.idx import read_idx, write_idx
from minicnn.datasets.packaged import Digits

__all__ = ["Digits", "read_idx", "write_idx"]
