"""The same call by minicnn and by PyTorch: values, gradients and second gradients, in each precision and order."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import minicnn as mc

Array = np.ndarray

TOLERANCE = {"float64": (1e-7, 1e-7), "float32": (1.3e-6, 1e-5), "float16": (2e-3, 2e-3)}


def normal(*shape: int, seed: int = 0) -> Array:
    """Standard normal float64 values."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def channels_last(a: Array) -> Array:
    """The same values with the channels next to each other in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1) if a.ndim > 2 else np.asfortranarray(a)


def agree(call: Callable[..., Any], *inputs: Array, second: bool = True, float32: bool = True, seed: str = "") -> None:
    """Compare ``call(F, *tensors)`` of both libraries; where it returns several tensors the first has the gradients."""
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    theirs = _torch(torch, call, inputs, second, "float64", seed)
    _compare(_minicnn(call, inputs, second, "float64", seed), theirs, "float64")
    _compare(_minicnn(call, [channels_last(a) for a in inputs], second, "float64", seed), theirs, "float64")
    if float32:
        _compare(_minicnn(call, inputs, False, "float32", seed), _torch(torch, call, inputs, False, "float32", seed),
                 "float32")


def _compare(ours: Sequence[Array], theirs: Sequence[Array], dtype: str) -> None:
    rtol, atol = TOLERANCE[dtype]
    assert len(ours) == len(theirs)
    for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert a.shape == b.shape, number
        assert a.dtype == b.dtype, number
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, err_msg=f"result {number}")


def _random(seed: str, number: int, shape: Sequence[int]) -> Array:
    return np.random.default_rng(zlib.crc32(f"{seed} {number}".encode())).standard_normal(tuple(shape))


def _torch(torch: Any, call: Any, inputs: Sequence[Array], second: bool, dtype: str, seed: str) -> list[Array]:
    made = [torch.from_numpy(np.ascontiguousarray(a)) for a in inputs]
    tensors = [t.to(getattr(torch, dtype)).requires_grad_() if t.is_floating_point() else t for t in made]
    leaves = [t for t in tensors if t.requires_grad]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch's own ways: copies for even kernels, old names
        out = call(torch.nn.functional, *tensors)
    out, others = (out[0], out[1:]) if isinstance(out, tuple) else (out, ())
    v = torch.from_numpy(_random(seed, 0, out.shape)).to(out.dtype).requires_grad_()
    firsts = torch.autograd.grad(out, leaves, v, create_graph=True)
    found = [out, *others, *firsts]
    if second:
        found += _second(torch.autograd.grad, firsts, [*leaves, v], seed,
                         lambda a, like: torch.from_numpy(a).to(like.dtype), torch.zeros_like)
    return [t.detach().cpu().numpy() for t in found]


def _minicnn(call: Any, inputs: Sequence[Array], second: bool, dtype: str, seed: str) -> list[Array]:
    made = [mc.as_tensor(a) for a in inputs]
    tensors = [t.to(getattr(mc, dtype)).detach().requires_grad_() if t.dtype.kind == "f" else t for t in made]
    leaves = [t for t in tensors if t.requires_grad]
    out = call(mc.nn.functional, *tensors)
    out, others = (out[0], out[1:]) if isinstance(out, tuple) else (out, ())
    v = mc.as_tensor(_random(seed, 0, out.shape)).to(out.dtype).requires_grad_()
    firsts = mc.grad(out, leaves, v, create_graph=True)
    found = [out, *others, *firsts]
    if second:
        found += _second(mc.grad, firsts, [*leaves, v], seed,
                         lambda a, like: mc.as_tensor(a).to(like.dtype), mc.zeros_like)
    return [t.detach().cpu().numpy() for t in found]


def _second(grad: Any, firsts: Any, wanted: Any, seed: str, make: Any, zeros: Any) -> list[Any]:
    """Gradients of Σ u · first with respect to the inputs and the cotangent."""
    total = sum((g * make(_random(seed, 1 + i, g.shape), g)).sum() for i, g in enumerate(firsts))
    found = grad(total, wanted, allow_unused=True)
    return [zeros(x) if g is None else g for g, x in zip(found, wanted, strict=True)]


def raises(error: type[Exception], *words: str, function: str, args: Sequence[Any], **options: Any) -> str:
    """Assert that both libraries refuse a call, minicnn with ``error`` whose message has ``words``; the message."""
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    theirs = [torch.from_numpy(a) if isinstance(a, np.ndarray) else a for a in args]
    with pytest.raises((RuntimeError, ValueError, TypeError, IndexError, NotImplementedError)):
        getattr(torch.nn.functional, function)(*theirs, **options)
    ours = [mc.as_tensor(a) if isinstance(a, np.ndarray) else a for a in args]
    with pytest.raises(error) as caught:
        getattr(mc.nn.functional, function)(*ours, **options)
    message = str(caught.value)
    assert message.startswith(f"{function}: ")
    for word in words:
        assert word in message
    return message
