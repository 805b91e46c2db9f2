"""Switches of the libraries below PyTorch, which scripts set and ask: here they change nothing.

    mc.backends.cudnn.benchmark = False         # results are the same bits in each run, whatever is set here
"""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.backends import cuda, cudnn, mps

__all__ = ["cuda", "cudnn", "mps"]

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
