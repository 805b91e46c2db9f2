"""Activations: against PyTorch, at their kinks and special values, and in place."""

import math

import numpy as np
import pytest

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.errors import DtypeError, GradientError, OptionError, OutOfRangeError, ShapeError
from tests.nn.functional.against import agree, normal

INF, NAN = math.inf, math.nan
PLAIN = ["relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "softsign",
         "softshrink", "hardshrink", "tanhshrink", "hardtanh", "hardswish", "logsigmoid", "sigmoid", "tanh", "rrelu"]
IN_PLACE = ["relu", "relu6", "leaky_relu", "elu", "selu", "celu", "silu", "mish", "hardtanh", "hardsigmoid",
            "hardswish", "rrelu"]


def slopes(function, *points, g=2.0):
    x = mc.tensor(list(points), requires_grad=True)
    (slope,) = mc.grad(function(x), x, mc.full((len(points),), g))
    return slope.tolist()


@pytest.mark.parametrize("name", PLAIN)
def test_equals_pytorch_to_the_second_derivative(name):
    agree(lambda t, x: getattr(t, name)(x), 3 * normal(4, 5))


def test_hardsigmoid_equals_pytorch():
    agree(lambda t, x: t.hardsigmoid(x), 3 * normal(4, 5), second=False)  # PyTorch has no second derivative of it


@pytest.mark.parametrize("call", [
    lambda t, x: t.threshold(x, 0.3, 5.0),
    lambda t, x: t.leaky_relu(x, -0.3),
    lambda t, x: t.leaky_relu(x, 1.7),
    lambda t, x: t.gelu(x, approximate="tanh"),
    lambda t, x: t.elu(x, 2.3),
    lambda t, x: t.celu(x, 2.3),
    lambda t, x: t.softplus(x, 3.0, 1.0),
    lambda t, x: t.hardshrink(x, 0.1),
    lambda t, x: t.softshrink(x, 0.1),
    lambda t, x: t.hardtanh(x, -0.2, 1.5),
    lambda t, x: t.rrelu(x, 0.2, 0.4),
    lambda t, x: t.glu(x, 1),
    lambda t, x: t.glu(x),
    lambda t, x: t.softmax(x, 0),
    lambda t, x: t.softmax(x, dim=-1),
    lambda t, x: t.log_softmax(x, 1),
    lambda t, x: t.softmin(x, 1),
])
def test_options_equal_pytorchs(call):
    agree(call, 2 * normal(4, 6, 2))


@pytest.mark.parametrize("shape", [(1,), (6,)])
def test_prelu_equals_pytorch(shape):
    agree(lambda t, x, w: t.prelu(x, w), normal(4, 6, 2), normal(*shape))


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_runs_in_the_tensors_memory_with_the_same_gradient(name):
    function = getattr(F, name)
    leaf = mc.as_tensor(3 * normal(4, 5)).requires_grad_()
    x = leaf * 1
    memory = x.array
    y = function(x, inplace=True)
    assert y is x
    assert y.array is memory
    expected = function(leaf)
    np.testing.assert_array_equal(y.detach().cpu().numpy(), expected.detach().cpu().numpy())
    g = mc.as_tensor(normal(4, 5, seed=1))
    np.testing.assert_array_equal(mc.grad(y, leaf, g)[0].cpu().numpy(), mc.grad(expected, leaf, g)[0].cpu().numpy())


@pytest.mark.parametrize("name", ["relu_", "hardtanh_", "leaky_relu_", "rrelu_", "elu_", "selu_", "celu_"])
def test_underscored_forms_are_in_place(name):
    x = mc.tensor([-0.5, 0.5])
    expected = getattr(F, name[:-1])(x)
    assert getattr(F, name)(x) is x
    assert x.tolist() == expected.tolist()


def test_threshold_in_place():
    x = mc.tensor([0.1, 0.9])
    assert F.threshold_(x, 0.5, 7.0) is x
    np.testing.assert_array_equal(x.cpu().numpy(), np.array([7, 0.9], "float32"))


def test_in_place_on_a_leaf_raises():
    with pytest.raises(GradientError, match="leaf"):
        F.relu(mc.ones(2, requires_grad=True), inplace=True)


# SEMANTICS 18 to 20

def test_relu_has_slope_0_at_0():
    assert slopes(F.relu, -1.0, 0.0, 1.0) == [0, 0, 2]


def test_leaky_relu_has_its_slope_at_0():
    assert slopes(lambda x: F.leaky_relu(x, 0.25), -1.0, 0.0, 1.0) == [0.5, 0.5, 2]


def test_relu6_and_hardtanh_have_slope_0_at_both_ends():
    assert slopes(F.relu6, 0.0, 3.0, 6.0) == [0, 2, 0]
    assert slopes(F.hardtanh, -1.0, 0.0, 1.0) == [0, 2, 0]


def test_other_slopes_at_kinks():
    assert slopes(F.elu, 0.0) == [2]
    assert slopes(F.hardsigmoid, -3.0, 3.0) == [0, 0]
    assert slopes(F.hardswish, -3.0, 3.0) == [0, 2]
    assert slopes(F.hardshrink, -0.5, 0.5) == [0, 0]
    assert slopes(F.softshrink, -0.5, 0.5) == [0, 0]
    assert slopes(lambda x: F.threshold(x, 0.5, 1.0), 0.5) == [0]
    assert slopes(lambda x: F.prelu(x, mc.tensor([0.25])), 0.0) == [0.5]


def test_relu_of_nan_is_nan_and_lets_the_gradient_through():
    assert math.isnan(F.relu(mc.tensor(NAN)).item())
    assert slopes(F.relu, NAN) == [2]


def test_a_closed_relu_stops_an_infinite_gradient():
    assert slopes(F.relu, -1.0, 1.0, g=INF) == [0, INF]


def test_nothing_overflows():
    big = mc.tensor([-1e4, 1e4])
    assert F.softplus(big).tolist() == [0, 1e4]
    assert F.logsigmoid(big).tolist() == [-1e4, 0]
    assert F.elu(big).tolist() == [-1, 1e4]
    assert F.silu(big).tolist() == [0, 1e4]
    assert F.mish(big).tolist() == [0, 1e4]
    assert F.gelu(big).tolist() == [0, 1e4]
    for function in (F.softplus, F.logsigmoid, F.elu, F.silu, F.mish, F.gelu):
        assert np.isfinite(slopes(function, -1e4, 1e4)).all()


def test_softmax_of_all_minus_infinity_is_nan():
    assert np.isnan(F.softmax(mc.full((2,), -INF), dim=0).cpu().numpy()).all()
    assert np.isnan(F.log_softmax(mc.full((2,), -INF), dim=0).cpu().numpy()).all()


def test_softmax_of_large_numbers():
    assert F.softmax(mc.tensor([1e30, -1e30]), dim=0).tolist() == [1, 0]
    assert F.log_softmax(mc.tensor([0.0, 1000.0]), dim=0).tolist() == [-1000, 0]


def test_softmax_without_dim_warns_and_chooses_as_pytorch():
    for shape, dim in [((3,), 0), ((2, 3), 1), ((2, 3, 4), 0), ((2, 3, 4, 5), 1)]:
        x = mc.as_tensor(normal(*shape))
        with pytest.warns(UserWarning, match="dim was left out"):
            y = F.softmax(x)
        np.testing.assert_array_equal(y.cpu().numpy(), F.softmax(x, dim).cpu().numpy())


def test_softmax_dtype():
    assert F.softmax(mc.tensor([1, 2]), 0, dtype=mc.float64).dtype == mc.float64


def test_scalars():
    x = mc.tensor(-2.0)
    assert F.relu(x).item() == 0
    assert F.softmax(x, 0).item() == 1
    assert F.elu(x).item() == pytest.approx(math.exp(-2) - 1)
    assert F.prelu(x, mc.tensor([0.5])).item() == -1


def test_integers():
    assert F.relu(mc.tensor([-1, 2])).tolist() == [0, 2]
    assert F.relu(mc.tensor([-1, 2])).dtype == mc.int64
    assert F.hardtanh(mc.tensor([-3, 3])).tolist() == [-1, 1]
    for name in ("elu", "gelu", "silu", "softplus", "leaky_relu", "hardswish", "logsigmoid", "mish", "hardshrink"):
        with pytest.raises(DtypeError, match=name):
            getattr(F, name)(mc.tensor([1, 2]))
    with pytest.raises(DtypeError, match="bools"):
        F.relu(mc.tensor([True]))


# Randomness: the same seed gives PyTorch's draws.

def seeded(call):
    def run(t, x):
        if t is F:
            mc.manual_seed(7)
        else:
            pytest.importorskip("torch", reason="compares with PyTorch live").manual_seed(7)
        return call(t, x)
    return run


def test_rrelu_in_training_draws_pytorchs_slopes():
    agree(seeded(lambda t, x: t.rrelu(x, training=True)), normal(4, 5))


@pytest.mark.parametrize("hard", [False, True])
def test_gumbel_softmax_draws_pytorchs_noise(hard):
    agree(seeded(lambda t, x: t.gumbel_softmax(x, 0.7, hard=hard)), normal(4, 5))


def test_a_hard_gumbel_softmax_is_one_hot():
    y = F.gumbel_softmax(mc.zeros(6, 3), hard=True)
    assert sorted(set(y.cpu().numpy().ravel().tolist())) == [0, 1]
    assert y.sum(1).tolist() == [1] * 6


# Errors

@pytest.mark.parametrize(("error", "call"), [
    (OptionError, lambda: F.gelu(mc.ones(2), approximate="erf")),
    (OptionError, lambda: F.celu(mc.ones(2), 0.0)),
    (OptionError, lambda: F.softshrink(mc.ones(2), -1.0)),
    (OptionError, lambda: F.hardtanh(mc.ones(2), 2, 1)),
    (OptionError, lambda: F.rrelu(mc.ones(2), 0.5, 0.2)),
    (ShapeError, lambda: F.prelu(mc.ones(4, 3), mc.ones(2))),
    (ShapeError, lambda: F.prelu(mc.ones(4), mc.ones(4))),
    (ShapeError, lambda: F.prelu(mc.ones(4, 3), mc.ones(3, 1))),
    (DtypeError, lambda: F.prelu(mc.ones(4, 3), mc.ones(3, dtype=mc.float64))),
    (ShapeError, lambda: F.glu(mc.ones(3))),
    (ShapeError, lambda: F.glu(mc.tensor(1.0))),
    (OutOfRangeError, lambda: F.softmax(mc.ones(3), 1)),
    (DtypeError, lambda: F.softmax(mc.tensor([1, 2]), 0)),
])
def test_errors_teach(error, call):
    with pytest.raises(error) as caught:
        call()
    assert "got" in str(caught.value)
    assert "rule" in str(caught.value)


def test_nothing_is_saved_twice():
    x = mc.ones(3, requires_grad=True)
    y = F.relu(x)
    assert y.grad_fn.saved.keys() == {"out"}
    with mc.no_grad():
        assert F.relu(x).grad_fn is None
