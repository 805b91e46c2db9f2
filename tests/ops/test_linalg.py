"""Matrix products, einsum and diagonals, against PyTorch and by hand."""

import numpy as np
import pytest

import minicnn as mc
from tests.ops.compared import both, both_refuse, torch


def values(*shape):
    return np.random.default_rng(abs(hash(shape)) % 1000).standard_normal(shape)


MATMULS = [
    ((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 4)), ((2, 3), (3,)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((5, 1, 2, 3), (6, 3, 4)), ((2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)),
]  # fmt: skip


@pytest.mark.parametrize("shapes", MATMULS, ids=str)
def test_matmul(shapes):
    both(lambda lib, x, y: lib.matmul(x, y), *(values(*s) for s in shapes), rtol=1e-13, atol=1e-14)
    both(lambda lib, x, y: x @ y, *(values(*s).astype(np.float32) for s in shapes), rtol=1e-5, atol=1e-6)


def test_matmul_of_empty_whole_and_half_matrices():
    both(lambda lib, x, y: x @ y, np.zeros((0, 3), np.float32), np.ones((3, 2), np.float32))
    both(lambda lib, x, y: x @ y, np.zeros((2, 0), np.float32), np.ones((0, 3), np.float32))
    both(lambda lib, x, y: x @ y, np.arange(6).reshape(2, 3), np.arange(6).reshape(3, 2))
    x, y = values(4, 900).astype(np.float16), values(900, 3).astype(np.float16)
    both(lambda lib, a, b: a @ b, x, y, rtol=2e-3, atol=2e-2)


@pytest.mark.parametrize("order", ["F", "reversed", "broadcast"])
def test_memory_order_does_not_matter(order):
    x = values(5, 4, 3)
    x = {"F": np.asfortranarray(x), "reversed": x[::-1, ::-1], "broadcast": np.broadcast_to(x[:1], x.shape)}[order]
    y = values(3, 6)
    np.testing.assert_allclose((mc.as_tensor(x) @ mc.as_tensor(y)).cpu().numpy(), x @ y, rtol=1e-13)


PRODUCTS = {
    "mm": (lambda lib, x, y: x.mm(y), (2, 3), (3, 4)),
    "bmm": (lambda lib, x, y: lib.bmm(x, y), (2, 2, 3), (2, 3, 2)),
    "mv": (lambda lib, x, y: x.mv(y), (2, 3), (3,)),
    "dot": (lambda lib, x, y: lib.dot(x, y), (3,), (3,)),
    "vdot": (lambda lib, x, y: x.vdot(y), (3,), (3,)),
    "outer": (lambda lib, x, y: lib.outer(x, y), (2,), (3,)),
    "ger": (lambda lib, x, y: x.ger(y), (2,), (3,)),
    "inner": (lambda lib, x, y: lib.inner(x, y), (2, 5, 3), (4, 3)),
    "inner 0-d": (lambda lib, x, y: lib.inner(x, y), (2, 3), ()),
    "addmm": (lambda lib, x, y: lib.addmm(lib.ones(4, dtype=lib.float64), x, y, beta=2, alpha=0.5), (2, 3), (3, 4)),
    "addmv": (lambda lib, x, y: y[:2].addmv(x, y), (2, 3), (3,)),
    "baddbmm": (lambda lib, x, y: x.baddbmm(x, y, beta=0.5), (2, 3, 3), (2, 3, 3)),
    "tensordot": (lambda lib, x, y: lib.tensordot(x, y), (2, 3, 4), (3, 4, 5)),
    "tensordot 1": (lambda lib, x, y: lib.tensordot(x, y, dims=1), (2, 3, 4), (4, 5)),
    "tensordot 0": (lambda lib, x, y: lib.tensordot(x, y, dims=0), (2, 3), (4,)),
    "tensordot pairs": (lambda lib, x, y: lib.tensordot(x, y, dims=([1, 2], [1, 0])), (2, 3, 4), (4, 3, 5)),
    "tensordot negative": (lambda lib, x, y: lib.tensordot(x, y, dims=([-1], [0])), (2, 3, 4), (4, 3)),
    "kron": (lambda lib, x, y: lib.kron(x, y), (2, 3), (2, 2)),
    "kron vector": (lambda lib, x, y: lib.kron(x, y), (3,), (2, 2)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name):
    expression, *shapes = PRODUCTS[name]
    both(expression, *(np.asarray(values(*s)) for s in shapes), rtol=1e-12, atol=1e-13)


def test_addmm_with_beta_0_does_not_see_the_first():
    nan = mc.tensor([float("nan")])
    assert mc.addmm(nan, mc.ones(2, 3), mc.ones(3, 2), beta=0).tolist() == [[3.0, 3.0], [3.0, 3.0]]
    both(lambda lib, x: (x * 1).addmm_(x, x), values(3, 3), rtol=1e-12)


REFUSED = {
    "inner sizes": lambda lib: lib.ones(2, 3) @ lib.ones(2, 3),
    "vectors": lambda lib: lib.ones(2) @ lib.ones(3),
    "batches": lambda lib: lib.ones(2, 3, 4) @ lib.ones(3, 4, 2),
    "no dimensions": lambda lib: lib.tensor(1.0) @ lib.ones(3),
    "dtypes": lambda lib: lib.ones(2, 3) @ lib.ones(3, 2).long(),
    "bools": lambda lib: (lib.ones(2, 3) > 0) @ (lib.ones(3, 2) > 0),
    "mm": lambda lib: lib.mm(lib.ones(2, 3), lib.ones(3)),
    "bmm": lambda lib: lib.bmm(lib.ones(2, 2, 3), lib.ones(1, 3, 2)),
    "mv": lambda lib: lib.mv(lib.ones(2, 3), lib.ones(2, 3)),
    "dot": lambda lib: lib.dot(lib.ones(2, 3), lib.ones(3)),
    "outer": lambda lib: lib.outer(lib.ones(2, 2), lib.ones(3)),
    "inner": lambda lib: lib.inner(lib.ones(2, 2), lib.ones(3)),
    "tensordot": lambda lib: lib.tensordot(lib.ones(2, 2), lib.ones(3, 2), dims=1),
    "einsum unknown": lambda lib: lib.einsum("ij,jk->il", lib.ones(2, 3), lib.ones(3, 4)),
    "einsum sizes": lambda lib: lib.einsum("ij,jk", lib.ones(2, 3), lib.ones(4, 4)),
    "einsum operands": lambda lib: lib.einsum("ij,jk", lib.ones(2, 3)),
    "einsum letters": lambda lib: lib.einsum("i1", lib.ones(2, 3)),
    "einsum twice": lambda lib: lib.einsum("ij->ii", lib.ones(2, 3)),
    "einsum dims": lambda lib: lib.einsum("ij", lib.ones(2, 3, 4)),
    "einsum diagonal": lambda lib: lib.einsum("ii", lib.ones(2, 3)),
    "diag": lambda lib: lib.diag(lib.ones(2, 3, 4)),
    "trace": lambda lib: lib.trace(lib.ones(2, 3, 4)),
    "tril": lambda lib: lib.tril(lib.ones(3)),
    "diagonal": lambda lib: lib.diagonal(lib.ones(3, 3), 0, 1, 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    both_refuse(REFUSED[name])


def test_the_message_shows_the_transpose_that_helps():
    with pytest.raises(mc.errors.ShapeError, match=r"(?s)\(2, 3\) @ \(2, 3\).*x\.shape\[-1\] == y\.shape\[-2\].*y\.mT"):
        mc.ones(2, 3) @ mc.ones(2, 3)
    with pytest.raises(TypeError):
        mc.ones(2, 3) @ [1, 2, 3]


EINSUMS = [
    ("ij,jk", (2, 3), (3, 4)), ("ij,jk->ki", (2, 3), (3, 4)), ("ii", (3, 3)), ("ii->i", (3, 3)), ("iij->j", (2, 2, 3)),
    ("iii->i", (2, 2, 2)), ("...ij,...jk", (5, 2, 3), (3, 4)), ("...ij,...jk->...ik", (5, 2, 3), (1, 3, 4)),
    ("i,j", (2,), (3,)), ("ij->", (2, 3)), ("ij->ji", (2, 3)), ("b i j , b j k -> b i k", (2, 2, 3), (2, 3, 4)),
    ("i...->...", (2, 3, 4)), ("ba", (2, 3)), ("...,...", (2, 3), (3,)), ("ij,ij,ij->i", (2, 3), (2, 3), (2, 3)),
    ("ij,j", (2, 1), (3,)), ("ij,ij->ij", (2, 1), (2, 3)), ("...ii->...i", (4, 3, 3)), ("...", (2, 3)),
    (",->", (), ()), ("bhwc,hkc->bhwk", (2, 3, 4, 5), (3, 6, 5)), ("...i->i", (2, 3)),
    ("Aa->aA", (2, 3)), ("aB", (2, 3)),
    ("b...i,...i->b", (2, 4, 3), (4, 3)), ("ij,jk->", (2, 3), (3, 4)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    ("nchw,ochw->no", (2, 3, 4, 4), (5, 3, 4, 4)), ("ij,kl->jk", (2, 3), (4, 5)), ("ijk,j->ik", (2, 3, 4), (3,)),
    ("bi,bj,bk->bijk", (2, 2), (2, 3), (2, 4)), ("ij,ij->j", (1, 3), (2, 3)),
]  # fmt: skip


@pytest.mark.parametrize("case", EINSUMS, ids=lambda c: c[0])
def test_einsum(case):
    equation, *shapes = case
    both(lambda lib, *x: lib.einsum(equation, *x), *(np.asarray(values(*s)) for s in shapes), rtol=1e-12, atol=1e-12)


def test_einsum_takes_a_list():
    x = mc.ones(2, 3)
    assert mc.einsum("ij,kj->ik", [x, x]).tolist() == [[3.0, 3.0], [3.0, 3.0]]


M = values(4, 5)
DIAGONALS = {
    "diagonal": lambda lib, x: x.diagonal(), "above": lambda lib, x: lib.diagonal(x, 2),
    "below": lambda lib, x: x.diagonal(-3), "outside": lambda lib, x: x.diagonal(1)[:1],
    "diag": lambda lib, x: x.diag(1), "diag of a vector": lambda lib, x: lib.diag(x[0], -1),
    "diag_embed": lambda lib, x: x.diag_embed(1), "diag_embed dims": lambda lib, x: lib.diag_embed(x, 0, 0, 2),
    "trace": lambda lib, x: lib.trace(x), "tril": lambda lib, x: x.tril(-1), "triu": lambda lib, x: lib.triu(x, 1),
    "tril_": lambda lib, x: (x * 1).tril_(), "batched": lambda lib, x: x.reshape(2, 2, 5).diagonal(1, 0, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", DIAGONALS)
def test_diagonals(name):
    both(DIAGONALS[name], M, rtol=1e-15)
    both(DIAGONALS[name], np.arange(20).reshape(4, 5))


def test_a_diagonal_is_a_view_that_can_be_written():
    x = mc.zeros(2, 2)
    x.diagonal().fill_(3)
    x.diagonal(1)[0] = 5
    assert x.tolist() == [[3, 5], [0, 3]]
    assert mc.ones(3, 3).diagonal(5).shape == torch.ones(3, 3).diagonal(5).shape

    def write(lib, x):
        y = x * 1
        y.diagonal().mul_(2)
        return y

    both(write, M, rtol=1e-14)
