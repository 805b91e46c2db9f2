"""Draws that are made of other draws: multinomial and the truncated normal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.dtypes import float64, is_float
from minicnn.errors import DtypeError, OptionError, ShapeError

if TYPE_CHECKING:
    from minicnn.random.generator import Generator

Array = Any


def multinomial(generator: Generator, p: Array, count: int, replacement: bool) -> Array:
    """(K,) or (N, K) weights -> (count,) or (N, count) int64 indices; see ``Generator.multinomial``."""
    _check_weights(p, count, replacement)
    if not replacement or count == 1:
        score = p / generator.exponential(p.shape, p.dtype)
        if count == 1:
            return score.argmax(axis=-1, keepdims=True)
        return np.argsort(-score, axis=-1, kind="stable")[..., :count]
    rows = np.atleast_2d(p)
    cumulative = np.cumsum(rows if p.dtype == float64 else rows.astype(np.float32), axis=-1)
    cumulative /= cumulative[:, -1:]
    uniform = generator.uniform((len(rows), count), float64)
    found = [np.searchsorted(c.astype(np.float64), u) for c, u in zip(cumulative, uniform, strict=True)]
    return np.array(found, np.int64).reshape(*p.shape[:-1], count)


def trunc_normal(
    generator: Generator, shape: Any, dtype: Any, *, mean: float, std: float, a: float, b: float
) -> Array:
    """A normal conditioned on [a, b]; see ``Generator.trunc_normal``."""
    inside = 0.5 * (math.erf((b - mean) / std / 2**0.5) - math.erf((a - mean) / std / 2**0.5))
    if inside > 0.3:
        result = generator.normal(shape, dtype, mean, std)
        low, high = result.dtype.type(a), result.dtype.type(b)
        while (outside := (result < low) | (result > high)).any():
            result = np.where(outside, generator.normal(shape, dtype, mean, std), result)
        return result
    log_peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    result, pending = None, None
    while pending is None or pending.any():
        candidate = generator.uniform(shape, dtype, a, b)
        log_density = ((candidate - mean) / std) ** 2 * -0.5 - log_peak
        with np.errstate(divide="ignore"):
            rejected = np.log(generator.uniform(shape, dtype)) > log_density
        result = candidate if pending is None else np.where(pending, candidate, result)
        pending = rejected if pending is None else pending & rejected
    return result


def _check_weights(p: Array, count: int, replacement: bool) -> None:
    if not is_float(p.dtype):
        raise DtypeError("multinomial: the weights are not floating point", got=p.dtype, hint="float32")
    if p.ndim not in (1, 2):
        raise ShapeError("multinomial: the weights have neither one nor two dimensions", got=p.shape,
                         rule="(K,) or (N, K)")
    if not p.size or count <= 0 or (not replacement and count > p.shape[-1]):
        raise OptionError("multinomial: cannot draw so many", got=f"{count} of {p.shape[-1]}",
                          rule="0 < count, and count <= K without replacement", hint="replacement=True")
    if not (np.isfinite(p) & (p >= 0)).all() or not (p.sum(axis=-1) > 0).all():
        raise OptionError("multinomial: these are no weights", got=f"min {p.min()}, max {p.max()}",
                          rule="finite, >= 0, a sum > 0 in each row")
