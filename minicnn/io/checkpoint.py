"""PyTorch's checkpoints (.pt, .pth) without PyTorch.

A checkpoint is a zip archive: ``data.pkl``, a pickle of everything but the numbers, and ``data/0``, ``data/1``, …,
the memory of the tensors. Before PyTorch 1.6 it was one file: four pickles, and the same memory behind them.

Format: https://docs.pytorch.org/docs/stable/notes/serialization.html
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.backend import Device
from minicnn.errors import DataError
from minicnn.io.archive import Archive
from minicnn.io.files import reading
from minicnn.io.rebuild import BUILDERS, CONSTANTS, TENSORS, Kind, Rebuilder, refers_to
from minicnn.pickles import Reader

Array = Any

_RULE = "a file that torch.save or mc.save wrote"
_ORDERS = {b"little": "<", b"big": ">"}
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


def load_checkpoint(path: Path, device: Device | str | None) -> Any:
    """Read what ``torch.save`` wrote: tensors in dictionaries, lists and tuples, with numbers and strings."""
    with reading(path, "checkpoint of PyTorch", _RULE):
        with path.open("rb") as file:
            start = file.read(4)
        if start[:1] == b"\x80":
            return _Old(path.read_bytes()).read(device)
        if start != b"PK\x03\x04":
            raise DataError(f"{path} is no checkpoint of PyTorch", got=f"it begins with {start!r}", rule=_RULE,
                            hint="if it was downloaded: the server may have sent a page with an error")
        with Archive(path, stored=True) as archive:
            return _read_archive(archive, device)


def _read_archive(archive: Archive, device: Device | str | None) -> Any:
    pickles = [name for name in archive.names if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise DataError("it is a zip archive, but no checkpoint", got=f"{len(pickles)} data.pkl in it", rule=_RULE)
    folder = pickles[0].removesuffix("data.pkl")
    if f"{folder}constants.pkl" in archive.names:
        raise DataError("it is a TorchScript program, not a checkpoint", rule="tensors; nothing in a file is run",
                        hint="in PyTorch: torch.save(torch.jit.load(path).state_dict(), path)")
    order = archive.read(f"{folder}byteorder").tobytes() if f"{folder}byteorder" in archive.names else b"little"
    if order not in _ORDERS:
        raise DataError("its byte order is unknown", got=repr(order[:20]), rule="little or big")

    def memory(key: str, size: int) -> Array:
        if (found := archive.sizeof(f"{folder}data/{key}")) != size:
            raise DataError(f"its storage '{key[:80]}' is not as long as it says", got=f"{found} bytes",
                            rule=f"{size} bytes"[:80])
        return archive.read(f"{folder}data/{key}")

    described = io.BytesIO(archive.read(pickles[0]).tobytes())
    return Rebuilder(memory, _ORDERS[order], archive.size, device).read(described)


class _Old:
    """The form before PyTorch 1.6: magic number, protocol, system, values, keys of storages; then each one's memory."""

    def __init__(self, content: bytes) -> None:
        self.content, self.size = content, len(content)
        self.file = io.BytesIO(content)  # a file on the disk would ask for as much memory as a number in it says

    def read(self, device: Device | str | None) -> Any:
        """What was saved. The memory's places stand behind the values, which are therefore read twice."""
        if self._plain() != _MAGIC or self._plain() != _PROTOCOL:
            raise DataError("it is a bare pickle, no checkpoint", rule=_RULE,
                            hint="pickles are never run; in PyTorch: torch.save(model.state_dict(), path)")
        self._plain()  # the writer's type sizes; the memory is little-endian wherever it was written
        start = self.file.tell()
        kinds: dict[str, tuple[Kind, int]] = {}

        def note(reference: Any) -> None:
            key, kind, size = refers_to(reference)
            kinds[key] = kind, size

        Reader({**BUILDERS, **dict.fromkeys((*TENSORS, "torch._utils._rebuild_parameter"), _nothing)}, CONSTANTS,
               note).read(self.file)
        places = self._places(kinds)
        self.file.seek(start)
        return Rebuilder(lambda key, size: self._memory(*places[key], size), "<", self.size, device).read(self.file)

    def _plain(self) -> Any:
        return Reader({}, {}, refers_to).read(self.file)

    def _places(self, kinds: dict[str, tuple[Kind, int]]) -> dict[str, tuple[int, int]]:
        """Where each key's memory begins, and its length: the numbers of elements stand between them."""
        keys = self._plain()
        if not isinstance(keys, list) or not all(isinstance(k, str) for k in keys) or sorted(keys) != sorted(kinds):
            raise DataError("its storages are not those that its tensors need", rule=_RULE)
        places, at = {}, self.file.tell()
        for key in keys:
            kind, size = kinds[key]
            length = size * kind.itemsize
            if int.from_bytes(self.content[at : at + 8], "little") != size or at + 8 + length > self.size:
                raise DataError(f"its storage '{key[:80]}' is not as long as it says", rule=f"{length} bytes"[:80],
                                got=f"a file of {self.size} bytes")
            places[key] = at + 8, length
            at += 8 + length
        if at != self.size:
            raise DataError("it goes on behind its last storage", got=f"{self.size - at} bytes", rule=_RULE)
        return places

    def _memory(self, start: int, length: int, size: int) -> Array:
        if length != size:
            raise DataError("a storage in it has two lengths", got=f"{size} bytes"[:80], rule=f"{length} bytes")
        return np.frombuffer(self.content, np.uint8, size, start)


def _nothing(*_: Any) -> None:
    """Stands for a tensor while only its storage is looked for."""
