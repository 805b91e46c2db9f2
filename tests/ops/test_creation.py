"""New tensors: dtypes as PyTorch infers them, the same random numbers, shared memory, refusals, hooks, copies."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import minicnn as mc
from tests.ops.compared import agree, both_refuse, torch

NAN = float("nan")
DATA = [
    3, 2.5, True, [], [1, 2], [1.0, 2], [True, 2], [[1, 2], [3, 4]], [[], []], (1, 2), range(3), [NAN, 1.0], [[[1.5]]],
    np.float64(1), np.float32(1), np.int32(3), [np.float32(1), 2.0], [np.float64(1), 2.0], np.arange(3),
    np.ones((2, 0)), [np.int32(1), 2],
    np.arange(6.0).reshape(2, 3)[:, ::2], np.array([True]), np.uint8([1, 255]), np.float16(0.5),
    [np.arange(2), np.arange(2)],
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Creating a tensor from a list of numpy")
@pytest.mark.parametrize("data", DATA, ids=repr)
def test_tensor_infers_dtypes(data):
    agree(mc.tensor(data), torch.tensor(data))
    agree(mc.as_tensor(data), torch.as_tensor(data))
    agree(mc.tensor(data, dtype=mc.float64), torch.tensor(data, dtype=torch.float64))


def test_tensors_in_lists():
    agree(mc.tensor([mc.tensor(1), 2.5, mc.tensor([3.0])]), torch.tensor([torch.tensor(1), 2.5, torch.tensor([3.0])]))


def test_words_and_uneven_lists_teach():
    with pytest.raises(mc.errors.DtypeError, match="map class names to integers"):
        mc.tensor(["cat", "dog"])
    with pytest.raises(mc.errors.ShapeError, match="pad the short ones"):
        mc.tensor([[1, 2], 3])


def test_default_dtype():
    mc.set_default_dtype(mc.float64)
    try:
        assert mc.tensor([1.0]).dtype == mc.zeros(2).dtype == mc.randn(2).dtype == mc.float64
        assert mc.tensor([1]).dtype == mc.int64
    finally:
        mc.set_default_dtype(mc.float32)


MADE = {
    "zeros": lambda lib: lib.zeros(2, 3),
    "zeros tuple": lambda lib: lib.zeros((2, 3), dtype=lib.int32),
    "zeros shape": lambda lib: lib.zeros(lib.ones(2, 3).shape),
    "zeros scalar": lambda lib: lib.zeros(()),
    "ones": lambda lib: lib.ones([2], dtype=lib.bool),
    "full": lambda lib: lib.full((2, 3), 1.5),
    "full int": lambda lib: lib.full((2,), 7),
    "full bool": lambda lib: lib.full((2,), True),
    "full named": lambda lib: lib.full(size=(2,), fill_value=0),
    "full tensor": lambda lib: lib.full((2,), lib.tensor(2.5)),
    "likes": lambda lib: [f(lib.ones(2, dtype=lib.int32)) for f in (lib.zeros_like, lib.ones_like)],
    "likes float": lambda lib: lib.full_like(lib.ones(2, dtype=lib.int32), 2.5, dtype=lib.float64),
    "empty": lambda lib: (lib.empty(2, 3).shape, lib.empty_like(lib.ones(4)).shape),
    "new": lambda lib: [lib.ones(1, dtype=lib.float64).new_zeros(2, 3), lib.ones(1).new_full((2,), 3),
                        lib.ones(1).new_tensor([1, 2]), lib.ones(1, dtype=lib.int32).new_ones((2,))],
    "arange": lambda lib: [lib.arange(5), lib.arange(2, 5), lib.arange(5, 2, -2), lib.arange(0, 1, 0.25),
                           lib.arange(5.0), lib.arange(3, dtype=lib.float32), lib.arange(start=1, end=4),
                           lib.arange(0)],
    "arange awkward": lambda lib: lib.arange(1, 2, 0.1),
    "eye": lambda lib: [lib.eye(3), lib.eye(2, 3, dtype=lib.int64)],
    "linspace ends": lambda lib: [lib.linspace(0, 1, 5), lib.linspace(3, -1, 3), lib.linspace(2, 5, 1),
                                  lib.linspace(0, 1, 0)],
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_as_pytorch(name):
    agree(MADE[name](mc), MADE[name](torch), rtol=2e-7)


@pytest.mark.parametrize(("start", "end", "steps"), [(0, 1, 11), (-3, 7, 100), (1e-3, 1e3, 17), (5, 5, 4)])
def test_steps(start, end, steps):
    for dtype in ("float32", "float64"):
        ours, theirs = ([lib.linspace(start, end, steps, dtype=getattr(lib, dtype)),
                         lib.logspace(start % 3, end % 3, steps, dtype=getattr(lib, dtype))] for lib in (mc, torch))
        agree(ours, theirs, rtol=4e-7 if dtype == "float32" else 1e-14, atol=1e-7 if dtype == "float32" else 1e-15)


DRAWS = {
    "rand": lambda lib: lib.rand(2, 9),
    "rand double": lambda lib: lib.rand((3,), dtype=lib.float64),
    "randn": lambda lib: lib.randn(3, 7),
    "randn few": lambda lib: lib.randn(3),
    "randint": lambda lib: [lib.randint(10, (4,)), lib.randint(-3, 3, (2, 2)), lib.randint(high=5, size=(3,)),
                            lib.randint(0, 9, (2,), dtype=lib.int32)],
    "randperm": lambda lib: lib.randperm(20),
    "likes": lambda lib: [lib.rand_like(lib.zeros(3)), lib.randn_like(lib.zeros(20, dtype=lib.float64)),
                          lib.randint_like(lib.zeros(3), 5), lib.randint_like(lib.zeros(3), 2, 5)],
    "normal": lambda lib: [lib.normal(1.0, 2.0, (3,)), lib.normal(lib.zeros(3), 2.0),
                           lib.normal(lib.zeros(3), lib.ones(3)), lib.normal(1.0, lib.ones(17)),
                           lib.normal(lib.zeros(3))],
    "bernoulli": lambda lib: [lib.bernoulli(lib.full((9,), 0.3)), lib.full((9,), 0.3).bernoulli(),
                              lib.bernoulli(lib.zeros(9), 0.7)],
    "multinomial": lambda lib: [lib.multinomial(lib.tensor([1.0, 2.0, 3.0]), 2), lib.ones(2, 5).multinomial(7, True)],
    "in place": lambda lib: [lib.empty(9).uniform_(-1, 2), lib.empty(9).normal_(1, 2), lib.empty(9).exponential_(2.0),
                             lib.empty(9).bernoulli_(0.3), lib.empty(9).bernoulli_(lib.full((9,), 0.3)),
                             lib.empty(9).random_(), lib.empty(9, dtype=lib.int64).random_(),
                             lib.empty(9, dtype=lib.uint8).random_(), lib.empty(9, dtype=lib.float64).random_(),
                             lib.empty(9, dtype=lib.int32).random_(2, 8), lib.empty(9).random_(4),
                             lib.empty(9, dtype=lib.bool).bernoulli_()],
    "generator": lambda lib: [lib.rand(3, generator=lib.Generator().manual_seed(7)),
                              lib.empty(3).normal_(generator=lib.Generator().manual_seed(7)),
                              lib.randperm(9, generator=lib.Generator().manual_seed(7))],
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("seed", [0, 42])
def test_the_same_seed_gives_pytorch_s_numbers(name, seed):
    results = []
    for lib in (mc, torch):
        lib.manual_seed(seed)
        results.append([DRAWS[name](lib), lib.rand(1)])  # the stream goes on at the same place
    agree(*results, rtol=3e-7, atol=3e-7)


REFUSED = {
    "ragged": lambda lib: lib.tensor([[1, 2], [3]]),
    "text": lambda lib: lib.tensor("cat"),
    "none": lambda lib: lib.tensor(None),
    "nones": lambda lib: lib.tensor([None]),
    "a set": lambda lib: lib.tensor({1, 2}),
    "objects": lambda lib: lib.tensor(np.array([object()])),
    "large": lambda lib: lib.tensor(2**63),
    "tensors": lambda lib: lib.tensor([lib.ones(2), lib.ones(2)]),
    "integers with gradients": lambda lib: lib.tensor([1, 2], requires_grad=True),
    "no size": lambda lib: lib.zeros(),
    "negative size": lambda lib: lib.zeros(-1),
    "float size": lambda lib: lib.zeros(2.5),
    "overflow": lambda lib: lib.full((2,), 300, dtype=lib.uint8),
    "arange": lambda lib: lib.arange(0, 5, -1),
    "arange zero": lambda lib: lib.arange(0, 5, 0),
    "linspace": lambda lib: lib.linspace(0, 1, -1),
    "from_numpy list": lambda lib: lib.from_numpy([1, 2]),
    "from_numpy text": lambda lib: lib.from_numpy(np.array(["a"])),
    "randn int": lambda lib: lib.randn(3, dtype=lib.int64),
    "randint": lambda lib: lib.randint(5, 5, (2,)),
    "bernoulli": lambda lib: lib.bernoulli(lib.tensor([2.0])),
    "normal int": lambda lib: lib.zeros(3, dtype=lib.int64).normal_(),
    "fill with several": lambda lib: lib.zeros(3).fill_(lib.ones(1)),
    "copy": lambda lib: lib.zeros(3).copy_(lib.ones(2)),
    "copy larger": lambda lib: lib.zeros(3).copy_(lib.ones(2, 3)),
    "normal of a leaf": lambda lib: lib.zeros(3, requires_grad=True).normal_(),
    "hook of a constant": lambda lib: lib.zeros(3).register_hook(print),
    "deepcopy of a result": lambda lib: copy.deepcopy(lib.zeros(3, requires_grad=True) * 1),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_both_refuse(name):
    both_refuse(REFUSED[name])


@pytest.mark.host("memory shared with NumPy")
def test_memory_is_shared_or_not_as_documented():
    array = np.arange(6.0)
    shared, copied = mc.from_numpy(array), mc.tensor(array)
    array[0] = 9
    assert (shared[0].item(), copied[0].item()) == (9, 0)
    shared[1] = 8
    assert array[1] == 8
    assert mc.as_tensor(array).array is array
    assert mc.as_tensor(shared) is shared
    assert mc.tensor(shared).array is not array
    assert mc.from_numpy(array[::-1])[0].item() == 5
    assert np.shares_memory(mc.from_dlpack(array).array, array)
    theirs = torch.zeros(3)
    mc.from_dlpack(theirs)[0] = 4
    assert theirs[0] == 4


def test_no_draws_in_vain():
    mc.manual_seed(0)
    first = mc.rand(3)
    mc.manual_seed(0)
    assert mc.zeros(3).uniform_().tolist() == first.tolist()


def test_fills_are_recorded_as_pytorch_s():
    for lib in (mc, torch):
        x = lib.ones(3, requires_grad=True)
        for name, *values in (("zero_",), ("fill_", 2.0), ("normal_",), ("copy_", lib.zeros(3))):
            y = x * 2
            getattr(y, name)(*values)
            assert y.requires_grad
            x.grad = None
            y.sum().backward()
            assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_copy_converts_and_broadcasts():
    for lib in (mc, torch):
        x = lib.zeros(2, 3, dtype=lib.int32)
        assert x.copy_(lib.tensor([1.9, -2.9, 3.0])) is x
        assert x.tolist() == [[1, -2, 3], [1, -2, 3]]


def test_copies_of_leaves():
    for lib in (mc, torch):
        x = lib.tensor([1.0, 2.0], requires_grad=True)
        (x * x).sum().backward()
        twin = copy.deepcopy(x)
        shallow = copy.copy(x)
        pickled = pickle.loads(pickle.dumps(x))
        for other in (twin, shallow, pickled):
            assert other.requires_grad and other.is_leaf and other.tolist() == [1.0, 2.0]
        assert twin.grad.tolist() == [2.0, 4.0] and twin.grad is not x.grad
        with lib.no_grad():
            x[0] = 5.0
        assert (twin[0].item(), shallow[0].item()) == (1.0, 5.0)
        pair = copy.deepcopy([x, x])
        assert pair[0] is pair[1]


def test_hooks():
    for lib in (mc, torch):
        seen = []
        x = lib.tensor([1.0, 2.0], requires_grad=True)
        y = x * 3
        y.retain_grad()
        handle = y.register_hook(lambda g: g * 2)
        x.register_hook(lambda g: seen.append(g.tolist()))  # noqa: B023 (called before the next round)
        x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.tolist()))  # noqa: B023 (called before the next round)
        y.sum().backward(retain_graph=True)
        assert (y.grad.tolist(), y.retains_grad, x.retains_grad) == ([2.0, 2.0], True, False)
        assert seen == [[6.0, 6.0], [6.0, 6.0]]
        handle.remove()
        y.sum().backward()
        assert (y.grad.tolist(), x.grad.tolist()) == ([3.0, 3.0], [9.0, 9.0])


def test_backward_arguments():
    for lib in (mc, torch):
        x, z = lib.ones(2, requires_grad=True), lib.ones(2, requires_grad=True)
        (x * z).backward(lib.tensor([1.0, 2.0]), inputs=[x])
        assert (x.grad.tolist(), z.grad) == ([1.0, 2.0], None)


def test_retained_gradients_make_no_cycle():
    gc.disable()
    try:
        x = mc.ones(2, requires_grad=True)
        y = x * 2
        y.retain_grad()
        gone = weakref.ref(y)
        node = weakref.ref(y.grad_fn)
        del y
        assert gone() is None
        assert node() is None
    finally:
        gc.enable()


def test_detach_in_place():
    for lib in (mc, torch):
        y = lib.ones(2, requires_grad=True) * 2
        assert y.detach_() is y
        assert (y.is_leaf, y.requires_grad) == (True, False)


def test_on_a_device(device):
    made = [mc.zeros(2, device=device), mc.tensor([1, 2], device=device), mc.arange(3, device=device),
            mc.linspace(0, 1, 3, device=device), mc.eye(2, device=device), mc.full((2,), 3.0, device=device),
            mc.randn(3, device=device), mc.randperm(3, device=device), mc.zeros(2).to(device).new_ones(3),
            mc.zeros_like(mc.ones(2), device=device), mc.rand_like(mc.ones(2).to(device))]  # fmt: skip
    assert all(x.device == mc.device(device) for x in made)
    assert not mc.zeros(1).is_cuda
    x = mc.zeros(3, device=device)
    x.normal_().uniform_().copy_(mc.ones(3))
    assert x.cpu().tolist() == [1.0, 1.0, 1.0]
    assert copy.deepcopy(x).device == x.device
    assert "device='" in repr(x)


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_finfo_is_pytorchs(name):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    ours, theirs = mc.finfo(getattr(mc, name)), torch.finfo(getattr(torch, name))
    for what in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution", "dtype"):
        assert getattr(ours, what) == getattr(theirs, what), what
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("name", ["uint8", "int8", "int16", "int32", "int64"])
def test_iinfo_is_pytorchs(name):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    ours, theirs = mc.iinfo(getattr(mc, name)), torch.iinfo(getattr(torch, name))
    assert [ours.bits, ours.max, ours.min, ours.dtype] == [theirs.bits, theirs.max, theirs.min, theirs.dtype]
    assert repr(ours) == repr(theirs)


def test_finfo_of_the_wrong_kind():
    assert mc.finfo().dtype == "float32"
    for make in (lambda: mc.finfo(mc.int32), lambda: mc.iinfo(mc.float32), lambda: mc.iinfo(mc.bool)):
        with pytest.raises(TypeError, match=r"^[fi]info"):
            make()


def test_linspace_has_pytorchs_last_bit():
    """Of PyTorch 2.13: the step is rounded, then the result once, from the nearer end."""
    assert mc.linspace(0, 0.9, 10).tolist() == [
        0.0, 0.09999999403953552, 0.19999998807907104, 0.29999998211860657, 0.3999999761581421, 0.5, 0.6000000238418579,
        0.699999988079071, 0.7999999523162842, 0.8999999761581421]  # fmt: skip
    assert mc.linspace(-3.3, 7.7, 20)[11:14].tolist() == [3.068420886993408, 3.6473681926727295, 4.226315498352051]
