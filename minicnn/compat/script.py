"""Run a script as ``python script.py`` would, with PyTorch's names meaning minicnn's."""

from __future__ import annotations

import os
import sys
import sysconfig
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from minicnn.compat.stand_in import take_over, torch_names
from minicnn.errors import DataError

_AGAIN, _VARIABLE = "minicnn.compat.again", "MINICNN_SCRIPT"
_PACKAGE = str(Path(__file__).resolve().parents[1]) + os.sep
_LIBRARIES = tuple(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def read_script(path: str | Path) -> bytes:
    """The bytes of a script.

    Raises:
        DataError: there is no such file, or it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be run", got=error.strerror, rule="a Python file") from None


def run_script(path: str | Path, arguments: Sequence[str] = ()) -> dict[str, object]:
    """Run a Python file in which ``torch`` and ``torchvision`` mean minicnn's.

    The script sees what it would under ``python path arguments…``: ``__name__``, ``__file__``, ``sys.argv`` and
    ``sys.path[0]``. They are as before afterwards.

    Returns:
        The script's names.

    Raises:
        DataError: there is no such file.
        Exception: whatever the script raises.

    Example:
        >>> names = mc.compat.run_script("train.py", ["--epochs", "1"])
        >>> names["model"]
    """
    code, main = _compiled(path), ModuleType("__main__")
    main.__file__ = code.co_filename
    main.__loader__ = SourceFileLoader("__main__", main.__file__)
    main.__spec__ = ModuleSpec(_AGAIN, None)  # multiprocessing imports it where it starts a process anew
    with torch_names(), _as_main(main, [str(path), *arguments]):
        exec(code, vars(main))
    return vars(main)


def run_again() -> dict[str, object]:
    """The names of the script that has started this process; PyTorch's names stay minicnn's in it."""
    code = _compiled(os.environ[_VARIABLE])
    names: dict[str, object] = {"__name__": "__mp_main__", "__file__": code.co_filename}
    take_over()
    exec(code, names)
    return names


def _compiled(path: str | Path) -> CodeType:
    """The script's code, by its absolute name, as Python shows it."""
    return compile(read_script(path), str(Path(path).absolute()), "exec", dont_inherit=True)


@contextmanager
def _as_main(main: ModuleType, argv: list[str]) -> Iterator[None]:
    """``main`` is the program that runs."""
    before, environment = (sys.argv, sys.path[:], sys.modules["__main__"]), os.environ.get(_VARIABLE)
    sys.argv, sys.modules["__main__"], os.environ[_VARIABLE] = argv, main, str(main.__file__)
    sys.path.insert(0, str(Path(argv[0]).resolve().parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:], sys.modules["__main__"] = before
        del os.environ[_VARIABLE]
        os.environ.update({_VARIABLE: environment} if environment is not None else {})


def format_error(error: BaseException, script: str | Path) -> str:
    """The traceback of an error in ``script``, without the lines of minicnn, and of what minicnn has called."""
    shown = _without_inner(traceback.TracebackException.from_exception(error), str(Path(script).absolute()))
    return "".join(shown.format() if shown.stack else shown.format_exception_only())


def _without_inner(error: traceback.TracebackException, script: str) -> traceback.TracebackException:
    """``error`` with the user's lines only; what was raised and caught within minicnn is left out of its chain."""
    error.stack[:] = _of_the_user(error.stack, script)
    for link in ("__cause__", "__context__"):
        earlier = getattr(error, link)
        if earlier is not None and not _without_inner(earlier, script).stack:
            setattr(error, link, None)
    return error


def _of_the_user(frames: Iterable[traceback.FrameSummary], script: str) -> Iterator[traceback.FrameSummary]:
    """The frames without minicnn's and the import system's, and without those of libraries below these."""
    inside = False
    for frame in frames:
        inner = frame.filename.startswith(("<frozen ", _PACKAGE))
        inside = frame.filename != script and (inner or (inside and frame.filename.startswith(_LIBRARIES)))
        if not inside:
            yield frame
