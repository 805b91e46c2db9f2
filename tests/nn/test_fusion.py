"""Batch norm folded into the layer before it: one layer computes what the two did, with PyTorch's weights."""

from __future__ import annotations

import pytest

import minicnn as mc
from minicnn.errors import StateError

nn = mc.nn


def trained(lib, layer, norm, *shape):
    """The two layers with running statistics of three batches, in evaluation mode, in float64."""
    both = lib.nn.Sequential(layer, norm).double()
    for _ in range(3):
        both(lib.randn(*shape).double() * 2 + 1)
    if norm.weight is not None:
        with lib.no_grad():
            norm.weight.uniform_(0.5, 2)
            norm.bias.normal_()
    return both.eval()


PAIRS = {
    "plain": lambda n: (n.Conv2d(3, 4, 3, stride=2, padding=1), n.BatchNorm2d(4), (2, 3, 6, 6), False),
    "without bias": lambda n: (n.Conv2d(3, 4, 3, bias=False), n.BatchNorm2d(4), (2, 3, 6, 6), False),
    "groups": lambda n: (n.Conv2d(4, 6, 3, groups=2), n.BatchNorm2d(6), (2, 4, 6, 6), False),
    "no affine": lambda n: (n.Conv1d(3, 4, 3), n.BatchNorm1d(4, affine=False), (2, 3, 6), False),
    "transposed": lambda n: (n.ConvTranspose2d(3, 4, 3), n.BatchNorm2d(4), (2, 3, 6, 6), True),
    "linear": lambda n: (n.Linear(3, 4), n.BatchNorm1d(4), (8, 3), None),
}


@pytest.mark.parametrize("name", PAIRS)
def test_one_layer_computes_what_two_did(name: str) -> None:
    mc.manual_seed(0)
    layer, norm, shape, transpose = PAIRS[name](nn)
    both = trained(mc, layer, norm, *shape)
    before = {key: value.clone() for key, value in both.state_dict().items()}
    fused = (nn.utils.fuse_linear_bn_eval(layer, norm) if transpose is None
             else nn.utils.fuse_conv_bn_eval(layer, norm, transpose))  # fmt: skip
    x = mc.randn(*shape).double()
    assert type(fused) is type(layer) and mc.allclose(fused(x), both(x), rtol=1e-12, atol=1e-12)
    assert all(mc.equal(value, before[key]) for key, value in both.state_dict().items())


@pytest.mark.parametrize("name", PAIRS)
def test_the_weights_are_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    found = []
    for lib, tools in ((mc, nn.utils), (torch, torch.nn.utils.fusion)):
        lib.manual_seed(1)
        layer, norm, shape, transpose = PAIRS[name](lib.nn)
        trained(lib, layer, norm, *shape)
        fused = (tools.fuse_linear_bn_eval(layer, norm) if transpose is None
                 else tools.fuse_conv_bn_eval(layer, norm, transpose))  # fmt: skip
        found.append([(p.detach().cpu().numpy(), p.requires_grad) for p in (fused.weight, fused.bias)])
    for (ours, tracked), (theirs, should) in zip(*found, strict=True):
        assert tracked == should and ours.shape == theirs.shape and abs(ours - theirs).max() < 2e-6


def test_what_is_no_fixed_map_is_refused() -> None:
    conv, norm = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)
    with pytest.raises(StateError, match="training mode"):
        nn.utils.fuse_conv_bn_eval(conv.eval(), norm)
    with pytest.raises(StateError, match="no running statistics"):
        nn.utils.fuse_conv_bn_eval(conv, nn.BatchNorm2d(2, track_running_stats=False).eval())


def test_the_old_name_of_clipping_warns() -> None:
    w = mc.ones(4, requires_grad=True)
    (2 * w).sum().backward()
    with pytest.warns(FutureWarning, match="clip_grad_norm_"):
        norm = nn.utils.clip_grad_norm([w], 1.0)
    assert norm.item() == 4.0 and mc.allclose(w.grad, mc.full((4,), 0.5))
    assert nn.utils.get_total_norm([w.grad]).item() == pytest.approx(1.0, rel=1e-5)
    assert nn.utils.clip_grads_with_norm_ is mc.optim.clip_grads_with_norm_
