"""``autocast``: where functions choose their own precision."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from minicnn import dtypes
from minicnn.autograd.autocast import Precision
from minicnn.autograd.mode import mode
from minicnn.backend import Device
from minicnn.errors import DtypeError

F = TypeVar("F", bound=Callable[..., Any])


class autocast:  # noqa: N801 (PyTorch's name)
    """Within it products (convolutions, linear layers, matmul) compute in float16, and losses, softmax, norms, powers
    and sums in float32, whatever they are given; as a context, or as a decorator. float64 stays as it is.

    Wrap the forward pass and the loss. The backward pass follows in the dtypes that the forward pass had, outside.

    Args:
        device_type: "cuda" or "cpu": tensors of other devices are left alone. On a CPU float16 saves memory, not time.
        dtype: float16, the default. (There is no bfloat16: NumPy has none.)
        enabled: False changes nothing, and inside of another autocast switches that off.
        cache_enabled: cast a parameter once, however many functions use it.

    Errors: DtypeError for another dtype, DeviceError for a device that is none.
    Source: https://docs.pytorch.org/docs/stable/amp.html has the lists; here they are those of CUDA on all devices.

    Example:
        >>> x, w = mc.ones(2, 3), mc.ones(3, 2)
        >>> with mc.amp.autocast("cpu"):
        ...     y = x @ w
        >>> y.dtype, (y * mc.ones(2)).dtype
        (mc.float16, mc.float32)
    """

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        self.device = Device(device_type).type
        self.fast_dtype = dtypes.float16 if dtype is None else dtype
        if self.fast_dtype != dtypes.float16:
            raise DtypeError("autocast: there is no such short dtype", got=dtype, rule="float16",
                             hint=f'mc.amp.autocast("{self.device}")')  # fmt: skip
        self.enabled, self.cache_enabled = enabled, cache_enabled is not False
        self._before: list[dict[str, Precision] | None] = []

    def __enter__(self) -> autocast:
        before = mode.autocast
        self._before.append(before)
        precisions = {name: p for name, p in (before or {}).items() if name != self.device}
        if self.enabled:
            precisions[self.device] = Precision(self.device, self.fast_dtype, self.cache_enabled)
        mode.autocast = precisions or None
        return self

    def __exit__(self, *error: object) -> None:
        mode.autocast = self._before.pop()

    def __call__(self, function: F) -> F:
        @functools.wraps(function)
        def inside(*args: Any, **options: Any) -> Any:
            with self:
                return function(*args, **options)

        return cast(F, inside)


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether this thread is inside of ``autocast`` for devices of that type.

    Example:
        >>> mc.is_autocast_enabled("cpu")
        False
    """
    return Device(device_type).type in (mode.autocast or {})


def get_autocast_dtype(device_type: str = "cuda") -> Any:  # noqa: ARG001  PyTorch has one for each type of device
    """The short dtype of ``autocast``: float16."""
    return dtypes.float16
