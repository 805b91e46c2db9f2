"""Public functions that are made, not written: each gets its name and docstring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def named(function: F, name: str, text: str) -> F:
    """``function`` as it appears in messages, help() and the documentation."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return function
