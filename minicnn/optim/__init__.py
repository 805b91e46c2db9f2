"""Optimisers, learning-rate schedules, gradient clipping."""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.keywords import spell_constructors
from minicnn.optim import lr_scheduler
from minicnn.optim.adagrad import Adagrad
from minicnn.optim.adam import Adam, AdamW
from minicnn.optim.adam_family import Adadelta, Adamax, NAdam, RAdam
from minicnn.optim.clip import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.rmsprop import RMSprop
from minicnn.optim.sgd import SGD

__all__ = [
    "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "Optimizer", "RAdam", "RMSprop", "SGD",
    "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm", "lr_scheduler",
]  # fmt: skip

spell_constructors(globals(), [name for name in __all__ if name != "Optimizer"])

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
