"""NumPy's floating point warnings off, and on again: PyTorch's arithmetic is silent about infinities and NaNs.

``np.errstate`` does this, at 0.8 µs a time: half of what a tiny operation takes. It sets a context variable, of which
this file finds out the name and the value once; to set the variable itself costs a fifth.
"""

from __future__ import annotations

import contextvars
from functools import partial
from typing import Any

import numpy as np

Token = Any


def _found() -> tuple[Any, Any]:
    """The variable that np.errstate sets, and what it sets it to."""
    before = contextvars.copy_context()
    with np.errstate(all="ignore"):
        for variable, value in contextvars.copy_context().items():
            if variable not in before or before[variable] is not value:
                return variable, value
    return None, None


_variable, _ignore = _found()


def _errstate() -> Token:
    state = np.errstate(all="ignore")
    state.__enter__()
    return state


def _leave(state: Token) -> None:
    state.__exit__(None, None, None)


silence = _errstate if _variable is None else partial(_variable.set, _ignore)
"""No warnings in this thread until ``restore`` is called with what this returns."""

restore = _leave if _variable is None else _variable.reset
