"""CIFAR's pickled batches as data: dicts, lists, numbers, texts, and arrays of bytes. See ``minicnn.pickles``."""

from __future__ import annotations

import io
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.errors import DataError
from minicnn.pickles import Builder, Reader, Unbuilt

Array = Any
_RULE = "plain values and arrays of bytes; nothing in a pickle is executed"


class _Bytes(Unbuilt):
    """A dtype, of which there is one; its state, byte order and such, says nothing of bytes."""

    def __init__(self, name: Any, *_: Any) -> None:
        if name not in ("u1", b"u1"):
            raise DataError("it has an array that is not of bytes", rule=_RULE)

    def built(self, state: Any) -> Any:  # noqa: ARG002 (a Reader's form)
        return self


class _Unfilled(Unbuilt):
    """An array before its sizes and its content."""

    def __init__(self, *_: Any) -> None:
        """What it is made of says nothing yet."""

    def built(self, state: Any) -> Any:
        match state:
            case (int(), tuple(shape), _Bytes(), False, str() | bytes() as content) if all(
                type(n) is int and n >= 0 for n in shape
            ):
                values = content.encode("latin1") if isinstance(content, str) else content  # Python 2's text was bytes
                if math.prod(shape) == len(values):
                    return np.frombuffer(values, np.uint8).reshape(shape)
        raise DataError("it has an array that is not of bytes, or not as long as it says", rule=_RULE)


def _encode(text: str, encoding: str) -> bytes:
    return text.encode(encoding) if encoding == "latin1" else b""


_BUILDERS: dict[str, Builder] = {
    "numpy.dtype": _Bytes, "numpy.ndarray": _Unfilled, "numpy.core.multiarray._reconstruct": _Unfilled,
    "numpy._core.multiarray._reconstruct": _Unfilled, "_codecs.encode": _encode,
}  # fmt: skip


def read_pickled(path: Path) -> Any:
    """What a pickled batch holds; its keys are text, whatever they were in Python 2.

    Raises:
        DataError: a damaged file, or one that asks for anything but plain values and arrays of bytes.
    """
    try:
        held = Reader(_BUILDERS, {}, _nothing).read(io.BytesIO(path.read_bytes()))
        if isinstance(held, dict):
            held = {key.decode("latin1") if isinstance(key, bytes) else key: value for key, value in held.items()}
    except DataError as error:
        raise DataError(f"{path} is no batch of CIFAR: {error.what}", got=error.got, rule=_RULE) from None
    except (OSError, ValueError, LookupError, OverflowError, EOFError, struct.error, AttributeError) as error:
        raise DataError(f"{path} is damaged, or no batch of CIFAR", got=str(error)[:200] or type(error).__name__,
                        rule=_RULE, hint="delete it, and download again") from None
    return held


def _nothing(reference: Any) -> Any:
    raise DataError("it refers to something outside of itself", got=repr(reference)[:80], rule=_RULE)
