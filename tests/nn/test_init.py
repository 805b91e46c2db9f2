"""Initialisers: PyTorch's numbers for the same seed, and formulas that can be checked without it."""

import math
import warnings

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.nn import init

SHAPES = [(6, 4), (8, 3, 5), (6, 4, 3, 3)]


def draw(init, empty, name, shape, args):
    tensor = empty(*shape)
    return getattr(init, name)(tensor, **args).cpu().numpy()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "args"), [
    ("uniform_", {}), ("uniform_", {"a": -2.0, "b": 3.0}), ("normal_", {}), ("normal_", {"mean": 1.0, "std": 0.1}),
    ("trunc_normal_", {}), ("trunc_normal_", {"mean": 0.5, "std": 2.0, "a": -1.0, "b": 1.0}),
    ("xavier_uniform_", {"gain": 1.5}), ("xavier_normal_", {}), ("kaiming_uniform_", {}), ("kaiming_normal_", {}),
    ("kaiming_uniform_", {"a": 0.2, "mode": "fan_out"}),
    ("kaiming_normal_", {"nonlinearity": "relu", "mode": "fan_out"}),
    ("kaiming_normal_", {"nonlinearity": "tanh"}), ("orthogonal_", {}), ("orthogonal_", {"gain": 2.0}),
    ("ones_", {}), ("zeros_", {}), ("constant_", {"val": 0.3}),
])  # fmt: skip
def test_values_equal_pytorchs(name, args, shape):  # SEMANTICS 41
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    for seed in (0, 1234):
        torch.manual_seed(seed)
        mc.manual_seed(seed)
        ours, theirs = draw(init, mc.empty, name, shape, args), draw(torch.nn.init, torch.empty, name, shape, args)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=2e-6 if name == "orthogonal_" else 1e-6)
        assert mc.rand(1).item() == torch.rand(1).item()  # the stream goes on at the same place


@pytest.mark.parametrize(("name", "shape", "args"), [
    ("eye_", (3, 5), {}),
    ("dirac_", (4, 2, 3), {}), ("dirac_", (4, 2, 3, 5), {"groups": 2}), ("dirac_", (2, 4, 1, 1), {}),
    ("sparse_", (10, 3), {"sparsity": 0.25}), ("sparse_", (6, 4), {"sparsity": 0.5, "std": 1.0}),
])  # fmt: skip
def test_patterns_equal_pytorchs(name, shape, args):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    torch.manual_seed(3)
    mc.manual_seed(3)
    ours, theirs = draw(init, mc.empty, name, shape, args), draw(torch.nn.init, torch.empty, name, shape, args)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def test_a_generator_of_ones_own():
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    ours = init.kaiming_uniform_(mc.empty(3, 4), generator=mc.Generator().manual_seed(7))
    theirs = torch.nn.init.kaiming_uniform_(torch.empty(3, 4), generator=torch.Generator().manual_seed(7))
    np.testing.assert_allclose(ours.cpu().numpy(), theirs.numpy(), rtol=1e-6)


def test_gains():
    expected = {"linear": 1, "conv2d": 1, "conv_transpose1d": 1, "sigmoid": 1, "tanh": 5 / 3, "relu": math.sqrt(2),
                "leaky_relu": math.sqrt(2 / (1 + 0.01**2)), "selu": 0.75}
    for name, gain in expected.items():
        assert init.calculate_gain(name) == pytest.approx(gain)
    assert init.calculate_gain("leaky_relu", 0.2) == pytest.approx(math.sqrt(2 / 1.04))
    with pytest.raises(ValueError, match="one of"):
        init.calculate_gain("swish")
    with pytest.raises(ValueError, match="no number"):
        init.calculate_gain("leaky_relu", "steep")


def test_bounds_follow_the_fans():
    weight = mc.empty(30, 20, 3, 3)
    bound = math.sqrt(6 / (20 * 9 + 30 * 9))
    assert 0.99 * bound < float(init.xavier_uniform_(weight).abs().max()) <= bound
    bound = math.sqrt(2) * math.sqrt(3 / (30 * 9))
    assert 0.99 * bound < float(init.kaiming_uniform_(weight, mode="fan_out").abs().max()) <= bound


def test_orthogonal_is_orthogonal():
    for shape in ((3, 5), (5, 3), (4, 2, 3, 3)):
        q = init.orthogonal_(mc.empty(*shape, dtype=mc.float64), gain=2.0).reshape(shape[0], -1).cpu().numpy() / 2
        small = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
        np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-12)


def test_dirac_hands_channels_through():
    conv = nn.Conv2d(4, 4, 3, padding=1, bias=False)
    init.dirac_(conv.weight)
    x = mc.arange(4 * 25).reshape(1, 4, 5, 5).float()
    assert conv(x).tolist() == x.tolist()


def test_parameters_stay_leaves():
    layer = nn.Linear(3, 3)
    for fill in (init.xavier_normal_, init.orthogonal_, init.eye_, init.zeros_, lambda w: init.sparse_(w, 0.5)):
        assert fill(layer.weight) is layer.weight
        assert layer.weight.is_leaf and layer.weight.requires_grad
    init.dirac_(nn.Conv2d(1, 1, 3).weight)


def test_mistakes():
    with pytest.raises(ValueError, match="at least two dimensions"):
        init.xavier_uniform_(mc.empty(3))
    with pytest.raises(ValueError, match="fan_out"):
        init.kaiming_normal_(mc.empty(3, 3), mode="fan_avg")
    for fill in (init.dirac_, init.eye_, init.orthogonal_, lambda t: init.sparse_(t, 0.1)):
        with pytest.raises(ValueError, match="dimensions"):
            fill(mc.empty(3))
    with pytest.raises(ValueError, match="groups"):
        init.dirac_(mc.empty(3, 3, 3), groups=2)
    with pytest.raises(RuntimeError):
        init.uniform_(mc.empty(3), 2.0, 1.0)
    with pytest.warns(UserWarning, match="nothing to initialise"):
        init.kaiming_uniform_(mc.empty(0, 3))


def test_old_names_warn():
    for name in ("uniform", "normal", "constant", "eye", "dirac", "xavier_uniform", "xavier_normal", "kaiming_uniform",
                 "kaiming_normal", "orthogonal", "sparse"):
        assert getattr(init, name).__name__ == name
    with pytest.warns(FutureWarning, match="xavier_uniform_"):
        init.xavier_uniform(mc.empty(2, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        init.ones_(mc.empty(2))


@pytest.mark.parametrize("name", ["uniform_", "normal_", "trunc_normal_", "ones_", "eye_", "xavier_uniform_",
                                  "kaiming_normal_", "orthogonal_"])  # fmt: skip
def test_other_devices_get_the_same_values(name, device):
    drawn = []
    for where in ("cpu", device):
        mc.manual_seed(4)
        drawn.append(getattr(init, name)(mc.empty(6, 4, device=where)).cpu().tolist())
    assert drawn[0] == drawn[1]
    init.dirac_(mc.empty(2, 2, 3, device=device))
    init.sparse_(mc.empty(4, 3, device=device), 0.5)
