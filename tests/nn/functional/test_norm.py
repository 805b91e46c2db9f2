"""Normalisation: against PyTorch, the kernel against its recorded form, and SEMANTICS 21 to 26."""

import numpy as np
import pytest

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.errors import DeviceError, DtypeError, OptionError, ShapeError
from minicnn.testing import gradcheck, gradgradcheck
from tests.nn.functional.against import agree, channels_last, normal

SHAPES = pytest.mark.parametrize("shape", [(4, 3), (4, 3, 5), (4, 3, 5, 2), (1, 3, 2, 1), (3, 3, 2, 2, 2)])


def statistics(C):
    rng = np.random.default_rng(C)
    return rng.standard_normal(C), rng.uniform(0.5, 2, C)


@SHAPES
def test_batch_norm_equals_pytorch(shape):
    C = shape[1]
    agree(lambda t, x, w, b: t.batch_norm(x, None, None, w, b, True), normal(*shape), normal(C), normal(C, seed=1))
    agree(lambda t, x: t.batch_norm(x, None, None, training=True, eps=0.1), normal(*shape))
    agree(lambda t, x, w: t.batch_norm(x, None, None, w, training=True), normal(*shape), normal(C))
    agree(lambda t, x, b: t.batch_norm(x, None, None, None, b, True), normal(*shape), normal(C), second=False)


@SHAPES
def test_batch_norm_by_running_statistics_equals_pytorch(shape):
    C = shape[1]

    def call(t, x, w, b, mean, var):
        return t.batch_norm(x, mean.detach(), var.detach(), w, b)

    mean, var = statistics(C)
    agree(lambda t, *a: call(t, *a) + 0 * (a[3] + a[4]).sum(), normal(*shape), normal(C), normal(C, seed=1), mean, var)


@pytest.mark.parametrize("shape", [(4, 3, 5), (4, 3, 5, 2), (3, 3, 2, 2, 2)])
def test_other_norms_equal_pytorch(shape):
    w, b = normal(3), normal(3, seed=1)
    agree(lambda t, x, w, b: t.instance_norm(x, None, None, w, b), normal(*shape), w, b)
    agree(lambda t, x, w, b: t.group_norm(x, 1, w, b), normal(*shape), w, b)
    wide = shape[1:]
    agree(lambda t, x, w, b: t.layer_norm(x, wide, w, b), normal(*shape), normal(*wide), normal(*wide, seed=1))
    agree(lambda t, x: t.layer_norm(x, shape[2:]), normal(*shape))


def test_layer_norm_of_one_sample():
    agree(lambda t, x, w: t.layer_norm(x, (5,), w), normal(5), normal(5, seed=1))


def test_group_norm_of_several_groups():
    agree(lambda t, x, w, b: t.group_norm(x, 3, w, b, 0.1), normal(2, 6, 4, 2), normal(6), normal(6, seed=1))


def test_rms_norm():
    agree(lambda t, x, w: t.rms_norm(x, (5,), w), normal(3, 5), normal(5))
    agree(lambda t, x: t.rms_norm(x, (3, 5), eps=0.1), normal(3, 5))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9])
def test_local_response_norm(size):
    agree(lambda t, x: t.local_response_norm(x, size, 0.5, 0.7, 2.0), normal(2, 5, 3, 2))
    agree(lambda t, x: t.local_response_norm(x, size), normal(2, 5, 3))


@pytest.mark.parametrize("order", [np.ascontiguousarray, channels_last], ids=["C", "channels-last"])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("call", [
    lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
    lambda x, w, b: F.instance_norm(x, None, None, w, b),
    lambda x, w, b: F.group_norm(x, 2, w, b),
    lambda x, w, b: F.layer_norm(x, x.shape[1:], None if w is None else w.reshape(4, 1, 1).expand(x.shape[1:]), None),
], ids=["batch", "instance", "group", "layer"])
def test_the_kernel_and_its_recorded_form_agree(call, affine, order):
    x = mc.as_tensor(order(normal(3, 4, 5, 2))).requires_grad_()
    w, b = (mc.as_tensor(normal(4, seed=s)).requires_grad_() if affine else None for s in (1, 2))
    leaves = [t for t in (x, w) if t is not None]
    g = mc.as_tensor(normal(3, 4, 5, 2, seed=3))
    y = call(x, w, b)
    fused = mc.grad(y, leaves, g, retain_graph=True)
    recorded = mc.grad(y, leaves, g, create_graph=True)
    for kernel, tensors in zip(fused, recorded, strict=True):
        np.testing.assert_allclose(kernel.cpu().numpy(), tensors.detach().cpu().numpy(), rtol=1e-10, atol=1e-12)


def test_gradients_equal_differences():
    inputs = [mc.as_tensor(a) for a in (normal(3, 2, 2, 2), normal(2), normal(2, seed=1))]
    assert gradcheck(lambda x, w, b: F.batch_norm(x, None, None, w, b, True), inputs)
    assert gradgradcheck(lambda x, w, b: F.batch_norm(x, None, None, w, b, True), inputs)


@pytest.mark.host("the memory order of the CPU's results; CUDA kernels write rows")
def test_a_result_keeps_the_memory_order():
    x = mc.as_tensor(channels_last(normal(2, 3, 4, 5)))
    y = F.batch_norm(x, None, None, training=True)
    assert y.array.transpose(0, 2, 3, 1).flags.c_contiguous
    x = mc.as_tensor(normal(2, 3, 4, 5))
    assert F.batch_norm(x, None, None, training=True).array.flags.c_contiguous


# SEMANTICS 21 to 26

def test_the_biased_variance_normalises_and_the_unbiased_one_is_kept():
    x = mc.tensor([[1.0], [3.0]], dtype=mc.float64)
    mean, var = mc.zeros(1, dtype=mc.float64), mc.ones(1, dtype=mc.float64)
    y = F.batch_norm(x, mean, var, training=True, momentum=0.1)
    np.testing.assert_allclose(y.cpu().numpy(), [[-1 / np.sqrt(1 + 1e-5)], [1 / np.sqrt(1 + 1e-5)]], rtol=1e-12)
    np.testing.assert_allclose(mean.cpu().numpy(), [0.9 * 0 + 0.1 * 2])
    np.testing.assert_allclose(var.cpu().numpy(), [0.9 * 1 + 0.1 * 2])  # the batch's is 1 biased, 2 unbiased


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_running_statistics_move_as_pytorchs(dtype):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    rng = np.random.default_rng(0)
    ours = [mc.zeros(3, dtype=dtype), mc.ones(3, dtype=dtype)]
    theirs = [torch.zeros(3, dtype=getattr(torch, dtype)), torch.ones(3, dtype=getattr(torch, dtype))]
    for momentum in (0.1, 0.3, 1.0, 0.0):
        x = (rng.standard_normal((4, 3, 5)) * 2 + 1).astype(dtype)
        for name in ("batch_norm", "instance_norm"):
            getattr(F, name)(mc.as_tensor(x), *ours, None, None, True, momentum)
            getattr(torch.nn.functional, name)(torch.from_numpy(x), *theirs, None, None, True, momentum)
            for a, b in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(a.cpu().numpy(), b.cpu().numpy(), rtol=1e-6 if dtype == "float32" else 1e-12)


def test_running_statistics_move_under_no_grad_in_place_and_are_counted_as_an_edit():
    mean, var = mc.zeros(3), mc.ones(3)
    memory, version = mean.array, mean._version[0]
    with mc.no_grad():
        F.batch_norm(mc.as_tensor(normal(4, 3)).float(), mean, var, training=True)
    assert mean.array is memory
    assert mean._version[0] == version + 1
    assert not mean.requires_grad
    assert (mean != 0).all()


def test_evaluation_leaves_running_statistics_alone():
    mean, var = mc.zeros(3), mc.ones(3)
    F.batch_norm(mc.ones(4, 3), mean, var)
    assert mean.tolist() == [0, 0, 0]
    assert var.tolist() == [1, 1, 1]


def test_one_value_per_channel_raises_in_training_only():
    for shape in ((1, 3), (1, 3, 1, 1)):
        with pytest.raises(ShapeError, match="one value per channel"):
            F.batch_norm(mc.ones(*shape), None, None, training=True)
        F.batch_norm(mc.ones(*shape), mc.zeros(3), mc.ones(3))
    F.batch_norm(mc.ones(1, 3, 2, 1), None, None, training=True)


def test_batch_statistics_without_running_ones():
    x = mc.as_tensor(normal(4, 3))
    means = F.batch_norm(x, None, None, training=True).mean(0)
    np.testing.assert_allclose(means.cpu().numpy(), np.zeros(3), atol=1e-12)


def test_layer_and_group_norm_use_the_biased_variance():
    x = mc.tensor([[1.0, 3.0]], dtype=mc.float64)
    expected = np.array([[-1, 1]]) / np.sqrt(1 + 1e-5)
    np.testing.assert_allclose(F.layer_norm(x, (2,)).cpu().numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(F.group_norm(x, 1).cpu().numpy(), expected, rtol=1e-12)


def test_constant_input_is_normalised_to_zero():
    assert F.batch_norm(mc.full((4, 2, 3), 7.0), None, None, training=True).abs().max().item() == 0


def test_float16_is_summed_in_float32():
    x = mc.full((1000, 1), 100.0).half()
    x[0] = 0.0
    y = F.batch_norm(x, None, None, training=True)
    assert y.dtype == mc.float16
    exact = np.full(1000, 100.0)
    exact[0] = 0
    expected = (exact - exact.mean()) / np.sqrt(exact.var() + 1e-5)
    np.testing.assert_allclose(y.cpu().numpy()[:, 0].astype("float64"), expected, rtol=2e-3)


def test_an_empty_batch():
    assert F.batch_norm(mc.zeros(0, 3), mc.zeros(3), mc.ones(3)).shape == (0, 3)
    assert F.layer_norm(mc.zeros(0, 3), (3,)).shape == (0, 3)


@pytest.mark.parametrize(("error", "call"), [
    (ShapeError, lambda: F.batch_norm(mc.ones(3), None, None, training=True)),
    (ShapeError, lambda: F.batch_norm(mc.ones(2, 3), mc.zeros(2), mc.ones(3))),
    (ShapeError, lambda: F.batch_norm(mc.ones(2, 3), None, None, mc.ones(2), training=True)),
    (OptionError, lambda: F.batch_norm(mc.ones(2, 3), None, None)),
    (OptionError, lambda: F.batch_norm(mc.ones(2, 3), mc.zeros(3), None, training=True)),
    (OptionError, lambda: F.batch_norm(mc.ones(2, 3), None, None, training=True, eps=0.0)),
    (DtypeError, lambda: F.batch_norm(mc.ones(2, 3).long(), None, None, training=True)),
    (ShapeError, lambda: F.layer_norm(mc.ones(2, 3), (2,))),
    (ShapeError, lambda: F.layer_norm(mc.ones(2, 3), ())),
    (DtypeError, lambda: F.layer_norm(mc.ones(2, 3), 3)),
    (ShapeError, lambda: F.layer_norm(mc.ones(2, 3), (3,), mc.ones(2))),
    (ShapeError, lambda: F.group_norm(mc.ones(2, 3, 2), 2)),
    (ShapeError, lambda: F.group_norm(mc.ones(3), 1)),
    (ShapeError, lambda: F.group_norm(mc.ones(1, 3), 3)),
    (ShapeError, lambda: F.group_norm(mc.ones(2, 4), 2, mc.ones(2))),
    (OptionError, lambda: F.group_norm(mc.ones(2, 4), 0)),
    (ShapeError, lambda: F.instance_norm(mc.ones(2, 3, 1))),
    (ShapeError, lambda: F.instance_norm(mc.ones(2, 3))),
    (OptionError, lambda: F.instance_norm(mc.ones(2, 3, 4), use_input_stats=False)),
    (ShapeError, lambda: F.local_response_norm(mc.ones(2, 3), 2)),
    (OptionError, lambda: F.local_response_norm(mc.ones(2, 3, 4), 0)),
])
def test_errors_teach(error, call):
    with pytest.raises(error) as caught:
        call()
    assert "rule" in str(caught.value)
    assert "got" in str(caught.value)


@pytest.mark.host("two devices at once")
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_momentum_in_a_tensor_is_the_number_in_it(device: str, dtype: str) -> None:
    x = mc.tensor([[0.1, -2.0], [0.7, 3.0], [5.0, 0.3]], dtype=dtype).to(device)
    share = mc.tensor(1.0, dtype=mc.float64) / 3
    found = []
    for momentum in (1.0 / 3, share.to(device), share):
        running = [mc.full((2,), 0.7, dtype=dtype, device=device), mc.full((2,), 1.3, dtype=dtype, device=device)]
        F.batch_norm(x, *running, training=True, momentum=momentum)
        assert all(t.dtype == dtype for t in running)
        found.append([t.tolist() for t in running])
    assert found[0] == found[1] == found[2]


@pytest.mark.host("two devices at once")
def test_a_momentum_is_one_number_where_the_statistics_are(device: str) -> None:
    given = mc.zeros(2, 3), mc.zeros(3), mc.ones(3)
    with pytest.raises(ShapeError, match="batch_norm: the momentum has dimensions"):
        F.batch_norm(*given, training=True, momentum=mc.full((3,), 0.1))
    with pytest.raises(DeviceError, match="batch_norm: the tensors are on different devices"):
        F.batch_norm(*given, training=True, momentum=mc.tensor(0.1).to(device))
