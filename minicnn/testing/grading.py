"""Grade a student's file: checks that are worth points, and what became of each.

    checks = [conforms("linear", "linear_forward", "linear_backward", points=10)]
    grades = grade("student.py", checks)
    print(grades)
    grades.save_gradescope("results.json")
"""

from __future__ import annotations

import inspect
import linecache
import time
import traceback
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minicnn.errors import DataError, OptionError
from minicnn.testing.conformance import ConformanceError, check, test_names
from minicnn.testing.results import Grades, Mark
from minicnn.testing.sandbox import ENGINES, Sandbox, StudentError

VISIBILITY = ("visible", "hidden", "after_due_date", "after_published")
"""Who sees a check's outcome, in Gradescope's words."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """Something that is worth points; made by ``conforms`` or ``case``.

    Attributes:
        name, points, visibility: see there.
    """

    name: str
    points: float
    visibility: str = "visible"

    def __post_init__(self) -> None:
        if self.visibility not in VISIBILITY:
            raise OptionError(f"{self.name}: no such visibility", got=self.visibility, rule=", ".join(VISIBILITY))
        if not self.points >= 0:
            raise OptionError(f"{self.name}: points are not negative", got=self.points)

    @property
    def parts(self) -> list[str]:
        """The names of its tests, which share its points."""
        return [self.name]

    def outcome(self, box: Sandbox, part: str) -> tuple[float, str]:
        """The share of a part's points that the student gets, and why not all."""
        raise NotImplementedError("Check is the base of conforms and case")

    def code(self, part: str | None) -> str | None:  # noqa: ARG002 (for those that can)
        """A Python expression that makes this check, or one with one part only; None if only its file can."""
        return None

    def portions(self) -> list[tuple[str, float]]:
        """Each part with its points."""
        parts = self.parts
        return [(part, _portion(self.points, number, len(parts))) for number, part in enumerate(parts)]

    def marks(self, box: Sandbox) -> list[Mark]:
        """What became of each part."""
        found = []
        for part, most in self.portions():
            box.begin()
            share, why = self.outcome(box, part)
            found.append(Mark(self.name, part, round(share * most, 2), most, why, self.visibility))
        return found

    def demand(self, names: Mapping[str, Any], part: str | None = None, **limits: Any) -> None:
        """For other graders' files. Errors: ConformanceError where ``names`` do not get all points."""
        with Sandbox(names, **limits) as box:
            for each in self.parts if part is None else [part]:
                box.begin()
                share, why = self.outcome(box, each)
                if share < 1:
                    raise ConformanceError(f"{each}: {why}")


@dataclass(frozen=True, kw_only=True)
class Conforms(Check):
    """An operation that does what the engine's does; see ``conforms``."""

    operation: str
    forward: str
    backward: str | None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def parts(self) -> list[str]:
        return [f"{self.name}: {test}" for test in test_names(self.operation, self.settings.get("tests"))]

    def outcome(self, box: Sandbox, part: str) -> tuple[float, str]:
        one = {**self.settings, "tests": [part.removeprefix(f"{self.name}: ")]}
        result = check(self.operation, *box.pair(self.forward, self.backward), **one).results[0]
        return result.score, result.why

    def code(self, part: str | None) -> str | None:
        if "where" in self.settings:
            return None
        backward = [] if self.backward is None else [repr(self.backward)]
        one = {**self.settings, "name": self.name, "points": self.points}
        if part is not None:
            one["tests"] = [part.removeprefix(f"{self.name}: ")]
        given = [repr(self.operation), repr(self.forward), *backward, *(f"{k}={v!r}" for k, v in one.items())]
        return f"conforms({', '.join(given)})"


@dataclass(frozen=True, kw_only=True)
class Case(Check):
    """A function that looks at what the student's functions do; see ``case``."""

    function: Callable[[Any], Any]

    def outcome(self, box: Sandbox, part: str) -> tuple[float, str]:  # noqa: ARG002 (it has one)
        try:
            found = self.function(box.functions)
        except StudentError as error:
            return 0.0, str(error)
        except Exception as error:  # what a comparison says of whatever the student's code has given
            return 0.0, _reason(error, self.function)
        share = 1.0 if found is None else float(found)
        if not 0 <= share <= 1:
            raise OptionError(f"{self.name}: a case gives the share of its points, or None for all", got=found,
                              rule="0 ≤ share ≤ 1")
        return share, "" if share == 1 else f"{share:.0%} of the points"


def conforms(operation: str, forward: str, backward: str | None = None, *, points: float, name: str | None = None,
             visibility: str = "visible", **settings: Any) -> Conforms:  # fmt: skip
    """A check: the student's operation does what ``operation`` of ``mc.nn.functional`` does.

    Its points are shared by the tests of ``mc.testing.check``: values, gradients, options, memory orders, edge cases.

    Args:
        operation: the engine's name for it.
        forward, backward: what the student's functions are called; see ``mc.testing.check`` for their forms.
        points: for all tests together.
        name: what the results call it; ``operation`` where None.
        visibility: who sees it: "visible", "hidden", "after_due_date" or "after_published".
        settings: ``tests``, ``where``, ``examples``, ``rtol``, ``atol`` of ``mc.testing.check``.

    Errors: UnknownNameError: no such operation. OptionError: another visibility, or negative points.

    Example:
        >>> conforms("relu", "relu_forward", "relu_backward", points=4, tests=["values", "gradients"]).parts
        ['relu: values', 'relu: gradient of input']
    """
    test_names(operation, settings.get("tests"))
    return Conforms(name=name or operation, points=points, visibility=visibility, operation=operation, forward=forward,
                    backward=backward, settings=settings)  # fmt: skip


def case(*, points: float, name: str | None = None, visibility: str = "visible") -> Callable[[Any], Case]:
    """Make a check of a function that gets the student's functions, and raises where they are wrong.

    It may return the share of the points, from 0 to 1.

    Args:
        points, visibility: as for ``conforms``.
        name: what the results call it; the function's name where None.

    Example:
        >>> @case(points=2)
        ... def doubles(student):
        ...     assert student.double(3) == 6
        >>> grade({"double": lambda x: x + x}, [doubles]).score
        2.0
    """

    def make(function: Callable[[Any], Any]) -> Case:
        return Case(name=name or function.__name__.replace("_", " "), points=points, visibility=visibility,
                    function=function)

    return make


def grade(
    student: str | Path | Mapping[str, Any], checks: Iterable[Check], *, time_limit: float | None = 10.0,
    memory_limit: int | None = 1 << 30, output_limit: int = 100_000, forbidden: Sequence[str] | None = None,
    user: str | None = None,
) -> Grades:  # fmt: skip
    """Run ``checks`` on a student's code, in a process of its own with limits.

    Args:
        student: a Python file, or its names: ``globals()`` in a notebook. A file that is not there gets no points.
        checks: made by ``conforms`` and ``case``.
        time_limit: seconds that each test may take.
        memory_limit, output_limit, user: see ``mc.testing.Sandbox``.
        forbidden: what the code may not import; None for engines: minicnn (unless a check is of tensors), PyTorch, JAX,
            TensorFlow.

    Errors: OptionError: two checks of one name, or none. DeviceError: a system that cannot limit a process.

    Example:
        >>> found = grade({"f": lambda x: (x * (x > 0), x), "b": lambda g, x: g * (x > 0)},
        ...               [conforms("relu", "f", "b", points=4, tests=["values", "gradients"])])
        >>> found.score, found.points
        (4.0, 4)
    """
    checks = list(checks)
    names = [c.name for c in checks]
    if len(set(names)) < len(names) or not names:
        raise OptionError("grade: each check has a name of its own", got=", ".join(names) or "no checks")
    if forbidden is None:
        tensors = any(isinstance(c, Conforms) and c.backward is None for c in checks)
        forbidden = [name for name in ENGINES if not (tensors and name == "minicnn")]
    start = time.monotonic()
    title = "notebook" if isinstance(student, Mapping) else str(student)
    try:
        limits: Any = {"memory_limit": memory_limit, "output_limit": output_limit, "user": user}
        with Sandbox(student, time_limit=time_limit, forbidden=forbidden, **limits) as box:
            marks = [mark for c in checks for mark in c.marks(box)]
    except DataError as error:
        marks = [Mark(c.name, c.name, 0.0, c.points, str(error), c.visibility) for c in checks]
    return Grades(title, tuple(marks), time.monotonic() - start)


def load_checks(path: str | Path) -> list[Check]:
    """The checks of a file: its list ``checks`` if it has one, else all that it makes, in their order.

    Errors: DataError where the file is not there or makes none.
    """
    try:
        source = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise DataError("checks: the file cannot be read", got=str(error)) from None
    return checks_in(source, str(path))


def checks_in(source: str, path: str = "<checks>") -> list[Check]:
    """As ``load_checks``, of a file's text."""
    module = types.ModuleType("checks")
    module.__file__ = path
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)  # for lines in messages
    exec(compile(source, path, "exec"), module.__dict__)
    found = module.__dict__.get("checks") or [v for v in module.__dict__.values() if isinstance(v, Check)]
    if not found:
        raise DataError("checks: the file makes no checks", got=path,
                        hint='checks = [conforms("linear", "linear_forward", "linear_backward", points=10)]')
    return list(found)


def _portion(points: float, number: int, count: int) -> float:
    """The points of one of ``count`` parts, in hundredths that sum to ``points``."""
    if count == 1:
        return points
    edges = [round(points * n / count, 2) if n < count else points for n in (number, number + 1)]
    return round(edges[1] - edges[0], 6)


def _reason(error: Exception, function: Callable[[Any], Any]) -> str:
    """The error, and the check's line that raised it, since a bare assert has no message."""
    file = inspect.getsourcefile(function)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    line = linecache.getline(frames[-1].filename, frames[-1].lineno or 0).strip() if frames else ""
    said = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
    return "\n".join(part for part in (line, f"{said}{error}".strip()) if part)

