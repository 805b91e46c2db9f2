"""Calls that are right, and the ways to spoil one argument of them.

A call is data: the name of a function and arguments that both libraries can be given. ``T`` stands for a tensor and
``Named`` for an attribute of the library, such as a dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

DTYPES = ("float32", "float64", "float16", "int64", "int32", "int8", "uint8", "bool")
LAYOUTS = ("fortran", "backwards", "broadcast", "readonly")
HUGE = 10**15
"""More elements than any address space holds, yet few enough that PyTorch's own arithmetic does not overflow."""


@dataclass(frozen=True, repr=False)
class T:
    """A tensor to be: normal values, or integers below ``top``."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    top: int = 3
    layout: str = "plain"
    device: str = "cpu"
    special: float | None = None
    """A value to stand in the first element: NaN, infinity, or a label out of range."""

    def __repr__(self) -> str:
        usual = {"layout": "plain", "device": "cpu", "special": None}
        rest = [f"{name}={getattr(self, name)!r}" for name, value in usual.items() if getattr(self, name) != value]
        return f"T({', '.join([str(self.shape), self.dtype, *rest])})"

    def array(self) -> np.ndarray:
        """The values, laid out in memory as asked."""
        random = np.random.default_rng([7, *self.shape])
        if self.dtype.startswith("float"):
            values = random.standard_normal(self.shape).astype(self.dtype)
        else:
            values = random.integers(0, self.top, self.shape).astype(self.dtype)
        values = np.asarray(values)
        if self.special is not None and values.size and holds(values.dtype, self.special):
            values.flat[0] = self.special
        return laid_out(values, self.layout)


def holds(dtype: np.dtype, value: float) -> bool:
    """Whether a number can be stored: bools are of any."""
    if dtype.kind == "b" or not math.isfinite(value):
        return dtype.kind in "bf"
    if dtype.kind == "f":
        return abs(value) <= float(np.finfo(dtype).max)
    return np.iinfo(dtype).min <= value <= np.iinfo(dtype).max


def laid_out(values: np.ndarray, layout: str) -> np.ndarray:
    """The same values (of "broadcast": those of the first row everywhere) in another memory order."""
    if layout == "fortran":
        return np.asfortranarray(values)
    if layout == "backwards" and values.ndim:
        return np.ascontiguousarray(values[::-1])[::-1]
    if layout == "broadcast" and values.ndim and len(values):
        return np.broadcast_to(values[:1].copy(), values.shape)
    if layout == "readonly":
        values.flags.writeable = False
    return values


@dataclass(frozen=True)
class Named:
    """``getattr(library, name)``."""

    name: str


@dataclass(frozen=True, repr=False)
class Call:
    """A function, by its path in the library or as a Python function of the library, and its arguments."""

    function: str | Callable[..., Any]
    args: tuple[Any, ...]
    options: dict[str, Any]
    random: bool = False
    """Whether only shape and dtype of the result are to be compared."""

    @property
    def name(self) -> str:
        """The function's, and of what has classes for its first argument the class's: "layer.Conv2d"."""
        if isinstance(self.function, str):
            return self.function
        own = self.function.__name__
        return f"{own}.{self.args[0]}" if self.args and isinstance(self.args[0], str) else own

    @property
    def own(self) -> bool:
        """Whether the first argument is not the library's affair: the ``self`` of a method, or the test's own."""
        return not isinstance(self.function, str) or self.function.startswith("Tensor.")

    def __repr__(self) -> str:
        given = [*map(repr, self.args), *(f"{k}={v!r}" for k, v in self.options.items())]
        return f"{self.function if isinstance(self.function, str) else self.function.__name__}({', '.join(given)})"


def call(function: str | Callable[..., Any], *args: Any, random: bool = False, **options: Any) -> Call:
    return Call(function, args, options, random)


NAN, INF = math.nan, math.inf
INTEGERS = (0, -1, -2, 1, 5, 7, HUGE, 2**63, 1.5, 2.0, NAN, True, None, "2", "x", (), (1,), (1, 2, 3), [2, 2],
            (0, 1), (1, -1), (1.0, 2.0), (None, 1), (HUGE, 1), np.int64(2), T((), "int64"), T((2,), "int64"),
            T((1,)))  # fmt: skip
FLOATS = (0.0, -0.5, 1.0, 1.5, NAN, INF, -INF, 1e300, 0, 1, -1, True, None, "0.1", (0.1,), [0.1, 0.2], T(()), T((2,)))
BOOLS = (0, 1, None, "yes", 2.0, (True,), T((), "bool"))
STRINGS = ("", "mean", "sum", "none", "same", "reflect", "bilinear", "MEAN", "elementwise_mean", None, 0, True, 1.5,
           ("sum",))  # fmt: skip
NOTHINGS = (None, 3, 2.5, "x", [1.0, 2.0], True, ())
TYPES = ("float16", "float64", "int64", "uint8", "bool")
SPECIALS = (NAN, INF, -INF, 1e30)
LABELS = (-1, -100, -7, 3, 100, -(2**62), 2**62)


@st.composite
def tensors(draw: Any, given: T) -> Any:
    """``given`` with something changed, or no tensor at all."""
    change = draw(st.sampled_from(("ndim", "size", "empty", "dtype", "layout", "device", "value", "nothing")))
    shape = given.shape
    if change == "ndim":
        shape = draw(st.sampled_from((shape[1:], shape[:-1], (1, *shape), (*shape, 1), (*shape, 2, 2), (), (1,))))
        return replace(given, shape=shape)
    if change in ("size", "empty") and shape:
        axis = draw(st.integers(0, len(shape) - 1))
        size = 0 if change == "empty" else draw(st.sampled_from((1, max(shape[axis] - 1, 0), shape[axis] + 1, 6)))
        return replace(given, shape=(*shape[:axis], size, *shape[axis + 1 :]))
    if change == "dtype":
        return replace(given, dtype=draw(st.sampled_from(DTYPES)))
    if change == "layout":
        return replace(given, layout=draw(st.sampled_from(LAYOUTS)), device="cpu")
    if change == "device":
        return replace(given, device="standin", layout="plain")  # a transfer copies
    if change == "value":
        values = {"f": SPECIALS, "i": LABELS}.get(np.dtype(given.dtype).kind, (1,))
        fitting = [v for v in values if given.dtype in ("float64", "int64", "float32") or abs(v) < 100]
        return replace(given, special=draw(st.sampled_from(fitting or (1,))))
    return draw(st.sampled_from(NOTHINGS))


def spoiled(value: Any) -> st.SearchStrategy[Any]:
    """Values that are wrong, or at the edge of right, where ``value`` is right."""
    if isinstance(value, T):
        return tensors(value)
    if isinstance(value, Named):
        return st.sampled_from((*map(Named, TYPES), "float32", "nonsense", 3, None))
    if isinstance(value, bool):
        return st.sampled_from(BOOLS)
    if isinstance(value, int):
        return st.sampled_from(INTEGERS)
    if isinstance(value, float):
        return st.sampled_from(FLOATS)
    if isinstance(value, str):
        return st.sampled_from(STRINGS)
    if isinstance(value, slice | dict):
        return st.sampled_from((slice(None, None, -1), slice(5, 1), slice(0, HUGE), slice(1.5, None), slice(0, 3, 0)))
    if isinstance(value, tuple | list) and value:
        return sequences(value)
    return st.sampled_from((*NOTHINGS, 0, -1, T((2,)), (1, 1), "mean"))


@st.composite
def sequences(draw: Any, given: Any) -> Any:
    """``given`` longer, shorter, replaced, or with one item spoiled."""
    change = draw(st.sampled_from(("item", "item", "item", "longer", "shorter", "other")))
    items = list(given)
    place = draw(st.integers(0, len(items) - 1))
    if change == "item":
        items[place] = draw(spoiled(items[place]))
    elif change == "longer":
        items.insert(place, items[place])
    elif change == "shorter":
        del items[place]
    else:
        return draw(st.sampled_from((*NOTHINGS, 0, -1, HUGE, T((2,)), T((2, 3), "int64"))))
    return type(given)(items)


@st.composite
def bad_calls(draw: Any, *right: Call) -> Call:
    """One of the right calls with one argument spoiled, seldom two or none; or with an option that does not exist."""
    chosen = draw(st.sampled_from(right))
    args, options = list(chosen.args), dict(chosen.options)
    places = [*range(len(args)), *options]
    for _ in range(draw(st.sampled_from((1, 1, 1, 1, 1, 1, 2, 0)))):
        place = draw(st.sampled_from(places))
        if place == 0 and chosen.own:
            args[0] = draw(tensors(args[0]).filter(lambda x: isinstance(x, T))) if isinstance(args[0], T) else args[0]
        elif isinstance(place, int):
            args[place] = draw(spoiled(args[place]))
        else:
            options[place] = draw(spoiled(options[place]))
    if draw(st.integers(0, 39)) == 0:
        options["no_such_option"] = 1
    return replace(chosen, args=tuple(args), options=options)
