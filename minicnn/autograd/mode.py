"""Whether operations are recorded: switches of the current thread, usable as context managers and decorators."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    grad = True
    inference = False
    watch: Any = None


mode = _Mode()


class _Switch:
    """Sets some of the thread's switches between ``with`` and the end of the block, or around a function."""

    def __init__(self, **values: Any) -> None:
        self.values = values
        self.before: list[dict[str, Any]] = []

    def __enter__(self) -> None:
        self.before.append({name: getattr(mode, name) for name in self.values})
        for name, value in self.values.items():
            setattr(mode, name, value)

    def __exit__(self, *error: object) -> None:
        for name, value in self.before.pop().items():
            setattr(mode, name, value)

    def __call__(self, function: F) -> F:
        @functools.wraps(function)
        def switched(*args: Any, **kwargs: Any) -> Any:
            with type(self)._again(self):
                return function(*args, **kwargs)

        return cast(F, switched)

    def _again(self) -> _Switch:
        return _Switch(**self.values)


class no_grad(_Switch):  # noqa: N801  PyTorch's name
    """Record nothing: results do not require gradients, and no tensor is saved for backward.

    Example:
        >>> with mc.no_grad():
        ...     prediction = model(images)
    """

    def __init__(self) -> None:
        super().__init__(grad=False)


class enable_grad(_Switch):  # noqa: N801
    """Record again, inside of a ``no_grad`` block."""

    def __init__(self) -> None:
        super().__init__(grad=True)


class set_grad_enabled(_Switch):  # noqa: N801
    """Record or not, by a flag; takes effect at once when called, and until the block ends when used in ``with``."""

    def __init__(self, enabled: bool) -> None:
        super().__init__(grad=bool(enabled))
        self._outside = mode.grad
        mode.grad = bool(enabled)

    def __enter__(self) -> None:
        super().__enter__()
        self.before[-1]["grad"] = self._outside

    def __call__(self, function: F) -> F:
        mode.grad = self._outside
        return super().__call__(function)


class inference_mode(_Switch):  # noqa: N801
    """``no_grad`` whose results can never be used where a gradient is recorded; using them so raises."""

    def __init__(self, enabled: bool = True) -> None:
        super().__init__(**({"grad": False, "inference": True} if enabled else {"grad": True, "inference": False}))


def is_grad_enabled() -> bool:
    """Whether operations of this thread are recorded."""
    return mode.grad


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside of ``inference_mode``."""
    return mode.inference
