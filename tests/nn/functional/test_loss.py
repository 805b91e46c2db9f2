"""Losses: against PyTorch, SEMANTICS 28 to 32, and errors."""

import math

import numpy as np
import pytest

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.errors import DtypeError, OptionError, OutOfRangeError, ShapeError
from minicnn.testing import gradcheck, gradgradcheck
from tests.nn.functional.against import agree, normal

REDUCTION = pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
RNG = np.random.default_rng(0)
CLASSES, MAPS = RNG.integers(0, 5, 4), RNG.integers(0, 5, (4, 2, 3))
WEIGHT = RNG.uniform(0.5, 2, 5)
UNIT, UNIT_TOO = RNG.uniform(0.05, 0.95, (2, 4, 5))
SIGNS = np.where(RNG.random((4, 5)) < 0.5, -1.0, 1.0)


def weight_of(t, like):
    """The same class weights in either library."""
    made = mc.as_tensor(WEIGHT) if t is F else pytest.importorskip("torch", reason="live").from_numpy(WEIGHT)
    return made.to(like.dtype)


@REDUCTION
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignore", [-100, 2, int(CLASSES[0])])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_cross_entropy_of_classes(reduction, weighted, ignore, smoothing):
    def call(t, x, target):
        weight = weight_of(t, x) if weighted else None
        return t.cross_entropy(x, target, weight, ignore_index=ignore, reduction=reduction, label_smoothing=smoothing)

    agree(call, normal(4, 5), CLASSES)
    agree(call, normal(4, 5, 2, 3), MAPS)
    agree(lambda t, x, target: call(t, x, target.reshape(())), normal(5), np.array([3]))


@REDUCTION
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_probabilities(reduction, weighted, smoothing):
    def call(t, x, target):
        weight = weight_of(t, x) if weighted else None
        return t.cross_entropy(x, target, weight, reduction=reduction, label_smoothing=smoothing)

    for shape in ((4, 5), (4, 5, 2), (5,)):
        p = np.exp(normal(*shape, seed=1))
        agree(call, normal(*shape), p / p.sum(min(1, len(shape) - 1), keepdims=True))


@REDUCTION
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignore", [-100, 2])
def test_nll_loss(reduction, weighted, ignore):
    def call(t, x, target):
        return t.nll_loss(x, target, weight_of(t, x) if weighted else None, ignore_index=ignore, reduction=reduction)

    agree(call, normal(4, 5), CLASSES, second=False)
    agree(call, normal(4, 5, 2, 3), MAPS, second=False)
    agree(lambda t, x, target: call(t, x, target.reshape(())), normal(5), np.array([3]), second=False)


@pytest.mark.parametrize("options", [{}, {"ignore_index": 2}, {"weight": mc.as_tensor(WEIGHT)}, {"reduction": "none"}])
def test_the_kernel_of_cross_entropy_and_its_recorded_form_agree(options):
    x = mc.as_tensor(normal(4, 5, 2, 3)).requires_grad_()
    loss = F.cross_entropy(x, mc.as_tensor(MAPS), **options)
    g = mc.as_tensor(np.asarray(normal(*loss.shape)))
    (fused,) = mc.grad(loss, x, g, retain_graph=True)
    (recorded,) = mc.grad(loss, x, g, create_graph=True)
    np.testing.assert_allclose(fused.cpu().numpy(), recorded.detach().cpu().numpy(), rtol=1e-12, atol=1e-15)


def test_gradients_of_cross_entropy_equal_differences():
    target = mc.as_tensor(CLASSES)
    assert gradcheck(lambda x: F.cross_entropy(x, target), mc.as_tensor(normal(4, 5)))
    assert gradgradcheck(lambda x: F.cross_entropy(x, target), mc.as_tensor(normal(4, 5)))


@REDUCTION
def test_binary_losses(reduction):
    for weighted in (False, True):
        def weights(t, x, weighted=weighted):
            return weight_of(t, x) if weighted else None

        agree(lambda t, x, y: t.binary_cross_entropy(x, y, weights(t, x), reduction=reduction), UNIT, UNIT_TOO)
        agree(lambda t, x, y: t.binary_cross_entropy_with_logits(
            x, y, weights(t, x), reduction=reduction, pos_weight=weights(t, x)), 3 * normal(4, 5), UNIT)


@REDUCTION
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_losses_of_differences(name, reduction):
    second = name != "l1_loss"
    x, y = normal(4, 5), normal(4, 5, seed=1)
    agree(lambda t, x, y: getattr(t, name)(x, y, reduction=reduction), x, y, second=second)
    agree(lambda t, x, y, w: getattr(t, name)(x, y, reduction=reduction, weight=w), x, y, UNIT, second=second)


@REDUCTION
def test_pieces_of_huber_and_smooth_l1(reduction):
    x, y = 2 * normal(4, 5), normal(4, 5, seed=1)
    agree(lambda t, x, y: t.smooth_l1_loss(x, y, reduction=reduction, beta=0.3), x, y)
    agree(lambda t, x, y: t.smooth_l1_loss(x, y, reduction=reduction, beta=0.0), x, y, second=False)
    agree(lambda t, x, y: t.huber_loss(x, y, reduction=reduction, delta=0.3), x, y)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "batchmean"])
def test_kl_div(reduction):
    agree(lambda t, x, y: t.kl_div(x, y, reduction=reduction), normal(4, 5), UNIT)
    agree(lambda t, x, y: t.kl_div(x, y, reduction=reduction, log_target=True), normal(4, 5), normal(4, 5, seed=1))


@REDUCTION
def test_counts_and_normals(reduction):
    agree(lambda t, x, y: t.poisson_nll_loss(x, y, reduction=reduction), normal(4, 5), UNIT)
    agree(lambda t, x, y: t.poisson_nll_loss(x, y, full=True, reduction=reduction), normal(4, 5), 4 * UNIT)
    agree(lambda t, x, y: t.poisson_nll_loss(x, y, log_input=False, reduction=reduction), UNIT, UNIT_TOO)
    x, y = normal(4, 5), normal(4, 5, seed=1)
    agree(lambda t, x, y, v: t.gaussian_nll_loss(x, y, v, reduction=reduction), x, y, UNIT)
    agree(lambda t, x, y, v: t.gaussian_nll_loss(x, y, v, True, 0.3, reduction), x, y, UNIT[:, 0])
    agree(lambda t, x, y, v: t.gaussian_nll_loss(x, y, v, reduction=reduction), x, y, UNIT[:1])


@REDUCTION
def test_margins(reduction):
    x, y, z = (normal(4, 5, seed=s) for s in range(3))

    def signs(t, x):
        made = mc.as_tensor(SIGNS) if t is F else pytest.importorskip("torch", reason="live").from_numpy(SIGNS)
        return made.to(x.dtype)

    agree(lambda t, x: t.hinge_embedding_loss(x, signs(t, x), reduction=reduction), x)
    agree(lambda t, x, y: t.margin_ranking_loss(x, y, signs(t, x), 0.3, reduction=reduction), x, y)
    agree(lambda t, x, y: t.cosine_embedding_loss(x, y, signs(t, x)[:, 0], 0.1, reduction=reduction), x, y)
    agree(lambda t, x: t.soft_margin_loss(x, signs(t, x), reduction=reduction), x)
    agree(lambda t, x: t.multilabel_soft_margin_loss(x, (signs(t, x) + 1) / 2, weight_of(t, x), reduction=reduction), x)
    for swap in (False, True):
        agree(lambda t, x, y, z, swap=swap: t.triplet_margin_loss(x, y, z, swap=swap, reduction=reduction), x, y, z)
    for p in (1, 2):
        agree(lambda t, x, k, p=p: t.multi_margin_loss(x, k, p, 0.7, weight_of(t, x), reduction=reduction), x, CLASSES,
              second=False)


# SEMANTICS 28 to 32

def test_the_weighted_mean_is_over_the_weights_of_the_targets_not_ignored():
    x, target, weight = mc.zeros(3, 2), mc.tensor([0, 1, 1]), mc.tensor([1.0, 3.0])
    assert F.cross_entropy(x, target, weight).item() == pytest.approx(math.log(2))
    x = mc.tensor([[0.0, 0.0], [0.0, 100.0], [0.0, 0.0]])
    assert F.cross_entropy(x, target, weight).item() == pytest.approx((1 + 3) * math.log(2) / 7)
    assert F.cross_entropy(x, target, weight, ignore_index=1).item() == pytest.approx(math.log(2))


def test_all_ignored_is_nan_in_the_mean_and_zero_elsewhere():
    x, target = mc.zeros(3, 2, requires_grad=True), mc.full((3,), -100)
    for smoothing in (0.0, 0.1):
        assert math.isnan(F.cross_entropy(x, target, label_smoothing=smoothing).item())
        assert F.cross_entropy(x, target, reduction="sum", label_smoothing=smoothing).item() == 0
        assert F.cross_entropy(x, target, reduction="none", label_smoothing=smoothing).tolist() == [0, 0, 0]
    (dx,) = mc.grad(F.cross_entropy(x, target, reduction="sum"), x)
    assert dx.tolist() == [[0, 0]] * 3


def test_ignored_rows_count_in_neither_part_of_a_smoothed_loss():
    x = mc.as_tensor(normal(3, 4))
    target = mc.tensor([1, -100, 3])
    kept = F.cross_entropy(x[mc.tensor([0, 2])], mc.tensor([1, 3]), label_smoothing=0.2).item()
    assert F.cross_entropy(x, target, label_smoothing=0.2).item() == pytest.approx(kept, rel=1e-12)


def test_smoothing_spreads_over_all_classes():
    x, epsilon = normal(1, 4), 0.2
    logp = x - np.log(np.exp(x).sum())
    expected = -(1 - epsilon) * logp[0, 1] - epsilon / 4 * logp.sum()
    got = F.cross_entropy(mc.as_tensor(x), mc.tensor([1]), label_smoothing=epsilon).item()
    assert got == pytest.approx(expected, rel=1e-12)


def test_probabilities_are_averaged_over_the_batch_even_with_weights():
    x, p, weight = mc.zeros(2, 2), mc.tensor([[1.0, 0.0], [0.0, 1.0]]), mc.tensor([1.0, 3.0])
    assert F.cross_entropy(x, p, weight).item() == pytest.approx((1 + 3) * math.log(2) / 2)


def test_classes_are_int64():
    x = mc.zeros(2, 3)
    assert F.cross_entropy(x, mc.tensor([0, 1], dtype=mc.uint8)).item() == pytest.approx(math.log(3))
    for dtype in (mc.int32, mc.int8, mc.float32):
        with pytest.raises(DtypeError, match="target classes"):
            F.cross_entropy(x, mc.tensor([0, 1], dtype=dtype))
        with pytest.raises(DtypeError, match="target classes"):
            F.nll_loss(x, mc.tensor([0, 1], dtype=dtype))


@pytest.mark.parametrize("bad", [3, -1, -100])
def test_classes_are_in_range(bad):
    for function in (F.cross_entropy, F.nll_loss):
        with pytest.raises(IndexError, match="a target class does not exist"):
            function(mc.zeros(2, 3), mc.tensor([0, bad]), ignore_index=1).item()


def test_a_certain_mistake_is_infinite_and_has_a_gradient():
    x = mc.tensor([[-math.inf, 0.0]], requires_grad=True)
    loss = F.cross_entropy(x, mc.tensor([0]))
    assert loss.item() == math.inf
    assert mc.grad(loss, x)[0].tolist() == [[-1, 1]]


def test_an_ignored_row_is_zero_whatever_it_holds():
    x = mc.tensor([[math.nan, 0.0], [0.0, 0.0]], requires_grad=True)
    loss = F.cross_entropy(x, mc.tensor([-100, 0]))
    assert loss.item() == pytest.approx(math.log(2))
    assert mc.grad(loss, x)[0].tolist() == [[0, 0], [-0.5, 0.5]]


def test_binary_cross_entropy_clamps_logarithms_at_minus_100():
    x, y = mc.tensor([0.0, 1.0, 0.0, 1.0]), mc.tensor([1.0, 0.0, 0.0, 1.0])
    assert F.binary_cross_entropy(x, y, reduction="none").tolist() == [100, 100, 0, 0]


def test_the_slope_of_binary_cross_entropy_at_the_ends():
    x, y = mc.tensor([0.0, 1.0], requires_grad=True), mc.tensor([1.0, 1.0])
    (dx,) = mc.grad(F.binary_cross_entropy(x, y, reduction="sum"), x)
    np.testing.assert_allclose(dx.cpu().numpy(), [-1e12, 0], rtol=1e-6)


def test_logits_of_any_size():
    x, y = mc.tensor([1000.0, -1000.0, 1000.0]), mc.tensor([1.0, 0.0, 0.0])
    assert F.binary_cross_entropy_with_logits(x, y, reduction="none").tolist() == [0, 0, 1000]


def test_smooth_l1_of_beta_0_is_l1_and_huber_is_beta_times_smooth_l1():
    x, y = mc.as_tensor(normal(9)), mc.as_tensor(normal(9, seed=1))
    assert F.smooth_l1_loss(x, y, beta=0.0).item() == F.l1_loss(x, y).item()
    smooth = F.smooth_l1_loss(x, y, beta=0.3).item()
    assert F.huber_loss(x, y, delta=0.3).item() == pytest.approx(0.3 * smooth, rel=1e-12)


def test_l1_has_slope_0_at_0():
    x = mc.zeros(2, requires_grad=True)
    assert mc.grad(F.l1_loss(x, mc.tensor([0.0, 1.0]), reduction="sum"), x)[0].tolist() == [0, -1]


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_other_shapes_warn_then_broadcast(name):
    with pytest.warns(UserWarning, match="size") as caught:
        loss = getattr(F, name)(mc.zeros(3, 1), mc.zeros(3), reduction="none")
    assert loss.shape == (3, 3)
    assert caught[0].filename == __file__


def test_kl_div_of_a_zero_target_is_zero():
    assert F.kl_div(mc.tensor([-1.0]), mc.tensor([0.0]), reduction="none").tolist() == [0]


def test_an_empty_batch_has_no_mean():
    assert math.isnan(F.cross_entropy(mc.zeros(0, 3), mc.zeros(0, dtype=mc.int64)).item())
    assert math.isnan(F.cross_entropy(mc.zeros(0, 3), mc.zeros(0, 3)).item())


@pytest.mark.parametrize("flags", [{"size_average": False}, {"reduce": False}, {"size_average": True}])
def test_deprecated_flags_warn(flags):
    expected = {"size_average": ["mean", "sum"][not flags.get("size_average", True)]} if "size_average" in flags else {}
    reduction = expected.get("size_average", "none")
    x, y = mc.as_tensor(normal(3)), mc.zeros(3, dtype=mc.float64)
    with pytest.warns(UserWarning, match="deprecated"):
        got = F.mse_loss(x, y, **flags)
    assert got.tolist() == F.mse_loss(x, y, reduction=reduction).tolist()


@pytest.mark.parametrize(("error", "call"), [
    (ShapeError, lambda: F.cross_entropy(mc.zeros(4, 3), mc.tensor([0, 1, 2]))),
    (ShapeError, lambda: F.cross_entropy(mc.zeros(3), mc.tensor([0, 1]))),
    (ShapeError, lambda: F.cross_entropy(mc.zeros(2, 3, 4, 5), mc.zeros(2, 5, 4).long())),
    (ShapeError, lambda: F.cross_entropy(mc.tensor(0.0), mc.tensor(0))),
    (ShapeError, lambda: F.cross_entropy(mc.zeros(2, 3), mc.tensor([0, 1]), weight=mc.ones(2))),
    (DtypeError, lambda: F.cross_entropy(mc.zeros(2, 3), mc.tensor([0, 1]), weight=mc.ones(3, dtype=mc.float64))),
    (DtypeError, lambda: F.cross_entropy(mc.zeros(2, 3).long(), mc.tensor([0, 1]))),
    (DtypeError, lambda: F.cross_entropy(mc.zeros(2, 3), mc.zeros(2, 3).long())),
    (OptionError, lambda: F.cross_entropy(mc.zeros(2, 3), mc.ones(2, 3), ignore_index=1)),
    (OptionError, lambda: F.cross_entropy(mc.zeros(2, 3), mc.tensor([0, 1]), label_smoothing=1.5)),
    (OptionError, lambda: F.cross_entropy(mc.zeros(2, 3), mc.tensor([0, 1]), reduction="average")),
    (ShapeError, lambda: F.nll_loss(mc.zeros(4, 3, 2, 2), mc.tensor([0, 1, 2, 0]))),
    (OutOfRangeError, lambda: F.nll_loss(mc.zeros(2, 3), mc.tensor([0, 3]))),
    (ShapeError, lambda: F.binary_cross_entropy(mc.zeros(3), mc.zeros(2))),
    (ShapeError, lambda: F.binary_cross_entropy(mc.zeros(3, 1), mc.zeros(3))),
    (OptionError, lambda: F.binary_cross_entropy(mc.full((2,), 1.5), mc.zeros(2))),
    (OptionError, lambda: F.binary_cross_entropy(mc.full((2,), math.nan), mc.zeros(2))),
    (OptionError, lambda: F.binary_cross_entropy(mc.zeros(2), mc.full((2,), 2.0))),
    (DtypeError, lambda: F.binary_cross_entropy(mc.zeros(2), mc.zeros(2).long())),
    (DtypeError, lambda: F.binary_cross_entropy(mc.zeros(2), mc.zeros(2).double())),
    (ShapeError, lambda: F.binary_cross_entropy(mc.zeros(3), mc.zeros(3), weight=mc.ones(2))),
    (ShapeError, lambda: F.binary_cross_entropy_with_logits(mc.zeros(3), mc.zeros(2))),
    (DtypeError, lambda: F.binary_cross_entropy_with_logits(mc.zeros(3), mc.zeros(3).long())),
    (ShapeError, lambda: F.binary_cross_entropy_with_logits(mc.zeros(3), mc.zeros(3), pos_weight=mc.ones(2))),
    (DtypeError, lambda: F.mse_loss(mc.zeros(3).long(), mc.zeros(3).long())),
    (ShapeError, lambda: F.mse_loss(mc.zeros(3), mc.zeros(3), weight=mc.ones(2))),
    (OptionError, lambda: F.smooth_l1_loss(mc.zeros(3), mc.zeros(3), beta=-1.0)),
    (OptionError, lambda: F.huber_loss(mc.zeros(3), mc.zeros(3), delta=0.0)),
    (OptionError, lambda: F.kl_div(mc.zeros(3), mc.zeros(3), reduction="batch")),
    (OptionError, lambda: F.gaussian_nll_loss(mc.zeros(3), mc.zeros(3), mc.full((3,), -1.0))),
    (ShapeError, lambda: F.gaussian_nll_loss(mc.zeros(3, 2), mc.zeros(3, 2), mc.ones(2, 2))),
    (OptionError, lambda: F.triplet_margin_loss(mc.zeros(3, 2), mc.zeros(3, 2), mc.zeros(3, 2), margin=0.0)),
    (ShapeError, lambda: F.cosine_embedding_loss(mc.zeros(3, 2), mc.zeros(3, 2), mc.zeros(3, 2))),
    (ShapeError, lambda: F.margin_ranking_loss(mc.zeros(3), mc.zeros(3), mc.zeros(3, 1))),
    (OptionError, lambda: F.multi_margin_loss(mc.zeros(2, 3), mc.tensor([0, 1]), p=3)),
    (OutOfRangeError, lambda: F.multi_margin_loss(mc.zeros(2, 3), mc.tensor([0, 3]))),
])
def test_errors_teach(error, call):
    with pytest.raises(error) as caught:
        repr(call())  # which reads the values: a device tells of wrong ones no earlier
    assert "rule" in str(caught.value)
