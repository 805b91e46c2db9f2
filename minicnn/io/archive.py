"""Reading a zip archive that nobody vouches for: every size is checked before memory is asked for.

Nothing is ever unpacked to the disk: a member's name is only a key, so a name that climbs out of the folder
leads nowhere.
"""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path
from typing import Any, Self

import numpy as np

from minicnn.errors import DataError
from minicnn.unpacking import allowed

Array = Any
_CHUNK = 1 << 20
_TAIL, _MANY = (1 << 16) + 22, (1 << 16) - 1


class Archive:
    """The members of the zip file at ``path``, by name.

    Args:
        stored: whether members must lie uncompressed, as PyTorch writes them. Otherwise all of them together may
            unpack to 64 MiB, or to 100 times the file's size if that is more: an archive bomb is refused unopened.
    """

    def __init__(self, path: Path, *, stored: bool = False) -> None:
        self.path, self.size = path, path.stat().st_size
        self._zip = zipfile.ZipFile(path)
        self._members = {member.filename: member for member in self._zip.infolist()}
        try:
            self._check(stored)
        except DataError:
            self._zip.close()
            raise

    def _check(self, stored: bool) -> None:
        members = self._zip.infolist()
        if len(self._members) != len(members):
            raise DataError(f"{self.path}: two members of the archive have one name", rule="each name once")
        if (promised := self._promised()) not in (len(members), _MANY):
            raise DataError(f"{self.path} is damaged: members are missing from its directory",
                            got=f"{len(members)} of {promised}", rule="as many as its end says")
        known = (zipfile.ZIP_STORED,) if stored else (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if strange := [m.filename for m in members if m.compress_type not in known]:
            raise DataError(f"{self.path}: '{strange[0][:80]}' in it is compressed in a way that is not read",
                            rule="uncompressed" if stored else "uncompressed, or deflated",
                            hint="unpack the archive, and pack it again with zip -0 -r")
        limit = self.size if stored else allowed(self.size)
        if (total := sum(member.file_size for member in members)) > limit:
            raise DataError(f"{self.path}: its members claim {total:,} bytes",
                            got=f"a file of {self.size:,} bytes", rule=f"at most {limit:,}")

    def _promised(self) -> int:
        """The number of members by the record at the file's end: a damaged directory may hide some of them."""
        with self.path.open("rb") as file:
            file.seek(max(0, self.size - _TAIL))
            tail = file.read(_TAIL)
        at = tail.rfind(b"PK\5\6") + 10
        return int.from_bytes(tail[at : at + 2], "little")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    @property
    def names(self) -> list[str]:
        """The members' names, in the file's order."""
        return list(self._members)

    def sizeof(self, name: str) -> int:
        """The bytes in a member, as the directory at the file's end says; ``read`` makes sure of it."""
        if name not in self._members:
            raise DataError(f"{self.path}: there is no member '{name[:80]}'", rule="every part the file names is in it")
        return self._members[name].file_size

    def is_link(self, name: str) -> bool:
        """Whether a member would become a link to another file."""
        return stat.S_ISLNK(self._members[name].external_attr >> 16)

    def read(self, name: str) -> Array:
        """A member's bytes (uint8), checked against its length and its checksum."""
        size = self.sizeof(name)
        whole, found = np.empty(size, np.uint8), 0
        with self._zip.open(self._members[name]) as member:
            while chunk := member.read(_CHUNK):
                if found + len(chunk) > size:
                    break
                whole[found : found + len(chunk)] = np.frombuffer(chunk, np.uint8)
                found += len(chunk)
            if chunk or found != size:
                raise DataError(f"{self.path}: '{name[:80]}' in it is not as long as it says", rule=f"{size} bytes")
        return whole
