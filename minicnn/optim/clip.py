"""Gradient clipping: against the rare batch whose gradient would undo the training so far."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from minicnn import dtypes
from minicnn.arguments import check_all
from minicnn.autograd.inplace import check_writable, edited
from minicnn.autograd.mode import no_grad
from minicnn.backend import backend_for, backend_of
from minicnn.errors import DtypeError, OptionError
from minicnn.ops.convert import transfer
from minicnn.tensor import Tensor, wrap

__all__ = ["clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]

Array = Any
Tensors = Tensor | Iterable[Tensor]


def clip_grad_norm_(
    parameters: Tensors, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients, in place, by min(1, max_norm / (norm + 1e-6)), where norm is that of all as one vector.

    Args:
        parameters: one tensor or several; those without a gradient are left out.
        max_norm: the largest norm that is left alone.
        norm_type: p of the p-norm; ``float("inf")`` is the largest absolute value.
        error_if_nonfinite: raise where the norm is NaN or infinite, and leave the gradients as they are.
        foreach: accepted for PyTorch's sake; it changes nothing.

    Returns:
        The norm before clipping, a tensor without dimensions.

    Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", ICML 2013.

    Example:
        >>> loss.backward()
        >>> norm = mc.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        >>> optimizer.step()
    """
    listed = _listed(parameters)
    if not listed and not isinstance(parameters, (Tensor, list, tuple)):
        warnings.warn("clip_grad_norm_: no parameters, so nothing is clipped (a generator is empty once it was used)",
                      stacklevel=2)
    total = get_total_norm(_gradients(listed), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(listed, max_norm, total, foreach)
    return total


def get_total_norm(
    tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False,
    foreach: bool | None = None,  # noqa: ARG001 (PyTorch's; there is one way)
) -> Tensor:
    """The p-norm of all ``tensors`` as one vector: the norm of their norms. Arguments as in ``clip_grad_norm_``."""
    norm_type = float(norm_type)
    arrays = [t.array for t in _listed(tensors) if t.array.size]
    if not arrays:
        return wrap(backend_for(None).xp.zeros((), dtypes.get_default_dtype()))
    backend = backend_of(arrays[0])
    with backend.quiet():
        norms = [transfer(wrap(_norm(array, norm_type)), backend.device).array for array in arrays]
        total = _norm(backend.xp.stack(norms), norm_type)
    if error_if_nonfinite and not bool(backend.xp.isfinite(total)):
        raise OptionError("clip_grad_norm_: the norm of the gradients is not finite", got=f"norm {float(total)}",
                          rule="error_if_nonfinite=True asks for a finite norm",
                          hint="mc.autograd.detect_anomaly() names the operation where it began")
    return wrap(total)


def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None,  # noqa: ARG001 (PyTorch's; there is one way)
) -> None:
    """Scale the gradients of ``parameters``, in place, by min(1, max_norm / (total_norm + 1e-6))."""
    backend = backend_of(total_norm.array)
    with backend.quiet():  # a 0-d array, not a Python number: a device is not asked for the value
        scale = wrap(backend.xp.asarray(backend.xp.minimum(float(max_norm) / (total_norm.array + 1e-6), 1.0)))
    with no_grad():
        for g in _gradients(_listed(parameters)):
            array = g.array
            check_writable("clip_grads_with_norm_", g)
            with backend_of(array).quiet():
                array *= transfer(scale, g.device).array
            edited(g)


def clip_grad_value_(
    parameters: Tensors, clip_value: float, foreach: bool | None = None,  # noqa: ARG001 (PyTorch's; there is one way)
) -> None:
    """Clamp every gradient, in place, to [-clip_value, clip_value].

    Example:
        >>> mc.nn.utils.clip_grad_value_(model.parameters(), 0.5)
    """
    clip_value = float(clip_value)
    with no_grad():
        for g in _gradients(_listed(parameters)):
            check_writable("clip_grad_value_", g)
            backend = backend_of(g.array)
            with backend.quiet():  # the limit may be too large for the dtype
                backend.xp.clip(g.array, -clip_value, clip_value, out=g.array)
            edited(g)


def _listed(tensors: Tensors) -> list[Tensor]:
    """One tensor or several as a list. Errors: DtypeError."""
    listed = [tensors] if isinstance(tensors, Tensor) or not isinstance(tensors, Iterable) else list(tensors)
    for item in listed:
        if not isinstance(item, Tensor):
            raise DtypeError("clip_grad: these are no parameters", got=type(item).__name__,
                             rule="a tensor, or an iterable of tensors", hint="model.parameters()")
    return listed


def _gradients(parameters: list[Tensor]) -> list[Tensor]:
    return [p.grad for p in parameters if p.grad is not None]


def _norm(x: Array, p: float) -> Array:
    """(Σ |x|ᵖ)^(1/p) as a 0-d array, summed in at least float32; the limits for ±inf, the count of nonzeros for 0."""
    xp = backend_of(x).xp
    if p == 0:
        return xp.asarray((x != 0).sum().astype(x.dtype))
    size = xp.abs(x)
    if abs(p) == float("inf"):
        return xp.asarray(size.max() if p > 0 else size.min())
    if x.dtype == dtypes.float16:
        size = size.astype(dtypes.float32)
    total = size.sum() if p == 1 else xp.sqrt((size * size).sum()) if p == 2 else (size**p).sum() ** (1 / p)
    return xp.asarray(total.astype(x.dtype))


check_all(globals(), __all__)
