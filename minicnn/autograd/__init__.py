"""Automatic differentiation: what is recorded (mode, function), and how gradients flow back (engine)."""

from typing import TYPE_CHECKING

from minicnn.absent import missing
from minicnn.autograd.anomaly import AnomalyError, detect_anomaly
from minicnn.autograd.api import backward, grad
from minicnn.autograd.function import Function
from minicnn.autograd.mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from minicnn.autograd.variable import Variable

__all__ = [
    "AnomalyError",
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "set_grad_enabled",
]


if not TYPE_CHECKING:

    def __getattr__(name):
        raise missing("minicnn.autograd", name, globals())
