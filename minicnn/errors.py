"""Exceptions that teach: every message says what was got, which rule it breaks, and what to try.

Each class is also the built-in exception that PyTorch raises in the same place (and a ``ValueError`` or
``TypeError`` where that is what a Python programmer would expect), so ``except RuntimeError`` written for
PyTorch keeps working.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any


class MinicnnError(Exception):
    """Base of all errors raised by minicnn.

    Args:
        what: one sentence that begins with the operation's name, e.g. ``"conv2d: the input has 1 channel, …"``.
        got: the values that were passed.
        rule: the rule that they break.
        hint: what to try instead (printed as ``try``).

    Example:
        >>> print(ShapeError("f: sizes differ", got="3 and 4", rule="a == b", hint="pass equal sizes"))
        f: sizes differ
          got   3 and 4
          rule  a == b
          try   pass equal sizes
    """

    def __init__(self, what: str, *, got: object = None, rule: str | None = None, hint: str | None = None) -> None:
        self.what, self.got, self.rule, self.hint = what, got, rule, hint
        parts = (("got", None if got is None else shown(got)), ("rule", rule), ("try", hint))
        super().__init__("\n".join([what, *(f"  {label:<5} {text}" for label, text in parts if text is not None)]))


def shown(value: Any) -> str:
    """``value`` as messages show it: a tensor or array by its shape, and others that hold one in a line.

    Example:
        >>> shown([mc.ones(2, 2), 3])
        '[tensor([[1., 1.], [1., 1.]]), 3]'
    """
    if getattr(value, "shape", ()) and hasattr(value, "dtype"):
        return f"{type(value).__name__} of shape {tuple(value.shape)}"
    text = str(value)
    if "tensor(" not in text and "array(" not in text:
        return text
    line = " ".join(text.split())
    return line if len(line) <= 100 else f"{line[:99]}…"


class ShapeError(MinicnnError, RuntimeError, ValueError):
    """Sizes or numbers of dimensions that do not fit an operation."""


class OptionError(MinicnnError, ValueError, RuntimeError):
    """An option (stride, padding, reduction, …) outside of what the operation allows."""


class DtypeError(MinicnnError, TypeError, RuntimeError):
    """An element type, or a Python type, that the operation does not take."""


class ArgumentError(MinicnnError, TypeError):
    """An argument that a function does not have."""


class DeviceError(MinicnnError, RuntimeError):
    """Tensors on different devices, or a device that is not there."""


class OutOfRangeError(MinicnnError, IndexError, RuntimeError):
    """An index, a dimension or a class label outside its range."""


class IndexTypeError(DtypeError, IndexError):
    """An object, or a tensor of a dtype, that cannot index a tensor."""


class GradientError(MinicnnError, RuntimeError):
    """A backward pass that cannot be right: freed or overwritten saved tensors, no graph, wrong seeds."""


class StateError(MinicnnError, RuntimeError):
    """A state_dict, optimiser or schedule that does not fit the object it is loaded into."""


class RegistrationError(MinicnnError, KeyError):
    """A name under which nothing is, or nothing can be, registered in a module."""

    __str__ = Exception.__str__  # KeyError's own quotes the message


class MissingAttributeError(MinicnnError, AttributeError):
    """An attribute that is not there."""


class UnknownNameError(MissingAttributeError):
    """A name that is not there; the message suggests the nearest ones.

    They are looked for when the message is read, since ``hasattr`` raises and drops this error all the time.

    Args:
        owner: what has no such attribute.
        missing: the name that was asked for.
        names: gives the names that there are.
        elsewhere: gives, for the missing name, expressions that lead to just that name in other places.
    """

    def __init__(
        self, owner: str, missing: str, names: Callable[[], Iterable[str]],
        elsewhere: Callable[[str], list[str]] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(f"{owner} has no attribute '{missing}'")
        self.owner, self.missing, self.names, self.elsewhere = owner, missing, names, elsewhere

    def __str__(self) -> str:
        public = [name for name in self.names() if not name.startswith("_")]
        same = [f"'{name}'" for name in public if bare(name) == bare(self.missing)]
        found = [*same, *(self.elsewhere(self.missing) if self.elsewhere else [])]
        near = found or [f"'{name}'" for name in nearest(self.missing, public)]
        return f"{self.what}\n  try   {' or '.join(near) or f'dir({self.owner}) lists what there is'}"


def warn(text: str, category: type[Warning] = UserWarning, extra: int = 0) -> None:
    """Warn, and point at the first caller outside of this package (or ``extra`` frames above), however far up it is."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level + extra)


def nearest(name: str, names: Iterable[str], n: int = 3) -> list[str]:
    """Up to ``n`` of ``names`` that ``name`` may be a slip of, the likeliest first. Case and underscores count little.

    Example:
        >>> nearest("Maxpool_2d", ["max_pool2d", "MaxPool1d", "relu"])
        ['max_pool2d', 'MaxPool1d']
    """
    import difflib

    spellings: dict[str, list[str]] = {}
    for found in names:
        spellings.setdefault(bare(found), []).append(found)
    close = difflib.get_close_matches(bare(name), spellings, n)
    return [found for plain in close for found in spellings[plain]][:n]


def bare(name: str) -> str:
    """``name`` without what is easily mistaken in it: case and underscores."""
    return name.replace("_", "").lower()


class DataError(MinicnnError, RuntimeError, ValueError):
    """A data or model file that is missing, damaged or not what it says; nothing of it is used."""


class NotFiniteError(MinicnnError, FloatingPointError):
    """A loss or a gradient that is infinite or no number, where a training was told to stop at it."""


class OutOfMemoryError(MinicnnError, MemoryError, RuntimeError):
    """An array, or a step of a training, for which the memory is too small."""


class MissingPackageError(MinicnnError, ImportError):
    """An optional package that is not installed; the message says how to install it."""


class MissingModuleError(MinicnnError, ModuleNotFoundError):
    """A module of PyTorch that a script imports, and minicnn does not have."""


class WorkerError(MinicnnError, RuntimeError):
    """An exception in a worker of a DataLoader; also of the class that was raised there, so that handlers find it.

    Attributes:
        worker: the worker's number.
        traceback: where it was raised, as text.
    """

    worker = 0
    traceback = ""
    __str__ = Exception.__str__  # KeyError's own quotes the message

    @classmethod
    def like(cls, kind: type[Exception], what: str, got: object, rule: str | None, hint: str | None,
             traceback: str) -> WorkerError:
        """One that is a ``kind``, too, if such a class can be made."""
        try:
            both = type(cls.__name__, (cls, kind), {"__doc__": cls.__doc__, "__module__": cls.__module__})
            made: WorkerError = both(what, got=got, rule=rule, hint=hint)
        except TypeError:  # its constructor wants something else, or its memory does
            made = cls(what, got=got, rule=rule, hint=hint)
        made.traceback = traceback
        made.args = (f"{made.args[0]}\n\n{traceback.rstrip()}",)
        return made
