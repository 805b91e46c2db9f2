"""What all formats share: writing aside and then renaming, and one error for whatever a damaged file provokes."""

from __future__ import annotations

import os
import secrets
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from minicnn.backend import backend_of
from minicnn.dtypes import Dtype, bool_
from minicnn.errors import DataError, OptionError
from minicnn.tensor import Tensor

Array = Any

# What Python's readers of archives, numbers and text raise on bytes that are not what they say.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, RuntimeError, OverflowError,
    LookupError,
)  # fmt: skip


@contextmanager
def written_aside(path: Path) -> Iterator[BinaryIO]:
    """A new file that gets the name ``path`` only when all of it is on the disk; else nothing is left of it.

    It has the rights of any new file. (Those of ``tempfile`` can be read by nobody else.)

    Raises:
        DataError: a place where no file can be made.
    """
    aside = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}.part")
    with _making(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = aside.open("xb")
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with _making(path):
            aside.replace(path)
        sync_folder(path.parent)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can: a file that is there may have none after a crash.

    Windows opens no folders, and some file systems sync none.
    """
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _making(path: Path) -> Iterator[None]:
    """One error for a name that cannot be given to a new file."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path} cannot be written", got=error.strerror, rule="a folder where you may make files",
                        hint="another folder, or another name") from None


@contextmanager
def reading(path: Path, kind: str, rule: str) -> Iterator[None]:
    """Turn whatever reading ``path`` provokes into one DataError that names it."""
    try:
        yield
    except DataError as error:
        if error.what.startswith(str(path)):
            raise
        raise DataError(f"{path}: {error.what}", got=error.got, rule=error.rule, hint=error.hint) from None
    except FileNotFoundError:
        raise DataError(f"{path} does not exist", rule=rule, hint="check the folder") from None
    except (IsADirectoryError, PermissionError) as error:
        raise DataError(f"{path} cannot be read", got=error.strerror, rule=rule) from None
    except _DAMAGE as error:
        raise damaged(path, kind, (str(error).splitlines() or [type(error).__name__])[0], rule) from None


def damaged(path: Path, kind: str, got: str, rule: str) -> DataError:
    """The error for a file that is not what its name says."""
    return DataError(f"{path} is damaged, or no {kind}", got=got[:200], rule=rule,
                     hint="copy or download it again from where it came")


def as_values(content: Array, dtype: Dtype) -> Array:
    """Bytes (uint8) as values in this machine's byte order; whatever is not 0 is True."""
    if dtype == bool_:
        return content != 0
    aligned = np.require(content.view(dtype), requirements=["A", "W"])
    return aligned.astype(dtype.newbyteorder("="), copy=False)


def widened(content: Array, order: str) -> Array:
    """Bytes (uint8) of bfloat16 in a byte order, ``<`` or ``>``, as float32: the same bits, and sixteen zeros."""
    return (content.view(f"{order}u2").astype(np.uint32) << 16).view(np.float32)


def named_arrays(state: Mapping[str, Tensor], suffix: str) -> dict[str, Array]:
    """NumPy arrays of a flat state dict, for formats that hold nothing else.

    Raises:
        OptionError: for a value that is no tensor.
    """
    if not isinstance(state, Mapping):
        raise OptionError(f"save: a {suffix} file holds names and tensors", got=type(state).__name__,
                          rule="a state dict", hint="mc.save(model.state_dict(), path)")
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise OptionError(f"save: '{name}' is no tensor", got=type(value).__name__,
                              rule=f"a {suffix} file holds names and tensors, nothing else",
                              hint="the suffix .pt, for dictionaries, lists and numbers as well")
    return {name: backend_of(t.array).to_numpy(t.array) for name, t in state.items()}
