"""Switches of the libraries below, by PyTorch's names.

    mc.backends.cuda.matmul.allow_tf32 = True   # float32 products on a GPU may round to TF32
    mc.backends.cuda.conv.benchmark = True      # measure the forms of a convolution, and keep the fastest
    mc.backends.cudnn.benchmark = True          # changes nothing: there is no cuDNN here
"""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.backends import cuda, cudnn, mps

__all__ = ["cuda", "cudnn", "mps"]

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
