"""A child process for a student's code: started, asked within limits, and ended with everything that it has started."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from minicnn.errors import MinicnnError, OptionError
from minicnn.testing.sandbox import child

_ANSWER = 1 << 28
"""Bytes of arrays that an answer may have."""
_SHOWN = 1000
"""Characters of what was printed that an error shows."""
_SUBREAPER = 36  # Linux's PR_SET_CHILD_SUBREAPER: orphans of a child become ours, so that they can be found


class StudentError(MinicnnError, RuntimeError):
    """A student's code raised, or is not there."""


class LimitError(StudentError):
    """A student's code took more time or memory than it may, printed too much, or ended its process.

    Attributes:
        kind: "time", "memory", "output" or "crash".
    """

    kind = "crash"

    @classmethod
    def of(cls, kind: str, what: str, **parts: Any) -> LimitError:
        """An error of this kind."""
        error = cls(what, **parts)
        error.kind = kind
        return error


class Child:
    """A process that answers requests; ``close`` ends it, and all that it has started."""

    def __init__(self, pid: int, reap: Callable[[], int | None], line: socket.socket, output: int, limit: int) -> None:
        self.pid, self._reap, self._line, self._output, self._limit = pid, reap, line, output, limit
        self._printed = b""
        self._count = 0
        _ours.add(pid)
        self._known = {other for other, parent, _ in _processes() if parent == os.getpid()}

    def ask(self, request: Mapping[str, Any], seconds: float | None) -> Any:
        """The answer. Errors: StudentError, LimitError; after one of these the process is to be closed."""
        end = None if seconds is None else time.monotonic() + seconds
        try:
            self._line.settimeout(seconds)
            self._line.sendall(child.packed({**request, "seconds": seconds}, layout=True))
            found = child.unpacked(lambda n: self._receive(n, end), _ANSWER)
        except TimeoutError:
            raise LimitError.of("time", "took too long", got=self._shown()) from None
        except (EOFError, OSError):
            raise LimitError.of("crash", f"ended its process: {self._ending()}", got=self._shown()) from None
        except child.ProtocolError as error:
            raise LimitError.of("crash", f"gave an answer that is none: {error}") from None
        if not isinstance(found, dict) or not {"answer", "error"} & found.keys():
            raise LimitError.of("crash", "gave an answer that is none")
        if "error" in found:
            said = printable(str(found["error"]))
            if found.get("memory"):
                raise LimitError.of("memory", "took more memory than it may", got=said)
            raise StudentError(said)
        return found["answer"]

    def _receive(self, count: int, end: float | None) -> bytes:
        pieces = []
        while count:
            waiting: list[Any] = [self._line] if self._output < 0 else [self._line, self._output]
            ready, _, _ = select.select(waiting, [], [], None if end is None else max(end - time.monotonic(), 0))
            if not ready:
                raise TimeoutError
            if self._output in ready:
                self._overhear()
            if self._line in ready:
                piece = self._line.recv(min(count, 1 << 20))
                if not piece:
                    raise EOFError
                pieces.append(piece)
                count -= len(piece)
        return b"".join(pieces)

    def _overhear(self) -> None:
        printed = os.read(self._output, 1 << 16)
        self._count += len(printed)
        self._printed = (self._printed + printed)[:_SHOWN]
        if not printed:
            os.close(self._output)
            self._output = -1
        if self._count > self._limit:
            raise LimitError.of("output", f"printed more than {self._limit} bytes", got=self._shown())

    def _shown(self) -> str | None:
        """The beginning of what was printed."""
        return printable(self._printed.decode(errors="replace")).strip() or None

    def _ending(self) -> str:
        end = time.monotonic() + 1
        status = self._reap()
        while status is None and time.monotonic() < end:
            time.sleep(0.005)
            status = self._reap()
        if status is None:
            return "it hung up"
        return f"exit status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"

    def close(self) -> None:
        """End the process, and what it has started, in its session or out of it."""
        self._line.close()
        if self._output >= 0:
            os.close(self._output)
            self._output = -1
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        clean = 0
        for _ in range(200):  # those that are killed may have started others a moment before, while we looked elsewhere
            strays = self._strays()
            clean = clean + 1 if self._reap() is not None and not strays else 0
            if clean == 2:
                break
            for pid in strays:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(0.005)
        _ours.discard(self.pid)
        if not _ours:  # orphans of others go where they would have gone
            _adopt_orphans(False)

    def _strays(self) -> list[int]:
        """Processes of its session, and orphans of it that have made a session for themselves, as only runaways do."""
        me, session = os.getpid(), os.getsid(0)
        return [pid for pid, parent, own in _processes() if pid not in _ours and (
            own == self.pid or (parent == me and own != session and pid not in self._known))]


def started(limits: Mapping[str, Any], folder: Path) -> Child:
    """A fresh Python, for the code of a file. It shares nothing with this one but the socket."""
    import numpy as np

    identity = _identity(limits["user"])
    here, there = socket.socketpair()
    reading, writing = os.pipe()
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", ""),
                   "PYTHONPATH": str(Path(np.__file__).parent.parent), "PYTHONIOENCODING": "utf-8",
                   **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")}
    _adopt_orphans(True)
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-B", child.__file__, str(there.fileno()), str(limits["memory"] or 0)],
            stdin=subprocess.DEVNULL, stdout=writing, stderr=writing, pass_fds=[there.fileno()], cwd=folder,
            env=environment, start_new_session=True, **identity,
        )  # fmt: skip
    except PermissionError as error:
        here.close()
        os.close(reading)
        raise OptionError(f"Sandbox: {limits['user']} cannot run the code", got=str(error),
                          rule="Python, NumPy and the student's folder are for everyone to read",
                          hint="run the grader as root, with a Python outside of root's home") from None
    finally:
        there.close()
        os.close(writing)
    return Child(process.pid, process.poll, here, reading, limits["output"])


def _identity(user: str | None) -> dict[str, Any]:
    """What makes Popen run as ``user``."""
    if user is None:
        return {}
    import pwd

    try:
        return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    except KeyError:
        raise OptionError("Sandbox: there is no such user", got=user, hint='user="nobody"') from None


def forked(limits: Mapping[str, Any], names: dict[str, Any]) -> Child:
    """A copy of this process, for functions that no file has: those of a notebook, or made by others."""
    here, there = socket.socketpair()
    reading, writing = os.pipe()
    _adopt_orphans(True)
    from minicnn.random import default_generator

    default_generator.get_state()  # which brings its stream home: CUDA does not work in a copied process
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)  # it runs nothing that waits for a thread here
        pid = os.fork()
    if not pid:
        _run_copy(there, writing, names, limits["memory"])
    there.close()
    os.close(writing)
    status: list[int] = []

    def reap() -> int | None:
        with suppress(ChildProcessError):
            done, code = (0, 0) if status else os.waitpid(pid, os.WNOHANG)
            if done:
                status.append(os.waitstatus_to_exitcode(code))
        return status[0] if status else None

    return Child(pid, reap, here, reading, limits["output"])


def _run_copy(line: socket.socket, output: int, names: dict[str, Any], memory: int | None) -> None:
    """What the forked process does; it does not return."""
    try:
        os.setsid()
        for descriptor in (1, 2):
            os.dup2(output, descriptor)
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 (until the process ends)
        sys.stdout = sys.stderr = os.fdopen(1, "w", 1)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        from minicnn.backend import set_num_threads
        from minicnn.random import default_generator

        default_generator.after_fork()
        set_num_threads(1)
        child.limit(memory, alone=False)
        child.serve(line, child.Pupil(names))
    finally:
        os._exit(0)


def _adopt_orphans(on: bool) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, int(on), 0, 0, 0)


def _processes() -> list[tuple[int, int, int]]:
    """(number, parent, session) of each process that runs, where the system tells."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if fields[0] != "Z":
                found.append((int(folder.name), int(fields[1]), int(fields[3])))
    return found


_ours: set[int] = set()
"""Those of the processes that were started here and are not closed."""


def printable(text: str) -> str:
    """``text`` without what could drive a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)
