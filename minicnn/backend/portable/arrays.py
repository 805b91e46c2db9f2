"""What every backend must say of itself: its arrays, its devices, and how values come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import ModuleType
from typing import Any

from minicnn.backend.device import Device
from minicnn.errors import MinicnnError

Array = Any

_MOST_TABLES = 256


class ArrayKernels:
    """Arrays in and out of a backend, and the few array functions whose spelling differs between libraries."""

    device_type: str
    array_type: type
    xp: ModuleType
    asynchronous = False
    """Whether its device runs behind the program, which waits wherever it reads a value."""

    def __init__(self, index: int | None = None) -> None:
        self.index = index
        self._tables: dict[Any, Array] = {}

    @property
    def device(self) -> Device:
        """The device this backend computes on."""
        return Device(self.device_type, self.index)

    def of_array(self, array: Array) -> Any:  # noqa: ARG002  for backends with several devices
        """The backend of the device that holds ``array``, for array types that live on several devices."""
        return self

    def from_numpy(self, values: Array) -> Array:
        """A NumPy array → this backend's array; no copy where the memory can be shared."""
        raise NotImplementedError(f"{type(self).__name__} must say how NumPy arrays reach its device")

    def upload(self, values: Array) -> Array:
        """``from_numpy`` that may return before ``values`` was read, where it lies in page-locked memory."""
        return self.from_numpy(values)

    def uploads(self) -> Callable[[Array], Array]:
        """``upload`` for batches, one after the other; a backend may copy each beside the step of the last."""
        return self.from_numpy

    def to_numpy(self, array: Array) -> Array:
        """This backend's array → a NumPy array; no copy where the memory can be shared."""
        raise NotImplementedError(f"{type(self).__name__} must say how its arrays reach the host")

    def begin_read(self, array: Array) -> Callable[[], Array]:
        """Start to bring an array to the host; what is returned waits for that alone, where the device can tell."""
        return lambda: self.to_numpy(array)

    def table(self, numbers: Iterable[float], dtype: Any = "int64") -> Array:
        """``numbers`` as an array, brought to the device once and kept; not to be edited."""
        key = tuple(numbers), str(dtype)
        if key not in self._tables:
            if len(self._tables) == _MOST_TABLES:
                self._tables.clear()
            self._tables[key] = self.xp.asarray(key[0], dtype)
        return self._tables[key]

    def synchronize(self) -> None:
        """Wait until everything asked of the device is done."""

    def refuse(
        self, wrong: Array, kind: type[MinicnnError], what: str, *, rule: str, hint: str | None = None,
        got: Callable[[], object] | None = None,
    ) -> None:  # fmt: skip
        """Raise an error where any of ``wrong`` is True, at once, or where a value is next read; see ``LateErrors``.

        Args:
            wrong: bools of any shape.
            kind, what, rule, hint: the error.
            got: tells the values that are wrong; asked only where the error is raised at once.
        """
        if bool(wrong.any()):
            raise kind(what, got=None if got is None else got(), rule=rule, hint=hint)

    def quiet(self) -> AbstractContextManager[Any]:
        """Within it, 1/0 and log(-1) are inf and NaN without a warning, as in PyTorch."""
        return nullcontext()

    def shares_memory(self, a: Array, b: Array) -> bool:
        """Whether a view ``b`` of ``a`` really is one, and no copy."""
        return bool(self.xp.may_share_memory(a, b))

    def windows(self, array: Array, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
        """An as_strided view; strides in bytes."""
        return self.xp.lib.stride_tricks.as_strided(array, shape, strides)

    def matmul(self, x: Array, y: Array) -> Array:
        """x (*, m, k), y (*, k, n) → x·y (*, m, n); float16 is summed in float32."""
        return self.xp.matmul(wide(x), wide(y)).astype(x.dtype, copy=False)

    def sum(self, x: Array, axes: tuple[int, ...] | None, dtype: Any) -> Array:
        """Σ x over ``axes`` (all where None), added up in ``dtype``."""
        return x.sum(axis=axes, dtype=dtype)

    def concatenate(self, arrays: Sequence[Array], axis: int) -> Array:
        """The arrays one after the other along an axis."""
        return self.xp.concatenate(arrays, axis=axis)

    def piecewise(self, work: Callable[..., None], *arrays: Array) -> None:
        """``work(*arrays)``, which edits its arrays number by number, all of one shape; a backend may call it part by
        part instead."""
        work(*arrays)

    def piecewise_unless(self, flag: Array, work: Callable[..., None], *arrays: Array) -> None:
        """``piecewise`` that changes nothing where ``flag``, one bool, is True, and does not ask whether it is."""
        with self.unchanged_where(flag, arrays):
            work(*arrays)

    @contextmanager
    def unchanged_where(self, flag: Array, arrays: Sequence[Array]) -> Iterator[None]:
        """Afterwards ``arrays`` are as they were before the block, where ``flag``, one bool, is True."""
        before = [array.copy() for array in arrays]
        yield
        for array, copied in zip(arrays, before, strict=True):
            array[...] = self.xp.where(flag, copied, array)

    def scatter_add(self, array: Array, key: Any, values: Array) -> None:
        """array[key] += values, in place; repeated positions accumulate."""
        self.xp.add.at(array, key, values)


def wide(x: Array) -> Array:
    """float16 as float32, in which its products are summed; other arrays as they are."""
    return x.astype("float32") if x.dtype == "float16" else x
