"""Whether operations are recorded: switches of the current thread, usable as context managers and decorators."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    def __init__(self) -> None:
        self.grad = True
        self.inference = False
        self.watch: Any = None
        self.autocast: dict[str, Any] | None = None
        self.after_backward: list[Callable[[], None]] = []
        """What hooks of the running backward pass want done when it is over."""


mode = _Mode()


def _swap(values: dict[str, Any]) -> dict[str, Any]:
    """Set switches of the current thread; returns what they were."""
    switches = mode.__dict__
    before = {name: switches[name] for name in values}
    switches.update(values)
    return before


class _Switch:
    """Sets some of the thread's switches between ``with`` and the end of the block, or around a function."""

    def __init__(self, **values: Any) -> None:
        self.values = values
        self.before: list[dict[str, Any]] = []

    def __enter__(self) -> None:
        self.before.append(_swap(self.values))

    def __exit__(self, *error: object) -> None:
        _swap(self.before.pop())

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


class enable_grad(_Switch):  # noqa: N801 (PyTorch's name)
    """Record again, inside of a ``no_grad`` block."""

    def __init__(self) -> None:
        super().__init__(grad=True)


class _Setting(_Switch):
    """Sets the switches at once when it is called; used in ``with``, until the block ends."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self._outside = _swap(values)

    def __enter__(self) -> None:
        super().__enter__()
        self.before[-1] = self._outside

    def __call__(self, function: F) -> F:
        _swap(self._outside)
        return super().__call__(function)


class set_grad_enabled(_Setting):  # noqa: N801 (PyTorch's name)
    """Record or not, by a flag; takes effect at once when called, and until the block ends when used in ``with``."""

    def __init__(self, enabled: bool) -> None:
        super().__init__(grad=bool(enabled))


class inference_mode(_Switch):  # noqa: N801 (PyTorch's name)
    """``no_grad`` whose results can never be used where a gradient is recorded; using them so raises."""

    def __init__(self, enabled: bool = True) -> None:
        super().__init__(**({"grad": False, "inference": True} if enabled else {"grad": True, "inference": False}))


def is_grad_enabled() -> bool:
    """Whether operations of this thread are recorded."""
    return mode.grad


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside of ``inference_mode``."""
    return mode.inference
