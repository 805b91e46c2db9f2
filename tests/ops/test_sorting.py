"""Sorting and counting, against PyTorch and by hand."""

import numpy as np
import pytest

import minicnn as mc
from tests.ops.compared import both, both_refuse

NAN = float("nan")
X = np.random.default_rng(3).permutation(24).reshape(2, 4, 3) / 7.0
TIES = np.array([[3.0, 1, 3, 2, 1], [0, NAN, -0.0, NAN, 9]], np.float32)
WHOLE = np.array([[5, 2, 2], [7, 5, 5]])


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_sort(dim, descending):
    both(lambda lib, x: x.sort(dim, descending)[0], X)
    for ties in (TIES, WHOLE, WHOLE > 4):
        both(lambda lib, x: lib.sort(x, dim=dim, descending=descending, stable=True), ties)
        both(lambda lib, x: lib.argsort(x, dim=dim, descending=descending, stable=True), ties)


def test_sort_names_its_results():
    found = mc.tensor([3, 1, 2]).sort()
    assert (found.values.tolist(), found.indices.tolist()) == ([1, 2, 3], [1, 2, 0])
    both(lambda lib, x: (x.sort(0), x.argsort(0), x.topk(1), x.kthvalue(1)), np.array(2.5, np.float32))
    both(lambda lib, x: lib.msort(x), X)


@pytest.mark.parametrize("largest", [True, False])
def test_topk(largest):
    both(lambda lib, x: x.topk(2, largest=largest).values, X)
    both(lambda lib, x: lib.topk(x, 3, 1, largest).values, X)
    both(lambda lib, x: lib.topk(x, 2, dim=0, largest=largest), X.astype(np.float32))
    both(lambda lib, x: x.topk(0), X.astype(np.float32))
    both_refuse(lambda lib: lib.ones(3).topk(4))


def test_topk_gives_gradients_to_those_it_takes():
    x = mc.tensor([1.0, 4.0, 2.0, 3.0], requires_grad=True)
    (x.topk(2).values * mc.tensor([10.0, 20.0])).sum().backward()
    assert x.grad.tolist() == [0.0, 10.0, 0.0, 20.0]


def test_kthvalue():
    both(lambda lib, x: x.kthvalue(2, 1).values, X)
    both(lambda lib, x: lib.kthvalue(x, 3, dim=-1, keepdim=True), X.astype(np.float32))
    both_refuse(lambda lib: lib.ones(3).kthvalue(0))


def test_unique():
    for values in (WHOLE, TIES[0], WHOLE > 3, np.zeros(0, np.float32)):
        both(lambda lib, x: (x.unique(), *x.unique(return_inverse=True, return_counts=True)), values)
    both(lambda lib, x: lib.unique(x, return_counts=True, dim=0), np.array([[1, 2], [0, 1], [1, 2]]))
    both(lambda lib, x: lib.unique(x, return_inverse=True, dim=1), WHOLE)
    assert len(mc.tensor([NAN, NAN, 1.0]).unique()) == 3


def test_bincount():
    x = np.array([1, 4, 1, 0])
    both(lambda lib, t: (t.bincount(), t.bincount(minlength=7), lib.bincount(t, minlength=2)), x)
    both(lambda lib, t, w: t.bincount(w), x, np.array([0.5, 1, 2, 3], np.float32))
    both(lambda lib, t: t.bincount(), np.zeros(0, np.int64))
    for bad in ([1.0, 2.0], [-1, 2], [[1], [2]]):
        both_refuse(lambda lib, bad=bad: lib.tensor(bad).bincount())


def test_histc_and_searchsorted():
    x = np.array([0.1, 0.5, 0.9, 1.0, -3.0, 0.25], np.float32)
    both(lambda lib, t: (t.histc(4, 0, 1), t.histc(5), lib.histc(t, bins=3, min=-1, max=1)), x)
    both(lambda lib, t: t.histc(3), np.ones(4, np.float32))
    both_refuse(lambda lib: lib.ones(3).histc(0))
    edges = np.array([1.0, 3.0, 3.0, 7.0], np.float32)
    both(lambda lib, e, t: (lib.searchsorted(e, t), lib.searchsorted(e, t, right=True)), edges,
         np.array([[0.0, 3.0], [7.0, 9.0]], np.float32))
