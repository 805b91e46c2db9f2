"""Files out of downloaded archives: only those that are asked for, each written aside and renamed when whole."""

from __future__ import annotations

import gzip
import os
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from minicnn.errors import DataError
from minicnn.unpacking import Bounded, check_unpacked, naming

# What Python's readers of archives raise on bytes that are not what they say.
_DAMAGE = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, OverflowError,
    LookupError, struct.error,
)  # fmt: skip


def extract(archive: Path, names: Iterable[str], folder: Path) -> None:
    """Write the members of a .tar.gz or .zip whose last path parts are ``names`` into ``folder``.

    Links and folders are never followed or made, so that an archive cannot write anywhere else.

    Raises:
        DataError: a damaged archive, one that lacks a name, or one that unpacks to too much (see ``unpacking``).
    """
    missing = set(names)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with naming(archive):
            for name, source in (_zipped if archive.suffix == ".zip" else _tarred)(archive):
                if name in missing:
                    _write(source(), folder / name)
                    missing.remove(name)
    except DataError:
        raise
    except _DAMAGE as error:
        raise DataError(f"{archive} is damaged: {str(error)[:200]}", rule="a whole archive",
                        hint="delete it, and download it again") from None
    if missing:
        raise DataError(f"{archive} lacks {', '.join(sorted(missing))}", hint="delete it, and download it again")


def _zipped(archive: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The last part of each member's path, and what opens it."""
    with zipfile.ZipFile(archive) as zipped:
        check_unpacked(sum(member.file_size for member in zipped.infolist()), archive.stat().st_size)
        for member in zipped.infolist():
            yield PurePosixPath(member.filename).name, partial(zipped.open, member)


def _tarred(archive: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The same of the files in a .tar.gz, which is read from front to end."""
    with gzip.open(archive) as stream:
        bounded: Any = Bounded(stream, archive.stat().st_size)
        with tarfile.open(fileobj=bounded, mode="r|") as tar:
            for entry in tar:
                if entry.isfile():
                    yield PurePosixPath(entry.name).name, partial(tar.extractfile, entry)
        while bounded.read(1 << 20):
            pass  # the checksum comes last


def _write(source: BinaryIO, path: Path) -> None:
    aside = path.with_name(path.name + ".part")
    try:
        with aside.open("wb") as file:
            shutil.copyfileobj(source, file)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
