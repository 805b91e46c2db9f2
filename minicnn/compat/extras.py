"""Functions of ``torch`` that change nothing here: they switch on what minicnn always does, or tune what it lacks."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from minicnn.compat.names import PYTORCH

version = SimpleNamespace(__version__=PYTORCH, cuda=None, hip=None, git_version=None)


def compile(model: Callable[..., Any] | None = None, **options: Any) -> Any:  # noqa: ARG001 (PyTorch's signature)
    """``model`` itself: nothing is compiled, and results are the same. Without a model, a decorator that does this."""
    return (lambda function: function) if model is None else model


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Nothing: results are the same bits in each run."""


def are_deterministic_algorithms_enabled() -> bool:
    """True, always."""
    return True
