"""Layers: PyTorch's initial values, outputs and gradients from one seed, in training and in evaluation."""

import math

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.nn import functional as F
from tests.nn.layer_table import LAYERS, LOSSES, PAIRS

ids = [row[0] for row in LAYERS]


def both(expression):
    """The layer in both libraries, from the same seed."""
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    mc.manual_seed(0)
    torch.manual_seed(0)
    ours = eval(expression, {**vars(nn), "tensor": mc.tensor})
    theirs = eval(expression, {**vars(torch.nn), "tensor": torch.tensor})
    assert_same_state(ours, theirs)
    return ours, theirs, torch


def assert_same_state(ours, theirs):
    mine, its = ours.state_dict(), theirs.state_dict()
    assert list(mine) == list(its)
    for name, value in its.items():
        assert mine[name].shape == tuple(value.shape)
        assert str(mine[name].dtype) == str(value.dtype).removeprefix("torch.")
        np.testing.assert_allclose(mine[name].cpu().numpy(), value.numpy(), rtol=1e-5, atol=1e-6, err_msg=name)


def values(seed, shape):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def assert_same_run(ours, theirs, torch, arrays, *others):
    """The same output, and the same gradients of ``arrays`` and of the parameters."""
    mine = [mc.tensor(a).requires_grad_() for a in arrays]
    its = [torch.tensor(a).requires_grad_() for a in arrays]
    y = ours(*[t * 1 for t in mine], *[mc.tensor(o) for o in others])
    z = theirs(*[t * 1 for t in its], *[torch.tensor(o) for o in others])
    np.testing.assert_allclose(y.detach().cpu().numpy(), z.detach().cpu().numpy(), rtol=1e-5, atol=1e-5)
    g = values(99, z.shape)
    y.backward(mc.tensor(g))
    z.backward(torch.tensor(g))
    pairs = [*zip(mine, its, strict=True), *zip(ours.parameters(), theirs.parameters(), strict=True)]
    for a, b in pairs:
        np.testing.assert_allclose(a.grad.cpu().numpy(), b.grad.cpu().numpy(), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize(("expression", "shape"), LAYERS, ids=ids)
def test_layers_equal_pytorchs(expression, shape):
    ours, theirs, torch = both(expression)
    x = values(1, shape)
    x = np.abs(x) + 0.1 if expression.startswith("LPPool") else x
    assert_same_run(ours, theirs, torch, [x])
    assert_same_state(ours, theirs)
    ours.zero_grad()
    theirs.zero_grad()
    assert_same_run(ours.eval(), theirs.eval(), torch, [x])
    assert_same_state(ours, theirs)


@pytest.mark.parametrize(("expression", "first", "second"), PAIRS, ids=[row[0] for row in PAIRS])
def test_layers_of_two_inputs_equal_pytorchs(expression, first, second):
    ours, theirs, torch = both(expression)
    assert_same_run(ours, theirs, torch, [values(1, first), values(2, second)])


@pytest.mark.parametrize(("expression", "kind"), LOSSES, ids=[f"{e} of {k}" for e, k in LOSSES])
def test_losses_equal_pytorchs(expression, kind):
    ours, theirs, torch = both(expression)
    x, other = values(1, (6, 5)), values(2, (6, 5))
    positive = np.abs(x) + 0.1
    if expression.startswith(("BCELoss", "PoissonNLLLoss(log_input=False")):
        x = positive / 4
    cases = {
        "values": ([x], [other]),
        "classes": ([x], [np.array([0, 1, 2, 3, 4, 0])]),
        "probabilities": ([x], [(np.exp(other) / np.exp(other).sum(1, keepdims=True)).astype("float32")]),
        "counts": ([x], [np.floor(4 * np.abs(other)).astype("float32")]),
        "variance": ([x], [other, positive]),
        "signs": ([x], [np.sign(other)]),
        "two and signs": ([x, other], [np.sign(values(3, (6, 5)))]),
        "two and row signs": ([x, other], [np.sign(values(3, (6,)))]),
        "triplet": ([x, other, values(3, (6, 5))], []),
    }
    arrays, others = cases[kind]
    assert_same_run(ours, theirs, torch, arrays, *others)


@pytest.mark.parametrize(("expression", "shape"), [
    ("LazyConv1d(4, 3)", (2, 3, 8)), ("LazyConv2d(4, 3, stride=2, bias=False)", (2, 3, 8, 8)),
    ("LazyConv2d(4, 3)", (3, 8, 8)), ("LazyConvTranspose1d(4, 3)", (2, 3, 8)),
    ("LazyConvTranspose2d(4, 3, stride=2)", (2, 3, 4, 4)),
    ("LazyLinear(4)", (2, 3, 5)), ("LazyBatchNorm1d()", (4, 3)), ("LazyBatchNorm2d(affine=False)", (2, 3, 4, 4)),
    ("LazyInstanceNorm1d()", (2, 3, 6)), ("LazyInstanceNorm2d()", (2, 3, 4, 4)),
])  # fmt: skip
def test_lazy_layers_equal_pytorchs(expression, shape):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    ours, theirs = eval(expression, vars(nn).copy()), eval(expression, vars(torch.nn).copy())
    held = list(ours.parameters())
    mc.manual_seed(5)
    torch.manual_seed(5)
    assert_same_run(ours, theirs, torch, [values(1, shape)])
    assert_same_state(ours, theirs)
    assert type(ours).__name__ == type(theirs).__name__ and repr(ours) == repr(theirs)
    assert all(a is b for a, b in zip(held, ours.parameters(), strict=True))
    assert all(type(p) is nn.Parameter for p in held)


def test_lazy_layers_before_and_after():
    layer = nn.LazyLinear(3).double()
    assert repr(layer.weight) == "<UninitializedParameter>" and layer.has_uninitialized_params()
    for use in (lambda: layer.weight.shape, lambda: layer.weight + 1, lambda: nn.init.normal_(layer.weight)):
        with pytest.raises(RuntimeError, match="call the module once"):
            use()
    layer(mc.zeros(2, 4, dtype=mc.float64))
    assert type(layer) is nn.Linear and layer.in_features == 4 and layer.weight.dtype == mc.float64


def test_lazy_layers_load_a_state():
    source = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    lazy = nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d())
    lazy.load_state_dict(source.state_dict())
    lazy(mc.ones(2, 4))
    assert lazy[0].weight.tolist() == source[0].weight.tolist() and repr(lazy) == repr(source)


def test_default_bounds():  # SEMANTICS 41, 4
    conv = nn.Conv2d(8, 16, 3)
    bound = 1 / math.sqrt(8 * 9)
    for param in (conv.weight, conv.bias):
        assert 0.8 * bound < float(param.abs().max()) <= bound
    transposed = nn.ConvTranspose2d(8, 16, 3, groups=2)
    bound = 1 / math.sqrt(16 / 2 * 9)
    assert 0.9 * bound < float(transposed.weight.abs().max()) <= bound


def test_output_size_chooses_among_what_is_possible():
    up = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1)
    x = mc.zeros(1, 1, 4, 4)
    assert up(x).shape == (1, 1, 7, 7)
    assert up(x, output_size=(8, 7)).shape == (1, 1, 8, 7)
    assert up(x, output_size=(1, 1, 8, 8)).shape == (1, 1, 8, 8)
    assert nn.ConvTranspose1d(4, 1, 3, stride=2)(x[0], output_size=[10]).shape == (1, 1, 10)
    with pytest.raises(ValueError, match=r"from \[7, 7\] to \[8, 8\]"):
        up(x, output_size=(9, 8))
    with pytest.raises(ValueError, match="numbers"):
        up(x, output_size=(8,))


def test_pooling_is_undone():
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    for dims, shape in ((1, (2, 3, 9)), (2, (2, 3, 8, 7))):
        x = values(1, shape)
        pool, unpool = (getattr(nn, f"{name}{dims}d")(2) for name in ("MaxPool", "MaxUnpool"))
        pool.return_indices = True
        y, indices = pool(mc.tensor(x))
        expected_y, expected = getattr(torch.nn, f"MaxPool{dims}d")(2, return_indices=True)(torch.tensor(x))
        assert indices.tolist() == expected.tolist() and y.tolist() == expected_y.tolist()
        theirs = getattr(torch.nn, f"MaxUnpool{dims}d")(2)(expected_y, expected, output_size=shape)
        assert unpool(y, indices, output_size=shape).tolist() == theirs.tolist()
    y, indices = nn.AdaptiveMaxPool2d(2, return_indices=True)(mc.tensor(values(1, (1, 1, 4, 4))))
    assert indices.shape == y.shape == (1, 1, 2, 2)


def test_embedding():
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    ours, theirs, torch = both("Embedding(5, 3, padding_idx=1)")
    index = np.array([[0, 1], [4, 0]])
    ours(mc.tensor(index)).sum().backward()
    theirs(torch.tensor(index)).sum().backward()
    assert ours.weight.grad.tolist() == theirs.weight.grad.tolist()
    fixed = nn.Embedding.from_pretrained(mc.ones(2, 3))
    assert fixed(mc.tensor([1])).tolist() == [[1.0, 1.0, 1.0]] and not fixed.weight.requires_grad
    with pytest.raises(IndexError):
        nn.Embedding(3, 4, padding_idx=3)


def test_batch_norm_in_evaluation_uses_what_it_saw():  # SEMANTICS 21-25
    norm = nn.BatchNorm1d(1, momentum=None)
    for batch in ([[0.0], [2.0]], [[4.0], [8.0]]):
        norm(mc.tensor(batch))
    assert norm.running_mean.item() == 3.5 and norm.running_var.item() == 5.0 and norm.num_batches_tracked.item() == 2
    assert norm.eval()(mc.tensor([[3.5]])).item() == 0.0
    norm.reset_running_stats()
    assert norm.running_var.item() == 1.0 and norm.num_batches_tracked.item() == 0
    with pytest.raises(ValueError, match=r"\(N, C, H, W\)"):
        nn.BatchNorm2d(3)(mc.zeros(2, 3))


def test_old_batch_norm_states_load():
    norm = nn.BatchNorm1d(2)
    state = dict(norm.state_dict())
    del state["num_batches_tracked"]
    norm.load_state_dict(state)


def test_dropout_layers_follow_the_mode():
    for kind, shape in ((nn.Dropout, (4, 4)), (nn.Dropout2d, (2, 3, 4, 4)), (nn.AlphaDropout, (4, 4))):
        layer, x = kind(0.5), mc.ones(*shape)
        assert layer.eval()(x).tolist() == x.tolist()
        assert layer.train()(x).tolist() != x.tolist()


@pytest.mark.parametrize("make", [
    lambda: nn.Conv2d(3, 4, 3, groups=2), lambda: nn.Conv2d(4, 3, 3, groups=2), lambda: nn.Conv2d(2, 2, 3, groups=0),
    lambda: nn.Conv2d(4, 4, 3, padding="full"), lambda: nn.Conv2d(4, 4, 3, stride=2, padding="same"),
    lambda: nn.Conv2d(4, 4, 3, padding_mode="mirror"), lambda: nn.ConvTranspose2d(4, 4, 3, padding_mode="reflect"),
    lambda: nn.Conv2d(1, 1, (3, 3, 3)), lambda: nn.GroupNorm(3, 4), lambda: nn.Dropout(1.5),
    lambda: nn.Bilinear(0, 1, 1), lambda: nn.Hardtanh(1, 1),
    lambda: nn.MultiMarginLoss(p=3), lambda: nn.TripletMarginLoss(margin=0),
    lambda: nn.Softmax2d()(mc.zeros(2, 2)), lambda: nn.LazyConv2d(1, 1)(mc.zeros(2, 2)),
    lambda: nn.InstanceNorm2d(3, affine=True)(mc.zeros(1, 4, 2, 2)),
])  # fmt: skip
def test_mistakes_raise_what_pytorch_raises(make):
    with pytest.raises(ValueError, match="rule"):
        make()


def test_other_mistakes():
    with pytest.raises(TypeError, match="integers"):
        nn.Conv2d(1, 1, "3")
    with pytest.raises(TypeError, match="tuple of integers"):
        nn.Unflatten(1, 3)
    with pytest.warns(UserWarning, match="num_features is 3"):
        nn.InstanceNorm2d(3)(mc.ones(1, 4, 2, 2))
    with pytest.warns(UserWarning, match="reduction='sum'"):
        assert nn.MSELoss(size_average=False).reduction == "sum"


def test_device_and_dtype_of_parameters():
    layer = nn.Conv2d(1, 2, 3, device="cpu", dtype=mc.float64)
    assert layer.weight.dtype == layer.bias.dtype == mc.float64
    norm = nn.BatchNorm2d(2, dtype=mc.float64)
    assert norm.running_mean.dtype == mc.float64 and norm.num_batches_tracked.dtype == mc.int64
    assert F.relu(layer(mc.zeros(1, 1, 3, 3, dtype=mc.float64, device="cpu"))).shape == (1, 2, 1, 1)


@pytest.mark.parametrize(("expression", "shape"), LAYERS, ids=ids)
def test_layers_run_on_other_devices(expression, shape, device):
    mc.manual_seed(1)
    here = eval(expression, vars(nn).copy())
    there = eval(expression, vars(nn).copy()).to(device)
    there.load_state_dict(here.state_dict())
    a = mc.tensor(np.abs(values(1, shape)) + 0.1, requires_grad=True)
    b = a.detach().to(device).requires_grad_()
    results = []
    for layer, x in ((here, a), (there, b)):
        mc.manual_seed(2)
        y = layer(x * 1)
        (y * y).sum().backward()
        results.append([t.detach().cpu().numpy() for t in (y, x.grad, *(p.grad for p in layer.parameters()))])
    assert str(there(b * 1).device).startswith(device)
    for mine, other in zip(*results, strict=True):
        np.testing.assert_allclose(other, mine, rtol=1e-4, atol=1e-4)


WITHOUT_TENSORS = [name for name in sorted(vars(nn)) if isinstance(vars(nn)[name], type) and name[0].isupper()
                   and vars(nn)[name].__module__.startswith("minicnn.nn.layers") and name != "Identity"]  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_TENSORS)
def test_a_tensor_given_where_a_layer_is_made(name):
    with pytest.raises(TypeError, match=f"^{name}: a tensor is given where the layer is made") as caught:
        getattr(nn, name)(mc.zeros(2, 3), mc.zeros(2))
    assert f"layer = nn.{name}(" in str(caught.value)
    assert ("then layer(output, target)" if name.endswith("Loss") else "then layer(x)") in str(caught.value)
    assert len(str(caught.value).splitlines()) == 4


def test_tensors_that_layers_take():
    assert nn.CrossEntropyLoss(mc.ones(3)).weight.tolist() == [1.0] * 3
    assert nn.BCEWithLogitsLoss(pos_weight=mc.ones(2)).pos_weight.tolist() == [1.0] * 2
    assert nn.Linear(mc.tensor(3), np.int64(2)).in_features == 3
    with pytest.raises(TypeError, match=r"nn.Conv2d\(in_channels, out_channels, kernel_size\), then layer\(x\)"):
        nn.Conv2d(3, 6, 3, stride=mc.ones(2))


def test_a_tensor_given_where_a_model_is_made():
    class Net(nn.Module):
        def forward(self, x):
            return x

    for make, hint in ((Net, r"model = Net\(\), then model\(x\)"), (nn.Sequential, r"then layers\(x\)")):
        with pytest.raises(TypeError, match=hint) as caught:
            make(mc.zeros(4, 5, 6))
        assert len(str(caught.value).splitlines()) == 4
    with pytest.raises(TypeError, match=r"takes no arguments\n  got   3\n"):
        Net(3)
