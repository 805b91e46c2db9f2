"""Random programs of views and in-place edits: values, gradients and second gradients must be PyTorch's."""

import random

import numpy as np
import pytest

import minicnn as mc
from tests.ops.compared import agree, torch


def a_view(r, x):
    """Some view of ``x`` with at least one dimension."""
    order = r.sample(range(x.dim()), x.dim())
    views = [lambda: x.transpose(0, -1), lambda: x[-1], lambda: x[..., ::2], lambda: x.unsqueeze(r.choice((0, -1))),
             lambda: x.permute(order), lambda: x.narrow(-1, x.size(-1) - 1, 1), lambda: x.select(-1, 0),
             x.squeeze, lambda: x.view(-1) if x.is_contiguous() else x.view_as(x)]  # fmt: skip
    view = r.choice(views)()
    return view if view.dim() else x


def an_edit(lib, r, x, other):
    """Edit ``x`` in place, with a number that depends on ``other``."""
    y = (other * 0.5).reshape(-1)[:1].sum()
    r.choice([
        lambda: x.add_(y),
        lambda: x.mul_(y.detach() + 1),
        lambda: x[..., -1:].fill_(0),
        lambda: x.masked_fill_(lib.arange(x.size(-1)) % 2 == 1, 0.3),
        lambda: x.copy_(x.detach() * 2 + y),
        lambda: x.sub_(1.5).div_(2),
        lambda: x.__setitem__((..., 0), y),
        lambda: x.__setitem__((..., slice(1, None)), x[..., 1:] + y),
        lambda: x[..., 1:].add_(y),
    ])()  # fmt: skip


def run(lib, seed):
    r, rng = random.Random(seed), np.random.default_rng(seed)
    grad = torch.autograd.grad if lib is torch else mc.grad
    leaves = [lib.as_tensor(rng.normal(size=(3, 4))).requires_grad_() for _ in range(3)]
    pool = [*(x * 1.5 for x in leaves), lib.zeros(3, 4, dtype=lib.float64)]
    for _ in range(r.randint(4, 12)):
        step, x, other = r.random(), r.choice(pool), r.choice(pool)
        if step < 0.4:
            pool.append(a_view(r, x))
        elif step < 0.85:
            an_edit(lib, r, x, other)
        else:
            pool.append(x * 2 + other.reshape(-1)[:1].sum())
    loss = sum((p * p).sum() * (0.3 + i) for i, p in enumerate(pool))
    options = {"allow_unused": True, "materialize_grads": True}
    first = grad(loss, leaves, create_graph=True, **options)
    second = grad(sum((g * g * g).sum() for g in first) + 0 * loss, leaves, **options)
    return [t.detach() for t in (*pool, *first, *second)]


@pytest.mark.parametrize("seed", range(60))
def test_random_program(seed):
    agree(run(mc, seed), run(torch, seed), rtol=1e-11, atol=1e-11)
