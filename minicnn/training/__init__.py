"""Training loops with progress: ``fit`` and ``evaluate``."""

from minicnn.training.loop import Epoch, evaluate, fit

__all__ = ["Epoch", "evaluate", "fit"]
