"""State dicts in NumPy's .npz: a zip archive of named arrays, no pickle.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.backend import Device
from minicnn.dtypes import SUPPORTED
from minicnn.errors import DataError
from minicnn.io.archive import Archive
from minicnn.io.files import as_values, named_arrays, reading, written_aside
from minicnn.tensor import Tensor, place

Array = Any

# NumPy evaluates an array's header as Python; these are the only forms of it that it writes for plain arrays. There is
# one way only to match a list of numbers: with two, a long one that does not end well would be tried in all ways.
_HEADER = re.compile(
    r"\{'descr': '([<>|=]\w\d)', 'fortran_order': (True|False), 'shape': \(((?:\d+,|\d+(?:, \d+)+)?)\), \}\s*"
)  # fmt: skip
_DTYPES = {d.str: d for supported in SUPPORTED for d in (supported.newbyteorder("<"), supported.newbyteorder(">"))}
_RULE = "a file that mc.save wrote, or numpy.savez of plain arrays"


def save_npz(state: Mapping[str, Tensor], path: Path) -> None:
    """Write named tensors."""
    arrays = named_arrays(state, ".npz")
    with written_aside(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def load_npz(path: Path, device: Device | str | None) -> dict[str, Tensor]:
    """Read named tensors."""
    with reading(path, ".npz of plain arrays", _RULE), Archive(path) as archive:
        members = {name.removesuffix(".npy"): name for name in archive.names}
        if len(members) != len(archive.names):
            raise DataError("two arrays in it have one name, one with and one without .npy", rule="each name once")
        return {name: place(_array(archive, member), device) for name, member in members.items()}


def _array(archive: Archive, name: str) -> Array:
    content = archive.read(name)
    header, values = _split(content)
    match = _HEADER.fullmatch(header)
    if match is None or match[1] not in _DTYPES:
        raise DataError(f"{archive.path}: '{name[:80]}' in it is no plain array", got=repr(header.strip()[:120]),
                        rule=f"an array of {', '.join(map(str, SUPPORTED))}")
    dtype, shape = _DTYPES[match[1]], tuple(int(size) for size in match[3].replace(",", " ").split())
    if math.prod(shape) * dtype.itemsize != values.size:
        raise DataError(f"{archive.path}: '{name[:80]}' in it is not as long as its header says",
                        got=f"{values.size} bytes of values", rule=f"{shape} of {dtype}"[:200])
    return as_values(values, dtype).reshape(shape, order="F" if match[2] == "True" else "C")


def _split(content: Array) -> tuple[str, Array]:
    """The header's text and the bytes of the values in an .npy file's content."""
    start = content[:12].tobytes()
    if start[:6] != b"\x93NUMPY" or start[6:7] not in (b"\1", b"\2", b"\3"):
        return start.decode("latin1"), content
    first = 10 if start[6] == 1 else 12
    end = first + int.from_bytes(start[8:first], "little")
    return content[first : min(end, 10_000)].tobytes().decode("latin1"), content[end:]
