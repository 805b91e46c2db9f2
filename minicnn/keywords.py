"""Arguments by name: PyTorch's names and NumPy's lead to the parameters here, and slips to the nearest name.

    mc.sum(input=x, axis=1, keepdims=True)      # sum(x, dim, keepdim), as of all operations
    mc.nn.Conv2d(3, 6, kernel=5)                # ArgumentError: …, try kernel_size
    w.add_(-0.1, g)                             # as PyTorch once wanted it: w.add_(g, alpha=-0.1)

Operations call their tensors x, y and z, as formulas do. PyTorch calls the first one input, and the others by their
part: other, mat2, vec.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Iterable
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import FunctionType
from typing import Any, TypeVar

from minicnn.errors import ArgumentError, nearest, shown

F = TypeVar("F", bound=Callable[..., Any])
Options = dict[str, Any]

_NUMPYS = {"axis": "dim", "axis0": "dim0", "axis1": "dim1", "keepdims": "keepdim"}
_PYTORCHS = {"size": "shape", "split_size_or_sections": "split_size", "test_elements": "values"}
_TENSORS = (("input", "elements"), ("other", "mat2", "tensor", "tensor1", "vec", "vec2"), ("tensor2",))

_INSTEAD = {
    "inplace": "the form with a trailing underscore, such as x.relu_()",
    "layout": "leave it out: tensors are dense",
    "learning_rate": "lr",
    "memory_format": "leave it out: the order in memory is minicnn's affair, and never changes a result",
    "out": "out.copy_(…) of the result",
    "pin_memory": "x.pin_memory(), or DataLoader(…, pin_memory=True)",
}


class Speller:
    """Brings the keyword arguments of ``function``, which messages call ``name``, to its own spelling."""

    def __init__(self, function: Any, name: str) -> None:
        while hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        code = function.__code__
        count = code.co_argcount + code.co_kwonlyargcount
        self.name, self.names = name, code.co_varnames[:count]
        self.known = frozenset(self.names)
        self.takes_any = bool(code.co_flags & CO_VARKEYWORDS)
        self.translates = function.__module__.startswith("minicnn.ops")
        self.rest = code.co_varnames[count] if code.co_flags & CO_VARARGS else None
        self.most = code.co_argcount if self.rest is None else sys.maxsize
        self.factor = next((own for own in self.names[code.co_argcount :] if own in ("alpha", "value")), None)
        self.others = {spelling: own for spelling, own in (_NUMPYS | _PYTORCHS).items() if own in self.known}
        tensors = [own for own in self.names[: code.co_argcount] if own in ("x", "y", "z")]
        for own, spellings in zip(tensors, _TENSORS, strict=False):
            self.others.update(dict.fromkeys(spellings, own))
        if len(tensors) == 1:
            self.others["tensor"] = tensors[0]

    @property
    def is_needed(self) -> bool:
        """Whether the function has parameters besides its first one."""
        return not self.takes_any and (len(self.names) > 1 or self.rest is not None)

    def __call__(self, args: tuple[Any, ...], options: Options) -> tuple[tuple[Any, ...], Options]:
        """``args`` and ``options`` as the function takes them. Errors: ArgumentError for those that it does not."""
        if len(args) > self.most:
            args, options = self._factor_first(args, options)
        if self.takes_any or self.known.issuperset(options):
            return args, options
        spelled: Options = {}
        for key, value in options.items():
            own = key if key in self.known else self.others.get(key) if self.translates else None
            if own is not None:
                spelled[own] = value
            elif self.translates and self.rest is not None and key in (self.rest, "size", "shape"):
                args = (*args, value)
            else:
                raise self._unknown(key, value)
        return args, spelled

    def _factor_first(self, args: tuple[Any, ...], options: Options) -> tuple[tuple[Any, ...], Options]:
        """``add(x, alpha, y)`` and its kin as they are written today."""
        if self.factor is None or len(args) != self.most + 1 or not isinstance(args[1], (int, float)):
            raise ArgumentError(f"{self.name}: takes {self.most} positional arguments but {len(args)} were given",
                                rule=f"it takes {', '.join(self.names).removeprefix('self, ')}")
        warnings.warn(f"{self.name}: the factor comes last now, by name: {self.factor}={args[1]}", stacklevel=4)
        return (args[0], *args[2:]), {self.factor: args[1], **options}

    def _unknown(self, key: str, value: Any) -> ArgumentError:
        own = [name for name in self.names if name not in ("self", "x")]
        taken = ", ".join(own if self.rest is None else [f"*{self.rest}", *own])
        hint = _INSTEAD.get(key) or self.others.get(key) or " or ".join(nearest(key, own)) or None
        return ArgumentError(f"{self.name}: unexpected keyword argument '{key}'",
                             got=f"{key}={shown(repr(value))}"[:100], rule=f"it takes {taken or 'none'}", hint=hint)


def spelled(function: F, name: str | None = None) -> F:
    """``function`` with the other spellings of its keyword arguments."""
    spell = Speller(function, name or function.__name__)
    if not spell.is_needed:
        return function
    most = spell.most

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        if options or len(args) > most:
            args, options = spell(args, options)
        return function(*args, **options)

    return call  # type: ignore[return-value]  # of the function's own signature


def spell_constructors(namespace: Options, names: Iterable[str]) -> None:
    """Give the constructors of the classes ``names`` in ``namespace`` the other spellings, and errors that suggest."""
    for name in names:
        found = namespace[name]
        if isinstance(found, type) and isinstance(found.__dict__.get("__init__"), FunctionType):
            found.__init__ = spelled(found.__init__, name)  # type: ignore[misc]  # that is what it is for
