"""A student's functions as functions of this process that run in another, within limits."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.errors import DataError, DeviceError
from minicnn.testing.sandbox.process import Child, LimitError, StudentError, forked, started

ENGINES = ("minicnn", "torch", "jax", "tensorflow")
"""What a student's NumPy code has no need to import."""
_START = 60.0
"""Seconds that Python and NumPy may take to start on a busy machine."""


class Sandbox:
    """Runs the functions of a student in a process of its own, whose time, memory and output are limited.

    What is over a limit, an endless loop, a crash, a flood of prints, raises LimitError, and the next call starts
    afresh. Results come back as numbers, never pickled: the code cannot make them mean more than that. The process
    writes no files, and is ended with all that it has started.

    Args:
        student: a Python file, or functions by name, which then run in a copy (fork) of this process.
        time_limit: seconds for all calls since ``begin``, together; None for any.
        memory_limit: bytes on top of what Python and NumPy take; None for any. Linux enforces it.
        output_limit: bytes that may be printed.
        forbidden: modules that the file cannot import; () for code that uses minicnn.
        user: who the code runs as, for a grader that is root: "nobody" can read no file that is not for everyone.

    Errors: DataError without the file; DeviceError where the system has no such limits (Windows).

    Example:
        >>> with Sandbox({"half": lambda x: x / 2, "stuck": lambda: exec("while True: pass")}, time_limit=1) as box:
        ...     print(box.functions.half(np.ones(2)))
        ...     box.functions.stuck()
        Traceback (most recent call last):
        minicnn.testing.sandbox.process.LimitError: stuck: took longer than 1 s
    """

    def __init__(
        self, student: str | Path | Mapping[str, Any], *, time_limit: float | None = 10.0,
        memory_limit: int | None = 1 << 30, output_limit: int = 100_000, forbidden: Sequence[str] = ENGINES,
        user: str | None = None,
    ) -> None:  # fmt: skip
        try:
            import resource  # noqa: F401 (whether the system has it)
        except ImportError:
            raise DeviceError("Sandbox: this system cannot limit a process", rule="Linux or macOS",
                              hint="without time_limit and memory_limit the code runs in this process") from None
        self.student = dict(student) if isinstance(student, Mapping) else Path(student).resolve()
        if isinstance(self.student, Path) and not self.student.is_file():
            raise DataError("Sandbox: the student's file is not there", got=str(student))
        self.time_limit = time_limit
        self._limits = {"memory": memory_limit, "output": output_limit, "user": user}
        self._forbidden = list(forbidden)
        self._living: list[Child] = []
        self._broken: StudentError | None = None
        self.dropped: list[int] = []
        self.close = weakref.finalize(self, _close, self._living)
        self.begin()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        _close(self._living)

    def begin(self) -> None:
        """A new test: its calls have ``time_limit`` seconds together."""
        self._left = self.time_limit

    @property
    def functions(self) -> Functions:
        """The student's functions, to be called with arrays, numbers, and tuples, lists and dicts of them."""
        return Functions(self)

    def pair(self, forward: str, backward: str | None = None) -> tuple[Remote, Remote]:
        """``forward(x, …) -> (out, cache)`` and ``backward(dout, cache)``, where the cache stays there.

        Without ``backward``, ``forward`` names a Function or a function of tensors, which the engine differentiates.
        """
        if backward is None:
            return Remote(self, forward, "apply"), Remote(self, forward, "slopes")
        return Remote(self, forward, "forward"), Remote(self, backward, "backward")

    def ask(self, name: str, do: str, **request: Any) -> Any:
        """An answer of the process, which is started if need be. Errors: StudentError, LimitError."""
        if self._broken is not None:
            raise self._broken
        if not self._living:
            self._start()
        left = self._left
        if left is not None and left <= 0:
            raise LimitError.of("time", f"{name}: took longer than {self.time_limit:g} s")
        handles, self.dropped = self.dropped, []
        return self._asked(name, {"do": do, "name": name, "drop": handles, **request}, left)

    def _asked(self, name: str, request: Mapping[str, Any], seconds: float | None) -> Any:
        from time import monotonic

        start = monotonic()
        try:
            return self._living[0].ask(request, seconds)
        except StudentError as error:
            if isinstance(error, LimitError):
                _close(self._living)
            what = str(error)
            if isinstance(error, LimitError) and error.kind == "time":
                what = what.replace("took too long", f"took longer than {self.time_limit:g} s", 1)
            error.args = (f"{name}: {what}",)
            raise
        finally:
            if self._left is not None:
                self._left -= monotonic() - start

    def _start(self) -> None:
        if isinstance(self.student, dict):
            self._living.append(forked(self._limits, self.student))
            return
        import minicnn

        path = self.student
        self._living.append(started(self._limits, path.parent))
        self._living[0].ask({"do": "ready"}, _START)
        paths = [] if "minicnn" in self._forbidden else [str(Path(minicnn.__file__).parent.parent)]
        request = {"do": "load", "path": str(path), "source": path.read_text(encoding="utf-8"), "paths": paths,
                   "forbidden": self._forbidden}
        before, self._left = self._left, None
        try:
            self._asked(path.name, request, self.time_limit)
        except StudentError as error:
            self._broken = error
            _close(self._living)
            raise
        finally:
            self._left = before


def _close(living: list[Child]) -> None:
    while living:
        living.pop().close()


class Functions:
    """The names of a student's file, as attributes."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def __getattr__(self, name: str) -> Remote:
        if name.startswith("__"):
            raise AttributeError(name)
        return Remote(self._sandbox, name, "call")


class Handle:
    """What a ``forward`` has kept over there."""

    def __init__(self, sandbox: Sandbox, number: int) -> None:
        self.number = number
        weakref.finalize(self, sandbox.dropped.append, number)


class Remote:
    """A function that runs over there. Arguments that it changes in place are changed here, too."""

    def __init__(self, sandbox: Sandbox, name: str, do: str) -> None:
        self.sandbox, self.__name__, self._do = sandbox, name, do

    @cached_property
    def __signature__(self) -> inspect.Signature:
        """As the code has it, but for defaults. Errors: StudentError where there is no such name."""
        found = self.sandbox.ask(self.__name__, "describe")
        if found is None:
            raise StudentError(f"{self.__name__}: there is no function of this name")
        try:
            return inspect.Signature([inspect.Parameter(str(name), inspect._ParameterKind(kind))
                                      for name, kind in found[1]])
        except (ValueError, TypeError, IndexError) as error:
            raise StudentError(f"{self.__name__}: {error}") from None

    def __call__(self, *args: Any, **options: Any) -> Any:
        if self._do in ("backward", "slopes"):
            g, handle = args
            return tuple(self.sandbox.ask(self.__name__, self._do, g=g, handle=handle.number))
        needs = {"needs": [isinstance(a, np.ndarray) and a.dtype.kind == "f" for a in args]}
        found = self.sandbox.ask(self.__name__, self._do, args=list(args), options=options,
                                 **(needs if self._do == "apply" else {}))
        try:
            result, changed = found
            for place, values in changed:
                args[place][...] = values
            return result if self._do == "call" else (result[0], Handle(self.sandbox, int(result[1])))
        except (TypeError, ValueError, IndexError, KeyError) as error:
            raise StudentError(f"{self.__name__}: gave an answer that is none: {error}") from None
