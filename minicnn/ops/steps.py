"""New tensors that count: in even steps, in powers, along a diagonal."""

from __future__ import annotations

import math
from typing import Any

from minicnn import dtypes
from minicnn.arguments import check_count
from minicnn.backend import backend_for
from minicnn.errors import DtypeError, OptionError
from minicnn.ops.creation import Place, checked_sizes, finish
from minicnn.shapes.sizes import size_tuple
from minicnn.tensor import Tensor, wrap

__all__ = ["arange", "eye", "linspace", "logspace"]


def arange(*bounds: Any, start: Any = None, end: Any = None, step: Any = None, dtype: Any = None,
           device: Place = None, requires_grad: bool = False) -> Tensor:
    """``arange(end)``, ``arange(start, end)`` or ``arange(start, end, step)``: from start up to, without, end.

    The dtype is int64 unless a float is given. Errors: OptionError for a step of 0 or away from end.
    """
    given = dict(zip(("end",) if len(bounds) == 1 else ("start", "end", "step"), bounds, strict=False))
    given |= {k: v for k, v in (("start", start), ("end", end), ("step", step)) if v is not None}
    given = {"start": 0, "step": 1, **given}
    numbers = first, last, by = [_number("arange", given.get(key)) for key in ("start", "end", "step")]
    if not all(map(math.isfinite, numbers)) or by == 0 or (last - first) * by < 0:
        raise OptionError("arange: the steps do not lead from start to end", got=f"{first} to {last} by {by}",
                          rule="finite numbers; step is not 0, and has the sign of end - start")
    if dtype is None:
        dtype = dtypes.get_default_dtype() if any(isinstance(n, float) for n in numbers) else dtypes.int64
    count = math.ceil((last - first) / by)
    check_count("arange", count)
    xp = backend_for(device).xp
    steps = xp.arange(count, dtype=dtypes.float64 if isinstance(first + by, float) else dtypes.int64)
    return finish(wrap((first + steps * by).astype(dtypes.as_dtype(dtype))), requires_grad)


def _number(name: str, value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    if not isinstance(value, int | float):
        raise DtypeError(f"{name}: this is no number", got=repr(value)[:80], rule="bounds and steps are numbers")
    return value


def linspace(start: float, end: float, steps: int, *, dtype: Any = None, device: Place = None,
             requires_grad: bool = False) -> Tensor:
    """``steps`` numbers in even steps from ``start`` to ``end``, both included."""
    first, last = _number("linspace", start), _number("linspace", end)
    (steps,) = size_tuple("linspace", (steps,))
    if steps < 0:
        raise OptionError("linspace: a negative number of steps", got=steps, rule="steps >= 0")
    check_count("linspace", steps)
    dtype = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    backend = backend_for(device)
    with backend.quiet():
        if dtype == dtypes.float32 and steps > 1:
            values = _single_steps(backend.xp, first, last, steps)
        else:
            values = backend.xp.linspace(first, last, steps)
        return finish(wrap(values.astype(dtype)), requires_grad)


def _single_steps(xp: Any, first: float, last: float, steps: int) -> Any:
    """PyTorch's float32 to the last bit: a rounded step, the nearer end plus a multiple of it, rounded once."""
    single = dtypes.float32.type
    step = float(single(single(last) - single(first)) / single(steps - 1))
    first, last = float(single(first)), float(single(last))
    i = xp.arange(steps, dtype=dtypes.float64)
    return xp.where(i < steps // 2, first + step * i, last - step * (steps - 1 - i))


def logspace(start: float, end: float, steps: int, base: float = 10.0, *, dtype: Any = None, device: Place = None,
             requires_grad: bool = False) -> Tensor:
    """``base`` to the powers of ``linspace(start, end, steps)``."""
    powers = linspace(start, end, steps, dtype=dtypes.float64, device=device)
    dtype = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    return finish(wrap((base**powers.array).astype(dtype)), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Place = None,
        requires_grad: bool = False) -> Tensor:
    """An (n, m) matrix of ones on the diagonal, zeros elsewhere; m is n unless given."""
    rows, columns = checked_sizes("eye", (n, n if m is None else m))
    dtype = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    return finish(wrap(backend_for(device).xp.eye(rows, columns, dtype=dtype)), requires_grad)
