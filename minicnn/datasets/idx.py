"""The IDX format of MNIST and its relatives: a magic number, the sizes, then the values, perhaps gzipped.

Format: http://yann.lecun.com/exdb/mnist/ (section "FILE FORMATS").
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.errors import DataError
from minicnn.unpacking import Bounded, naming

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | Path) -> np.ndarray[Any, Any]:
    """The array in an IDX file, gzipped or not, in native byte order.

    Raises:
        DataError: a missing, truncated or overlong file, or one that is no IDX file; names the file and what is wrong.
    """
    path = Path(path)
    try:
        with naming(path), (gzip.open(path) if path.suffix == ".gz" else path.open("rb")) as file:
            return _parse(Bounded(file, path.stat().st_size) if path.suffix == ".gz" else file, path)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist", rule="an IDX file, .gz or not", hint="check the folder") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged: {error}", rule="a whole gzip file", hint="download it again") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read", got=error.strerror, rule="an IDX file, .gz or not") from None


def _parse(file: Any, path: Path) -> np.ndarray[Any, Any]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES or not 1 <= magic[3] <= 4:
        raise DataError(f"{path} is no IDX file", got=f"it begins with {magic!r}",
                        rule="two zero bytes, a type code, the number of dimensions (1 to 4)")
    header = file.read(4 * magic[3])
    if len(header) < 4 * magic[3]:
        raise DataError(f"{path} is truncated", got="its header ends early", hint="download it again")
    shape = tuple(int(n) for n in np.frombuffer(header, ">u4"))
    dtype = np.dtype(_DTYPES[magic[2]])
    expected = math.prod(shape) * dtype.itemsize
    chunks, found = [], 0
    while found <= expected and (chunk := file.read(min(1 << 20, expected + 1 - found) or 1)):
        chunks.append(chunk)
        found += len(chunk)
    if found != expected:
        fault = "truncated" if found < expected else "too long"
        raise DataError(f"{path} is {fault}", got=f"{found} bytes of values{' or more' if found > expected else ''}",
                        rule=f"its header promises {shape} {dtype.name}: {expected} bytes", hint="download it again")
    if math.prod(n or 1 for n in shape) * dtype.itemsize >= 1 << 63:  # with a 0 among them
        raise DataError(f"{path} is damaged", got=f"sizes {shape}", rule="sizes of an array", hint="download it again")
    return np.frombuffer(b"".join(chunks), dtype).reshape(shape).astype(dtype.newbyteorder("="))


def write_idx(path: str | Path, array: np.ndarray[Any, Any]) -> None:
    """Write ``array`` as a gzipped IDX file whose bytes depend on the values alone."""
    code = next(code for code, name in _DTYPES.items() if np.dtype(name).newbyteorder("=") == array.dtype)
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    values = np.ascontiguousarray(array, np.dtype(_DTYPES[code])).tobytes()
    Path(path).write_bytes(gzip.compress(header + values, 9, mtime=0))
