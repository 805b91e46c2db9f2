"""Every reader of files that nobody vouches for, with whole files to change, and a watch on what reading does.

The rule for all of them: any content gives a value or one of the errors that we document, soon and in little memory;
no file outside of the reader's folder is written, and nothing is executed.
"""

from __future__ import annotations

import functools
import gzip
import io
import os
import pickle
import struct
import sys
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import minicnn as mc
from minicnn.cli.network import About
from minicnn.datasets import CIFAR10, CIFAR100, SVHN, read_idx, read_mat
from minicnn.datasets.archive import extract
from minicnn.datasets.folder import load_image
from minicnn.datasets.pickled import read_pickled
from minicnn.errors import DataError
from minicnn.hub import load_weights
from minicnn.io import load
from tests.long.request import EXCHANGES, answer

REFERENCE = Path(__file__).parent.parent / "reference"
STATE = {"w": mc.arange(12).reshape(3, 4).float(), "b": mc.tensor([True, False]), "n": mc.tensor(3)}


@dataclass(frozen=True)
class Reader:
    """A reader, and files that it reads.

    Attributes:
        file: the name that the content gets.
        read: reads the file of this name.
        seeds: whole contents.
        wrap: makes the file of a content; behind it changes are met that a checksum in front would refuse.
        errors: what it may raise.
    """

    file: str
    read: Callable[[Path], Any]
    seeds: Callable[[], list[bytes]]
    wrap: Callable[[bytes], bytes] = bytes
    errors: tuple[type[Exception], ...] = (DataError,)

    def on(self, content: bytes, folder: Path) -> Any:
        """What reading ``content`` gives, or the error that it gives: any but the documented escape from here."""
        path = folder / self.file
        path.write_bytes(self.wrap(content))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self.read(path)
        except self.errors as error:
            if len(str(error)) > 2000:
                raise AssertionError("an error as long as the file") from error
            return error


def saved(suffix: str) -> Callable[[], list[bytes]]:
    """What ``save`` writes."""

    def contents() -> list[bytes]:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"m{suffix}"
            mc.save(STATE, path)
            return [path.read_bytes()]

    return contents


def zipped(name: str, *others: tuple[str, bytes]) -> Callable[[bytes], bytes]:
    """An archive of a content under a name, and of others."""

    def wrap(content: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for member, held in ((name, content), *others):
                archive.writestr(member, held)
        return buffer.getvalue()

    return wrap


def members(content: bytes, ending: str) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [archive.read(name) for name in archive.namelist() if name.endswith(ending)]


def checkpoints() -> list[bytes]:
    return [(REFERENCE / "checkpoint.pt").read_bytes(), *saved(".pt")()]


def pickles() -> list[bytes]:
    return [kept()["checkpoint/data.pkl"]]


def checkpoint_of(described: bytes) -> bytes:
    """A checkpoint with the memory of the kept one."""
    memory = [(name, held) for name, held in kept().items() if "/data/" in name]
    return zipped("checkpoint/data.pkl", *memory)(described)


@functools.cache
def kept() -> dict[str, bytes]:
    """The members of the kept checkpoint."""
    with zipfile.ZipFile(REFERENCE / "checkpoint.pt") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def idx(array: np.ndarray[Any, Any], code: int = 8) -> bytes:
    return bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def idx_files() -> list[bytes]:
    return [idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4)), idx(np.arange(3, dtype=">i4"), 0x0C),
            idx(np.zeros((0, 5), ">f8"), 0x0E)]  # fmt: skip


class FewOf10(CIFAR10):
    """CIFAR-10 of any length."""

    images_a_file = None


class FewOf100(CIFAR100):
    """CIFAR-100 of any length."""

    images_a_file = None


def cifar_records(extra: int) -> list[bytes]:
    return [(bytes([3] * (1 + extra)) + bytes(range(256)) * 12) * n for n in (1, 2)]


def cifar_pickles() -> list[bytes]:
    batch = {"data": np.arange(3072, dtype=np.uint8).reshape(1, -1), "labels": [3], "filenames": ["a.png"]}
    return [pickle.dumps(batch, 2), pickle.dumps(batch, 4)]


def element(kind: int, content: bytes) -> bytes:
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def mat_arrays() -> list[bytes]:
    """X and y of one image as SVHN has them, without the file's header."""

    def array(name: bytes, sizes: tuple[int, ...]) -> bytes:
        values = bytes(range(int(np.prod(sizes))))
        return element(14, element(6, struct.pack("<II", 9, 0)) + element(5, struct.pack(f"<{len(sizes)}i", *sizes))
                       + element(1, name) + element(2, values))  # fmt: skip

    return [array(b"X", (2, 2, 3, 2)) + array(b"y", (2, 1)), array(b"v", (7,))]


def mat(content: bytes) -> bytes:
    return bytes(124) + b"\0\1IM" + content


def mat_files() -> list[bytes]:
    return [mat(content) for content in mat_arrays()]


def mat_packed(content: bytes) -> bytes:
    packed = zlib.compress(content)
    return mat(struct.pack("<II", 15, len(packed)) + packed)


def images() -> list[bytes]:
    """A picture in each format that is common."""
    from PIL import Image

    found = []
    picture = Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
    for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "TGA"):
        buffer = io.BytesIO()
        picture.save(buffer, kind)
        found.append(buffer.getvalue())
    return found


def tars(mode: str) -> Callable[[], list[bytes]]:
    def contents() -> list[bytes]:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode) as archive:
            for name in ("f/x", "../y", "/etc/z"):
                entry = tarfile.TarInfo(name)
                entry.size = 4
                archive.addfile(entry, io.BytesIO(b"1234"))
            link = tarfile.TarInfo("f/w")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/hosts"
            archive.addfile(link)
        return [buffer.getvalue()]

    return contents


def zips() -> list[bytes]:
    return [zipped("f/x", ("../y", b"1234"), ("/etc/z", b"5"))(b"1")]


def unpack(path: Path) -> None:
    extract(path, ["x", "y", "z"], path.parent / "out")


def network(path: Path) -> None:
    """A network's weights: names, shapes and dtypes may be any."""
    load_weights(mc.nn.Sequential(mc.nn.Linear(3, 2)), path)


def states() -> list[bytes]:
    weight, bias = (npy(np.zeros(shape, "float32")) for shape in ((2, 3), (2,)))
    return [*saved(".npz")(), zipped("0.weight.npy", ("0.bias.npy", bias))(weight)]


def npy(array: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def described() -> list[bytes]:
    return [b'{"model": "lenet", "classes": ["a", "b"], "channels": 1, "mean": [0.1], "std": [0.3], "size": 28}']


READERS: dict[str, Reader] = {
    "npz": Reader("m.npz", load, saved(".npz")),
    "npy": Reader("m.npz", load, lambda: members(saved(".npz")()[0], ".npy"), zipped("w.npy")),
    "safetensors": Reader("m.safetensors", load, saved(".safetensors")),
    "checkpoint": Reader("m.pt", load, checkpoints),
    "pickle": Reader("m.pt", load, pickles, checkpoint_of),
    "old": Reader("m.pth", load, lambda: [(REFERENCE / "checkpoint_before_1.6.pt").read_bytes()]),
    "weights": Reader("m.npz", network, states, errors=(DataError, mc.errors.StateError)),
    "idx": Reader("m-ubyte", read_idx, idx_files),
    "idx_gz": Reader("m-ubyte.gz", read_idx, lambda: [gzip.compress(content) for content in idx_files()]),
    "cifar10": Reader("test_batch.bin", lambda path: FewOf10(path.parent, train=False), lambda: cifar_records(0)),
    "cifar100": Reader("test.bin", lambda path: FewOf100(path.parent, train=False), lambda: cifar_records(1)),
    "cifar_pickle": Reader("test_batch", read_pickled, cifar_pickles),
    "cifar_batch": Reader("test_batch", lambda path: CIFAR10(path.parent, train=False), cifar_pickles),
    "mat": Reader("m.mat", read_mat, mat_files),
    "mat_packed": Reader("m.mat", read_mat, mat_arrays, mat_packed),
    "svhn": Reader("test_32x32.mat", lambda path: SVHN(path.parent, "test"), mat_arrays, mat),
    "image": Reader("m.png", load_image, images),
    "tar": Reader("m.tar.gz", unpack, tars("w"), gzip.compress),
    "tar_gz": Reader("m.tar.gz", unpack, tars("w:gz")),
    "zip": Reader("m.zip", unpack, zips),
    "description": Reader("m.json", lambda path: About.load(path.with_suffix(".npz")), described),
    "playground": Reader("request", lambda path: answer(path.read_bytes()), lambda: EXCHANGES),
}
"""By name. A new reader of files belongs here, and is then fuzzed."""


class Watch:
    """Notes what must not happen while files are read: files written elsewhere, processes, code, connections.

    Python cannot forget an audit hook; this one is idle outside of ``over``.
    """

    _RUNS = ("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.", "exec", "compile",
             "socket.connect", "ctypes.", "pickle.find_class", "marshal.load", "code.")  # fmt: skip
    _CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
    _MODULES = ("minicnn", "PIL", "numpy", "encodings", "safetensors", "json", "zlib", "_", "olefile", "defusedxml")

    def __init__(self) -> None:
        self.folder: str | None = None
        self.faults: list[str] = []
        sys.addaudithook(self._hook)

    @contextmanager
    def over(self, folder: Path) -> Iterator[None]:
        """Watch a block that may write below ``folder`` only. Errors: AssertionError with what was done."""
        self.faults.clear()
        self.folder = os.path.realpath(folder)
        try:
            yield
        finally:
            self.folder = None
        assert not self.faults, self.faults

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (
                isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))  # fmt: skip
            if writes and not self._inside(path):
                self.faults.append(f"{event} {path!r} {mode}")
        elif event.startswith(self._CHANGES):
            if not self._inside(arguments[0]):
                self.faults.append(f"{event} {arguments!r}")
        elif event.startswith(self._RUNS) and not _by_import():
            self.faults.append(f"{event} {str(arguments)[:200]}")

    def _inside(self, path: Any) -> bool:
        if isinstance(path, int):
            return True  # an open file: it was noted when it was opened
        return os.path.realpath(os.fsdecode(path)).startswith(f"{self.folder}{os.sep}") or os.fsdecode(
            path
        ) == os.devnull  # fmt: skip


def _by_import() -> bool:
    """Whether Python's own import of a module of the installation is what runs code."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap_external>":
            return True
        frame = frame.f_back
    return False
