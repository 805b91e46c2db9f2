"""Optimisers: fifty steps equal PyTorch's, and groups, state, hooks and errors behave as PyTorch's do."""

import copy
import runpy
from pathlib import Path

import numpy as np
import pytest

import minicnn as mc
from minicnn import optim
from minicnn.backend import backend_of
from minicnn.errors import DeviceError, DtypeError, GradientError, OptionError, ShapeError, StateError

MAKER = runpy.run_path(str(Path(__file__).parents[1] / "reference" / "make_optim.py"))
OPTIMIZERS, RECORDED, run_optimizer = MAKER["OPTIMIZERS"], MAKER["RECORDED"], MAKER["run_optimizer"]
CLASSES = sorted({name for name, _ in OPTIMIZERS.values()})


def parameter(array):
    return mc.tensor(array, dtype=mc.float64, requires_grad=True)


def set_gradient(p, array):
    p.grad = None if array is None else mc.tensor(array, dtype=p.dtype)


def to_numpy(tensor):
    return backend_of(tensor.array).to_numpy(tensor.array)


@pytest.fixture(scope="module")
def stored():
    with np.load(MAKER["FILE"]) as file:
        return dict(file)


def assert_same(mine, theirs):
    for step in RECORDED:
        for a, b in zip(mine[step], theirs[step], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fifty_steps_equal_the_stored_ones(name, stored):
    mine, _ = run_optimizer(optim, parameter, set_gradient, OPTIMIZERS[name])
    assert_same(mine, {step: [stored[f"{name}.{step}.{i}"] for i in range(3)] for step in RECORDED})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fifty_steps_state_and_groups_equal_pytorch(name):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    mine, ours = run_optimizer(optim, parameter, set_gradient, OPTIMIZERS[name])
    expected, theirs = run_optimizer(
        torch.optim, MAKER["torch_parameter"], MAKER["torch_gradient"], OPTIMIZERS[name])
    assert_same(mine, expected)
    a, b = ours.state_dict(), theirs.state_dict()
    assert a["param_groups"] == b["param_groups"]
    assert [list(group) for group in a["param_groups"]] == [list(group) for group in b["param_groups"]]
    assert a["state"].keys() == b["state"].keys()
    for number, kept in b["state"].items():
        assert list(a["state"][number]) == list(kept)
        for key, value in kept.items():
            found = a["state"][number][key]
            assert str(found.dtype) == str(value.dtype).removeprefix("torch.")
            np.testing.assert_allclose(found.cpu().numpy(), value.numpy(), rtol=1e-10, atol=1e-10)
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_state_of_pytorch_continues_here(name):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    plan = OPTIMIZERS[name]
    _, theirs = run_optimizer(torch.optim, MAKER["torch_parameter"], MAKER["torch_gradient"], plan, steps=20)
    _, ours = run_optimizer(optim, parameter, set_gradient, (plan[0], {}), steps=0)
    ours.load_state_dict(theirs.state_dict())
    mine = [p for group in ours.param_groups for p in group["params"]]
    others = [p for group in theirs.param_groups for p in group["params"]]
    for p, q in zip(mine, others, strict=True):
        p.data = mc.tensor(q.detach().numpy())
    for step in range(20, 30):
        for i, (p, q) in enumerate(zip(mine, others, strict=True)):
            g = MAKER["gradient"](q.detach().numpy(), step, i)
            set_gradient(p, g)
            MAKER["torch_gradient"](q, g)
        ours.step()
        theirs.step()
    for p, q in zip(mine, others, strict=True):
        np.testing.assert_allclose(p.detach().cpu().numpy(), q.detach().numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_saved_state_continues_and_is_a_copy(name):
    kind, options = OPTIMIZERS[name]
    x, y = parameter([1.0, -2.0]), parameter([1.0, -2.0])
    first, second = getattr(optim, kind)([x], **options), getattr(optim, kind)([y])
    for t in range(7):
        set_gradient(x, MAKER["gradient"](x.detach().cpu().numpy(), t, 0))
        first.step()
    y.data = x.detach().clone()
    second.load_state_dict(first.state_dict())
    assert second.param_groups[0]["params"][0] is y
    before = copy.deepcopy(second.state_dict())
    for t in range(7, 12):
        set_gradient(x, MAKER["gradient"](x.detach().cpu().numpy(), t, 0))
        first.step()
    after = second.state_dict()
    for key, value in before["state"].get(0, {}).items():
        assert np.array_equal(after["state"][0][key].cpu().numpy(), value.cpu().numpy())
    for t in range(7, 12):
        set_gradient(y, MAKER["gradient"](y.detach().cpu().numpy(), t, 0))
        second.step()
    assert np.array_equal(x.detach().cpu().numpy(), y.detach().cpu().numpy())


@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 5e-7), (np.float16, 4e-3)])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_dtypes_stay_and_follow_pytorch(name, dtype, tolerance):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    kind, options = OPTIMIZERS[name]
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=(4, 3)).astype(dtype), rng.normal(size=(10, 4, 3)).astype(dtype)
    x, y = mc.tensor(start, requires_grad=True), torch.tensor(start, requires_grad=True)
    ours = getattr(optim, kind)([x], **options)
    theirs = getattr(torch.optim, kind)([y], **options)
    for g in gradients:
        x.grad, y.grad = mc.tensor(g), torch.tensor(g)
        ours.step()
        theirs.step()
    assert x.dtype == dtype
    np.testing.assert_allclose(x.detach().cpu().numpy(), y.detach().cpu().numpy(), rtol=tolerance, atol=tolerance)
    for kept, other in zip(ours.state_dict()["state"].values(), theirs.state_dict()["state"].values(), strict=True):
        assert {k: str(v.dtype) for k, v in kept.items()} == {
            k: str(v.dtype).removeprefix("torch.") for k, v in other.items()}


@pytest.mark.parametrize("kind", CLASSES)
def test_numpy_and_tensor_options_keep_float32(kind):
    x, y = (mc.tensor(np.ones(3, np.float32), requires_grad=True) for _ in range(2))
    plain = getattr(optim, kind)([x], lr=0.01, weight_decay=0.1)
    other = getattr(optim, kind)([y], lr=mc.tensor(0.01, dtype=mc.float64), weight_decay=np.float64(0.1))
    for p, optimizer in ((x, plain), (y, other)):
        p.grad = mc.tensor(np.array([0.5, -1, 2], np.float32))
        optimizer.step()
        optimizer.step()
    assert y.dtype == mc.float32
    assert np.array_equal(x.detach().cpu().numpy(), y.detach().cpu().numpy())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_memory_order_changes_nothing(name):
    kind, options = OPTIMIZERS[name]
    values, g = np.random.default_rng(1).normal(size=(2, 4, 3, 2))
    orders = [values.copy(), np.asfortranarray(values), np.ascontiguousarray(values[::-1])[::-1]]
    results = []
    for array in orders:
        p = mc.as_tensor(array).requires_grad_()
        optimizer = getattr(optim, kind)([p], **options)
        for _ in range(3):
            p.grad = mc.as_tensor(np.asfortranarray(g))
            optimizer.step()
        results.append(p.detach().cpu().numpy())
        assert p.device != "cpu" or np.shares_memory(results[-1], array)  # the user's own memory was edited
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_devices(name, device):
    kind, options = OPTIMIZERS[name]
    values, g = np.random.default_rng(2).normal(size=(2, 4, 3))
    found = []
    for place in ("cpu", device):
        p = mc.tensor(values, device=place, requires_grad=True)
        optimizer = getattr(optim, kind)([p], **options)
        for _ in range(3):
            p.grad = mc.tensor(g, device=place)
            optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        assert not to_numpy(p.grad).any()
        found.append(to_numpy(p))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)


def test_a_parameter_and_its_gradient_on_different_devices(device):
    p = mc.ones(3, device="cpu", requires_grad=True)
    p.grad = mc.ones(3, device="cpu")
    p.data = p.data.to(device)
    with pytest.raises(DeviceError, match=r"parameter on .*, gradient on cpu"):
        optim.SGD([p], lr=0.1).step()


def test_row_33_first_buffer_is_the_gradient_undamped():
    p = parameter([1.0])
    optimizer = optim.SGD([p], lr=0.5, momentum=0.9, dampening=0.4)
    set_gradient(p, [2.0])
    optimizer.step()
    assert p.item() == 0.0  # 1 - .5·2
    assert optimizer.state[p]["momentum_buffer"].tolist() == [2.0]
    optimizer.step()
    assert p.item() == pytest.approx(-0.5 * (0.9 * 2 + 0.6 * 2))


def test_row_34_adamw_shrinks_the_parameter():
    p = parameter([2.0])
    set_gradient(p, [0.0])
    optim.AdamW([p], lr=0.1).step()
    assert p.item() == 2 * (1 - 0.1 * 0.01)


def test_row_35_amsgrad_takes_the_uncorrected_maximum():
    p = parameter([0.0])
    optimizer = optim.Adam([p], amsgrad=True, betas=(0.9, 0.5))
    for g in (4.0, 1.0):
        set_gradient(p, [g])
        optimizer.step()
    assert optimizer.state[p]["exp_avg_sq"].tolist() == [4.5]
    assert optimizer.state[p]["max_exp_avg_sq"].tolist() == [8.0]


def test_row_36_defaults():
    p = parameter([1.0])
    assert optim.SGD([p]).defaults["lr"] == 1e-3
    assert optim.RMSprop([p]).defaults["alpha"] == 0.99
    assert optim.Adagrad([p]).defaults["eps"] == 1e-10
    set_gradient(p, [3.0])
    optim.RMSprop([p], lr=1.0, alpha=0.0, eps=1.0).step()
    assert p.item() == 1 - 3 / (3 + 1)


@pytest.mark.parametrize("kind", CLASSES)
def test_row_37_none_skips_and_zero_decays(kind):
    p, q = parameter([2.0]), parameter([2.0])
    set_gradient(q, [0.0])
    optimizer = getattr(optim, kind)([p, q], lr=0.1, weight_decay=0.1)
    optimizer.step()
    assert p.item() == 2.0
    assert q.item() < 2.0
    optimizer.zero_grad()
    assert q.grad is None


def test_zero_grad_in_place_keeps_the_memory_and_drops_the_graph():
    p = parameter([1.0, 2.0])
    (p * p * p).sum().backward(create_graph=True)
    memory = p.grad.array
    optim.SGD([p]).zero_grad(set_to_none=False)
    assert p.grad.array is memory
    assert p.grad.tolist() == [0.0, 0.0]
    assert not p.grad.requires_grad


def test_a_parameter_saved_for_backward_and_then_stepped_raises():
    p = parameter([1.0, 2.0])
    loss = (p * p).sum()
    loss.backward(retain_graph=True)
    optim.SGD([p], lr=0.1).step()
    with pytest.raises(GradientError, match="edited in place"):
        loss.backward()


def test_closure_runs_with_gradients_on():
    p = parameter([3.0])
    optimizer = optim.SGD([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with mc.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 9.0
    assert p.item() == pytest.approx(3 - 0.1 * 6)


def test_hooks():
    p, calls = parameter([1.0]), []
    optimizer = optim.SGD([p])
    before = optimizer.register_step_pre_hook(lambda o, args, kwargs: calls.append(("before", o is optimizer)))
    after = optimizer.register_step_post_hook(lambda *_: calls.append("after"))
    optimizer.step()
    assert calls == [("before", True), "after"]
    before.remove()
    before.remove()
    with after:
        optimizer.step()
    optimizer.step()
    assert calls == [("before", True), "after", "after"]


def test_a_pre_hook_may_replace_the_closure():
    p = parameter([1.0])
    optimizer = optim.SGD([p])
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((lambda: 7,), {}))
    assert optimizer.step() == 7


def test_subclasses_by_step_and_by_update():
    class ByStep(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @mc.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.sub_(group["lr"] * p.grad)

    class ByUpdate(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def update(self, x, g, state, options):
            x -= options["lr"] * g

    for cls in (ByStep, ByUpdate):
        p, calls = parameter([1.0]), []
        optimizer = cls([p], lr=0.5)
        optimizer.register_step_post_hook(lambda *_, calls=calls: calls.append(1))
        set_gradient(p, [1.0])
        optimizer.step()
        assert p.item() == 0.5
        assert calls == [1]


def test_neither_step_nor_update():
    p = parameter([1.0])
    set_gradient(p, [1.0])
    with pytest.raises(NotImplementedError, match="update"):
        optim.Optimizer([p], {}).step()


def test_a_group_added_later_trains():
    p, q = parameter([1.0]), parameter([1.0])
    for kind in CLASSES:
        optimizer = getattr(optim, kind)([p], lr=0.1)
        optimizer.add_param_group({"params": q, "lr": 0.2})
        set_gradient(q, [1.0])
        before = q.item()
        optimizer.step()
        assert q.item() < before
        assert optimizer.param_groups[1]["lr"] == 0.2


def test_names_travel_with_the_state():
    p, q = parameter([1.0]), parameter([2.0])
    optimizer = optim.SGD([("a", p), ("b", q)])
    assert optimizer.param_groups[0]["param_names"] == ["a", "b"]
    saved = optimizer.state_dict()
    assert saved["param_groups"][0]["param_names"] == ["a", "b"]
    assert optimizer.param_groups[0]["params"][1] is q
    plain = optim.SGD([p, q]).state_dict()
    optimizer.load_state_dict(plain)
    assert optimizer.param_groups[0]["param_names"] == ["a", "b"]
    with pytest.raises(OptionError, match="names"):
        optimizer.add_param_group({"params": [parameter([1.0])]})
    with pytest.raises(OptionError, match="names"):
        optim.SGD([("a", p), q])


def test_a_retained_result_can_be_optimised():
    p = parameter([1.0])
    y = p * 2
    y.retain_grad()
    assert optim.SGD([y]).param_groups[0]["params"][0] is y


P = mc.ones(2, requires_grad=True)


@pytest.mark.parametrize("build, error, match", [
    (lambda: optim.SGD([]), OptionError, "no parameters"),
    (lambda: optim.SGD(iter([])), OptionError, "no parameters"),
    (lambda: optim.SGD(P), DtypeError, "not an iterable"),
    (lambda: optim.SGD(None), DtypeError, "not an iterable"),
    (lambda: optim.SGD([1.0]), DtypeError, "not a tensor"),
    (lambda: optim.SGD({"a": P}), DtypeError, "not a tensor"),
    (lambda: optim.SGD([{"params": {P}}]), DtypeError, "no order"),
    (lambda: optim.SGD([{"lr": 1}]), DtypeError, "'params'"),
    (lambda: optim.SGD([P * 2]), OptionError, "non-leaf"),
    (lambda: optim.SGD([{"params": [P]}, {"params": P}]), OptionError, "more than one"),
    (lambda: optim.SGD([P], lr=-1), OptionError, "lr is negative"),
    (lambda: optim.SGD([P], lr="1"), DtypeError, "lr is not a number"),
    (lambda: optim.SGD([P], lr=mc.ones(2)), OptionError, "several elements"),
    (lambda: optim.SGD([P], momentum=-0.1), OptionError, "momentum is negative"),
    (lambda: optim.SGD([P], weight_decay=-0.1), OptionError, "weight_decay is negative"),
    (lambda: optim.SGD([P], nesterov=True), OptionError, "Nesterov"),
    (lambda: optim.SGD([P], nesterov=True, momentum=0.9, dampening=0.1), OptionError, "Nesterov"),
    (lambda: optim.SGD([P], differentiable=True), OptionError, "not recorded"),
    (lambda: optim.SGD([P], fused=True, foreach=True), OptionError, "exclude"),
    (lambda: optim.Adam([P], lr=float("nan")), OptionError, "lr is negative"),
    (lambda: optim.Adam([P], betas=(1.0, 0.9)), OptionError, "betas"),
    (lambda: optim.Adam([P], betas=0.9), OptionError, "betas"),
    (lambda: optim.Adam([P], eps=-1), OptionError, "eps is negative"),
    (lambda: optim.RMSprop([P], alpha=-1), OptionError, "alpha is negative"),
    (lambda: optim.Adagrad([P], lr_decay=-1), OptionError, "lr_decay is negative"),
    (lambda: optim.Adagrad([P], initial_accumulator_value=-1), OptionError, "initial_accumulator_value"),
    (lambda: optim.Adadelta([P], rho=1.1), OptionError, "rho"),
])
def test_bad_arguments(build, error, match):
    with pytest.raises(error, match=match) as caught:
        build()
    assert isinstance(caught.value, (ValueError, TypeError))  # as PyTorch's


def test_a_parameter_twice_in_a_group_warns():
    with pytest.warns(UserWarning, match="twice"):
        optim.SGD([P, P])


def test_a_gradient_of_another_shape_raises():
    p = parameter([1.0, 2.0])
    with pytest.raises(GradientError, match="does not fit"):
        set_gradient(p, [1.0])
    set_gradient(p, [1.0, 1.0])
    p.data = p.data[:1]
    with pytest.raises(ShapeError, match="does not fit"):
        optim.SGD([p]).step()


def test_a_state_of_other_groups_raises():
    saved = optim.SGD([P]).state_dict()
    with pytest.raises(StateError, match="other parameter groups"):
        optim.SGD([P, parameter([1.0])]).load_state_dict(saved)
    with pytest.raises(StateError, match="other parameter groups"):
        optim.SGD([{"params": P}, {"params": parameter([1.0])}]).load_state_dict(saved)
