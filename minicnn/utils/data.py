"""``minicnn.data`` by the name that it has in PyTorch: ``from minicnn.utils.data import DataLoader``."""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.data import *  # noqa: F403 (PyTorch's other name of that room)

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
