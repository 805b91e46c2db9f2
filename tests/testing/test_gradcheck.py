"""What gradient checks say: where a gradient is wrong, which kinks were crossed, and whether anything was tested."""

from __future__ import annotations

from pathlib import Path

import pytest

import minicnn as mc
from minicnn.autograd import Function
from minicnn.testing import GradcheckError, gradcheck, gradgradcheck, gradient_report

F = mc.nn.functional


class Slipped(Function):
    """x³ with the derivative 2x²."""

    def forward(self, x: object) -> object:
        return x * x * x  # type: ignore[operator]  # a tensor by now

    def grad_x(self, g: mc.Tensor, x: mc.Tensor) -> mc.Tensor:
        return g * 2 * x * x


class TwoSided(Function):
    """|x| whose gradient at 0 is 5, which no slope beside it is."""

    def forward(self, x: object) -> object:
        return abs(x)  # type: ignore[arg-type]  # tensors have it

    def grad_x(self, g: mc.Tensor, x: mc.Tensor) -> mc.Tensor:
        return g * (x.sign() + 5.0 * (x == 0))


def float64(*values: float) -> mc.Tensor:
    return mc.tensor(values, dtype=mc.float64)


def test_a_wrong_gradient_is_shown_with_both_values_and_an_error_that_does_not_shrink() -> None:
    with pytest.raises(GradcheckError, match=r"wrong gradient in input 0\[1\]") as caught:
        gradcheck(Slipped.apply, float64(0.0, 2.0))
    found = caught.value.report.disagreement
    assert found is not None
    assert (found.variable, found.index, found.at) == ("input 0", (1,), 2.0)
    assert found.analytic == 8.0
    assert found.numeric == pytest.approx(12.0, rel=1e-8)
    assert found.complex_step == pytest.approx(12.0, rel=1e-14)
    assert found.errors[3:8] == pytest.approx([4.0] * 5, rel=1e-6)
    assert "complex step: 12, which sides with the numeric value" in str(caught.value)
    assert "1e-05     4.000e+00    ####" in str(caught.value)


def test_the_error_of_a_right_gradient_falls_with_the_square_of_the_step() -> None:
    with pytest.raises(GradcheckError) as caught:
        gradcheck(lambda x: x**3, float64(1.0), eps=1e-1)  # the step is too large: h² is off by 0.01
    errors = caught.value.report.disagreement.errors  # type: ignore[union-attr]  # there is a report, or the test fails
    assert errors[:3] == pytest.approx([1e-2, 1e-4, 1e-6], rel=1e-3)


def test_the_error_is_plotted_on_request(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason='pip install "minicnn[plot]"')
    report = gradient_report(Slipped.apply, float64(2.0))
    assert report.disagreement is not None
    figure = report.disagreement.plot(tmp_path / "error.png")
    assert figure.axes[0].get_xscale() == "log"
    assert (tmp_path / "error.png").stat().st_size > 1000


def test_a_function_of_real_numbers_has_no_complex_step() -> None:
    report = gradient_report(lambda x: Slipped.apply(x).abs(), float64(2.0))
    assert report.disagreement is not None
    assert str(report.disagreement.complex_step).startswith("not to be had")


def test_a_kink_within_the_step_is_named_and_only_its_coordinate_excused() -> None:
    report = gradient_report(mc.relu, float64(-1.0, 0.0, 2.0, 3e-7))
    assert report.passed
    assert [e.index for e in report.excused] == [(1,), (3,)]
    kink = report.excused[1].kink
    assert kink.operation == "ReLU"
    assert kink.crossing == pytest.approx((3e-7 - 1e-6, 3e-7 + 1e-6))
    assert report.checked == 2
    assert report.silent == {"input 0": 0.5}


def test_a_kink_inside_a_module_is_named_with_its_layer() -> None:
    model = mc.nn.Sequential(mc.nn.Linear(2, 2), mc.nn.ReLU())
    with mc.no_grad():
        model[0].weight.copy_(mc.tensor([[1.0, 1.0], [1.0, 2.0]]))
        model[0].bias.copy_(mc.tensor([0.0, 1.0]))
    report = gradient_report(model, float64(1.0, -1.0).reshape(1, 2))
    assert report.excused[0].kink.operation == "ReLU of layer 1 (ReLU)"
    assert {e.kink.index for e in report.excused} == {(0, 0), (0, 1)}


def test_ties_of_a_maximum_are_kinks() -> None:
    report = gradient_report(lambda x: F.max_pool2d(x, 2), mc.tensor([[[1.0, 3.0, 1.0, 2.0], [3.0, 0.0, 4.0, 3.0]]]))
    assert not report.problem
    assert [e.index for e in report.excused] == [(0, 0, 1), (0, 1, 0)]


def test_a_smooth_minimum_is_no_kink() -> None:
    report = gradient_report(lambda x: x * x, float64(0.0, 1.0))
    assert report.passed
    assert report.excused == []


def test_a_gradient_beyond_both_slopes_is_wrong_at_a_kink_too() -> None:
    with pytest.raises(GradcheckError, match="between the slopes") as caught:
        gradcheck(TwoSided.apply, float64(1.0, 0.0))
    assert caught.value.report.disagreement.index == (1,)  # type: ignore[union-attr]  # as above


def test_nothing_but_kinks_is_no_check() -> None:
    with pytest.raises(GradcheckError, match="every coordinate of relu is at a kink"):
        gradcheck(mc.relu, float64(0.0, 0.0))


def test_a_gradient_of_zero_fails_unless_allowed() -> None:
    x = mc.randn(2, 3, dtype=mc.float64)
    with pytest.raises(GradcheckError, match=r"zero in all of input 0(.|\n)*vacuity 100%"):
        gradcheck(lambda x: F.softmax(x, 1).sum(1), x)
    assert not gradcheck(lambda x: F.softmax(x, 1).sum(1), x, raise_exception=False)
    assert gradcheck(lambda x: F.softmax(x, 1).sum(1), x, allow_zero=True)
    assert gradcheck(lambda x: F.softmax(x, 1), x)


def test_a_gradient_of_zero_fails_where_the_jacobian_is_sampled() -> None:
    x = mc.randn(3, 4, dtype=mc.float64)
    with pytest.raises(GradcheckError, match="zero in all of input 1"):
        gradcheck(lambda x, y: x + 0 * y, [x, x.clone()], max_jacobian=10)


def test_blind_cotangents_fail() -> None:
    x = mc.randn(2, 3, dtype=mc.float64)
    with pytest.raises(GradcheckError, match="blind"):
        gradgradcheck(lambda x: F.softmax(x, 1).sum(1), x)
    assert gradgradcheck(lambda x: F.softmax(x, 1), x)
    assert gradgradcheck(lambda x: 3 * x, x)


def test_a_function_that_is_not_repeatable_fails() -> None:
    calls: list[int] = []

    def counting(x: mc.Tensor) -> mc.Tensor:
        calls.append(0)
        return x * len(calls)

    assert "not repeatable" in gradient_report(counting, float64(1.0)).problem


def test_reports_read_as_text() -> None:
    assert str(gradient_report(lambda x: x * x, float64(1.0, 2.0))).splitlines() == [
        "gradcheck: <lambda> agrees with its differences",
        "  compared  2 coordinates",
        "  vacuity   input 0: nothing changes along 0% of its coordinates",
    ]
