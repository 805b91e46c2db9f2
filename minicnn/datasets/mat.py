"""MATLAB's .mat files, version 5: the numeric arrays in them. Nothing else is read.

Format: "MAT-File Format", The MathWorks: a header of 128 bytes, then elements of a tag (type, bytes) and values,
padded to 8 bytes. An array is an element (type 14, perhaps inside a compressed one, type 15) of four: flags, sizes,
name, and values in column-major order.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.errors import DataError
from minicnn.unpacking import allowed, inflated, naming

Array = Any
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
"""What values are stored as, and what they are (small whole doubles are stored as bytes)."""
MATRIX, COMPRESSED = 14, 15
HEADER = 128


def read_mat(path: str | Path) -> dict[str, Array]:
    """The numeric arrays in a .mat file of version 5, by name.

    Raises:
        DataError: a missing or damaged file, or another version.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        if content[126:128] not in (b"IM", b"MI") or len(content) < HEADER:
            raise DataError(f"{path} is no .mat file of version 5", got=f"it begins with {content[:20]!r}",
                            rule="MATLAB's save(…, '-v7') or '-v6'")
        order = "<" if content[126:128] == b"IM" else ">"
        with naming(path):
            return dict(_arrays(memoryview(content)[HEADER:], order))
    except FileNotFoundError:
        raise DataError(f"{path} does not exist", rule="a .mat file", hint="check the folder") from None
    except (struct.error, zlib.error, ValueError, LookupError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is damaged: {error}", rule="a whole .mat file", hint="download it again") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read", got=error.strerror, rule="a .mat file") from None


def _arrays(content: memoryview, order: str) -> Iterator[tuple[str, Array]]:
    for kind, values in _opened(content, order):
        if kind == MATRIX:
            flags, sizes, name, *parts = _elements(values, order)
            what = struct.unpack_from(order + "I", flags[1])[0] & 0xFF
            if what in _CLASSES:
                shape = np.frombuffer(sizes[1], order + "u4")
                numbers = np.frombuffer(parts[0][1], order + _TYPES[parts[0][0]])
                yield bytes(name[1]).decode("ascii"), numbers.astype(_CLASSES[what]).reshape(shape, order="F")


def _opened(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """The elements, and those inside of compressed ones; what is compressed twice is not opened."""
    room = allowed(len(content))
    for kind, values in _elements(content, order):
        if kind == COMPRESSED:
            unpacked = inflated(values, room)
            room -= len(unpacked)
            yield from _elements(memoryview(unpacked), order)
        else:
            yield kind, values


def _elements(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """(type, values) of each element; up to 4 bytes of values share the tag's 8."""
    at = 0
    while at < len(content):
        kind, size = struct.unpack_from(order + "II", content, at)
        small = kind >> 16
        if small:
            kind, size, start, step = kind & 0xFFFF, small, at + 4, 8
        else:
            start, step = at + 8, 8 + (size if kind == COMPRESSED else size + -size % 8)
        if start + size > len(content):
            raise ValueError(f"an element ends {start + size - len(content)} bytes behind the file")
        yield kind, content[start : start + size]
        at += step
