"""JAX: functions of arrays, differentiated and compiled."""

from __future__ import annotations

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.case import Work
from benchmarks.peers.layers import Layers, forward

relu = jax.nn.relu


def conv(x: Any, w: Any, b: Any, padding: int) -> Any:
    """Convolution."""
    return lax.conv_general_dilated(x, w, (1, 1), [(padding, padding)] * 2) + b.reshape(1, -1, 1, 1)


def pool(x: Any, size: int) -> Any:
    """Max-pooling."""
    return lax.reduce_window(x, -np.inf, lax.max, (1, 1, size, size), (1, 1, size, size), "VALID")


def flatten(x: Any) -> Any:
    """(N, …) → (N, numbers of an image)."""
    return x.reshape(x.shape[0], -1)


def linear(x: Any, w: Any, b: Any) -> Any:
    """x · wᵀ + b."""
    return x @ w.T + b


def step(layers: Layers, arrays: list[Any], x: Any, labels: Any, lr: float, momentum: float) -> Work:
    """One training step, its update included in what is compiled."""
    images, wanted = jnp.asarray(x), jnp.asarray(labels)

    def loss_of(params: list[Any]) -> Any:
        logs = jax.nn.log_softmax(forward(sys.modules[__name__], layers, params, images))
        return -logs[jnp.arange(len(wanted)), wanted].mean()

    @jax.jit
    def updated(params: list[Any], buffers: list[Any]) -> Any:
        loss, grads = jax.value_and_grad(loss_of)(params)
        buffers = [momentum * b + g for b, g in zip(buffers, grads, strict=True)]
        return loss, [p - lr * b for p, b in zip(params, buffers, strict=True)], buffers

    state = [jnp.asarray(a) for a in arrays], [jnp.zeros_like(a) for a in arrays]

    def run() -> Any:
        nonlocal state
        loss, *new = jax.block_until_ready(updated(*state))
        state = (new[0], new[1])
        return loss

    return run


def chain(start: Any, length: int, factor: float, term: float, *, backward: bool) -> Work:
    """The chain of tiny operations."""
    x = jnp.asarray(start)

    def once(x: Any) -> Any:
        for _ in range(length // 2):
            x = x * factor + term
        return x

    gradient = jax.grad(lambda x: once(x).sum())
    return lambda: jax.block_until_ready((gradient if backward else once)(x))
