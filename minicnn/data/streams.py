"""Every stream of random numbers that a program draws from: found, noted, and put back where it was.

    streams = find_streams(loader=loader, model=model)
    states = read_streams(streams)          # plain values and tensors, which mc.save writes
    ...
    write_streams(streams, states)          # the same draws once more
"""

from __future__ import annotations

import functools
import random
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from minicnn.ops.creation import from_numpy
from minicnn.random import Generator, default_generator
from minicnn.tensor import Tensor

Stream = Any
Part = tuple[str, Any]

STREAMS = (Generator, random.Random, np.random.RandomState, np.random.Generator)
_LIBRARIES = frozenset({"minicnn", "numpy", "PIL", *sys.stdlib_module_names} - {"__main__"})
LONGEST = 1000
"""Items of a list or dict up to which each is looked into: what is longer holds data."""

_GLOBAL: dict[str, Stream] = {"minicnn": default_generator, "python": random, "numpy": np.random}
_CLOSED = (
    ModuleType, Tensor, np.ndarray, np.generic, str, bytes, int, float, type(None),
    random.SystemRandom,  # which has no state
)  # fmt: skip


def find_streams(**roots: Any) -> dict[str, Stream]:
    """The streams by name: minicnn's, Python's and NumPy's own, and those that ``roots`` hold or name.

    The workers of a loader that stay from epoch to epoch count as one stream, too.

    A root, such as a loader, is searched through its attributes, lists, tuples and dicts, the variables that its
    functions enclose, and the global variables that its code names, be they streams, or functions and classes in turn.
    """
    found = dict(_GLOBAL)
    seen = {id(stream) for stream in found.values()}
    todo: list[Part] = list(reversed(roots.items()))
    while todo:
        name, value = todo.pop()
        if id(value) in seen or isinstance(value, _CLOSED) or _is_foreign(value):
            continue
        seen.add(id(value))
        if isinstance(value, STREAMS):
            found[name] = value
        else:
            if hasattr(type(value), "worker_state") and value.persistent_workers:
                found[f"{name}'s workers"] = value
            todo += reversed([(f"{name}{step}", part) for step, part in _parts(value)])
    return found


def _parts(value: Any) -> Iterator[Part]:
    """What ``value`` holds, each with the step that leads there. Nothing of its own code is called."""
    if isinstance(value, dict | list | tuple):
        yield from _items(value)
    if isinstance(value, FunctionType):
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            with suppress(ValueError):  # a variable that has no value yet
                yield f".{name}", cell.cell_contents
        yield from _named_in([value])
    elif isinstance(value, type):
        yield from _named_in(_methods(value))
    elif isinstance(value, MethodType):
        yield from ((".self", value.__self__), (".function", value.__func__))
    elif isinstance(value, functools.partial):
        yield from ((".function", value.func), (".args", value.args), (".keywords", value.keywords))
    else:
        with suppress(AttributeError):
            parts = object.__getattribute__(value, "__dict__").items()
            yield from ((f".{name}", part) for name, part in parts if name != "_crew")  # a loader's running workers
        yield from _named_in(_methods(type(value)))


def _items(value: dict[Any, Any] | list[Any] | tuple[Any, ...]) -> Iterator[Part]:
    """The items of what is short, by the built-in class's methods: those of a subclass may do anything."""
    kind = next(kind for kind in (dict, list, tuple) if isinstance(value, kind))
    if kind.__len__(value) <= LONGEST:  # type: ignore[arg-type]  # of its own kind
        for number, name in enumerate(kind.__iter__(value)):  # type: ignore[arg-type]  # likewise
            if isinstance(value, dict):
                yield f"[{name if isinstance(name, str) else number}]", dict.__getitem__(value, name)
            else:
                yield f"[{number}]", name


def _is_foreign(value: Any) -> bool:
    """Whether this is code of a library, whose streams are the global ones."""
    return isinstance(value, type | FunctionType) and (value.__module__ or "").partition(".")[0] in _LIBRARIES


def _methods(kind: type) -> list[FunctionType]:
    """The functions of a class and its bases."""
    bases = [base for base in kind.__mro__ if not _is_foreign(base)]
    return [part for base in bases for part in vars(base).values() if isinstance(part, FunctionType)]


def _named_in(functions: Iterable[FunctionType]) -> Iterator[Part]:
    """The streams, functions and classes among the global variables that functions name."""
    for function in functions:
        for name in _names(function.__code__):
            if isinstance(named := function.__globals__.get(name), (*STREAMS, FunctionType, type)):
                yield f" → {name}", named


def _names(code: CodeType) -> Iterator[str]:
    """The global variables and attributes that code names, with the code inside of it."""
    yield from code.co_names
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _names(part)


def read_streams(streams: Mapping[str, Stream]) -> dict[str, Any]:
    """The state of each, as ``mc.save`` can write it; but for workers within an epoch, which are on their way."""
    states = {name: _read(stream) for name, stream in streams.items()}
    return {name: state for name, state in states.items() if state is not None}


def write_streams(streams: Mapping[str, Stream], states: Mapping[str, Any]) -> None:
    """Put each stream back to its state; one that has none there stays where it is."""
    for name, stream in streams.items():
        if name in states:
            _write(stream, states[name])


def _read(stream: Stream) -> Any:
    if isinstance(stream, Generator):
        return from_numpy(stream.get_state())
    if isinstance(stream, np.random.Generator):
        return _plain(stream.bit_generator.state)
    if hasattr(stream, "worker_state"):
        return stream.worker_state()
    if hasattr(stream, "get_state"):
        return _plain(stream.get_state(legacy=False))
    version, words, gauss = stream.getstate()
    return {"version": version, "words": list(words), "gauss": gauss}


def _write(stream: Stream, state: Any) -> None:
    if isinstance(stream, Generator):
        stream.set_state(state.numpy())
    elif isinstance(stream, np.random.Generator):
        stream.bit_generator.state = state
    elif hasattr(stream, "set_worker_state"):
        stream.set_worker_state(state)
    elif hasattr(stream, "set_state"):
        stream.set_state(state)
    else:
        stream.setstate((state["version"], tuple(state["words"]), state["gauss"]))


def _plain(value: Any) -> Any:
    """``value`` without NumPy's types: they hold unsigned integers, of which tensors have none that wide."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
