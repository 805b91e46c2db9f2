"""The process in which a student's code runs. A program of its own: only NumPy and the standard library are loaded.

It answers requests, one after the other, over a socket. A message is its header's length in 8 bytes, the header as
JSON, and the bytes of its arrays. Nothing is pickled: whatever the student's code writes, the other side reads numbers.
"""

from __future__ import annotations

import inspect
import json
import math
import os
import socket
import struct
import sys
import traceback
import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
MAX_HEADER = 1 << 20
_LONGEST = 2000
"""Characters of an error's message that are passed on."""


class ProtocolError(ValueError):
    """Bytes that are no message, or one that is too large."""


def packed(value: Any, *, layout: bool = False) -> bytes:
    """A message of numbers, strings, tuples, lists, dicts and arrays; with ``layout`` their memory order goes along.

    Errors: TypeError for anything else.
    """
    arrays: list[Array] = []
    body = _to_json(value, arrays)
    about = [[a.dtype.str, a.shape, a.strides if layout else None] for a in arrays]
    header = json.dumps({"body": body, "arrays": about}).encode()
    return b"".join([struct.pack(">Q", len(header)), header, *(a.tobytes() for a in arrays)])


def unpacked(receive: Callable[[int], bytes], limit: int) -> Any:
    """The next message, where ``receive(n)`` gives the next n bytes. Errors: ProtocolError, also beyond ``limit``."""
    (length,) = struct.unpack(">Q", receive(8))
    if length > MAX_HEADER:
        raise ProtocolError(f"a header of {length} bytes")
    try:
        header = json.loads(receive(length))
        about = [_described(*entry) for entry in header["arrays"]]
        if sum(count for _, _, _, count in about) > limit:
            raise ProtocolError(f"more than {limit} bytes of arrays")
        arrays = [_laid_out(np.frombuffer(receive(count), dtype).reshape(shape), strides)
                  for dtype, shape, strides, count in about]
        return _from_json(header["body"], arrays)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise ProtocolError(str(error)) from None


def _described(name: Any, shape: Any, strides: Any) -> tuple[Any, tuple[int, ...], Any, int]:
    dtype = np.dtype(str(name))
    if dtype.kind not in "biufc" or len(shape) > 32 or any(type(n) is not int or n < 0 for n in shape):
        raise ProtocolError("an array that is none")
    return dtype, tuple(shape), strides, dtype.itemsize * math.prod(shape)


def _laid_out(values: Array, strides: list[int] | None) -> Array:
    """A writable copy, with these strides if any are given."""
    if strides is None or not values.size:
        return values.copy()
    reach = [s * (n - 1) for s, n in zip(strides, values.shape, strict=True)]
    before = -sum(r for r in reach if r < 0)
    memory = bytearray(before + sum(r for r in reach if r > 0) + values.itemsize)
    laid = np.ndarray(values.shape, values.dtype, memory, before, strides)
    laid[...] = values
    return laid


def _to_json(value: Any, arrays: list[Array]) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray | np.generic) and np.asarray(value).dtype.kind in "biufc":
        arrays.append(np.asarray(value))
        return {"array": len(arrays) - 1}
    if isinstance(value, tuple):
        return {"tuple": [_to_json(v, arrays) for v in value]}
    if isinstance(value, list):
        return [_to_json(v, arrays) for v in value]
    if isinstance(value, dict):
        return {"dict": [[_to_json(k, arrays), _to_json(v, arrays)] for k, v in value.items()]}
    raise TypeError(f"a {type(value).__name__} came where arrays and numbers are due")


def _from_json(value: Any, arrays: list[Array]) -> Any:
    if isinstance(value, list):
        return [_from_json(v, arrays) for v in value]
    if isinstance(value, dict):
        (kind, held), = value.items()
        if kind == "array":
            return arrays[held]
        if kind == "tuple":
            return tuple(_from_json(v, arrays) for v in held)
        return {_from_json(k, arrays): _from_json(v, arrays) for k, v in held}
    return value


class Pupil:
    """The student's names, and what ``forward`` calls have left for their ``backward``."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names
        self.kept: dict[int, Any] = {}
        self.count = 0

    def answer(self, request: dict[str, Any]) -> Any:
        """Do what is asked for; the answer is arrays and numbers."""
        for handle in request.pop("drop", ()):
            self.kept.pop(handle, None)
        _allow_seconds(request.pop("seconds", None))
        do = request.pop("do")
        if do in ("call", "forward", "apply"):
            return self._changes(request["args"], getattr(self, f"_{do}"), request)
        return getattr(self, f"_{do}")(**request)

    def _ready(self) -> None:
        """Asked first: to start Python and NumPy is not in the student's time."""

    def _load(self, path: str, source: str, forbidden: list[str], paths: list[str]) -> None:
        sys.path[:0] = [os.path.dirname(path)]
        sys.path += paths
        for name in forbidden:
            sys.modules[name] = None  # type: ignore[assignment]  # what makes an import of it fail
        module = types.ModuleType("student")
        module.__file__ = path
        sys.modules["student"] = module
        exec(compile(source, path, "exec"), module.__dict__)
        self.names = module.__dict__

    def _describe(self, name: str) -> Any:
        """How to call ``name``: (kind, parameters); None where there is no such name."""
        found = self.names.get(name)
        if not callable(found):
            return None
        forward = getattr(found, "forward", None) if isinstance(found, type) else None
        whole = forward is not None  # the first parameter of a Function's forward is self or ctx
        parameters = list(inspect.signature(forward or found).parameters.values())
        return "Function" if whole else "function", [[p.name, int(p.kind)] for p in parameters[whole:]]

    def _changes(self, args: list[Any], do: Callable[..., Any], request: dict[str, Any]) -> Any:
        """The answer, and the arguments that were changed in place."""
        before = [a.copy() if isinstance(a, np.ndarray) else None for a in args]
        found = do(**request)
        changed = [[i, a] for i, (a, b) in enumerate(zip(args, before, strict=True))
                   if b is not None and not np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")]
        return found, changed

    def _call(self, name: str, args: list[Any], options: dict[str, Any]) -> Any:
        return self.names[name](*args, **options)

    def _forward(self, name: str, args: list[Any], options: dict[str, Any]) -> Any:
        found = self.names[name](*args, **options)
        if not isinstance(found, tuple) or len(found) != 2:
            raise TypeError(f"{name} returned {type(found).__name__}, not (out, cache)")
        return np.asarray(found[0]), self._keep(found[1])

    def _backward(self, name: str, g: Array, handle: int) -> Any:
        found = self.names[name](g, self.kept[handle])
        return list(found) if isinstance(found, tuple | list) else [found]

    def _apply(self, name: str, args: list[Any], options: dict[str, Any], needs: list[bool]) -> Any:
        """A function of tensors, or a Function."""
        import minicnn as mc

        leaves = [mc.from_numpy(a).requires_grad_(need) if isinstance(a, np.ndarray) else a
                  for a, need in zip(args, needs, strict=True)]
        code = self.names[name]
        out = getattr(code, "apply", code)(*leaves, **options)
        return out.detach().numpy(), self._keep((leaves, out))

    def _slopes(self, name: str, g: Array, handle: int) -> Any:  # noqa: ARG002 (as for _backward)
        import minicnn as mc

        leaves, out = self.kept[handle]
        wanted = [x for x in leaves if isinstance(x, mc.Tensor) and x.requires_grad]
        found = iter(mc.grad(out, wanted, mc.from_numpy(g), allow_unused=True) if out.requires_grad else ())
        slopes = [next(found, None) if any(x is w for w in wanted) else None for x in leaves]
        return [None if d is None else d.numpy() for d in slopes]

    def _keep(self, what: Any) -> int:
        self.count += 1
        self.kept[self.count] = what
        return self.count


def _allow_seconds(seconds: float | None) -> None:
    """Be ended by the system should nobody be there who would do it."""
    if seconds is not None:
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        used = usage.ru_utime + usage.ru_stime
        most = math.ceil(used + seconds) + 2
        resource.setrlimit(resource.RLIMIT_CPU, _allowed(resource.RLIMIT_CPU, most, hard=False))


def limit(memory: int | None, *, alone: bool) -> None:
    """Take no more than ``memory`` bytes beyond what is held now, write no files, and, if ``alone``, start nothing."""
    import resource  # which Windows lacks, where this file is imported, but not run

    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 0}
    if alone:
        limits[resource.RLIMIT_NPROC] = 0
    if memory is not None:
        limits[resource.RLIMIT_AS] = _held() + memory
    for which, most in limits.items():
        resource.setrlimit(which, _allowed(which, most, hard=True))


def _allowed(which: int, most: int, *, hard: bool) -> tuple[int, int]:
    """The soft and the hard limit for ``most``: a system's own hard limit can be lowered, but not raised again."""
    import resource

    top = resource.getrlimit(which)[1]
    soft = most if top == resource.RLIM_INFINITY else min(most, top)
    return soft, soft if hard else top


def _held() -> int:
    """Bytes of address space; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def serve(line: socket.socket, pupil: Pupil) -> None:
    """Answer until the other side is gone."""
    def receive(count: int) -> bytes:
        pieces = []
        while count:
            piece = line.recv(min(count, 1 << 20))
            if not piece:
                raise EOFError
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    while True:
        try:
            request = unpacked(receive, 1 << 62)
        except (EOFError, OSError):
            return
        line.sendall(_answered(pupil, request))


def _answered(pupil: Pupil, request: dict[str, Any]) -> bytes:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return packed({"answer": pupil.answer(request)})
    except BaseException as error:  # a student's code may raise anything, SystemExit as well
        memory = isinstance(error, MemoryError)
        return packed({"error": _told(error), "memory": memory})


def _told(error: BaseException) -> str:
    """The error, and the line of the student's file."""
    what = "".join(traceback.format_exception_only(error)).strip()[-_LONGEST:]
    module = sys.modules.get("student")
    own = [f for f in traceback.extract_tb(error.__traceback__) if module is not None and f.filename == module.__file__]
    return f"{what} ({os.path.basename(own[-1].filename)}, line {own[-1].lineno})" if own else what


def main() -> None:
    """``child.py DESCRIPTOR MEMORY``: serve that socket within that many bytes; 0 for any number."""
    limit(int(sys.argv[2]) or None, alone=True)
    serve(socket.socket(fileno=int(sys.argv[1])), Pupil({}))


if __name__ == "__main__":
    main()
