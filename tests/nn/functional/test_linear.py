"""Linear maps and measures of vectors."""

import numpy as np
import pytest

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.errors import DtypeError, OptionError, OutOfRangeError, ShapeError
from tests.nn.functional.against import agree, normal


@pytest.mark.parametrize("lead", [(), (3,), (2, 3), (0,), (2, 1, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(lead, bias):
    extra = [normal(5)] if bias else []
    agree(lambda t, *a: t.linear(*a), normal(*lead, 4), normal(5, 4), *extra)


def test_linear_with_a_vector_of_weights():
    agree(lambda t, x, w: t.linear(x, w), normal(3, 4), normal(4))


def test_linear_of_integers():
    assert F.linear(mc.tensor([[1, 2]]), mc.tensor([[3, 4]])).tolist() == [[11]]


@pytest.mark.parametrize("bias", [True, False])
def test_bilinear(bias):
    extra = [normal(6)] if bias else []
    agree(lambda t, *a: t.bilinear(*a), normal(2, 3, 4), normal(2, 3, 5), normal(6, 4, 5), *extra)


def test_embedding_gives_the_padding_row_no_gradient():
    rows = np.array([[1, 0], [2, 1]])
    for padding in (None, 1, -1):
        agree(lambda t, w, i, padding=padding: t.embedding(i, w, padding_idx=padding), normal(3, 4), rows)


@pytest.mark.parametrize("options", [{}, {"p": 1.0, "dim": 0}, {"p": 3.0, "dim": -1}])
def test_normalize(options):
    agree(lambda t, x: t.normalize(x, **options), normal(3, 4))


def test_normalize_of_zeros_is_zeros_with_a_slope_of_one_over_eps():
    x = mc.zeros(1, 2, requires_grad=True)
    y = F.normalize(x)
    assert y.tolist() == [[0, 0]]
    np.testing.assert_allclose(mc.grad(y.sum(), x)[0].cpu().numpy(), [[1e12, 1e12]])


def test_cosine_similarity():
    agree(lambda t, x, y: t.cosine_similarity(x, y), normal(3, 4), normal(3, 4, seed=1))
    agree(lambda t, x, y: t.cosine_similarity(x, y, dim=0), normal(3, 4), normal(4))
    assert F.cosine_similarity(mc.zeros(1, 2), mc.ones(1, 2)).item() == 0


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
def test_pairwise_distance(p):
    second = p > 1  # of a sum of sizes the second derivative is 0
    agree(lambda t, x, y: t.pairwise_distance(x, y, p), normal(3, 4), normal(3, 4, seed=1), second=second)
    agree(lambda t, x, y: t.pairwise_distance(x, y, p, keepdim=True), normal(3, 4), normal(4), second=second)


def test_one_hot():
    assert F.one_hot(mc.tensor([[0, 2]])).tolist() == [[[1, 0, 0], [0, 0, 1]]]
    assert F.one_hot(mc.tensor([1]), 4).tolist() == [[0, 1, 0, 0]]
    assert F.one_hot(mc.tensor(1), 2).tolist() == [0, 1]
    assert F.one_hot(mc.tensor([0])).dtype == mc.int64
    assert F.one_hot(mc.zeros(0, dtype=mc.int64), 3).shape == (0, 3)


TOLD_TWICE = pytest.mark.host("the stand-ins refuse such an index at once, and note it as well; a GPU only notes it")


@pytest.mark.parametrize(("error", "call"), [
    (ShapeError, lambda: F.linear(mc.ones(2, 3), mc.ones(4, 5))),
    (ShapeError, lambda: F.linear(mc.tensor(1.0), mc.ones(4, 5))),
    (ShapeError, lambda: F.linear(mc.ones(2, 5), mc.ones(4, 5), mc.ones(5))),
    (DtypeError, lambda: F.linear(mc.ones(2, 5), mc.ones(4, 5, dtype=mc.float64))),
    (ShapeError, lambda: F.bilinear(mc.ones(2, 3), mc.ones(3, 3), mc.ones(1, 3, 3))),
    (ShapeError, lambda: F.bilinear(mc.ones(2, 3), mc.ones(2, 3), mc.ones(1, 3, 3), mc.ones(2))),
    (DtypeError, lambda: F.embedding(mc.tensor([0.0]), mc.ones(2, 2))),
    pytest.param(OutOfRangeError, lambda: F.embedding(mc.tensor([2]), mc.ones(2, 2)), marks=TOLD_TWICE),
    (OutOfRangeError, lambda: F.embedding(mc.tensor([1]), mc.ones(2, 2), padding_idx=2)),
    (OptionError, lambda: F.embedding(mc.tensor([1]), mc.ones(2, 2), max_norm=1.0)),
    (DtypeError, lambda: F.one_hot(mc.tensor([1], dtype=mc.int32))),
    (OutOfRangeError, lambda: F.one_hot(mc.tensor([3]), 3)),
    (OutOfRangeError, lambda: F.one_hot(mc.tensor([-1]))),
    (ShapeError, lambda: F.one_hot(mc.zeros(0, dtype=mc.int64))),
    (OutOfRangeError, lambda: F.normalize(mc.ones(3))),
    (ShapeError, lambda: F.cosine_similarity(mc.ones(2, 3), mc.ones(2, 4))),
    (ShapeError, lambda: F.pairwise_distance(mc.ones(2, 3), mc.ones(2, 4))),
])
def test_errors_teach(error, call):
    with pytest.raises(error) as caught:
        repr(call())  # which reads the values: a device tells of wrong ones no earlier
    assert "rule" in str(caught.value)


def test_linear_says_which_features_differ_and_that_images_want_flattening():
    with pytest.raises(ShapeError, match="the input has 4 features, the weight expects 12") as caught:
        F.linear(mc.ones(8, 1, 3, 4), mc.ones(10, 12))
    assert "Linear(in_features=4, …), or x.flatten(1) first" in str(caught.value)
