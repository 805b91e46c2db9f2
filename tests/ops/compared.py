"""The same expression in both libraries: results, or the kind of error, must be PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minicnn as mc

torch = pytest.importorskip("torch", reason="compares with PyTorch live")


def dtype_name(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def agree(ours: Any, theirs: Any, **tolerance: float) -> None:
    """Structure, shape, dtype and values are the same."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, mc.Tensor)
        assert (tuple(ours.shape), dtype_name(ours)) == (tuple(theirs.shape), dtype_name(theirs))
        exact = {"rtol": 0, "atol": 0}
        np.testing.assert_allclose(ours.detach().cpu().numpy(), theirs.detach().numpy(), **{**exact, **tolerance})
    elif isinstance(theirs, (tuple, list)):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            agree(a, b, **tolerance)
    else:
        assert ours == theirs


def both(expression: Callable[..., Any], *arrays: np.ndarray, **tolerance: float) -> None:
    """``expression(lib, *tensors)`` agrees, and so do first and second gradients where the inputs are float64."""
    ours, theirs = (expression(lib, *map(lib.as_tensor, copies(arrays))) for lib in (mc, torch))
    agree(ours, theirs, **tolerance)
    if any(a.dtype == np.float64 for a in arrays):
        agree(gradients(mc, expression, arrays), gradients(torch, expression, arrays), rtol=1e-12, atol=1e-12)


def copies(arrays: Any) -> list[np.ndarray]:
    return [a.copy() for a in arrays]


def gradients(lib: Any, expression: Callable[..., Any], arrays: tuple[np.ndarray, ...]) -> list[Any]:
    """First gradients of a non-linear function of the results, then gradients of a function of those."""
    grad = torch.autograd.grad if lib is torch else mc.grad
    given = [lib.as_tensor(a) for a in copies(arrays)]
    leaves = [t.requires_grad_() for t in given if t.is_floating_point()]
    out = expression(lib, *given)
    parts = [p for p in (out if isinstance(out, (tuple, list)) else [out]) if p.requires_grad]
    loss = sum((p * p * p * lib.as_tensor(np.cos(np.arange(p.numel())).reshape(tuple(p.shape)))).sum() for p in parts)
    first = grad(loss, leaves, create_graph=True)
    total = sum((g * g).sum() for g in first)
    return [g.detach() for g in first] + [g.detach() for g in grad(total, leaves)]


def both_refuse(expression: Callable[..., Any]) -> None:
    """Both raise; ours is an error that teaches, and of a class that PyTorch's ``except`` clauses catch."""
    with pytest.raises(Exception) as theirs:
        expression(torch)
    with pytest.raises(mc.errors.MinicnnError) as ours:
        expression(mc)
    kinds = (RuntimeError, IndexError, TypeError, ValueError)
    assert any(isinstance(theirs.value, k) and isinstance(ours.value, k) for k in kinds), (theirs.value, ours.value)
    assert str(ours.value).count("\n") >= 1
