"""Files out of downloaded archives: only those that are asked for, each written aside and renamed when whole."""

from __future__ import annotations

import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from minicnn.errors import DataError


def extract(archive: Path, names: Iterable[str], folder: Path) -> None:
    """Write the members of a .tar.gz or .zip whose last path parts are ``names`` into ``folder``.

    Links and folders are never followed or made, so that an archive cannot write anywhere else.

    Raises:
        DataError: a damaged archive, or one that lacks a name.
    """
    missing = set(names)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as zipped:
                for member in zipped.namelist():
                    if (name := PurePosixPath(member).name) in missing:
                        with zipped.open(member) as source:
                            _write(source, folder / name)  # type: ignore[arg-type]
                        missing.remove(name)
        else:
            with tarfile.open(archive, "r:gz") as tar:
                for entry in tar:
                    if entry.isfile() and (name := PurePosixPath(entry.name).name) in missing:
                        _write(tar.extractfile(entry), folder / name)  # type: ignore[arg-type]
                        missing.remove(name)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise DataError(f"{archive} is damaged: {error}", rule="a whole archive",
                        hint="delete it, and download it again") from None
    if missing:
        raise DataError(f"{archive} lacks {', '.join(sorted(missing))}", hint="delete it, and download it again")


def _write(source: BinaryIO, path: Path) -> None:
    aside = path.with_name(path.name + ".part")
    try:
        with aside.open("wb") as file:
            shutil.copyfileobj(source, file)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
