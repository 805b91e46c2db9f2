"""Randomness that can be repeated: the same seed gives PyTorch's numbers.

One global generator (``default_generator``) starts at PyTorch's fixed seed, so an unseeded program draws the same
numbers in every run, as a PyTorch program does, until ``seed()`` or ``manual_seed`` is called.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from minicnn.absent import hints
from minicnn.errors import DtypeError
from minicnn.random.default import DefaultGenerator
from minicnn.random.generator import Generator

__all__ = ["Generator", "default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed",
           "set_rng_state"]

Array = Any

default_generator = DefaultGenerator()


def manual_seed(seed: Any) -> Generator:
    """Seed the default generator, and return it. As in PyTorch ``seed`` may be anything that ``int`` takes.

    Example:
        >>> manual_seed(0).uniform((), "float32").item()
        0.49625658988952637
    """
    try:
        number = int(seed)
    except (TypeError, ValueError, OverflowError):
        raise DtypeError("manual_seed: this is no seed", got=repr(seed)[:80], rule="a seed is an integer") from None
    return default_generator.manual_seed(number)


def seed() -> int:
    """Seed the default generator from the operating system; returns the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Array:
    """The default generator's state, (5056,) uint8."""
    return default_generator.get_state()


def set_rng_state(state: Array) -> None:
    """Continue the default generator from a state of ``get_rng_state``."""
    default_generator.set_state(state)


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:  # noqa: ARG001 (PyTorch's; there is one stream)
    """Put the default generator back, on leaving the block, to where it was on entering.

    Example:
        >>> with fork_rng():
        ...     _ = manual_seed(3).uniform(2)
    """
    state = get_rng_state() if enabled else None
    try:
        yield
    finally:
        if state is not None:
            set_rng_state(state)

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
