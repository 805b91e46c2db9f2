"""The specification of a backend: every kernel, written in the functions that NumPy and CuPy share.

``Backend`` is all of the families below put together. A backend for another kind of array subclasses it, sets
``xp`` (its NumPy-like namespace), says how arrays arrive and leave, and overrides whatever it has a faster form of.
Kernels take and return arrays, never Tensors; they assume valid input (nn.functional has checked it) but nothing
about memory order.
"""

from __future__ import annotations

from minicnn.backend.portable.activation import ActivationKernels
from minicnn.backend.portable.arrays import ArrayKernels
from minicnn.backend.portable.conv import ConvKernels
from minicnn.backend.portable.norm import NormKernels
from minicnn.backend.portable.pool import PoolKernels
from minicnn.backend.portable.random import RandomKernels
from minicnn.backend.portable.resize import ResizeKernels
from minicnn.backend.portable.special import SpecialKernels


class Backend(
    ConvKernels, ActivationKernels, NormKernels, PoolKernels, ResizeKernels, SpecialKernels, RandomKernels,
    ArrayKernels,
):
    """Every kernel in plain ``xp``; see the family files for what each computes."""
