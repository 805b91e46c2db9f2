"""Recipe: how a batch becomes a step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from minicnn.errors import OptionError
from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.optim.clip import clip_grad_norm_, clip_grad_value_
from minicnn.training.outputs import Accuracy, Loss, class_accuracy

ON_NAN = ("report", "stop", "skip")


@dataclass(frozen=True)
class Recipe:
    """The options of ``fit`` that say how a batch becomes a step, and an epoch a record."""

    loss_function: Loss = F.cross_entropy
    accuracy: Accuracy | None = class_accuracy
    validation: Iterable[Any] | None = None
    accumulate: int = 1
    clip_norm: float | None = None
    clip_value: float | None = None
    on_nan: str = "report"

    def check(self, epochs: int) -> None:
        """Errors: OptionError for what is out of range."""
        for name, value in (("epochs", epochs), ("accumulate", self.accumulate)):
            if not isinstance(value, int) or value < 1:
                raise OptionError(f"fit: {name}={value}", got=value, rule="an integer, at least one")
        for name in ("clip_norm", "clip_value"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise OptionError(f"fit: {name}={value}", got=value, rule="positive", hint="None does not clip")
        if self.clip_norm is not None and self.clip_value is not None:
            raise OptionError("fit: clip_norm and clip_value exclude each other", got="both", rule="one of them")
        if self.on_nan not in ON_NAN:
            raise OptionError("fit: what is done about a NaN?", got=repr(self.on_nan), rule=", ".join(ON_NAN))

    def settings(self) -> dict[str, Any]:
        """Those options that are numbers, and decide how a training goes on."""
        return {name: getattr(self, name) for name in ("accumulate", "clip_norm", "clip_value")}

    def clip(self, model: Module) -> None:
        """Bound the gradients."""
        if self.clip_norm is not None:
            clip_grad_norm_(model.parameters(), self.clip_norm)
        if self.clip_value is not None:
            clip_grad_value_(model.parameters(), self.clip_value)
