"""``mc.utils.data``, where PyTorch code looks for what is in ``mc.data``; and grids of images."""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.utils import data as data
from minicnn.utils.grid import make_grid, save_image

__all__ = ["data", "make_grid", "save_image"]

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
