"""How a public name goes: it warns for two minor releases, naming its successor, and is gone in the third.

The rule is in docs/changelog.md; a test fails while a name is still there whose time is over.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

RELEASES = 2
"""Minor releases in which a deprecated name still works."""

DEPRECATED: dict[str, str] = {}
"""The deprecated names that were loaded, and the release in which each will be gone."""


def deprecated(since: str, successor: str) -> Callable[[F], F]:
    """Let a public function or class warn, when it is called, that it will go.

    Args:
        since: the first release that warns, such as "0.3.0"; the name is gone two minor releases later.
        successor: what to write instead.

    Example:
        >>> @deprecated("0.3.0", "mc.cat")
        ... def join(tensors):
        ...     return mc.cat(tensors)
    """
    gone = removal(since)

    def mark(found: F) -> F:
        name = f"{found.__module__}.{found.__qualname__}"
        DEPRECATED[name] = gone
        words = f"{name} is deprecated since minicnn {since}, and gone in {gone}: write {successor}"
        if inspect.isclass(found):
            found.__init__ = _warning(found.__init__, words)  # type: ignore[method-assign]  # that is what it is for
            return found
        return _warning(found, words)

    return mark


def _warning(function: Any, words: str) -> Any:
    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        warnings.warn(words, DeprecationWarning, stacklevel=2)
        return function(*args, **options)

    return call


def removal(since: str) -> str:
    """The release in which a name is gone that is deprecated since another.

    Example:
        >>> removal("0.3.1")
        '0.5.0'
    """
    major, minor, _ = since.split(".")
    return f"{major}.{int(minor) + RELEASES}.0"


def overdue(version: str) -> list[str]:
    """The deprecated names that ``version`` should not have any more."""

    def parts(text: str) -> tuple[int, ...]:
        return tuple(int(part) for part in text.split("."))

    return [name for name, gone in DEPRECATED.items() if parts(version) >= parts(gone)]
