"""The table of networks by name, filled by ``@register`` in the families' files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from minicnn.nn.module import Module

MODELS: dict[str, Callable[..., Module]] = {}

Build = TypeVar("Build", bound=Callable[..., Module])


def register(build: Build) -> Build:
    """List a function, or a class, that makes a network, under its name in small letters."""
    MODELS[build.__name__.lower()] = build
    return build
