"""autograd.functional: Jacobians, Hessians and their products, in closed form and against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn.errors import DtypeError, GradientError, OptionError, ShapeError

jacobian, hessian = mc.autograd.functional.jacobian, mc.autograd.functional.hessian
vjp, jvp = mc.autograd.functional.vjp, mc.autograd.functional.jvp
X = mc.tensor([1.0, 2.0, 3.0], dtype=mc.float64)


def test_closed_forms() -> None:
    a = mc.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]], dtype=mc.float64)
    assert mc.equal(jacobian(lambda x: a @ x, X), a)
    assert mc.equal(hessian(lambda x: (x**3).sum(), X), mc.diag(6 * X))
    s = a.t() @ a
    assert mc.allclose(hessian(lambda x: (a @ x).square().sum() / 2, X), s)
    out, product = jvp(lambda x: a @ x, X, X)
    assert mc.equal(out, a @ X) and mc.equal(product, a @ X) and not out.requires_grad
    out, product = vjp(lambda x: a @ x, X, mc.tensor([1.0, 2.0], dtype=mc.float64))
    assert mc.equal(product, a.t() @ mc.tensor([1.0, 2.0], dtype=mc.float64))
    assert mc.allclose(mc.autograd.functional.hvp(lambda x: (a @ x).square().sum() / 2, X, X)[1], s @ X)
    assert X.grad is None and not X.requires_grad


def test_a_convolution_is_a_matrix() -> None:
    conv = mc.nn.Conv2d(1, 2, 3, bias=False).double()
    image = mc.randn(1, 1, 4, 4).double()
    matrix = jacobian(conv, image).reshape(8, 16)
    assert mc.allclose(matrix @ image.reshape(16), conv(image).reshape(8))


def programs(lib: Any) -> list[Any]:
    """The same calls of either library."""
    tools, double = lib.autograd.functional, lib.float64
    x, y = lib.tensor([1.0, 2.0, 3.0], dtype=double), lib.tensor([[0.5], [-0.3]], dtype=double)

    def two(a: Any, b: Any) -> Any:
        return (a.exp() * b).sum(1), a.sum() * b

    def one(a: Any, b: Any) -> Any:
        return (a**3).sum() * (b**2).sum()

    def curve(a: Any) -> Any:
        return a**2 * a.sum()

    z = x.clone().requires_grad_()
    (tools.jacobian(curve, z, create_graph=True) ** 2).sum().backward()
    return [
        tools.jacobian(curve, x), tools.jacobian(curve, (x,)), tools.jacobian(two, (x, y)),
        tools.jacobian(lambda a: lib.ones(2, dtype=double), x), tools.hessian(lambda a: (a**3).sum(), x),
        tools.hessian(one, (x, y)), tools.vjp(curve, x, x * 2), tools.vjp(one, (x, y)),
        tools.vjp(two, (x, y), (y[:, 0], y)),
        tools.jvp(two, (x, y), (x * 2, y * 3)), tools.vhp(one, (x, y), (x * 2, y * 3)),
        tools.hvp(one, (x, y), (x * 2, y * 3)), tools.hvp(lambda a: a.sum(), x, x), z.grad,
    ]  # fmt: skip


def test_results_are_pytorchs() -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")

    def same(ours: Any, theirs: Any) -> None:
        assert isinstance(ours, tuple) == isinstance(theirs, tuple)
        if isinstance(ours, tuple):
            for a, b in zip(ours, theirs, strict=True):
                same(a, b)
        else:
            assert ours.requires_grad == theirs.requires_grad
            np.testing.assert_allclose(ours.cpu().numpy(), theirs.numpy(), rtol=1e-12)

    for ours, theirs in zip(programs(mc), programs(torch), strict=True):
        same(ours, theirs)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: jacobian(lambda x: mc.ones(2), X, strict=True), GradientError, "an output is constant"),
        (lambda: jacobian(lambda x, y: x, (X, X), strict=True), GradientError, "nothing depends on input 1"),
        (lambda: hessian(lambda x: x.sum(), X, strict=True), GradientError, "the slope is constant"),
        (lambda: hessian(lambda x: x, X), ShapeError, "does not return one element"),
        (lambda: jacobian(lambda x: 3, X), DtypeError, "the function returned int"),
        (lambda: jacobian(lambda x: x, 2.0), DtypeError, "not all tensors"),
        (lambda: jacobian(lambda x: x, X, strategy="fast"), OptionError, "strategy='fast'"),
        (lambda: vjp(lambda x: x, X), GradientError, "no vector v"),
        (lambda: jvp(lambda x: x, X), GradientError, "no vector v"),
        (lambda: vjp(lambda x: x, X, mc.ones(2)), ShapeError, "v does not fit the outputs"),
    ],
)
def test_errors(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


def test_checks_by_pytorchs_name() -> None:
    x = mc.randn(3, dtype=mc.float64)
    assert mc.autograd.gradcheck is mc.testing.gradcheck
    assert mc.autograd.gradcheck(lambda x: x**2, x, eps=1e-6, atol=1e-4)
    assert mc.autograd.gradgradcheck(lambda x: x**3, x)


def test_anomalies_by_a_flag() -> None:
    zero = mc.zeros(1, requires_grad=True)
    with mc.autograd.set_detect_anomaly(True), pytest.raises(RuntimeError, match="Sqrt made the first infinity"):
        zero.sqrt().sum().backward()
    zero.sqrt().sum().backward()
    setting = mc.autograd.set_detect_anomaly(True)
    try:
        with pytest.raises(mc.autograd.AnomalyError, match="Log made the first infinity"):
            mc.zeros(1).log()
        with mc.autograd.set_detect_anomaly(False):
            mc.zeros(1).log()
        with pytest.raises(mc.autograd.AnomalyError):
            mc.zeros(1).log()
    finally:
        mc.autograd.set_detect_anomaly(False)
    assert setting is not None and mc.zeros(1).log().item() == -float("inf")
    mc.autograd.set_detect_anomaly(True, check_nan=False)
    assert mc.zeros(1).log().item() == -float("inf")
