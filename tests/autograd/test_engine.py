"""The backward walk: order, accumulation, freeing, errors, depth."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any, ClassVar

import numpy as np
import pytest

import minicnn as mc
from minicnn import Tensor
from minicnn.autograd import Function
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, GradientError, OptionError, ShapeError


def leaf(*values: float) -> mc.Tensor:
    return mc.tensor(list(values), dtype=mc.float64, requires_grad=True)


def test_a_tensor_used_twice_gets_both_gradients() -> None:
    x = leaf(2.0, 3.0)
    y = x * x
    (y * x + y).sum().backward()
    assert x.grad.tolist() == [3 * 4 + 4.0, 3 * 9 + 6.0]


def test_gradients_accumulate_over_backward_passes() -> None:
    x = leaf(1.0, 2.0)
    for _ in range(3):
        (x * 2).sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]


def test_two_leaves_never_share_their_gradients_memory() -> None:
    x, y = leaf(1.0), leaf(2.0)
    (x + y).backward()
    x.grad.zero_()
    assert y.grad.tolist() == [1.0]


def test_broadcasting_is_undone_in_the_engine() -> None:
    x = mc.zeros(3, 1, dtype=mc.float64, requires_grad=True)
    y = mc.zeros(2, 1, 4, dtype=mc.float64, requires_grad=True)
    (x + y).sum().backward()
    assert x.grad.shape == (3, 1) and x.grad.tolist() == [[8.0]] * 3
    assert y.grad.shape == (2, 1, 4) and y.grad.tolist() == [[[3.0] * 4]] * 2


def test_gradients_have_their_inputs_dtype() -> None:
    x = mc.ones(2, dtype=mc.float32, requires_grad=True)
    y = mc.ones(2, dtype=mc.float64, requires_grad=True)
    (x * y).sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (mc.float32, mc.float64)


def test_a_graph_of_100_000_operations_walks_and_dies_without_recursion() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    y.sum().backward()
    assert x.grad.tolist() == [1.0]
    del y


def test_backward_frees_what_was_saved_and_a_second_one_names_the_operation() -> None:
    x = leaf(2.0)
    loss = (x * x).sum()
    loss.backward()
    with pytest.raises(GradientError, match="the saved tensors of Mul are already freed"):
        loss.backward()


def test_retain_graph_allows_a_second_backward() -> None:
    x = leaf(2.0)
    loss = (x * x).sum()
    loss.backward(retain_graph=True)
    loss.backward()
    assert x.grad.tolist() == [8.0]


def test_higher_derivatives_of_a_power() -> None:
    x = leaf(2.0)
    y = (x**4).sum()
    values = []
    for _ in range(4):
        (y,) = mc.grad(y, x, create_graph=True)
        values.append(y.item())
        y = y.sum()
    assert values == [32.0, 48.0, 48.0, 24.0]


def test_grad_leaves_grad_alone_and_returns_only_what_was_asked() -> None:
    x, y = leaf(2.0), leaf(3.0)
    gx, gy = mc.grad((x * y).sum(), [x, y])
    assert (gx.item(), gy.item()) == (3.0, 2.0)
    assert x.grad is None and y.grad is None


def test_grad_of_an_inner_tensor() -> None:
    x = leaf(2.0)
    h = x * 3
    (g,) = mc.grad((h * h).sum(), h)
    assert g.tolist() == [12.0]


def test_grad_of_an_unused_input() -> None:
    x, y = leaf(2.0), leaf(3.0)
    with pytest.raises(GradientError, match="do not depend on input 1"):
        mc.grad((x * 2).sum(), [x, y])
    assert mc.grad((x * 2).sum(), [x, y], allow_unused=True)[1] is None
    assert mc.grad((x * 2).sum(), [x, y], materialize_grads=True)[1].tolist() == [0.0]


def test_backward_into_given_inputs_only() -> None:
    x, y = leaf(2.0), leaf(3.0)
    (x * y).sum().backward(inputs=[x])
    assert x.grad.tolist() == [3.0] and y.grad is None


def test_seeds_are_checked() -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(GradientError, match="only for a tensor of one element"):
        (x * 2).backward()
    with pytest.raises(ShapeError, match="the given gradient does not fit"):
        (x * 2).backward(mc.ones(3, dtype=mc.float64))
    with pytest.raises(GradientError, match="does not require a gradient"):
        mc.ones(1).backward()


def test_integer_tensors_cannot_require_gradients() -> None:
    with pytest.raises(DtypeError, match="int64 cannot have a gradient"):
        mc.tensor([1, 2]).requires_grad_()


def test_hooks_see_whole_gradients_replace_them_and_can_be_removed() -> None:
    x = leaf(1.0)
    seen: list[float] = []
    inner = x * 2
    inner.register_hook(lambda g: seen.append(g.item()))
    handle = x.register_hook(lambda g: g * 10)
    (inner + inner).sum().backward()
    assert seen == [2.0] and x.grad.tolist() == [40.0]
    handle.remove()
    x.grad = None
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0]


def test_retain_grad_keeps_an_inner_gradient() -> None:
    x = leaf(3.0)
    h = x * x
    h.retain_grad()
    (h * 2).sum().backward()
    assert h.grad.tolist() == [2.0] and x.grad.tolist() == [12.0]


def test_no_grad_is_of_one_thread_alone() -> None:
    found: list[bool] = []
    with mc.no_grad():
        thread = threading.Thread(target=lambda: found.append(mc.is_grad_enabled()))
        thread.start()
        thread.join()
        assert not mc.is_grad_enabled()
    assert found == [True] and mc.is_grad_enabled()


def test_modes_as_decorators_and_nested() -> None:
    x = leaf(1.0)

    @mc.no_grad()
    def quiet() -> mc.Tensor:
        with mc.enable_grad():
            assert (x * 2).requires_grad
        return x * 2

    assert not quiet().requires_grad
    mc.set_grad_enabled(False)
    assert not (x * 2).requires_grad
    mc.set_grad_enabled(True)
    with mc.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_inference_tensors_stay_out_of_the_graph() -> None:
    x = leaf(1.0)
    with mc.inference_mode():
        y = x * 2
    assert y.is_inference() and not y.requires_grad
    with pytest.raises(GradientError, match="made in inference_mode"):
        x * y


def test_only_what_rules_name_is_kept_alive() -> None:
    x, y = leaf(1.0), mc.tensor([2.0], dtype=mc.float64)
    product = x * y
    assert set(product.grad_fn.saved) == {"y"}
    assert (x + y).grad_fn.saved is None


def test_no_reference_cycles_so_memory_goes_with_the_last_reference() -> None:
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0)
        h = (x * x).exp().sigmoid()
        h.retain_grad()
        nodes = weakref.ref(h.grad_fn)
        h.sum().backward()
        del h
        assert nodes() is None
    finally:
        gc.enable()


def test_a_rule_of_no_input_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(OptionError, match="grad_z is the rule of no input"):

        class Wrong(Function):
            def forward(self, x: object) -> object:
                return x

            def grad_z(self, g: object) -> object:
                return g


def test_a_rule_that_names_what_was_not_kept_is_refused() -> None:
    class Forgetful(Function):
        def forward(self, x: object) -> object:
            return x

        def grad_x(self, g: mc.Tensor, mask: mc.Tensor) -> mc.Tensor:
            return g * mask

    with pytest.raises(GradientError, match="names 'mask', which forward did not keep"):
        Forgetful.apply(leaf(1.0))


def test_a_gradient_of_the_wrong_shape_is_refused() -> None:
    class Transposed(Function):
        def forward(self, x: object) -> object:
            return x * 2  # type: ignore[operator]  # a tensor by now

        def grad_x(self, g: mc.Tensor) -> mc.Tensor:
            return mc.zeros(5, dtype=g.dtype)

    with pytest.raises(ShapeError, match="a rule's gradient does not fit its input"):
        Transposed.apply(leaf(1.0, 2.0)).sum().backward()


def test_any_number_of_inputs_needs_one_backward_for_all() -> None:
    with pytest.raises(OptionError, match=r"\*xs have no rule"):

        class Total(Function):
            def forward(self, scale: object, *xs: object) -> object:
                return xs[0]

            def grad_scale(self, g: mc.Tensor) -> mc.Tensor:
                return g


class Halved(Function):
    """x / 2, whose rule notes where the gradient that it makes lies."""

    made: ClassVar[list[int]] = []
    kept: ClassVar[list[Any]] = []

    def forward(self, x: Any) -> Any:
        return x / 2

    def grad_x(self, g: Tensor) -> Tensor:
        made = g / 2
        self.made.append(made.data_ptr())
        return made


class HalvedAndKept(Halved):
    def grad_x(self, g: Tensor) -> Tensor:
        made = g / 2
        self.kept[:] = [made.array]
        return made


class HalvedInParts(Halved):
    def grad_x(self, g: Tensor) -> Tensor:
        self.kept[:] = [(g / 2).array.reshape(1, -1)]
        return mc.as_tensor(self.kept[0][0])


def test_a_gradient_that_is_nobody_elses_becomes_grad_without_a_copy() -> None:
    x = mc.ones(4, requires_grad=True)
    Halved.apply(x).backward(mc.ones(4))
    assert x.grad.data_ptr() == Halved.made[-1]
    assert x.grad.tolist() == [0.5] * 4 and x.grad.is_leaf and not x.grad.requires_grad


def shares(x: Tensor, array: Any) -> bool:
    mine = x.grad.array
    return type(mine) is type(array) and backend_of(mine).shares_memory(mine, array)


def test_grad_shares_no_memory_with_what_somebody_else_holds() -> None:
    x, y = (mc.ones(4, requires_grad=True) for _ in range(2))
    seed = mc.ones(4)
    (x + y).backward(seed)  # whose rules hand on the one gradient that they get
    assert not shares(x, y.grad.array) and not shares(x, seed.array) and not shares(y, seed.array)
    values = np.ones(4, "float32")
    for function in (lambda t: t + 1, lambda t: t.reshape(2, 2), lambda t: t.flatten()):
        z = mc.ones(4, requires_grad=True)
        result = function(z)
        result.backward(mc.as_tensor(values.reshape(result.shape)))
        assert not shares(z, values)
    for operation in (HalvedAndKept, HalvedInParts):
        z = mc.ones(4, requires_grad=True)
        operation.apply(z).backward(seed)
        assert not shares(z, operation.kept[0])


def test_grad_shares_no_memory_with_what_a_hook_saw() -> None:
    seen = []
    x = mc.ones(4, requires_grad=True)
    x.register_hook(seen.append)
    y = x * 2
    y.retain_grad()
    (y * 3).sum().backward()
    assert not shares(x, seen[0].array) and not shares(x, y.grad.array)
    other = mc.ones(4)
    z = mc.ones(4, requires_grad=True)
    z.register_hook(lambda g: other)
    (z * 2).sum().backward()
    assert not shares(z, other.array)


def test_many_gradients_of_one_tensor_sum_up_in_memory_of_their_own() -> None:
    seen = []
    x = mc.ones(3, requires_grad=True)
    y = x * 1
    y.register_hook(lambda g: seen.append(g.tolist()))
    parts = [y * k for k in range(1, 6)]
    for part in parts:
        part.retain_grad()
    sum(parts).sum().backward()
    assert seen == [[15.0] * 3] and x.grad.tolist() == [15.0] * 3
    assert all(part.grad.tolist() == [1.0] * 3 for part in parts)


def test_the_nodes_run_from_the_newest_to_the_oldest() -> None:
    order = []
    x = mc.ones(2, requires_grad=True)
    first, second = x * 2, x * 3
    third = second * first
    for name, tensor in (("first", first), ("second", second), ("third", third)):
        tensor.register_hook(lambda g, name=name: order.append(name))
    (first + third).sum().backward()
    assert order == ["third", "second", "first"]
