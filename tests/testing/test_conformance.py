"""Students' operations: checked against the engine, and put into models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.autograd import Function
from minicnn.errors import UnknownNameError
from minicnn.testing import check_linear, check_relu, use
from minicnn.testing.conformance import ConformanceError, check
from minicnn.testing.conformance import test_names as names
from minicnn.testing.replacement import OracleError
from minicnn.testing.student import Student

ONE_OF_A_KIND = ["adaptive_avg_pool2d", "batch_norm", "conv_transpose2d", "cross_entropy", "embedding", "fold",
                 "kl_div", "max_unpool2d", "pad", "softmax", "triplet_margin_loss"]  # fmt: skip


def linear(x: Any, w: Any, b: Any) -> tuple[Any, Any]:
    return x @ w.T + (0 if b is None else b), (x, w)


def linear_back(g: Any, cache: Any) -> tuple[Any, ...]:
    x, w = cache
    rows = g.reshape(-1, g.shape[-1])
    return g @ w, rows.T @ x.reshape(-1, x.shape[-1]), rows.sum(0)


def mean_back(g: Any, cache: Any) -> tuple[Any, ...]:
    dx, dw, db = linear_back(g, cache)
    return dx, dw, db / len(g)


class OwnReLU(Function):
    def forward(self, x: Any) -> Any:
        return x * (x > 0)

    def grad_x(self, g: mc.Tensor, x: mc.Tensor) -> mc.Tensor:
        return g * (x > 0)


class ReLUOfPyTorch(Function):
    @staticmethod
    def forward(ctx: Any, x: mc.Tensor) -> mc.Tensor:
        ctx.save_for_backward(x)
        return x * (x > 0)

    @staticmethod
    def backward(ctx: Any, g: mc.Tensor) -> mc.Tensor:
        (x,) = ctx.saved_tensors
        return g * (x > 0)


def test_right_code_in_each_form_passes_all_tests() -> None:
    assert check_linear(linear, linear_back, examples=20).score == 1.0
    for form in (OwnReLU, ReLUOfPyTorch, lambda x: x * (x > 0)):
        assert check_relu(form, examples=10).score == 1.0


def test_a_wrong_gradient_fails_with_the_smallest_example() -> None:
    found = check_linear(linear, mean_back, examples=40)
    failed = {r.test: r.why for r in found.results if not r.passed}
    assert list(failed) == ["gradient of bias"]  # the others do not suffer from it
    assert "expected gradient of bias" in failed["gradient of bias"]
    assert 0 < found.score < 1
    assert "FAIL  gradient of bias" in str(found)


def test_code_that_changes_its_input_or_raises_fails() -> None:
    def changing(x: Any) -> tuple[Any, Any]:
        np.maximum(x, 0, out=x)
        return x, None

    def raising(x: Any) -> tuple[Any, Any]:
        raise KeyError("x")

    for wrong, why in ((changing, "the input input was changed"), (raising, "raised KeyError")):
        result = check("relu", wrong, lambda g, cache: g, examples=20).results[0]
        assert not result.passed
        assert why in result.why


def test_options_are_tested_one_by_one() -> None:
    def pool(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False) -> mc.Tensor:
        return F.max_pool2d(x, kernel_size, stride, padding, 1, ceil_mode)

    found = check("max_pool2d", pool, examples=25)
    passed = {r.test for r in found.results if r.passed}
    assert {"values", "gradient of input", "option stride", "option padding", "option ceil_mode"} <= passed
    assert [r.test for r in found.results if not r.passed] == ["option dilation", "options together"]
    assert "your code does not take dilation" in str(found)


def test_the_smallest_example_is_drawn_as_rows_and_columns() -> None:
    def flipped(x: Any, w: Any, b: Any) -> mc.Tensor:
        return F.conv2d(x, w.flip(2, 3), b)

    result = check("conv2d", flipped, tests=["values"]).results[0]
    assert result.why.splitlines() == [
        "input 1 × 1 × 2", "      0  0.25", "weight 1 × 1 × 1 × 2", "      0  0.25", "expected result 1 × 1 × 1",
        "  0.0625", "got 1 × 1 × 1", "      0",
    ]  # fmt: skip
    assert result.score == 0.0


def test_edge_cases_are_tested_where_the_engine_takes_them() -> None:
    def unshifted(x: mc.Tensor, dim: int) -> mc.Tensor:
        e = mc.exp(x)
        return e / e.sum(dim, keepdim=True)

    found = check("softmax", unshifted, examples=40)
    assert [r.test for r in found.results if not r.passed] == ["edge case: large values"]
    assert {"edge case: equal values", "edge case: empty batch"} <= {r.test for r in found.results}
    assert "edge case: empty batch" not in names("cross_entropy")  # its labels would be of another batch


def test_a_teacher_chooses_the_tests_and_the_calls() -> None:
    def unpadded(x: Any, w: Any, b: Any, stride: Any = 1, padding: Any = 0) -> mc.Tensor:
        assert padding != "same"
        return F.conv2d(x, w, b, stride, padding)

    chosen = ["values", "option padding"]
    assert [r.passed for r in check("conv2d", unpadded, tests=chosen, examples=30).results] == [True, False]
    found = check("conv2d", unpadded, tests=chosen, examples=30,
                  where=lambda call: call.options.get("padding") != "same")  # fmt: skip
    assert [(r.test, r.passed) for r in found.results] == [("values", True), ("option padding", True)]
    found.demand()
    with pytest.raises(ConformanceError, match="option padding failed"):
        check("conv2d", unpadded, tests=chosen[1:], examples=30).demand()
    with pytest.raises(mc.errors.OptionError, match="no such test"):
        check("conv2d", unpadded, tests=["value"])


def test_operations_that_are_not_there_or_draw_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="conv2d"):
        check("conv_2d", linear)
    with pytest.raises(mc.errors.GradientError, match="random"):
        check("dropout", linear)


def test_a_students_operation_works_inside_of_models() -> None:
    mc.manual_seed(0)
    model = mc.nn.Sequential(mc.nn.Linear(3, 2), mc.nn.ReLU())
    x = mc.randn(4, 3)
    expected = mc.autograd.grad(model(x).sum(), list(model.parameters()))
    calls = []

    def counted(*args: Any) -> Any:
        calls.append(args)
        return linear(*args)

    right = F.linear
    for oracle in (False, True):
        with use(linear=(counted, linear_back), relu=OwnReLU, oracle=oracle):
            found = mc.autograd.grad(model(x).sum(), list(model.parameters()))
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a.cpu().numpy(), b.cpu().numpy(), rtol=1e-6)
    assert mc.use is use
    assert len(calls) == 2
    assert F.linear is right


def test_code_that_knows_numbers_only_works_in_layers_which_have_pairs() -> None:
    right = F.conv2d

    def simple(x: Any, w: Any, b: Any, stride: int = 1, padding: int = 0) -> mc.Tensor:
        assert (stride, padding) == (2, 1)
        return right(x, w, b, stride, padding)

    layer = mc.nn.Conv2d(1, 2, 3, stride=2, padding=1)
    x = mc.randn(1, 1, 5, 5)
    expected = layer(x).tolist()
    with use(conv2d=simple):
        assert layer(x).tolist() == expected
        with pytest.raises(mc.errors.ArgumentError, match="does not take dilation"):
            mc.nn.Conv2d(1, 2, 3, stride=2, padding=1, dilation=2)(x)


def test_the_oracle_names_operation_layer_and_step() -> None:
    model = mc.nn.Sequential(mc.nn.Linear(3, 2), mc.nn.ReLU(), mc.nn.Linear(2, 2))
    with use(linear=(linear, mean_back), oracle=True):
        loss = model(mc.randn(4, 3)).sum()
        loss = model(mc.randn(4, 3)).sum()
        with pytest.raises(OracleError, match=r"linear: the gradient of bias .* in layer 2 \(Linear\), step 2"):
            loss.backward()

    def late(x: Any, w: Any, b: Any) -> Any:
        out, cache = linear(x, w, b)
        return out + (w.shape[1] == 2), cache

    with use(linear=(late, linear_back), oracle=True), pytest.raises(OracleError, match=r"layer 2 \(Linear\), step 1"):
        model(mc.randn(4, 3))


@pytest.mark.parametrize("operation", ONE_OF_A_KIND)
def test_operations_of_each_kind_can_be_checked_and_the_engine_passes(operation: str) -> None:
    student = Student(operation, getattr(F, operation))

    def engine(*tensors: Any, **options: Any) -> mc.Tensor:
        return student.engine(list(tensors), options)

    found = check(operation, engine, examples=2)
    assert found.score == 1.0, str(found)
