"""A strict stand-in for a GPU: arrays that are no ndarray, refuse ``np.asarray``, and know only what CuPy has.

It computes on the host, so that where no GPU is, the suite still finds a NumPy call that slips onto a device array, an
array of the wrong device, or a function that CuPy lacks. ``register()`` adds it as the device type ``"standin"``.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from minicnn.backend import register_backend
from minicnn.backend.late import LateErrors
from minicnn.backend.portable import Backend
from minicnn.testing.cupy_names import FUNCTIONS, LINALG, METHODS, UFUNC_AT


class Traffic:
    """What went between host and device: copies ``to_host``, each of which waits for the device, and ``to_device``;
    other ``waits``; and copies to the host that were ``begun``, and are waited for later."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Count from 0 again."""
        self.to_host = self.to_device = self.waits = self.begun = 0


traffic = Traffic()


class StrictArray:
    """An array of the stand-in device: operators, CuPy's methods, and nothing implicit."""

    __slots__ = ("__weakref__", "_host")
    __array_ufunc__ = None
    __array_priority__ = 100

    def __init__(self, host: np.ndarray[Any, Any]) -> None:
        self._host = host

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("implicit conversion of a device array to NumPy; use backend.to_numpy")

    def __array_function__(self, function: Any, *args: Any) -> Any:
        raise TypeError(f"numpy.{function.__name__} was called on a device array; use the backend's xp")

    shape = property(lambda self: self._host.shape)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    strides = property(lambda self: self._host.strides)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    T = property(lambda self: StrictArray(self._host.T))
    base = property(lambda self: None if self._host.base is None else self)
    data = property(lambda self: SimpleNamespace(ptr=self._host.ctypes.data))
    __cuda_array_interface__ = property(lambda self: self._host.__array_interface__)

    @property
    def flags(self) -> Any:
        """Contiguity; like CuPy's, without ``writeable``."""
        flags = self._host.flags
        return SimpleNamespace(c_contiguous=flags.c_contiguous, f_contiguous=flags.f_contiguous, owndata=flags.owndata)

    def item(self) -> Any:
        """The one element as a Python number."""
        return self.get().item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self.get().tolist()

    def get(self) -> np.ndarray[Any, Any]:
        """A copy on the host: the one way out."""
        traffic.to_host += 1
        return self._host.copy()

    def __getattr__(self, name: str) -> Any:
        if name in METHODS:
            return _guarded(getattr(self._host, name), f"method {name}", waits=name in SIZED_BY_VALUES)
        raise AttributeError(f"a device array has no attribute {name!r}")

    def __getitem__(self, key: Any) -> Any:
        traffic.to_device += _has_list(key)
        traffic.waits += isinstance(key, StrictArray) and key.dtype == "bool"
        return _wrap(self._host[_unwrap(key, "index")])

    def __setitem__(self, key: Any, value: Any) -> None:
        traffic.to_device += _has_list(key)
        self._host[_unwrap(key, "index")] = _unwrap(value, "assigned value")

    def __len__(self) -> int:
        return len(self._host)

    def __bool__(self) -> bool:
        return bool(self.get())

    def __float__(self) -> float:
        return float(self.get())

    def __int__(self) -> int:
        return int(self.get())

    def __index__(self) -> int:
        return self.get().__index__()

    def __repr__(self) -> str:
        return f"StrictArray({self._host!r})"

    def __dlpack__(self, **options: Any) -> Any:
        return self._host.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._host.__dlpack_device__()


_QUIET = np.errstate(all="ignore")  # a device has no floating point warnings


def _operator(name: str) -> Any:
    @_QUIET
    def compute(self: StrictArray, *others: Any) -> Any:
        method = getattr(self._host, name)
        found = method(*(_unwrap(o, name) for o in others))
        return found if found is NotImplemented else _wrap(found, self)

    compute.__name__ = name
    return compute


_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift")
_UNARY = ("neg", "pos", "abs", "invert")
for _name in (*_BINARY, *("r" + b for b in _BINARY), *("i" + b for b in _BINARY), *_UNARY, "divmod",
              "eq", "ne", "lt", "le", "gt", "ge"):
    setattr(StrictArray, f"__{_name}__", _operator(f"__{_name}__"))


def _has_list(key: Any) -> bool:
    """Whether an index holds a list, which CuPy makes an array of, on the device."""
    return isinstance(key, list) or (isinstance(key, tuple) and any(isinstance(k, list) for k in key))


def _unwrap(value: Any, where: str) -> Any:
    """Host arrays of device arrays, in nested arguments; a host array among them is the mistake this device is for."""
    if isinstance(value, StrictArray):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError(f"{where}: a NumPy array met a device array; use backend.from_numpy")
    if isinstance(value, tuple | list):
        return type(value)(_unwrap(v, where) for v in value)
    if isinstance(value, dict):
        return {k: _unwrap(v, where) for k, v in value.items()}
    return value


def _wrap(found: Any, same: StrictArray | None = None) -> Any:
    if same is not None and found is same._host:
        return same
    if isinstance(found, np.ndarray):
        return StrictArray(found)
    if isinstance(found, np.generic):
        return StrictArray(np.asarray(found))
    if isinstance(found, tuple | list):
        made = [_wrap(f) for f in found]
        return type(found)(*made) if hasattr(found, "_fields") else type(found)(made)
    return found


SIZED_BY_VALUES = frozenset({"argwhere", "bincount", "compress", "extract", "flatnonzero", "nonzero", "unique"})
"""Functions whose result's shape depends on values, which CuPy asks the device for; a mask as an index does, too."""


def _guarded(function: Any, where: str, *, waits: bool = False) -> Any:
    @_QUIET
    def call(*args: Any, **kwargs: Any) -> Any:
        traffic.waits += waits
        found = function(*_unwrap(args, where), **_unwrap(kwargs, where))
        out = kwargs.get("out")
        return out if isinstance(out, StrictArray) else _wrap(found)

    return call


class Namespace:
    """What ``xp`` is on this device: NumPy's functions by the names that CuPy has, on StrictArrays only."""

    newaxis, pi, inf, nan, e = None, np.pi, np.inf, np.nan, np.e
    ndarray = StrictArray
    dtype, finfo, iinfo = np.dtype, np.finfo, np.iinfo
    float16, float32, float64 = np.float16, np.float32, np.float64
    uint8, int8, int16, int32, int64, bool_ = np.uint8, np.int8, np.int16, np.int32, np.int64, np.bool_

    def __init__(self) -> None:
        for name in FUNCTIONS.intersection(dir(np)):  # a name that newer NumPys have dropped is in no common subset
            function = _guarded(getattr(np, name), f"xp.{name}", waits=name in SIZED_BY_VALUES)
            if name in UFUNC_AT:
                function.at = _guarded(getattr(np, name).at, f"xp.{name}.at")
            setattr(self, name, function)
        self.linalg = SimpleNamespace(**{n: _guarded(getattr(np.linalg, n), f"xp.linalg.{n}") for n in LINALG})
        as_strided = _guarded(np.lib.stride_tricks.as_strided, "as_strided")
        self.lib = SimpleNamespace(stride_tricks=SimpleNamespace(as_strided=as_strided))
        # Functions that bring values onto the device take host numbers and lists; asarray of an array there is a no-op.
        for name in ("array", "asarray", "ascontiguousarray", "asfortranarray"):
            setattr(self, name, _arrival(getattr(np, name), name))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"CuPy 13 has no function {name!r}, or it is not listed in cupy_names.py")


def _arrival(function: Any, name: str) -> Any:
    def make(value: Any, *args: Any, **kwargs: Any) -> Any:
        traffic.to_device += not isinstance(value, StrictArray)
        found = function(_unwrap(value, f"xp.{name}"), *args, **kwargs)
        return value if isinstance(value, StrictArray) and found is value._host else _wrap(found)

    return make


class StandinBackend(LateErrors, Backend):
    """The portable kernels, unchanged, on StrictArrays."""

    device_type = "standin"
    array_type = StrictArray
    xp: Any = Namespace()

    def from_numpy(self, values: Any) -> Any:
        if isinstance(values, StrictArray):
            raise TypeError("from_numpy got a device array")
        traffic.to_device += 1
        return StrictArray(np.array(values, order="K"))

    def to_numpy(self, array: Any) -> Any:
        if not isinstance(array, StrictArray):
            raise TypeError(f"to_numpy got {type(array).__name__}, no device array")
        self.settle(StrictArray.get)
        return array.get()

    def begin_read(self, array: Any) -> Any:
        traffic.begun += 1
        copied = array._host.copy()
        return lambda: copied

    def synchronize(self) -> None:
        traffic.waits += 1
        self.settle(StrictArray.get)


_backend = StandinBackend()


def register() -> None:
    """Add the device type ``"standin"``: ``mc.device("standin")``."""
    register_backend("standin", lambda _: _backend, StrictArray)
