"""Run a case in a library: results and gradients as NumPy arrays."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from tests.cases.case import Array, Case


def flat(found: Any) -> list[Any]:
    """The tensors of a result, however nested."""
    return [t for item in found for t in flat(item)] if isinstance(found, tuple | list) else [found]


def cotangent(case: Case, number: int, shape: tuple[int, ...]) -> Array:
    """The fixed random gradient of result ``number``."""
    rng = np.random.default_rng(zlib.crc32(f"{case.id} g {number}".encode()))
    return rng.standard_normal(shape)


def run_torch(case: Case, dtype: Any = None) -> dict[str, Array]:
    """Results ``out<i>`` and gradients ``grad<i>`` from PyTorch, in float64 unless ``dtype`` says otherwise."""
    import torch

    torch.manual_seed(0)
    made = [torch.from_numpy(np.array(a, order="C")) for a in case.arrays()]
    cast = [x.to(dtype) if dtype and x.is_floating_point() else x for x in made]
    inputs = [_leaf(x, case.grad, x.is_floating_point()) for x in cast]
    outs = [t for t in flat(case.call(torch, *inputs)) if isinstance(t, torch.Tensor)]
    found = {f"out{i}": t.detach().cpu().numpy().copy() for i, t in enumerate(outs)}
    tracked = [(i, t) for i, t in enumerate(outs) if t.requires_grad]
    if tracked:
        seeds = [torch.from_numpy(cotangent(case, i, tuple(t.shape))).to(t.dtype) for i, t in tracked]
        leaves = [(i, x) for i, x in enumerate(inputs) if x.requires_grad]
        grads = torch.autograd.grad([t for _, t in tracked], [x for _, x in leaves], seeds, allow_unused=True)
        numbered = zip(leaves, grads, strict=True)
        found |= {f"grad{i}": g.numpy(force=True).copy() for (i, _), g in numbered if g is not None}
    return found


def run_minicnn(
    case: Case, device: str = "cpu", dtype: Any = None, arrays: list[Array] | None = None
) -> dict[str, Array]:
    """The same from minicnn, on any device; ``arrays`` replaces the case's own (in another memory order, say)."""
    import minicnn as mc

    mc.manual_seed(0)
    inputs, outs = forward(case, device, dtype, arrays)
    found = {f"out{i}": np.array(t.detach().cpu().numpy()) for i, t in enumerate(outs)}
    tracked = [(i, t) for i, t in enumerate(outs) if t.requires_grad]
    if tracked:
        seeds = [mc.as_tensor(cotangent(case, i, tuple(t.shape))).to(t.dtype).to(device) for i, t in tracked]
        leaves = [(i, x) for i, x in enumerate(inputs) if x.requires_grad]
        grads = mc.grad([t for _, t in tracked], [x for _, x in leaves], seeds, allow_unused=True)
        numbered = zip(leaves, grads, strict=True)
        found |= {f"grad{i}": np.array(g.cpu().numpy()) for (i, _), g in numbered if g is not None}
    return found


def forward(
    case: Case, device: str = "cpu", dtype: Any = None, arrays: list[Array] | None = None
) -> tuple[list[Any], list[Any]]:
    """minicnn's inputs and results of a case."""
    import minicnn as mc

    inputs = []
    for a in case.arrays() if arrays is None else arrays:
        x = mc.as_tensor(a)
        floating = a.dtype.kind == "f"
        x = x.to(dtype) if dtype is not None and floating else x
        inputs.append(_leaf(x.to(device), case.grad, floating))
    with mc.device(device):
        outs = [t for t in flat(case.call(mc, *inputs)) if isinstance(t, mc.Tensor)]
    return inputs, outs


def _leaf(x: Any, grad: bool, floating: bool) -> Any:
    return x.detach().requires_grad_() if grad and floating else x
