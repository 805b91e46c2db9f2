"""Networks, each a file that reads like its paper's table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn.errors import OptionError
from minicnn.models.lenet import LeNet
from minicnn.nn.module import Module

__all__ = ["LeNet", "get_model", "list_models"]

_MODELS: dict[str, Callable[..., Module]] = {"lenet": LeNet}


def list_models() -> list[str]:
    """The names that ``get_model`` knows."""
    return sorted(_MODELS)


def get_model(name: str, **options: Any) -> Module:
    """A new model by its name, with random weights.

    Example:
        >>> model = mc.models.get_model("lenet", num_classes=10)
    """
    if name not in _MODELS:
        raise OptionError(f"there is no model '{name}'", got=repr(name), rule=f"one of {', '.join(list_models())}")
    return _MODELS[name](**options)
