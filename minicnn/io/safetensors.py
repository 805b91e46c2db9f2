"""State dicts in safetensors, through the library (the extra "weights").

Format: https://github.com/huggingface/safetensors
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from minicnn.backend import Device
from minicnn.dtypes import SUPPORTED, Dtype
from minicnn.errors import DataError, MissingPackageError
from minicnn.io.files import as_values, damaged, named_arrays, reading, widened, written_aside
from minicnn.tensor import Tensor, place

Array = Any
_KIND, _RULE = "safetensors file", "a whole file in the safetensors format"
_DTYPES: dict[str, Dtype] = {
    "BOOL" if d.kind == "b" else f"{d.kind.upper()}{8 * d.itemsize}": d.newbyteorder("<") for d in SUPPORTED
}  # fmt: skip


def save_safetensors(state: Mapping[str, Tensor], path: Path) -> None:
    """Write named tensors."""
    find_library()
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(a).reshape(a.shape) for name, a in named_arrays(state, ".safetensors").items()}
    with written_aside(path) as file:
        file.write(save(arrays))


def load_safetensors(path: Path, device: Device | str | None) -> dict[str, Tensor]:
    """Read named tensors; the library checks every size in the header against the file."""
    library = find_library()
    with reading(path, _KIND, _RULE):
        content = path.read_bytes()
        try:
            found = library.deserialize(content)
        except library.SafetensorError as error:
            raise damaged(path, _KIND, str(error), _RULE) from None
        _check_names(path, content)
        return {name: place(_array(path, name, entry), device) for name, entry in found}


def _array(path: Path, name: str, entry: dict[str, Any]) -> Array:
    content = np.frombuffer(entry["data"], np.uint8)
    if entry["dtype"] == "BF16":
        return widened(content, "<").reshape(entry["shape"])
    if entry["dtype"] not in _DTYPES:
        raise DataError(f"{path}: '{name[:80]}' in it is of a dtype that minicnn lacks", got=entry["dtype"],
                        rule=f"one of {', '.join([*_DTYPES, 'BF16'])}")
    return as_values(content, _DTYPES[entry["dtype"]]).reshape(entry["shape"])


def _check_names(path: Path, content: bytes) -> None:
    """Refuse a name that the header has twice: which of the two counts would be each reader's guess."""
    pairs = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")], object_pairs_hook=lambda pairs: pairs)
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise DataError(f"{path}: two tensors in it have one name", rule="each name once")


def find_library() -> ModuleType:
    """The library. Errors: MissingPackageError."""
    try:
        import safetensors
    except ImportError:
        raise MissingPackageError("safetensors files need the library safetensors, which is not installed",
                                  rule='it comes with the extra "weights"',
                                  hint='pip install "minicnn[weights]"') from None
    return safetensors
