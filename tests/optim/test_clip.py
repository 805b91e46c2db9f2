"""Gradient clipping equals PyTorch's (SEMANTICS row 38)."""

import math

import numpy as np
import pytest

import minicnn as mc
from minicnn.backend import backend_of
from minicnn.errors import GradientError, OptionError
from minicnn.optim import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm

NORMS = (2, 2.0, 1, 3.5, 0, math.inf, -math.inf)


def leaves(dtype=np.float64, scale=1.0):
    rng = np.random.default_rng(3)
    made = []
    for shape in ((3, 4), (), (5,), (0,), (2, 1, 3)):
        p = mc.tensor(np.zeros(shape, dtype), requires_grad=True)
        p.grad = mc.tensor((scale * rng.normal(size=shape)).astype(dtype))
        made.append(p)
    made[2].grad = None
    return made


def test_row_38_scales_and_returns_the_norm_before():
    p = mc.tensor([1.0, 1.0], dtype=mc.float64, requires_grad=True)
    p.grad = mc.tensor([3.0, 4.0], dtype=mc.float64)
    assert clip_grad_norm_(p, 1.0).item() == 5.0
    np.testing.assert_allclose(p.grad.cpu().numpy(), np.array([3, 4]) / (5 + 1e-6), rtol=1e-15)
    p.grad = mc.tensor([0.3, 0.4], dtype=mc.float64)
    assert clip_grad_norm_([p], 1.0).item() == 0.5
    assert p.grad.tolist() == [0.3, 0.4]


@pytest.mark.parametrize("dtype, rtol", [(np.float64, 1e-14), (np.float32, 1e-6), (np.float16, 2e-3)])
@pytest.mark.parametrize("scale", [0.01, 1, 50])
@pytest.mark.parametrize("norm_type", NORMS)
def test_equals_pytorch(norm_type, scale, dtype, rtol):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    ours = leaves(dtype, scale)
    if abs(norm_type) == math.inf:
        del ours[3]  # PyTorch has no extreme of nothing
    theirs = []
    for p in ours:
        q = torch.tensor(p.detach().cpu().numpy(), requires_grad=True)
        q.grad = None if p.grad is None else torch.tensor(p.grad.cpu().numpy())
        theirs.append(q)
    norm = clip_grad_norm_(iter(ours), 1.5, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs, 1.5, norm_type)
    assert norm.dtype == dtype
    assert norm.shape == ()
    np.testing.assert_allclose(norm.cpu().numpy(), expected.cpu().numpy(), rtol=rtol)
    for p, q in zip(ours, theirs, strict=True):
        if p.grad is not None:
            np.testing.assert_allclose(p.grad.cpu().numpy(), q.grad.numpy(), rtol=rtol, atol=rtol * 1e-2)


def test_mixed_dtypes_equal_pytorch():
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    ours, theirs = [], []
    for dtype in (np.float16, np.float32, np.float64):
        g = np.random.default_rng(4).normal(size=6).astype(dtype)
        p, q = mc.tensor(g, requires_grad=True), torch.tensor(g, requires_grad=True)
        p.grad, q.grad = mc.tensor(g), torch.tensor(g)
        ours.append(p)
        theirs.append(q)
    norm, expected = clip_grad_norm_(ours, 1.0), torch.nn.utils.clip_grad_norm_(theirs, 1.0)
    assert str(norm.dtype) == str(expected.dtype).removeprefix("torch.")
    assert norm.item() == pytest.approx(expected.item(), rel=1e-3)
    assert [p.grad.dtype for p in ours] == [mc.float16, mc.float32, mc.float64]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_nonfinite(bad):
    p = mc.tensor([1.0, 1.0], requires_grad=True)
    p.grad = mc.tensor([1.0, bad])
    with pytest.raises(OptionError, match="not finite"):
        clip_grad_norm_(p, 1.0, error_if_nonfinite=True)
    assert p.grad.tolist()[0] == 1.0
    norm = clip_grad_norm_(p, 1.0).item()
    assert math.isnan(norm) if math.isnan(bad) else norm == math.inf
    first = p.grad.tolist()[0]
    assert math.isnan(first) if math.isnan(bad) else first == 0.0


def test_nothing_to_clip():
    p = mc.ones(2, requires_grad=True)
    assert clip_grad_norm_([p], 1.0).item() == 0.0
    assert clip_grad_norm_([], 1.0).item() == 0.0
    clip_grad_value_([p], 1.0)
    with pytest.warns(UserWarning, match="generator"):
        clip_grad_norm_((q for q in ()), 1.0)


def test_total_norm_and_scaling_are_the_two_halves():
    whole, halves = leaves(), leaves()
    norm = clip_grad_norm_(whole, 0.7)
    total = get_total_norm([p.grad for p in halves if p.grad is not None])
    clip_grads_with_norm_(halves, 0.7, total)
    assert norm.item() == total.item()
    for p, q in zip(whole, halves, strict=True):
        assert p.grad is q.grad is None or np.array_equal(p.grad.cpu().numpy(), q.grad.cpu().numpy())


def test_values():
    p = mc.zeros(4, requires_grad=True)
    p.grad = mc.tensor([-3.0, -0.5, 0.25, math.nan])
    clip_grad_value_(p, 0.5)
    np.testing.assert_array_equal(p.grad.cpu().numpy(), np.array([-0.5, -0.5, 0.25, math.nan], np.float32))


def test_a_clipped_gradient_counts_as_edited():
    p = mc.tensor([3.0, 4.0], requires_grad=True)
    (p * p).sum().backward(create_graph=True)
    use = (p.grad * p.grad).sum()
    clip_grad_norm_(p, 1.0)
    with pytest.raises(GradientError, match="edited in place"):
        use.backward()


def test_devices(device):
    p = mc.zeros(3, device=device, requires_grad=True)
    p.grad = mc.tensor([3.0, 4.0, 12.0], device=device)
    norm = clip_grad_norm_(p, 1.3, error_if_nonfinite=True)
    assert norm.device == p.device
    assert norm.item() == 13.0
    backend = backend_of(p.grad.array)
    np.testing.assert_allclose(backend.to_numpy(p.grad.array), [0.3, 0.4, 1.2], rtol=1e-6)
    clip_grad_value_(p, 0.35)
    np.testing.assert_allclose(backend.to_numpy(p.grad.array), [0.3, 0.35, 0.35], rtol=1e-6)
