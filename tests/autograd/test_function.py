"""Functions in PyTorch's form, and anomaly detection."""

from __future__ import annotations

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.autograd import AnomalyError, Function, detect_anomaly
from minicnn.errors import GradientError
from minicnn.testing import gradcheck, gradgradcheck


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


class ScaledPair(Function):
    """Two results, a constant argument, one input that may not need its gradient."""

    @staticmethod
    def forward(ctx, x, y, scale):
        ctx.scale = scale
        ctx.save_for_backward(x, y)
        return x * y * scale, x + y

    @staticmethod
    def backward(ctx, g, h):
        x, y = ctx.saved_tensors
        gx = g * y * ctx.scale + h if ctx.needs_input_grad[0] else None
        gy = g * x * ctx.scale + h if ctx.needs_input_grad[1] else None
        return gx, gy, None


def test_the_context_form_computes_and_differentiates_twice() -> None:
    x = mc.tensor([0.5, -1.0], dtype=mc.float64)
    assert gradcheck(Exp.apply, x)
    assert gradgradcheck(Exp.apply, x)


def test_the_context_form_with_two_results() -> None:
    x, y = mc.tensor([0.5, -1.0], dtype=mc.float64), mc.tensor([2.0, 3.0], dtype=mc.float64)
    assert gradcheck(lambda x, y: ScaledPair.apply(x, y, 3.0), [x, y])
    assert gradgradcheck(lambda x, y: ScaledPair.apply(x, y, 3.0), [x, y])


def test_a_result_that_was_not_used_arrives_as_zeros() -> None:
    x = mc.tensor([2.0], requires_grad=True)
    product, _ = ScaledPair.apply(x, mc.tensor([3.0]), 1.0)
    product.backward()
    assert x.grad.tolist() == [3.0]


def test_needs_input_grad_follows_the_inputs() -> None:
    x, y = mc.tensor([2.0], requires_grad=True), mc.tensor([3.0])
    product, _ = ScaledPair.apply(x, y, 1.0)
    assert product.grad_fn.needs_input_grad == (True, False, False)


def test_the_context_forms_saved_tensors_are_freed_and_version_checked() -> None:
    x = mc.tensor([1.0], requires_grad=True)
    y = Exp.apply(x)
    y.backward()
    with pytest.raises(GradientError, match="already freed"):
        y.backward()
    y = Exp.apply(x)
    with mc.no_grad():
        y.mul_(2)
    with pytest.raises(GradientError, match="edited in place"):
        y.backward()


def test_too_few_gradients_are_refused() -> None:
    class Short(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return g

    x, y = mc.ones(1, requires_grad=True), mc.ones(1)
    with pytest.raises(GradientError, match="backward returned 1 gradients"):
        Short.apply(x, y).backward()


def test_mark_non_differentiable() -> None:
    class Sorted(Function):
        @staticmethod
        def forward(ctx, x):
            order = x * 0
            ctx.mark_non_differentiable(order)
            return x * 2, order

        @staticmethod
        def backward(ctx, g, _):
            return g * 2

    doubled, order = Sorted.apply(mc.ones(1, requires_grad=True))
    assert doubled.requires_grad and not order.requires_grad


class Scale(Function):
    """x *= k, in x's own memory."""

    @staticmethod
    def forward(ctx, x, k):
        ctx.k = k
        ctx.mark_dirty(x)
        return x.mul_(k)

    @staticmethod
    def backward(ctx, g):
        return g * ctx.k, None


def test_mark_dirty_makes_an_edit_of_a_result() -> None:
    x = mc.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    z = Scale.apply(y, 3.0)
    assert z is y and y.tolist() == [3.0, 6.0, 9.0]
    (z * z).sum().backward()
    assert x.grad.tolist() == [18.0, 36.0, 54.0]
    view_of = x * 1
    Scale.apply(view_of[:2], 5.0)
    x.grad = None
    view_of.sum().backward()
    assert x.grad.tolist() == [5.0, 5.0, 1.0]


def test_mark_dirty_is_seen_by_who_saved_the_tensor_and_refuses_leaves() -> None:
    x = mc.ones(2, requires_grad=True)
    y = x * 1
    square = y * y
    Scale.apply(y, 2.0)
    with pytest.raises(GradientError, match=r"Mul saved its input ., which was since edited in place by Scale"):
        square.sum().backward()
    with pytest.raises(GradientError, match="Scale: a leaf that requires a gradient"):
        Scale.apply(x, 2.0)


@pytest.mark.parametrize(("materialize", "first"), [(True, [0.0, 0.0]), (False, None)])
def test_set_materialize_grads(materialize: bool, first: list[float] | None) -> None:
    seen = []

    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(materialize)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, g, h):
            seen.append((None if g is None else g.tolist(), h.tolist()))
            return h * 3 if g is None else g * 2 + h * 3

    x = mc.ones(2, requires_grad=True)
    Two.apply(x)[1].sum().backward()
    assert seen == [(first, [1.0, 1.0])] and x.grad.tolist() == [3.0, 3.0]


def test_anomaly_detection_names_the_forward_operation_and_its_range() -> None:
    with detect_anomaly(), pytest.raises(AnomalyError, match="Log made the first infinity, in the forward") as found:
        mc.tensor([4.0, 0.0]).log()
    assert "(2,) in [0, 4]" in str(found.value)


def test_anomaly_detection_names_the_backward_operation() -> None:
    x = mc.tensor([4.0, 0.0], requires_grad=True)
    with detect_anomaly():
        y = x.sqrt().sum()
        with pytest.raises(AnomalyError, match=r"Sqrt made the first infinity, in the backward pass"):
            y.backward()


def test_anomaly_detection_names_the_layer() -> None:
    class Inner(nn.Module):
        def forward(self, x):
            return x.log()

    model = nn.Sequential(nn.Identity(), Inner())
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"in layer .*1"):
        model(mc.zeros(2))
    model(mc.zeros(2))  # and nothing is watched outside
