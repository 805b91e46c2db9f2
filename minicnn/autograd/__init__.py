"""Automatic differentiation: what is recorded (mode, function), and how gradients flow back (engine)."""

import importlib
from typing import TYPE_CHECKING

from minicnn.absent import missing
from minicnn.autograd.anomaly import AnomalyError, detect_anomaly, set_detect_anomaly
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
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]


if TYPE_CHECKING:
    from minicnn.autograd import functional
    from minicnn.testing.gradcheck import gradcheck, gradgradcheck
else:

    def __getattr__(name):
        if name == "functional":
            return importlib.import_module("minicnn.autograd.functional")
        # testing is a room far above, so its checks are only fetched where someone asks for them by PyTorch's name.
        if name in ("gradcheck", "gradgradcheck"):
            return getattr(importlib.import_module("minicnn.testing"), name)
        raise missing("minicnn.autograd", name, __all__)
