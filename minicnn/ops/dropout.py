"""Dropout: products with noise from the seeded stream, drawn as PyTorch draws it."""

from __future__ import annotations

import math

from minicnn import random
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.tensor import Tensor, wrap

__all__ = ["alpha_dropout", "alpha_dropout_", "dropout", "dropout_", "feature_alpha_dropout", "feature_alpha_dropout_",
           "feature_dropout", "feature_dropout_"]

_SELU_FLOOR = 1.7580993408473766  # −SELU(−∞): what alpha dropout sets to, so that mean and variance stay


def dropout(x: Tensor, p: float, train: bool) -> Tensor:
    """Each element 0 with probability p, else divided by 1 − p, so that its expectation stays; x unless ``train``.

    Shapes: any; the result has x's. Errors: OptionError where p is no probability.
    Source: Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html

    Example:
        >>> mc.dropout(mc.ones(3), p=1.0, train=True)
        tensor([0., 0., 0.])
    """
    noise = _noise("dropout", x, p, train)
    return x if noise is None else x * noise


def dropout_(x: Tensor, p: float, train: bool) -> Tensor:
    """``dropout`` in x's own memory."""
    noise = _noise("dropout_", x, p, train)
    return x if noise is None else x.mul_(noise)


def feature_dropout(x: Tensor, p: float, train: bool) -> Tensor:
    """``dropout`` of whole channels. Shapes: (N, C, *). Source: Tompson et al. 2014, https://arxiv.org/abs/1411.4280"""
    noise = _noise("feature_dropout", x, p, train, by_channel=True)
    return x if noise is None else x * noise


def feature_dropout_(x: Tensor, p: float, train: bool) -> Tensor:
    """``feature_dropout`` in x's own memory."""
    noise = _noise("feature_dropout_", x, p, train, by_channel=True)
    return x if noise is None else x.mul_(noise)


def alpha_dropout(x: Tensor, p: float, train: bool) -> Tensor:
    """Each element SELU's floor with probability p, then all scaled and shifted to keep mean 0 and variance 1.

    Shapes: any; the result has x's. Errors: OptionError where p is no probability.
    Source: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515
    """
    noise = _noise("alpha_dropout", x, p, train)
    return x if noise is None else _alpha(x, noise, p)


def alpha_dropout_(x: Tensor, p: float, train: bool) -> Tensor:
    """``alpha_dropout`` in x's own memory."""
    noise = _noise("alpha_dropout_", x, p, train)
    return x if noise is None else _alpha_in_place(x, noise, p)


def feature_alpha_dropout(x: Tensor, p: float, train: bool) -> Tensor:
    """``alpha_dropout`` of whole channels. Shapes: (N, C, *)."""
    noise = _noise("feature_alpha_dropout", x, p, train, by_channel=True)
    return x if noise is None else _alpha(x, noise, p)


def feature_alpha_dropout_(x: Tensor, p: float, train: bool) -> Tensor:
    """``feature_alpha_dropout`` in x's own memory."""
    noise = _noise("feature_alpha_dropout_", x, p, train, by_channel=True)
    return x if noise is None else _alpha_in_place(x, noise, p)


def check_probability(name: str, p: float) -> None:
    """Raise where p is no probability."""
    if not 0 <= p <= 1:
        raise OptionError(f"{name}: p is no probability", got=f"p={p}", rule="0 <= p <= 1",
                          hint="p is the share that is dropped: 0.5, not 50")


def _noise(name: str, x: Tensor, p: float, train: bool, by_channel: bool = False) -> Tensor | None:
    """0 or 1 / (1 − p) for each element or channel; None where dropout is the identity."""
    check_probability(name, p)
    if by_channel and train and x.ndim < 2:
        raise ShapeError(f"{name}: the input has no channels", got=f"input {tuple(x.shape)}",
                         rule="(N, C, *): at least 2 dimensions", hint="dropout drops single elements")
    if p == 0 or not train or x.array.size == 0:
        return None
    if x.array.dtype.kind != "f" and p < 1:
        raise DtypeError(f"{name}: the input is not floating point", got=x.array.dtype,
                         rule="what is kept is divided by 1 - p", hint="x.float()")
    shape = (*x.array.shape[:2], *[1] * (x.ndim - 2)) if by_channel else x.array.shape
    return wrap(backend_of(x.array).dropout_noise(random.default_generator, shape, 1 - p, x.array.dtype))


def _alpha_line(noise: Tensor, p: float) -> tuple[Tensor, Tensor]:
    """The scale and shift of alpha dropout, from noise that is 0 or 1 / (1 − p)."""
    if p == 1:
        return noise, noise
    a = 1 / math.sqrt((_SELU_FLOOR**2 * p + 1) * (1 - p))
    kept = (noise != 0).to(noise.dtype)
    return kept * a, (kept - 1) * (_SELU_FLOOR * a) + _SELU_FLOOR * a * p


def _alpha(x: Tensor, noise: Tensor, p: float) -> Tensor:
    scale, shift = _alpha_line(noise, p)
    return x * scale + shift


def _alpha_in_place(x: Tensor, noise: Tensor, p: float) -> Tensor:
    scale, shift = _alpha_line(noise, p)
    return x.mul_(scale).add_(shift)
