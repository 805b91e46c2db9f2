"""Optimisers' steps as one kernel, written down from the rule itself: the CPU's numbers, in one launch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn.backend.cuda.formula import traced
from tests.backend import fakecupy
from tests.backend.hostcuda import COMPILER, HostCuda

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler here to build the kernels for the host")

OPTIMISERS: dict[str, tuple[type, dict[str, Any]]] = {
    "SGD": (mc.optim.SGD, {"lr": 0.1}),
    "momentum": (mc.optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.2, "weight_decay": 0.01}),
    "Nesterov": (mc.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    "Adam": (mc.optim.Adam, {"lr": 0.01, "weight_decay": 0.1}),
    "AMSGrad": (mc.optim.Adam, {"lr": 0.01, "amsgrad": True}),
    "AdamW": (mc.optim.AdamW, {"lr": 0.01}),
    "RMSprop": (mc.optim.RMSprop, {"lr": 0.01, "momentum": 0.5, "centered": True}),
}


def trained(name: str, device: str) -> list[Any]:
    kind, options = OPTIMISERS[name]
    mc.manual_seed(0)
    weights = [mc.randn(4, 3, dtype=mc.float64).to(device).requires_grad_(), mc.randn(5).to(device).requires_grad_()]
    optimizer = kind(weights, **options)
    for step in range(5):
        optimizer.param_groups[0]["lr"] = options["lr"] / (1 + step)
        for weight in weights:
            weight.grad = mc.randn(weight.shape, dtype=weight.dtype).to(device)
        optimizer.step()
    return [weight.detach().cpu().numpy() for weight in weights]


@needs_compiler
@pytest.mark.parametrize("name", OPTIMISERS)
def test_the_steps_are_those_of_the_cpu(name: str) -> None:
    fakecupy.register()
    for found, expected in zip(trained(name, "hostcuda"), trained(name, "cpu"), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12 if expected.dtype == np.float64 else 2e-6)


@needs_compiler
def test_a_formula_is_one_launch() -> None:
    device, x, g = HostCuda(), np.arange(6.0), np.ones(6)

    def rule(x: Any, g: Any) -> None:
        x *= 2
        x -= 0.5 * (g + 1) / (3 - g)

    device.piecewise(rule, x, g)
    assert device.launched == {"formula"} and x.tolist() == [2 * i - 0.5 for i in range(6)] and g.tolist() == [1.0] * 6


@needs_compiler
def test_a_nan_stays_one() -> None:
    device, x = HostCuda(), np.array([1.0, np.nan, 3.0, np.nan])

    def rule(x: Any, g: Any) -> None:
        from minicnn.backend import backend_of

        backend_of(x).xp.maximum(x, g, out=x)

    device.piecewise(rule, x, np.array([2.0, 1.0, np.nan, np.nan]))
    np.testing.assert_array_equal(x, [2.0, np.nan, np.nan, np.nan])


def test_new_numbers_need_no_new_kernel() -> None:
    sources = set()
    for rate in (0.1, 0.2):

        def rule(x: Any, g: Any, rate: float = rate) -> None:
            x -= rate * g

        formula = traced(rule, 2)
        assert formula is not None and formula.numbers == [rate]
        sources.add(formula.source)
    assert len(sources) == 1


@pytest.mark.parametrize("rule", [lambda x: x[0], lambda x: x.sum(), lambda x: x if x else None, lambda x: x.T])
def test_what_is_no_formula_is_left_to_the_arrays(rule: Any) -> None:
    assert traced(rule, 1) is None


@needs_compiler
def test_arrays_that_do_not_lie_alike_are_left_to_the_arrays() -> None:
    device, x = HostCuda(), np.zeros((2, 3))

    def rule(x: Any, g: Any) -> None:
        x += g

    device.piecewise(rule, x, np.arange(6.0).reshape(3, 2).T)
    assert device.launched == set() and x.tolist() == [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]
