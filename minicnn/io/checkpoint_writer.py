"""Writing checkpoints that ``torch.load`` reads, also with ``weights_only=True``. See ``checkpoint`` for the format."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from minicnn.backend import backend_of
from minicnn.errors import DtypeError
from minicnn.io.files import written_aside
from minicnn.io.rebuild import STORAGES
from minicnn.nn.parameter import Parameter
from minicnn.tensor import Size, Tensor

Array = Any
_NAMES = {dtype: name for name, dtype in STORAGES.items()}
_DEPTH = 100
_ALIGNMENT = 64
_HEADER = 30


def save_checkpoint(state: Any, path: Path) -> None:
    """Write tensors and the plain containers around them."""
    writer = _Writer()
    writer.write(state, 0)
    described = b"".join([pickle.PROTO, b"\x02", *writer.parts, pickle.STOP])
    with written_aside(path) as file, zipfile.ZipFile(file, "w") as archive:
        _add(archive, file, f"{path.stem}/data.pkl", described)
        _add(archive, file, f"{path.stem}/byteorder", b"little")
        for key, array in enumerate(writer.storages):
            values = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            _add(archive, file, f"{path.stem}/data/{key}", values.reshape(-1).view(np.uint8).data)
        _add(archive, file, f"{path.stem}/version", b"3\n")


def _add(archive: zipfile.ZipFile, file: BinaryIO, name: str, content: bytes | memoryview) -> None:
    """Add a member whose content begins at a multiple of 64 bytes, so that PyTorch can map it into memory."""
    info = zipfile.ZipInfo(name)
    start = file.tell() + _HEADER + len(name.encode())
    padding = -(start + 4) % _ALIGNMENT
    info.extra = b"FB" + struct.pack("<H", padding) + bytes(padding)
    info.file_size = len(content)
    archive.writestr(info, content)


class _Writer:
    """Pickle instructions for plain values; tensors refer to ``storages``."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.storages: list[Array] = []
        self.keys: dict[Any, int] = {}

    def write(self, value: Any, depth: int) -> None:
        """Add a value of any kind that is known."""
        if depth > _DEPTH:
            raise DtypeError("save: containers inside one another without end", got=f"depth {depth}",
                             rule=f"at most {_DEPTH} deep")
        if isinstance(value, Tensor):
            self.tensor(value)
        elif type(value) in (dict, OrderedDict):
            self.dictionary(value, depth)
        elif type(value) in (list, tuple, Size):
            if type(value) is Size:
                self.name("torch", "Size")
            self.parts += [pickle.EMPTY_LIST, pickle.MARK] if type(value) is list else [pickle.MARK]
            for item in value:
                self.write(item, depth + 1)
            self.parts.append(pickle.APPENDS if type(value) is list else pickle.TUPLE)
            if type(value) is Size:
                self.parts += [pickle.TUPLE1, pickle.REDUCE]
        elif type(value) in _SCALARS:
            self.parts.append(_SCALARS[type(value)](value))
        elif isinstance(value, np.dtype) and value in _NAMES:
            self.name("torch", value.name)
        else:
            raise DtypeError(f"save: a {type(value).__name__} cannot be written", got=repr(value)[:80],
                             rule="tensors, dictionaries, lists, tuples, numbers and strings",
                             hint="model.state_dict() for a model, .item() or .tolist() for other numbers")

    def dictionary(self, value: dict[Any, Any], depth: int) -> None:
        """A dictionary; a state dict keeps the versions that come with it."""
        if isinstance(value, OrderedDict):
            self.name("collections", "OrderedDict")
            self.parts += [pickle.EMPTY_TUPLE, pickle.REDUCE]
        else:
            self.parts.append(pickle.EMPTY_DICT)
        self.parts.append(pickle.MARK)
        for key, item in value.items():
            if type(key) not in _SCALARS:
                raise DtypeError("save: a dictionary's key cannot be written", got=repr(key)[:80],
                                 rule="strings and numbers")
            self.write(key, depth + 1)
            self.write(item, depth + 1)
        self.parts.append(pickle.SETITEMS)
        if metadata := getattr(value, "_metadata", None):
            self.dictionary({"_metadata": metadata}, depth + 1)
            self.parts.append(pickle.BUILD)

    def tensor(self, value: Tensor) -> None:
        """The call that makes a tensor, or a parameter, of its storage."""
        parameter = isinstance(value, Parameter)
        if parameter:
            self.name("torch._utils", "_rebuild_parameter")
            self.parts.append(pickle.MARK)
        array = value.array
        self.name("torch._utils", "_rebuild_tensor_v2")
        self.parts.append(pickle.MARK)
        self.storage(array, (value.device, value.data_ptr(), array.dtype, array.shape, array.strides))
        self.write(0, 0)
        self.write(tuple(array.shape), 0)
        self.write(_strides(array.shape), 0)
        self.write(value.requires_grad and not parameter, 0)
        self.hooks()
        if parameter:
            self.write(value.requires_grad, 0)
            self.hooks()

    def hooks(self) -> None:
        """No backward hooks; the end of a tensor's arguments, and the call."""
        self.dictionary(OrderedDict(), 0)
        self.parts += [pickle.TUPLE, pickle.REDUCE]

    def storage(self, array: Array, layout: tuple[Any, ...]) -> None:
        """A reference to the values; tensors that are one memory (tied weights, of one ``layout``) stay one."""
        key = self.keys.setdefault(layout if array.size else object(), len(self.storages))
        if key == len(self.storages):
            self.storages.append(backend_of(array).to_numpy(array))
        self.parts.append(pickle.MARK)
        self.write("storage", 0)
        self.name("torch", _NAMES[array.dtype])
        self.write(str(key), 0)
        self.write("cpu", 0)
        self.write(array.size, 0)
        self.parts += [pickle.TUPLE, pickle.BINPERSID]

    def name(self, module: str, attribute: str) -> None:
        """A name, which the reader resolves."""
        self.parts.append(pickle.GLOBAL + f"{module}\n{attribute}\n".encode())


def _strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides = [1]
    for size in shape[:0:-1]:
        strides.append(strides[-1] * max(size, 1))
    return tuple(strides[::-1]) if shape else ()


def _text(value: str) -> bytes:
    encoded = value.encode("utf-8", "surrogatepass")
    return pickle.BINUNICODE + struct.pack("<I", len(encoded)) + encoded


def _number(value: int) -> bytes:
    if -(1 << 31) <= value < 1 << 31:
        return pickle.BININT + struct.pack("<i", value)
    encoded = pickle.encode_long(value)
    if len(encoded) > 255:
        raise DtypeError("save: a number is too large", got=f"{len(encoded)} bytes", rule="at most 255 bytes")
    return pickle.LONG1 + bytes([len(encoded)]) + encoded


_SCALARS: dict[type, Callable[[Any], bytes]] = {
    str: _text,
    int: _number,
    bool: lambda value: pickle.NEWTRUE if value else pickle.NEWFALSE,
    float: lambda value: pickle.BINFLOAT + struct.pack(">d", value),
    type(None): lambda _: pickle.NONE,
}
