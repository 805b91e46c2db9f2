"""One kernel from a formula in Python: the formula is run once on symbols, which write down what is done to them.

    def rule(x, g, b):          # an optimiser's step, on arrays of any library
        b *= 0.9
        b += g
        x -= 0.1 * b

becomes, with the numbers as arguments so that a new rate needs no new kernel,

    REAL v0 = (REAL)p0[i], v1 = (REAL)p1[i], v2 = (REAL)p2[i];
    v2 = v2 * (REAL)n0;
    v2 = v2 + v1;
    REAL v3 = (REAL)n1 * v2;
    v0 = v0 - v3;
    p0[i] = (STORE)v0; p2[i] = (STORE)v2;

One launch and one pass over memory, where each line of the formula would have been one of each.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from types import CodeType
from typing import Any

from minicnn.backend import register_arrays
from minicnn.backend.cuda.launch import source

Array = Any
Key = tuple[Any, ...]


class Formula:
    """What was done to the symbols: C statements, the numbers in them, and which arrays were written to."""

    def __init__(self, arrays: int) -> None:
        self.lines: list[str] = []
        self.numbers: list[float] = []
        self.written: set[int] = set()
        self.symbols = [Symbol(self, f"v{i}", i) for i in range(arrays)]
        self._variables = arrays

    def variable(self, value: str | None) -> Symbol:
        """A new symbol, with a value or, as an empty array, without."""
        name, self._variables = f"v{self._variables}", self._variables + 1
        self.lines.append(f"REAL {name};" if value is None else f"REAL {name} = {value};")
        return Symbol(self, name)

    def term(self, value: Any) -> str:
        """How a symbol or a number is called in C."""
        if isinstance(value, Symbol):
            return value.name
        self.numbers.append(float(value))
        return f"(REAL)n{len(self.numbers) - 1}"

    @functools.cached_property
    def source(self) -> str:
        """The kernel ``formula`` of a count, the arrays, and the numbers; to be asked for when all is written down."""
        return self._text("", "")

    @functools.cached_property
    def guarded_source(self) -> str:
        """The same with a flag as its last argument, where which is true nothing is done."""
        return self._text(", const unsigned char *flag", "    if (*flag) return;\n")

    def _text(self, parameter: str, guard: str) -> str:
        arrays = range(len(self.symbols))
        parameters = ["Index count", *(f"STORE *p{i}" for i in arrays),
                      *(f"double n{i}" for i in range(len(self.numbers)))]  # fmt: skip
        body = [*(f"REAL v{i} = (REAL)p{i}[i];" for i in arrays), *self.lines,
                *(f"p{i}[i] = (STORE)v{i};" for i in sorted(self.written))]  # fmt: skip
        head, lines = f'extern "C" __global__ void formula({", ".join(parameters)}{parameter})', "\n        ".join(body)
        return f"{source()}\n{head}\n{{\n{guard}    EACH(i, count) {{\n        {lines}\n    }}\n}}\n"


class Symbol:
    """Stands for an array's number in a formula; its operators write down C."""

    __array_ufunc__ = None  # so that NumPy leaves number ∘ symbol to the symbol

    def __init__(self, formula: Formula, name: str, place: int | None = None) -> None:
        self.formula, self.name, self.place = formula, name, place

    def assign(self, value: str) -> Symbol:
        """Write down that this symbol now has another value."""
        self.formula.lines.append(f"{self.name} = {value};")
        if self.place is not None:
            self.formula.written.add(self.place)
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        if key is not Ellipsis:
            raise NotFormula(f"an index, {key!r}")
        self.assign(self.formula.term(value))

    def __getitem__(self, key: Any) -> Any:
        raise NotFormula(f"an index, {key!r}")

    def __neg__(self) -> Symbol:
        return self.formula.variable(f"-{self.name}")

    def __bool__(self) -> bool:
        raise NotFormula("a choice by value")

    def __getattr__(self, name: str) -> Any:
        raise NotFormula(f"the attribute {name}")


class NotFormula(Exception):  # noqa: N818  a signal that is always caught, no error
    """The function does something else than arithmetic, number by number."""


def _binary(sign: str) -> tuple[Callable[..., Symbol], Callable[..., Symbol], Callable[..., Symbol]]:
    def forward(self: Symbol, other: Any) -> Symbol:
        return self.formula.variable(f"{self.name} {sign} {self.formula.term(other)}")

    def reflected(self: Symbol, other: Any) -> Symbol:
        return self.formula.variable(f"{self.formula.term(other)} {sign} {self.name}")

    def in_place(self: Symbol, other: Any) -> Symbol:
        return self.assign(f"{self.name} {sign} {self.formula.term(other)}")

    return forward, reflected, in_place


for _name, _sign in {"add": "+", "sub": "-", "mul": "*", "truediv": "/"}.items():
    for _prefix, _method in zip(("", "r", "i"), _binary(_sign), strict=True):
        setattr(Symbol, f"__{_prefix}{_name}__", _method)


class SymbolicFunctions:
    """What ``xp`` is for symbols: the functions that update rules use."""

    def empty_like(self, x: Symbol) -> Symbol:
        return x.formula.variable(None)

    def __getattr__(self, name: str) -> Callable[..., Symbol]:
        if name not in _FUNCTIONS:
            raise NotFormula(f"xp.{name}")
        return lambda *values, out=None: _called(_FUNCTIONS[name], values, out)


_FUNCTIONS = {
    "add": "{} + {}", "subtract": "{} - {}", "multiply": "{} * {}", "divide": "{} / {}", "sqrt": "sqrt({})",
    "abs": "fabs({})", "maximum": "({0} > {1} || {0} != {0} ? {0} : {1})",  # a NaN stays
}  # fmt: skip


def _called(pattern: str, values: tuple[Any, ...], out: Symbol | None) -> Symbol:
    formula = next(value for value in values if isinstance(value, Symbol)).formula
    value = pattern.format(*map(formula.term, values))
    return formula.variable(value) if out is None else out.assign(value)


class SymbolicBackend:
    """The backend of symbols, for rules that ask for an array's ``xp``."""

    xp = SymbolicFunctions()


register_arrays(Symbol, lambda _: SymbolicBackend)


def traced(work: Callable[..., None], arrays: int) -> Formula | None:
    """What ``work`` does to that many arrays; None where that is no formula."""
    formula = Formula(arrays)
    try:
        work(*formula.symbols)
    except NotFormula:
        return None
    return formula if all(math.isfinite(n) for n in formula.numbers) else None


def key_of(work: Callable[..., None]) -> Key | None:
    """Equal for functions that are the same code with the same surroundings; None where that cannot be told.

    A step of an optimiser makes such a function for every parameter, and one of them needs to be run on symbols.
    """
    code: CodeType = work.__code__
    cells = [cell.cell_contents for cell in work.__closure__ or ()]
    key = (code, *(tuple(value.items()) if isinstance(value, dict) else value for value in cells))
    try:
        hash(key)
    except TypeError:
        return None
    return key
