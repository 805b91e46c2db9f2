"""Randomness that can be repeated: the same seed gives PyTorch's numbers.

One global generator (``default_generator``) starts at PyTorch's fixed seed, so an unseeded program draws the same
numbers in every run, as a PyTorch program does, until ``seed()`` or ``manual_seed`` is called.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from minicnn.absent import hints
from minicnn.errors import DtypeError, OptionError
from minicnn.random.default import DefaultGenerator
from minicnn.random.generator import Generator

__all__ = ["Generator", "default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "own_stream",
           "seed", "set_rng_state"]

Array = Any

default_generator = DefaultGenerator()


def manual_seed(seed: Any) -> Generator:
    """Seed the default generator, and return it. As in PyTorch ``seed`` may be anything that ``int`` takes.

    Example:
        >>> manual_seed(0).uniform((), "float32").item()
        0.49625658988952637
    """
    return default_generator.manual_seed(_number("manual_seed", seed))


def _number(name: str, seed: Any) -> int:
    try:
        return int(seed)
    except (TypeError, ValueError, OverflowError):
        raise DtypeError(f"{name}: this is no seed", got=repr(seed)[:80], rule="a seed is an integer") from None


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


@contextmanager
def own_stream(seed: Any) -> Iterator[None]:
    """Let this thread have the default generator to itself inside of the block, from ``seed`` on.

    Threads share the default generator, as PyTorch's do: what one draws, the others do not. In a block like this one
    a thread draws the same numbers whatever the others do, and theirs go on as if it were not there. The threads and
    processes of a loader that is used in the block follow it.

    Args:
        seed: anything that ``int`` takes.

    Errors: DtypeError for what is no seed; OptionError inside of another block like this one.

    Example:
        >>> with own_stream(0):
        ...     default_generator.uniform((), "float32").item()
        0.49625658988952637
    """
    number = _number("own_stream", seed)
    if default_generator.is_split_off:
        raise OptionError("own_stream: this thread has its own stream already", got=seed, rule="one block at a time",
                          hint="manual_seed, which in the block seeds this thread's stream only")
    default_generator.split_off(number)
    try:
        yield
    finally:
        default_generator.rejoin()


if not TYPE_CHECKING:
    __getattr__ = hints(globals())
