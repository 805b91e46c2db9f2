"""A pickle read as data: a small stack machine for the few instructions that plain values need.

Python's own reader imports whatever a pickle names and calls it, so that a file can do anything its author likes.
Here a name is only a piece of text. What may be built from names is decided by a table that the caller gives; any
other name, and any instruction that is not below, ends the reading.

Instructions: https://github.com/python/cpython/blob/main/Lib/pickletools.py
"""

from __future__ import annotations

import pickletools
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from minicnn.errors import DataError

_WORK = 1_000_000  # instructions; a tensor takes about forty
_CALL = 20
_DEPTH = 100
_VALUES = 4_000_000
_KEYS = (str, bytes, bool, int, float, type(None))
_MARK = object()


class Part:
    """What a value is made from, and never a value itself: only the arguments of a call may hold it."""


class Unbuilt(Part):
    """What becomes a value only by the state that a pickle gives it."""

    def built(self, state: Any) -> Any:
        """The value; or a part again."""
        raise NotImplementedError(f"{type(self).__name__} must say how a state becomes a value")


@dataclass(frozen=True)
class Name(Part):
    """A name that a pickle mentions, such as ``torch._utils._rebuild_tensor_v2``."""

    text: str


Builder = Callable[..., Any]
"""Makes a value from the arguments that a pickle gives to a name."""


class Reader:
    """Runs the instructions of one pickle.

    Args:
        builders: what the names that a pickle may call make; ours, never the functions of those names.
        constants: the values of the names that stand for themselves.
        persistent: makes a value from what a pickle refers to outside of itself.

    Raises:
        DataError: anything but plain values and the given names. ValueError and LookupError escape for damaged ones.
    """

    def __init__(
        self, builders: Mapping[str, Builder], constants: Mapping[str, Any], persistent: Callable[[Any], Any]
    ) -> None:
        self.builders, self.constants, self.persistent = builders, constants, persistent
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.bounds = _Bounds()
        self.work = 0

    def read(self, file: BinaryIO) -> Any:
        """The value of the pickle that begins here; ``file`` is left behind it."""
        for opcode, argument, _ in pickletools.genops(file):
            name = opcode.name
            self.spend(1)
            if name == "STOP":
                break
            if name in _PUSHED:
                self.stack.append(argument)
            elif name in _SIMPLE:
                _SIMPLE[name](self)
            elif name in _WITH_ARGUMENT:
                _WITH_ARGUMENT[name](self, argument)
            elif name not in _IGNORED:
                raise DataError(f"it holds the pickle instruction {name}", rule="plain values and tensors")
        (value,) = self.stack
        self.bounds.add([], [value])
        return self.whole(value)

    def spend(self, work: int) -> None:
        """Count work, of which there is an end: a copy of a long list takes one instruction."""
        self.work += work
        if self.work > _WORK:
            raise DataError(f"it takes more than {_WORK:,} instructions", rule="tensors, and little else")

    def pop(self) -> Any:
        """The value on top."""
        return self.whole(self.stack.pop())

    def pop_to_mark(self) -> list[Any]:
        """The values above the last mark."""
        items: list[Any] = []
        while (item := self.stack.pop()) is not _MARK:
            items.append(self.whole(item))
        return items[::-1]

    def top(self, *kinds: type) -> Any:
        """The container on top, which is still being filled."""
        if type(self.stack[-1]) not in kinds:
            raise DataError(f"it fills a {type(self.stack[-1]).__name__} like another container", rule="plain values")
        return self.stack[-1]

    @staticmethod
    def whole(value: Any) -> Any:
        """``value``, if it is one and not a mark."""
        if value is _MARK:
            raise DataError("its instructions do not fit together", rule="a whole pickle")
        return value

    def name(self, module: Any, attribute: Any) -> None:
        """Push a name's constant, or the name itself for a later call."""
        text = f"{module}.{attribute}" if isinstance(module, str) and isinstance(attribute, str) else "no name"
        if text in self.constants:
            self.stack.append(self.constants[text])
        elif text in self.builders:
            self.stack.append(Name(text))
        else:
            raise refused(text)

    def call(self) -> None:
        """Let the table make a value of a name and arguments."""
        arguments, name = self.pop(), self.pop()
        if not isinstance(name, Name) or not isinstance(arguments, tuple):
            raise DataError("it calls something that is no name", rule="plain values and tensors")
        self.spend(_CALL + sum(map(_length, arguments)))
        try:
            value = self.builders[name.text](*arguments)
        except TypeError:
            raise DataError(f"it calls {name.text} with other arguments than it takes", rule="a whole pickle") from None
        self.push_new(value)

    def push_new(self, value: Any) -> None:
        """Push a container that is complete, or one that is filled by the next instructions."""
        if isinstance(value, tuple | set | frozenset | dict):
            self.bounds.add(value, value.values() if isinstance(value, dict) else value)
        self.stack.append(value)

    def extend(self, items: list[Any]) -> None:
        """Append to the list on top."""
        found = self.top(list)
        self.bounds.add(found, items)
        found.extend(items)

    def update(self, items: list[Any]) -> None:
        """Add keys and values, in turn, to the dictionary on top."""
        found = self.top(dict, OrderedDict)
        self.bounds.add(found, items)
        found.update(zip(check_keys(items[::2]), items[1::2], strict=True))

    def add(self, items: list[Any]) -> None:
        """Add to the set on top."""
        found = self.top(set)
        self.bounds.add(found, items)
        found.update(check_keys(items))

    def build(self) -> None:
        """Attributes of an object: only the versions that state dicts carry, and what the table's parts wait for."""
        state = self.pop()
        if isinstance(self.stack[-1], Unbuilt):
            self.stack[-1] = self.stack[-1].built(state)
            return
        found = self.top(OrderedDict)
        metadata = state.get("_metadata") if isinstance(state, dict) and set(state) == {"_metadata"} else None
        if not isinstance(metadata, dict) or not all(isinstance(v, dict) for v in metadata.values()):
            raise DataError("it sets attributes of a dictionary", rule="plain values and tensors")
        self.bounds.add(found, [metadata])
        found._metadata = metadata

    def remember(self, index: int | None = None) -> None:
        """Keep the value on top under a number."""
        self.memo[len(self.memo) if index is None else index] = self.whole(self.stack[-1])

    def recall(self, index: int) -> None:
        """Push a value that was kept."""
        self.stack.append(self.memo[index])


class _Bounds:
    """Keeps containers finite: not too deep, not in themselves, and not too large when written out.

    A list of two names of one list of two names of … doubles at each step: few bytes, no end of values.
    """

    def __init__(self) -> None:
        self.known: dict[int, tuple[Any, int, int]] = {}  # the container too, so that its id is not another's
        self.closed: dict[int, Any] = {}
        self.arguments: set[int] = set()

    def add(self, container: Any, items: Any) -> None:
        """Note that ``items`` are put into ``container``."""
        _, depth, size = self.known.get(id(container), (None, 1, 1))
        for item in items:
            _, deep, large = self.known.get(id(item), (None, 0, 1))
            depth, size = max(depth, deep + 1), size + large
            if isinstance(item, list | dict | set):
                self.closed[id(item)] = item
        if id(container) in self.closed:
            raise DataError("a container in it is changed after it was put into another", rule="no value inside itself")
        if depth > _DEPTH or size > _VALUES:
            raise DataError("its containers are too deep or too many", got=f"depth {depth}, {size:,} values",
                            rule=f"depth {_DEPTH}, {_VALUES:,} values")
        if any(isinstance(item, Part) for item in items):
            self.arguments.add(id(container))
        if any(id(item) in self.arguments for item in items) or (
            id(container) in self.arguments and not isinstance(container, tuple)
        ):
            raise DataError("it has a part of a tensor where a value should be", rule="plain values and tensors")
        self.known[id(container)] = (container, depth, size)


def _length(argument: Any) -> int:
    """The work of copying an argument."""
    return len(argument) // (16 if isinstance(argument, str) else 1) if isinstance(argument, str | tuple | list) else 1


def check_keys(keys: list[Any]) -> list[Any]:
    """``keys``, all of kinds that are hashed at once: a tuple of tuples of … can take for ever."""
    for key in keys:
        if type(key) not in _KEYS or (type(key) is int and abs(key) >= 1 << 60):
            raise DataError(f"a dictionary or set in it has a key of type {type(key).__name__}",
                            rule="strings and numbers")
    return keys


def refused(text: str) -> DataError:
    """The error for a name that a pickle may not mention."""
    hint = "save the state dict alone: torch.save(model.state_dict(), path)"
    for part, why in (("qtensor", "a quantised tensor"), ("sparse", "a sparse tensor"), ("numpy", "a NumPy object")):
        if part in text.lower():
            hint = f"{why} is not read; make it a plain tensor in PyTorch, and save that"
    return DataError(f"it asks for {text[:120]}, which is refused", hint=hint,
                     rule="tensors, dictionaries, lists, tuples, numbers and strings; nothing that a file names is run")


_IGNORED = {"PROTO", "FRAME"}
_PUSHED = {
    "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "SHORT_BINSTRING", "BINSTRING",
}  # fmt: skip
_SIMPLE: dict[str, Callable[[Reader], None]] = {
    "NONE": lambda r: r.stack.append(None),
    "NEWTRUE": lambda r: r.stack.append(True),
    "NEWFALSE": lambda r: r.stack.append(False),
    "EMPTY_DICT": lambda r: r.stack.append({}),
    "EMPTY_LIST": lambda r: r.stack.append([]),
    "EMPTY_SET": lambda r: r.stack.append(set()),
    "EMPTY_TUPLE": lambda r: r.stack.append(()),
    "MARK": lambda r: r.stack.append(_MARK),
    "TUPLE": lambda r: r.push_new(tuple(r.pop_to_mark())),
    "TUPLE1": lambda r: r.push_new((r.pop(),)),
    "TUPLE2": lambda r: r.push_new((r.pop(), r.pop())[::-1]),
    "TUPLE3": lambda r: r.push_new((r.pop(), r.pop(), r.pop())[::-1]),
    "FROZENSET": lambda r: r.push_new(frozenset(check_keys(r.pop_to_mark()))),
    "APPEND": lambda r: r.extend([r.pop()]),
    "APPENDS": lambda r: r.extend(r.pop_to_mark()),
    "SETITEM": lambda r: r.update([r.pop(), r.pop()][::-1]),
    "SETITEMS": lambda r: r.update(r.pop_to_mark()),
    "ADDITEMS": lambda r: r.add(r.pop_to_mark()),
    "STACK_GLOBAL": lambda r: r.name(*(r.pop(), r.pop())[::-1]),
    "REDUCE": lambda r: r.call(),
    "BUILD": lambda r: r.build(),
    "BINPERSID": lambda r: r.stack.append(r.persistent(r.pop())),
    "MEMOIZE": lambda r: r.remember(),
}
_WITH_ARGUMENT: dict[str, Callable[[Reader, Any], None]] = {
    "GLOBAL": lambda r, argument: r.name(*argument.split(" ", 1)),
    "BINPUT": lambda r, index: r.remember(index),
    "LONG_BINPUT": lambda r, index: r.remember(index),
    "BINGET": lambda r, index: r.recall(index),
    "LONG_BINGET": lambda r, index: r.recall(index),
}
