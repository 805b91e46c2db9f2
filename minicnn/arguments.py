"""The first rule of a public function is its annotations: a value of another type is refused, and why.

    @checked
    def dropout(input: Tensor, p: float = 0.5, training: bool = True): ...

    dropout(x, p="0.5")         # DtypeError: dropout: p is no number

A parameter that is annotated with ``Tensor``, ``int``, ``float``, ``bool``, ``str``, or those and None, is checked;
anything else is the function's own affair. As in PyTorch a tensor without dimensions and a NumPy scalar are taken for
the number in them, and an integer for a float, but neither a bool for an integer nor an integer for a bool.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from inspect import CO_VARARGS
from itertools import chain, repeat
from types import FunctionType
from typing import Any, TypeVar

from minicnn.errors import DtypeError, MinicnnError, OptionError, OutOfMemoryError
from minicnn.keywords import Speller, spelled
from minicnn.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])

_TYPES: dict[str, tuple[type, ...]] = {
    "Tensor": (Tensor,), "int": (int,), "float": (float, int), "bool": (bool,), "str": (str,),
    "None": (type(None),),
}  # fmt: skip
_WORDS = {"Tensor": "a tensor", "int": "an integer", "float": "a number", "bool": "a bool", "str": "a string"}
_HINTS = {"Tensor": "mc.as_tensor(value)", "bool": "True or False"}


class _Rule:
    """What one parameter takes, by its annotation."""

    def __init__(self, name: str, kinds: list[str]) -> None:
        self.name, self.kinds = name, kinds
        self.types = frozenset(t for kind in kinds for t in _TYPES[kind])

    def taken(self, function: str, value: Any) -> Any:
        """``value``, or the Python number in it. Errors: DtypeError."""
        if type(value) in self.types:
            return value
        if "Tensor" in self.kinds and isinstance(value, Tensor):
            return value
        if "float" in self.kinds and isinstance(value, bool):
            return int(value)
        if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0:
            number = value.item()
            if type(number) in self.types and not isinstance(number, bool):
                return number
        if isinstance(value, tuple(self.types - {bool, int})) or ("int" in self.kinds and _is_integer(value)):
            return value  # of a subclass
        raise DtypeError(f"{function}: {self.name} is no {_WORDS[self.kinds[0]].split()[1]}",
                         got=value if getattr(value, "shape", ()) else f"{value!r:.80}, of type {type(value).__name__}",
                         rule=f"{self.name} is {' or '.join(_WORDS.get(kind, kind) for kind in self.kinds)}",
                         hint=_HINTS.get(self.kinds[0]))  # fmt: skip


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def checked(function: F, name: str | None = None, *, method: bool = False) -> F:
    """``function``, which refuses arguments of other types than its annotations say, and says so.

    What NumPy says of an array too large to exist, or of a number too large for it, is put into words, too.

    Args:
        name: what messages call it; by default its own name.
        method: the first argument needs no check; without other rules, only keyword arguments are looked at.
    """
    name = name or function.__name__
    ordered, named, rest = _rules(function)
    if method and not any(rule is not ordered[0] for rule in named.values()):
        return spelled(function, name)
    spell = Speller(function, name)
    # The rules look at types alone. So a call with the types of one that was right as it stood needs no second look.
    right: set[tuple[Any, ...]] = set()

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        kinds = (*map(type, args), *options, *map(type, options.values())) if options else tuple(map(type, args))
        if kinds not in right:
            given, named_given = args, options
            if options or len(args) > spell.most:
                args, options = spell(args, options)
            for place, (value, rule) in enumerate(zip(args, chain(ordered, repeat(rest)), strict=False)):
                if rule is not None and (taken := rule.taken(name, value)) is not value:
                    args = (*args[:place], taken, *args[place + 1 :])
            for key, value in options.items():
                if (rule := named.get(key)) is not None and (taken := rule.taken(name, value)) is not value:
                    options = {**options, key: taken}
            if args is given and options is named_given:
                right.add(kinds)
        try:
            return function(*args, **options)
        except (MemoryError, ValueError, OverflowError) as error:
            raise in_words(name, error) from None

    return call  # type: ignore[return-value]  # of the function's own signature


def check_all(namespace: dict[str, Any], names: Iterable[str]) -> None:
    """Make ``names`` in ``namespace`` checked: functions, and the constructors of classes, which go by their names."""
    made: dict[Any, Any] = {}  # so that aliases stay one function
    for name in names:
        found = namespace[name]
        if not isinstance(found, type):
            namespace[name] = made.setdefault(found, checked(found))
            continue
        make: Any = found.__init__  # type: ignore[misc]  # a class's, not an instance's
        if isinstance(make, FunctionType):
            found.__init__ = checked(_named_after(name, make), name)  # type: ignore[misc]  # that is what it is for


def _named_after(name: str, make: Any) -> Any:
    """The constructor of a base, which Python's own messages about arguments call by the name that the user wrote."""
    make = getattr(make, "__wrapped__", make)
    twin = FunctionType(make.__code__, make.__globals__, make.__name__, make.__defaults__, make.__closure__)
    functools.update_wrapper(twin, make)
    del twin.__wrapped__  # type: ignore[attr-defined]  # functools.update_wrapper has set it
    twin.__kwdefaults__, twin.__qualname__ = make.__kwdefaults__, f"{name}.__init__"
    return twin


def in_words(name: str, error: Exception) -> Exception:
    """``error``, or where it is of Python or NumPy and about something too large, one of minicnn that says so."""
    text = str(error)
    large = isinstance(error, MemoryError) or "too big" in text or "Maximum allowed" in text
    if isinstance(error, MinicnnError) or not (large or isinstance(error, OverflowError)):
        return error
    if large:
        return too_large(name, text or None, OutOfMemoryError if isinstance(error, MemoryError) else OptionError)
    return OptionError(f"{name}: a number does not fit", got=text,
                       rule="an integer fits the dtype of the tensor that it meets, and a size 64 bits",
                       hint="x.long(), or a smaller number")


def too_large(name: str, got: object, kind: type[MinicnnError] = OptionError) -> MinicnnError:
    """The error for a result that the memory does not hold."""
    return kind(f"{name}: the result would not fit into memory", got=got,
                       rule="the number of elements, times the bytes of each, is less than the memory",
                       hint="smaller sizes, or a smaller batch")


def check_count(name: str, count: int) -> None:
    """Refuse more elements than memory has addresses, of which NumPy makes none. Errors: OptionError."""
    if count >= 2**59:
        raise too_large(name, f"{count} elements")


def _rules(function: Any) -> tuple[list[_Rule | None], dict[str, _Rule], _Rule | None]:
    """The rules of the positional parameters in order, of all that have one by name, and of ``*args``."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code, annotations = function.__code__, function.__annotations__
    positional = code.co_argcount
    count = positional + code.co_kwonlyargcount
    names = code.co_varnames[: count + bool(code.co_flags & CO_VARARGS)]
    named = {}
    for name in names:
        kinds = str(annotations.get(name)).split(" | ")
        if name in annotations and all(kind in _TYPES for kind in kinds):
            named[name] = _Rule(name, kinds)
    rest = named.pop(names[count], None) if len(names) > count else None
    return [named.get(name) for name in names[:positional]], named, rest
