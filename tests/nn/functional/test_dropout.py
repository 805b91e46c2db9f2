"""Dropout: PyTorch's masks for the same seed, and SEMANTICS 27."""

import numpy as np
import pytest

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.errors import OptionError, ShapeError
from tests.nn.functional.against import normal

ALL = ["dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"]
SHAPES = {"dropout1d": (4, 3, 5), "dropout3d": (4, 3, 2, 2, 2)}


def both(name, x, **options):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    mc.manual_seed(11)
    torch.manual_seed(11)
    theirs = torch.from_numpy(x.copy()).requires_grad_()
    ours = mc.as_tensor(x.copy()).requires_grad_()
    y, expected = getattr(F, name)(ours, **options), getattr(torch.nn.functional, name)(theirs, **options)
    g = np.random.default_rng(0).standard_normal(x.shape).astype(x.dtype)
    (dx,) = mc.grad(y, ours, mc.as_tensor(g))
    (expected_dx,) = torch.autograd.grad(expected, theirs, torch.from_numpy(g))
    return (y.detach().cpu().numpy(), dx.cpu().numpy()), (expected.detach().cpu().numpy(), expected_dx.cpu().numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("name", ALL)
def test_the_same_seed_gives_pytorchs_numbers(name, p, dtype):
    x = normal(*SHAPES.get(name, (4, 3, 5, 2))).astype(dtype)
    ours, theirs = both(name, x, p=p, training=True)
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_an_unbatched_input_of_dropout1d():
    ours, theirs = both("dropout1d", normal(4, 3))
    np.testing.assert_array_equal(ours, theirs)


def test_a_three_dimensional_input_of_dropout2d_warns_as_in_pytorch():
    with pytest.warns(UserWarning, match="dropout2d"):
        ours, theirs = both("dropout2d", normal(4, 3, 5))
    np.testing.assert_array_equal(ours, theirs)


def test_scaling_is_inverted():
    y = F.dropout(mc.ones(1000), p=0.25)
    assert set(y.tolist()) == {0, np.float32(1) / np.float32(0.75)}
    assert 0.6 < float((y != 0).float().mean()) < 0.9


def test_p_1_gives_zeros_and_p_0_the_input():
    x = mc.ones(3)
    assert F.dropout(x, p=1.0).tolist() == [0, 0, 0]
    assert F.dropout(x, p=0.0) is x
    assert F.alpha_dropout(x, p=1.0, training=True).tolist() == [0, 0, 0]


def test_dropout2d_drops_whole_channels():
    y = F.dropout2d(mc.ones(8, 16, 2, 3)).cpu().numpy()
    assert ((y == 0).all((2, 3)) | (y == 2).all((2, 3))).all()
    assert 0 < (y == 0).mean() < 1


@pytest.mark.parametrize("name", ALL)
def test_evaluation_is_the_identity(name):
    x = mc.ones(*SHAPES.get(name, (2, 3, 4, 5)))
    assert getattr(F, name)(x, training=False).tolist() == x.tolist()


@pytest.mark.parametrize("name", ALL)
def test_in_place_has_the_same_numbers_and_gradient(name):
    leaf = mc.as_tensor(normal(*SHAPES.get(name, (4, 3, 5, 2)))).requires_grad_()
    mc.manual_seed(5)
    expected = getattr(F, name)(leaf, training=True)
    x = leaf * 1
    memory = x.array
    mc.manual_seed(5)
    y = getattr(F, name)(x, training=True, inplace=True)
    assert y is x
    assert y.array is memory
    np.testing.assert_array_equal(y.detach().cpu().numpy(), expected.detach().cpu().numpy())
    dx, expected_dx = (mc.grad(out.sum(), leaf)[0] for out in (y, expected))
    np.testing.assert_array_equal(dx.cpu().numpy(), expected_dx.cpu().numpy())


def test_an_unbatched_input_of_dropout1d_in_place():
    x = mc.ones(6, 3)
    assert F.dropout1d(x, inplace=True) is x
    assert set(x.tolist()[0]) <= {0, 2}
    assert any(row == [0, 0, 0] for row in x.tolist())


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
@pytest.mark.parametrize("name", ALL)
def test_a_p_that_is_no_probability_raises(name, p):
    with pytest.raises(OptionError, match=f"{name}: p is no probability"):
        getattr(F, name)(mc.ones(2, 3, 4, 5), p=p)


def test_channels_are_needed_to_drop_them():
    with pytest.raises(ShapeError, match="dropout1d"):
        F.dropout1d(mc.ones(3))
    with pytest.raises(ShapeError, match="channels"), pytest.warns(UserWarning, match="1-D"):
        F.dropout2d(mc.ones(3))


def test_empty_input():
    assert F.dropout(mc.zeros(0, 3)).shape == (0, 3)
