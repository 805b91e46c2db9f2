"""Exceptions that teach: every message says what was got, which rule it breaks, and what to try.

Each class is also the built-in exception that PyTorch raises in the same place (and a ``ValueError`` or
``TypeError`` where that is what a Python programmer would expect), so ``except RuntimeError`` written for
PyTorch keeps working.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable


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
        parts = (("got", got), ("rule", rule), ("try", hint))
        super().__init__("\n".join([what, *(f"  {label:<5} {text}" for label, text in parts if text is not None)]))


class ShapeError(MinicnnError, RuntimeError, ValueError):
    """Sizes or numbers of dimensions that do not fit an operation."""


class OptionError(MinicnnError, ValueError, RuntimeError):
    """An option (stride, padding, reduction, …) outside of what the operation allows."""


class DtypeError(MinicnnError, TypeError, RuntimeError):
    """An element type, or a Python type, that the operation does not take."""


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
    """

    def __init__(self, owner: str, missing: str, names: Callable[[], Iterable[str]]) -> None:
        super().__init__(f"{owner} has no attribute '{missing}'")
        self.owner, self.missing, self.names = owner, missing, names

    def __str__(self) -> str:
        import difflib

        near = difflib.get_close_matches(self.missing, [n for n in self.names() if not n.startswith("_")], n=3)
        hint = " or ".join(f"'{n}'" for n in near) if near else f"dir({self.owner}) lists what there is"
        return f"{self.what}\n  try   {hint}"


class DataError(MinicnnError, RuntimeError, ValueError):
    """A data or model file that is missing, damaged or not what it says; nothing of it is used."""


class MissingPackageError(MinicnnError, ImportError):
    """An optional package that is not installed; the message says how to install it."""


class MissingModuleError(MinicnnError, ModuleNotFoundError):
    """A module of PyTorch that a script imports, and minicnn does not have."""
