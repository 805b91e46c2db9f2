"""How much a compressed file may become: an archive bomb is a few bytes that unpack to more than there is memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minicnn.errors import DataError

_ROOM = 1 << 26
_RATIO = 100


def allowed(size: int) -> int:
    """The bytes that a file of ``size`` bytes may unpack to: 64 MiB, or 100 times its own if that is more."""
    return max(_ROOM, _RATIO * size)


def check_unpacked(size: int, packed: int) -> None:
    """DataError where ``packed`` bytes claim to unpack to ``size``, and that is more than is allowed."""
    if size > allowed(packed):
        raise too_large(packed, got=f"it claims {size:,} bytes"[:80])


def too_large(packed: int, got: str | None = None) -> DataError:
    """The error for a file that unpacks to more than is allowed."""
    return DataError(f"a file of {packed:,} bytes unpacks to too much", got=got,
                     rule=f"at most {allowed(packed):,} bytes", hint="unpack it by other means, if you trust it")


def inflated(content: bytes | memoryview, room: int) -> bytes:
    """What a whole zlib stream unpacks to, at most ``room`` bytes. Errors: zlib.error; DataError where it is more."""
    stream = zlib.decompressobj()
    found = stream.decompress(content, room + 1)
    if len(found) > room:
        raise too_large(len(content))
    if not stream.eof:
        raise zlib.error("a compressed part ends early")
    return found


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the file's name before a DataError that does not have it."""
    try:
        yield
    except DataError as error:
        if str(path) in error.what:
            raise
        raise DataError(f"{path}: {error.what}", got=error.got, rule=error.rule, hint=error.hint) from None


class Bounded:
    """A stream that is read, and ends in an error where it gives more than a file of ``packed`` bytes may.

    Args:
        stream: what unpacks the file while it is read.
        packed: the bytes of the file.
    """

    def __init__(self, stream: Any, packed: int) -> None:
        self.stream, self.packed, self.left = stream, packed, allowed(packed)

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes. Errors: DataError behind the last that is allowed."""
        found: bytes = self.stream.read(min(size, self.left + 1))
        self.left -= len(found)
        if self.left < 0:
            raise too_large(self.packed)
        return found
