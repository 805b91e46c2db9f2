"""Learning-rate schedules, by PyTorch's names: ``mc.optim.lr_scheduler``."""

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

check_all(globals(), (
    "ConstantLR", "CosineAnnealingLR", "ExponentialLR", "LinearLR", "MultiStepLR", "PolynomialLR", "StepLR",
))  # fmt: skip
