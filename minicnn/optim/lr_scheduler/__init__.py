"""Learning-rate schedules, by PyTorch's names: ``mc.optim.lr_scheduler``."""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.arguments import check_all
from minicnn.optim.lr_scheduler.base import LRScheduler
from minicnn.optim.lr_scheduler.compose import ChainedScheduler, SequentialLR
from minicnn.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from minicnn.optim.lr_scheduler.cyclic import CyclicLR, OneCycleLR
from minicnn.optim.lr_scheduler.decay import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from minicnn.optim.lr_scheduler.plateau import ReduceLROnPlateau

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR",
    "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip

_CHECK_THEMSELVES = {"LRScheduler", "CosineAnnealingWarmRestarts", "OneCycleLR"}
check_all(globals(), [name for name in __all__ if name not in _CHECK_THEMSELVES])

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
