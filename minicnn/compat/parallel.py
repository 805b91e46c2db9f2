"""``torch.nn.parallel`` on one device, where PyTorch, too, only hands the batch on to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn.absent import hints
from minicnn.nn.module import Module

__all__ = ["DataParallel", "data_parallel"]


class DataParallel(Module):
    """A model as ``.module``: its parameters' names begin with ``module.``, as checkpoints of this wrapper have them.

    Args:
        module: the model.
        options: which devices; there is one.
    """

    def __init__(self, module: Module, *options: Any, **named: Any) -> None:  # noqa: ARG002 (PyTorch's signature)
        super().__init__()
        self.module = module

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """What the model gives."""
        return self.module(*inputs, **named)


def data_parallel(module: Module, inputs: Any, *options: Any, **named: Any) -> Any:  # noqa: ARG001 (PyTorch's signature)
    """What the model gives for an input, or for a tuple of them."""
    return module(*inputs) if isinstance(inputs, tuple) else module(inputs)


if not TYPE_CHECKING:
    __getattr__ = hints(globals())
