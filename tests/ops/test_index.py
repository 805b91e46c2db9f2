"""Keys, gather and scatter, against PyTorch: values, first and second gradients, refusals, and the same on a device."""

import numpy as np
import pytest

import minicnn as mc
from tests.ops.compared import agree, both, both_refuse, torch

X = np.arange(24, dtype=np.float64).reshape(2, 3, 4) / 7 - 1
I = np.array([0, 1, 1, 0, 1])
MASK = np.array([True, False, True])

KEYS = {
    "int": lambda lib: 1,
    "negative": lambda lib: -1,
    "numpy int": lambda lib: np.int64(1),
    "0-d tensor": lambda lib: lib.tensor(1),
    "slice": lambda lib: slice(1, None),
    "steps": lambda lib: (slice(None), slice(None, None, 2), slice(1, 4, 2)),
    "beyond": lambda lib: slice(1, 100),
    "empty": lambda lib: slice(1, 1),
    "tensor bounds": lambda lib: (slice(None), slice(lib.tensor(1), lib.tensor(3))),
    "ellipsis": lambda lib: (..., 0),
    "middle ellipsis": lambda lib: (0, ..., 1),
    "nothing": lambda lib: (),
    "only ellipsis": lambda lib: ...,
    "none": lambda lib: (None, slice(None), None, 0),
    "all ints": lambda lib: (1, 2, 3),
    "tensor": lambda lib: lib.as_tensor(I),
    "int32 tensor": lambda lib: lib.as_tensor(I).int(),
    "negative tensor": lambda lib: lib.tensor([-1, 0]),
    "matrix": lambda lib: lib.tensor([[0, 1], [1, 1]]),
    "list": lambda lib: [0, 1, 1],
    "empty list": lambda lib: [],
    "array": lambda lib: I,
    "range": lambda lib: range(2),
    "second": lambda lib: (slice(None), lib.tensor([2, 0, 2])),
    "two": lambda lib: (lib.tensor([0, 1, 0]), lib.tensor([2, 0, 2])),
    "two broadcast": lambda lib: (lib.tensor([[0], [1]]), [2, 0, 2]),
    "adjacent": lambda lib: (slice(None), lib.tensor([2, 0, 2]), lib.tensor([3, 3, 0])),
    "apart": lambda lib: (lib.tensor([0, 1]), slice(None), lib.tensor([3, 0])),
    "int and tensor apart": lambda lib: (0, slice(None), lib.as_tensor(I)),
    "tensor and int": lambda lib: (lib.as_tensor(I), 0),
    "tensor, none": lambda lib: (lib.as_tensor(I), None, slice(1, None)),
    "none between": lambda lib: (lib.as_tensor(I), None, slice(None), lib.as_tensor(I)),
    "slice and tensor": lambda lib: (slice(1, 2), [0, 2]),
    "mask": lambda lib: (slice(None), lib.as_tensor(MASK)),
    "mask list": lambda lib: (slice(None), [True, False, True]),
    "mask array": lambda lib: (0, MASK),
    "full mask": lambda lib: lib.as_tensor(X) > 0,
    "mask of two": lambda lib: lib.as_tensor(X[:, :, 0]) > 0,
    "mask and tensor": lambda lib: (slice(None), lib.as_tensor(MASK), lib.tensor([0, 3])),
    "true": lambda lib: True,
    "0-d false": lambda lib: lib.tensor(False),
    "mask of none": lambda lib: lib.as_tensor(X) > 100,
}  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_get(name):
    both(lambda lib, x: (x[KEYS[name](lib)], x * x), X)


def test_a_list_of_lists_is_one_tensor_as_pytorch_announces():
    assert mc.as_tensor(X)[[[0, 1], [1, 0]]].shape == (2, 2, 3, 4)


@pytest.mark.parametrize("name", KEYS)
def test_set_number(name):
    def program(lib, x):
        y = x * 1
        y[KEYS[name](lib)] = 0.5
        return y + x * x

    both(program, X)


@pytest.mark.parametrize("name", [n for n in KEYS if n not in (
                                  "tensor", "int32 tensor", "matrix", "list",
                                  "array", "second", "two", "two broadcast", "adjacent", "int and tensor apart",
                                  "tensor and int", "tensor, none", "none between")])  # fmt: skip
def test_set_tensor_and_add(name):
    def program(lib, x, v):
        y = x * 1
        key = KEYS[name](lib)
        y[key] = x[key] * v
        y[key] += v
        y[key] = v * 2
        return y * y + x

    both(program, X, np.array(1.7))


def test_set_broadcasts_and_drops_leading_ones():
    def program(lib, x, v):
        y = x * 1
        y[0] = v
        y[lib.tensor([1])] = v.unsqueeze(0).unsqueeze(0) * 2
        return y

    both(program, X, np.linspace(0, 1, 4))


def test_set_takes_lists_and_arrays_too():
    y = mc.zeros(2, 3)
    y[0] = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    assert y.tolist() == [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]


def test_integers_cut_floats():
    def program(lib):
        y = lib.zeros(3, dtype=lib.int64)
        y[0] = 1.9
        y[lib.tensor([1])] = -2.9
        return y

    agree(program(mc), program(torch))


G = np.array([[0, 1, 3, 0], [2, 2, 0, 1]])
M = np.linspace(-1, 2, 12).reshape(3, 4)
S = np.linspace(1, 2, 8).reshape(2, 4)
ON_M = {
    "gather": lambda lib, m, s, g: m.gather(1, g),
    "gather rows": lambda lib, m, s, g: lib.gather(m, 0, lib.as_tensor(np.minimum(G, 2))),
    "take_along_dim": lambda lib, m, s, g: lib.take_along_dim(m, g[:1], 1),
    "take_along_dim flat": lambda lib, m, s, g: lib.take_along_dim(m, g),
    "take": lambda lib, m, s, g: m.take(g - 3),
    "index_select": lambda lib, m, s, g: m.index_select(1, g[0]),
    "index_select 0-d": lambda lib, m, s, g: m.index_select(0, lib.tensor(2)),
    "scatter": lambda lib, m, s, g: m.scatter(1, lib.tensor([[0, 1, 3, 2], [2, 3, 0, 1]]), s),
    "scatter number": lambda lib, m, s, g: m.scatter(1, g, 5.0),
    "scatter value": lambda lib, m, s, g: m.scatter(1, g, value=2),
    "scatter_add": lambda lib, m, s, g: m.scatter_add(1, g, s),
    "scatter_add rows": lambda lib, m, s, g: m.scatter_add(0, lib.tensor([[0, 2, 2, 0]]), s[:1]),
    "index_add": lambda lib, m, s, g: m.index_add(0, lib.tensor([1, 1]), s, alpha=3),
    "index_copy": lambda lib, m, s, g: m.index_copy(0, lib.tensor([2, 0]), s),
    "index_fill": lambda lib, m, s, g: m.index_fill(1, lib.tensor([3, 0]), -1.0),
    "index_fill tensor": lambda lib, m, s, g: m.index_fill(1, lib.tensor([3, 0]), lib.tensor(2.0)),
    "index_put": lambda lib, m, s, g: m.index_put((lib.tensor([0, 2]),), s),
    "index_put accumulate": lambda lib, m, s, g: m.index_put((lib.tensor([0, 0]),), s, accumulate=True),
    "masked_select": lambda lib, m, s, g: m.masked_select(lib.tensor([True, False, True, True])),
    "masked_fill": lambda lib, m, s, g: m.masked_fill(lib.tensor([True, False, True, True]), 2.5),
    "masked_scatter": lambda lib, m, s, g: m.masked_scatter(m.detach() > 1, s),
}  # fmt: skip


@pytest.mark.parametrize("name", ON_M)
def test_along_dimensions(name):
    def program(lib, m, s):
        # Both inputs take part, so that gradients exist for operations that only use the first.
        return ON_M[name](lib, m, s, lib.as_tensor(G)) * s.sum()

    both(program, M, S)


@pytest.mark.parametrize("name", ["scatter_add", "index_add", "index_copy", "index_fill", "index_put", "masked_fill",
                                  "masked_scatter", "scatter"])  # fmt: skip
def test_in_place_forms(name):
    m, s, g = mc.as_tensor(M), mc.as_tensor(S), mc.as_tensor(G)
    want = ON_M[name](mc, m, s, g).cpu().numpy()

    class Edits:
        def __getattr__(self, attribute):
            return getattr(target, attribute + ("_" if attribute == name else ""))

        def __gt__(self, other):
            return target > other

    target = m.clone()
    got = ON_M[name](mc, Edits(), s, g)
    assert got is target
    np.testing.assert_array_equal(target.cpu().numpy(), want)


def test_scatter_reduces():
    index = np.array([[0, 0, 1]])
    for reduce in ("add", "multiply"):
        agree(*(lib.ones(2, 4).scatter(1, lib.as_tensor(index), 3.0, reduce=reduce) for lib in (mc, torch)))


@pytest.mark.parametrize("values", [3, 0, [0, 5, 7], [[1, 0], [0, 2], [0, 0]], [], [[]]], ids=str)
def test_nonzero(values):
    calls = (lambda lib, x: lib.nonzero(x), lambda lib, x: x.nonzero(as_tuple=True), lambda lib, x: lib.argwhere(x))
    for call in calls:
        agree(call(mc, mc.tensor(values)), call(torch, torch.tensor(values)))


REFUSED = {
    "out of range": lambda lib: lib.ones(3)[3],
    "too negative": lambda lib: lib.ones(2, 3)[0, -4],
    "too many": lambda lib: lib.ones(3)[0, 0],
    "of a number": lambda lib: lib.tensor(5)[0],
    "float": lambda lib: lib.ones(3)[1.0],
    "slice by float": lambda lib: lib.ones(3)[0.5:],
    "negative step": lambda lib: lib.ones(3)[::-1],
    "zero step": lambda lib: lib.ones(3)[::0],
    "text": lambda lib: lib.ones(3)["a"],
    "float tensor": lambda lib: lib.ones(3)[lib.ones(2)],
    "int16 tensor": lambda lib: lib.ones(3)[lib.tensor([0], dtype=lib.int16)],
    "tensor out of range": lambda lib: lib.ones(3)[lib.tensor([0, 3])],
    "mask size": lambda lib: lib.ones(3, 2)[lib.tensor([True, False])],
    "not broadcast": lambda lib: lib.ones(3, 3)[lib.tensor([0, 1]), lib.tensor([0, 1, 2])],
    "set out of range": lambda lib: lib.ones(3).__setitem__(5, 1.0),
    "set too large": lambda lib: lib.ones(3).__setitem__(0, lib.ones(2)),
    "set slice size": lambda lib: lib.ones(3).__setitem__(slice(2), lib.ones(3)),
    "set tensor size": lambda lib: lib.ones(3).__setitem__(lib.tensor([0, 1]), lib.ones(3)),
    "set mask size": lambda lib: lib.ones(3).__setitem__(lib.ones(3) > 0, lib.ones(2)),
    "set other dtype": lambda lib: lib.ones(3).__setitem__(lib.tensor([0]), lib.ones(1, dtype=lib.float64)),
    "set tensor out of range": lambda lib: lib.ones(3).__setitem__(lib.tensor([3]), 1.0),
    "gather range": lambda lib: lib.ones(2, 3).gather(1, lib.tensor([[3]])),
    "gather negative": lambda lib: lib.ones(2, 3).gather(1, lib.tensor([[-1]])),
    "gather dims": lambda lib: lib.ones(2, 3).gather(1, lib.tensor([0])),
    "gather size": lambda lib: lib.ones(2, 3).gather(1, lib.zeros(3, 1, dtype=lib.int64)),
    "gather float": lambda lib: lib.ones(2, 3).gather(1, lib.zeros(2, 1)),
    "scatter small": lambda lib: lib.ones(2, 3).scatter(1, lib.tensor([[0], [1]]), lib.ones(1, 1)),
    "scatter dtype": lambda lib: lib.ones(2, 3).scatter(1, lib.tensor([[0]]), lib.ones(1, 1, dtype=lib.float64)),
    "scatter reduce": lambda lib: lib.ones(2, 3).scatter(1, lib.tensor([[0]]), lib.ones(1, 1), reduce="max"),
    "select range": lambda lib: lib.ones(2, 3).index_select(1, lib.tensor([3])),
    "add size": lambda lib: lib.ones(2, 3).index_add(1, lib.tensor([0, 0]), lib.ones(2, 1)),
    "mask dtype": lambda lib: lib.ones(3).masked_fill(lib.ones(3), 1),
    "mask value": lambda lib: lib.ones(3).masked_fill(lib.ones(3) > 0, lib.ones(1)),
    "mask too large": lambda lib: lib.ones(3).masked_fill_(lib.ones(2, 3) > 0, 1),
    "half overflow": lambda lib: lib.ones(3, dtype=lib.float16).masked_fill(lib.ones(3) > 0, -1e9),
    "few": lambda lib: lib.ones(3).masked_scatter(lib.ones(3) > 0, lib.ones(1)),
    "take range": lambda lib: lib.ones(3).take(lib.tensor([3])),
}  # fmt: skip


UNCHECKED = pytest.mark.host("a device does not check the values of an index: the host would have to wait for them")
OUTSIDE = {"tensor out of range", "set tensor out of range", "gather range", "gather negative", "select range",
           "take range"}  # fmt: skip


@pytest.mark.parametrize("name", [pytest.param(n, marks=UNCHECKED) if n in OUTSIDE else n for n in REFUSED])
def test_both_refuse(name):
    both_refuse(REFUSED[name])


def test_index_select_takes_a_vector():
    with pytest.raises(mc.errors.ShapeError, match="gather"):
        mc.ones(2, 3).index_select(1, mc.tensor([[0]]))


def test_negative_step_hints_at_flip():
    with pytest.raises(ValueError, match="flip"):
        mc.ones(3)[::-1]


def test_large_gather_gradient_accumulates():
    index = np.random.default_rng(0).integers(0, 5, 1000)
    x = mc.zeros(5, requires_grad=True)
    x[mc.as_tensor(index)].sum().backward()
    assert x.grad.tolist() == np.bincount(index, minlength=5).tolist()


@pytest.mark.parametrize("name", [n for n in KEYS if not n.endswith("array")])
def test_on_a_device(device, name):
    x = mc.as_tensor(X).to(device).requires_grad_()
    out = x[KEYS[name](mc)]
    assert out.device == mc.device(device)
    (out * out).sum().backward()
    y = mc.as_tensor(X).requires_grad_()
    want = y[KEYS[name](mc)]
    (want * want).sum().backward()
    agree(out.detach().cpu(), torch.from_numpy(want.detach().cpu().numpy()))
    agree(x.grad.cpu(), torch.from_numpy(y.grad.cpu().numpy()), rtol=1e-15)
    x.detach()[KEYS[name](mc)] = 2.0
