"""Shapes, joining and rearranging, against PyTorch: values, strides of views, first and second gradients, refusals."""

import numpy as np
import pytest

import minicnn as mc
from minicnn.errors import GradientError
from tests.ops.compared import both, both_refuse

X = np.arange(24, dtype=np.float64).reshape(2, 3, 4) / 7
M = np.arange(6, dtype=np.float64).reshape(2, 3) - 2.5
V = np.linspace(-1, 1, 5)

ON_X = {
    "reshape": lambda lib, x: x.reshape(4, -1),
    "reshape tuple": lambda lib, x: lib.reshape(x, (6, 4)),
    "view": lambda lib, x: x.view(-1),
    "view_as": lambda lib, x: x.view_as(lib.zeros(8, 3)),
    "reshape_as": lambda lib, x: x.reshape_as(lib.zeros(8, 3)),
    "transposed reshape": lambda lib, x: x.transpose(0, 2).reshape(6, 4),
    "view of merged": lambda lib, x: x.transpose(1, 2).unsqueeze(1).view(1, 2, 4, 3),
    "flatten": lambda lib, x: x.flatten(),
    "flatten some": lambda lib, x: x.flatten(1),
    "flatten middle": lambda lib, x: lib.flatten(x, -3, -2),
    "unflatten": lambda lib, x: x.unflatten(2, (2, -1)),
    "squeeze": lambda lib, x: x[:, :1, :1].squeeze(),
    "squeeze dim": lambda lib, x: x[:1, :, :1].squeeze(0),
    "squeeze dims": lambda lib, x: x[:1, :, :1].squeeze((0, 1, 2)),
    "unsqueeze": lambda lib, x: lib.unsqueeze(x, -1),
    "permute": lambda lib, x: x.permute(2, 0, 1),
    "permute tuple": lambda lib, x: lib.permute(x, (1, -1, 0)),
    "transpose": lambda lib, x: x.transpose(-1, 0),
    "mT": lambda lib, x: x.mT,
    "movedim": lambda lib, x: x.movedim(0, -1),
    "movedim several": lambda lib, x: lib.movedim(x, (0, 1), (2, 0)),
    "swapaxes": lambda lib, x: x.swapaxes(0, 1),
    "expand": lambda lib, x: x[:, :1].expand(5, -1, 3, 4),
    "expand_as": lambda lib, x: x[:, :1].expand_as(x),
    "broadcast_to": lambda lib, x: lib.broadcast_to(x[0, 0], (2, 3, 4)),
    "repeat": lambda lib, x: x.repeat(2, 1, 3),
    "repeat more": lambda lib, x: x.repeat(2, 1, 1, 2),
    "tile": lambda lib, x: x.tile(2),
    "repeat_interleave": lambda lib, x: x.repeat_interleave(2, 1),
    "repeat_interleave flat": lambda lib, x: x.repeat_interleave(2),
    "repeat_interleave tensor": lambda lib, x: lib.repeat_interleave(x, lib.tensor([2, 0, 3]), dim=1),
    "flip": lambda lib, x: x.flip(0, 2),
    "fliplr": lambda lib, x: x.fliplr(),
    "flipud": lambda lib, x: x.flipud(),
    "roll": lambda lib, x: x.roll(2),
    "roll dims": lambda lib, x: x.roll((1, -2), (0, 2)),
    "rot90": lambda lib, x: [lib.rot90(x, k, (0, 2)) for k in range(-1, 5)],
    "narrow": lambda lib, x: x.narrow(1, 1, 2),
    "narrow negative": lambda lib, x: x.narrow(-1, -3, 2),
    "select": lambda lib, x: x.select(1, -1),
    "unfold": lambda lib, x: x.unfold(2, 3, 1),
    "unfold step": lambda lib, x: x.unfold(1, 2, 2),
    "split": lambda lib, x: x.split(2, 1),
    "split sizes": lambda lib, x: lib.split(x, [1, 3], dim=-1),
    "chunk": lambda lib, x: x.chunk(3, 2),
    "chunk of few": lambda lib, x: x.chunk(5, 0),
    "tensor_split": lambda lib, x: x.tensor_split(3, 2),
    "tensor_split at": lambda lib, x: x.tensor_split((1, 3), 2),
    "hsplit": lambda lib, x: x.hsplit(3),
    "unbind": lambda lib, x: x.unbind(1),
    "iteration": lambda lib, x: list(x),
    "unpacking": lambda lib, x: tuple(x[0]),
    "cat": lambda lib, x: lib.cat([x, x[:, :1] * 2], 1),
    "cat negative": lambda lib, x: lib.cat((x, x), -1),
    "cat legacy empty": lambda lib, x: lib.cat([lib.zeros(0, dtype=lib.float64), x]),
    "concat": lambda lib, x: lib.concat([x, x]),
    "stack": lambda lib, x: lib.stack([x, x * x], 1),
    "stack last": lambda lib, x: lib.stack([x, x * x], -1),
    "hstack": lambda lib, x: lib.hstack([x, x]),
    "vstack": lambda lib, x: lib.vstack([x[0, 0], x[1, 0]]),
    "dstack": lambda lib, x: lib.dstack([x[0, 0], x[0, 1]]),
    "column_stack": lambda lib, x: lib.column_stack([x[0, 0], x[0, 1]]),
    "atleast": lambda lib, x: [lib.atleast_1d(x[0, 0, 0]), lib.atleast_2d(x[0, 0]), lib.atleast_3d(x[0])],
    "meshgrid": lambda lib, x: lib.meshgrid(x[0, 0], x[0, :, 0], indexing="ij"),
    "meshgrid xy": lambda lib, x: lib.meshgrid(x[0, 0], x[0, :, 0], x[1, 0], indexing="xy"),
    "cartesian": lambda lib, x: lib.cartesian_prod(x[0, 0], x[0, :, 0]),
    "broadcast_tensors": lambda lib, x: lib.broadcast_tensors(x[:, :1], x[0, 0]),
    "queries": lambda lib, x: (x.dim(), x.ndimension(), x.size(), x.size(-1), x.numel(), x.nelement(), x.stride(),
                               x.stride(1), x.element_size(), x.nbytes, x.itemsize, x.is_contiguous(), len(x),
                               x.is_floating_point(), lib.is_tensor(x), x.t().stride() if x.ndim < 3 else 0),
    "strides of views": lambda lib, x: (x.permute(2, 0, 1).stride(), x[:, ::2].stride(), x[0, :1].expand(3, 4).stride(),
                                        x[:, 1].is_contiguous(), x[0].is_contiguous()),
}  # fmt: skip


@pytest.mark.parametrize("name", ON_X)
def test_as_pytorch(name):
    if name in ("queries", "strides of views"):
        both(ON_X[name], X.astype(np.float32))
    else:
        both(ON_X[name], X)


@pytest.mark.parametrize("order", ["fortran", "channels last", "reversed", "broadcast"])
@pytest.mark.parametrize("name", [n for n in ON_X if n not in ("queries", "strides of views")])
def test_any_memory_order_gives_the_same_values(name, order):
    arrays = {
        "fortran": np.asfortranarray(X),
        "channels last": np.ascontiguousarray(X.transpose(0, 2, 1)).transpose(0, 2, 1),
        "reversed": X[:, ::-1, ::-1],
        "broadcast": np.broadcast_to(X[:1, :, :1], X.shape),
    }
    array = arrays[order]
    for tensor in (mc.as_tensor(array), mc.as_tensor(array) * 1.0):
        got = ON_X[name](mc, tensor)
        want = ON_X[name](mc, mc.tensor(np.ascontiguousarray(array)))
        for a, b in zip(*([r] if isinstance(r, mc.Tensor) else list(r) for r in (got, want)), strict=True):
            np.testing.assert_array_equal(a.cpu().numpy(), b.cpu().numpy())


@pytest.mark.parametrize("expression", [lambda lib, m: m.t() * m.T, lambda lib, m: lib.t(m[0]), lambda lib, m: m.mT])
def test_matrices(expression):
    both(expression, M if expression(mc, mc.zeros(2, 2)).ndim < 2 else M[:, :2])


def test_zero_dimensions():
    for expression in (lambda lib, v: v[0].flatten(), lambda lib, v: v[0].squeeze(0), lambda lib, v: v[0].unsqueeze(-1),
                       lambda lib, v: v[0].reshape(1, 1), lambda lib, v: v[0].expand(3),
                       lambda lib, v: v[:0].reshape(0, 3),
                       lambda lib, v: v[:0].view(2, 0), lambda lib, v: lib.stack([v[0], v[1]]),
                       lambda lib, v: v[0].repeat(2, 2)):  # fmt: skip
        both(expression, V)


def test_mixed_dtypes_are_promoted():
    both(lambda lib, a, b: lib.cat([a, b]), np.array([1, 2]), np.array([1.5], dtype=np.float32))
    both(lambda lib, a, b: lib.stack([a, b]), np.array([True, False]), np.array([3, 4]))


REFUSED = {
    "reshape": lambda lib: lib.ones(4).reshape(3),
    "two unknown": lambda lib: lib.ones(4).view(-1, -1),
    "ambiguous": lambda lib: lib.ones(0).view(0, -1),
    "view of transposed": lambda lib: lib.ones(4, 2).t().view(8),
    "float size": lambda lib: lib.ones(4).reshape(2.0, 2),
    "transpose": lambda lib: lib.ones(4, 2).transpose(0, 3),
    "permute twice": lambda lib: lib.ones(4, 2).permute(0, 0),
    "permute few": lambda lib: lib.ones(4, 2).permute(0),
    "expand": lambda lib: lib.ones(4, 2).expand(3, 2),
    "expand few": lambda lib: lib.ones(4, 2).expand(2),
    "expand new -1": lambda lib: lib.ones(4, 2).expand(-1, 4, 2),
    "t": lambda lib: lib.ones(4, 2, 2).t(),
    "flatten": lambda lib: lib.ones(2, 3).flatten(1, 0),
    "unflatten": lambda lib: lib.ones(2, 3).unflatten(1, (2, 2)),
    "unsqueeze": lambda lib: lib.ones(2, 3).unsqueeze(4),
    "repeat": lambda lib: lib.ones(2, 3).repeat(2),
    "cat shapes": lambda lib: lib.cat([lib.ones(2, 3), lib.ones(2, 4)]),
    "cat nothing": lambda lib: lib.cat([]),
    "cat scalars": lambda lib: lib.cat([lib.ones(()), lib.ones(())]),
    "cat tensor": lambda lib: lib.cat(lib.ones(2)),
    "stack": lambda lib: lib.stack([lib.ones(2), lib.ones(3)]),
    "split": lambda lib: lib.ones(4).split([1, 2]),
    "split zero": lambda lib: lib.ones(4).split(0),
    "chunk": lambda lib: lib.ones(4).chunk(0),
    "narrow": lambda lib: lib.ones(4).narrow(0, 2, 3),
    "select": lambda lib: lib.ones(4).select(0, 4),
    "unfold": lambda lib: lib.ones(4).unfold(0, 5, 1),
    "flip": lambda lib: lib.ones(4, 2).flip(0, 0),
    "roll": lambda lib: lib.ones(4, 2).roll((1, 2), 0),
    "len": lambda lib: len(lib.ones(())),
    "iter": lambda lib: list(lib.ones(())),
    "broadcast": lambda lib: lib.broadcast_tensors(lib.ones(2), lib.ones(3)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_both_refuse(name):
    both_refuse(REFUSED[name])


@pytest.mark.host("memory shared with NumPy")
def test_views_share_memory_where_pytorch_s_do():
    x = mc.zeros(2, 3, 4)
    for view in (x.view(-1), x.reshape(6, 4), x.permute(2, 1, 0), x[0], x.unsqueeze(0), x.expand(5, 2, 3, 4),
                 x.flatten(1), x.unfold(2, 2, 1), *x.split(1), *x.unbind(2)):  # fmt: skip
        assert np.shares_memory(view.array, x.array)
    for copy in (x.transpose(0, 2).reshape(-1), x.repeat(1, 1, 1), x.flip(0), x.roll(1, 0)):
        assert not np.shares_memory(copy.array, x.array)


def test_view_with_a_dtype_teaches():
    with pytest.raises(mc.errors.DtypeError, match="converts the values"):
        mc.zeros(2).view(mc.int32)


@pytest.mark.parametrize("join", [mc.cat, mc.stack, mc.hstack, mc.vstack, mc.dstack, mc.column_stack])
def test_what_is_no_tensor_among_those_joined(join):
    with pytest.raises(TypeError, match=r"item 1 is no tensor\n  got   2.5, of type float\n  rule .*\n  try   mc.as_t"):
        join((mc.ones(2), 2.5))
    with pytest.raises(TypeError, match=r"takes one sequence of tensors\n  got   Tensor of shape \(3, 2\)\n"):
        join(mc.ones(3, 2))


@pytest.mark.host("what a tensor on the CPU says of itself")
def test_questions_that_scripts_ask_of_a_tensor():
    x = mc.ones(2, 3)
    assert x.is_cpu and not any((x.is_cuda, x.is_mps, x.is_xpu, x.is_sparse, x.is_quantized))
    assert x.get_device() == -1 and not x.is_pinned()
    assert x.is_same_size(mc.zeros(2, 3)) and not x.is_same_size(mc.zeros(3, 2))
    assert mc.tensor([2.0]).is_nonzero() and not mc.tensor(0).is_nonzero()
    assert [x[1:].storage_offset(), x[:, 2].storage_offset(), x.t().storage_offset()] == [3, 2, 0]
    assert mc.arange(10)[4:].view(2, 3)[1].storage_offset() == 7


def test_another_shape_of_the_tensor_itself():
    x = mc.arange(6.0).view(2, 3)
    row = x[0]
    assert row.unsqueeze_(0) is row and row.shape == (1, 3)
    row.mul_(10)
    assert x.tolist() == [[0.0, 10.0, 20.0], [3.0, 4.0, 5.0]]
    leaf = mc.ones(2, requires_grad=True)
    for edit in (lambda: leaf.unsqueeze_(0), leaf.squeeze_, leaf.t_):
        with pytest.raises(GradientError, match="a leaf that requires a gradient"):
            edit()
    with mc.no_grad():
        leaf.unsqueeze_(0)
    assert leaf.is_leaf and leaf.requires_grad and leaf.shape == (1, 2)
    (leaf * leaf).sum().backward()
    assert leaf.grad.tolist() == [[2.0, 2.0]]


def test_another_shape_is_seen_by_who_saved_the_tensor():
    x = mc.ones(2, requires_grad=True)
    y = x * 2
    square = y * y
    y.unsqueeze_(0)
    with pytest.raises(GradientError, match="edited in place by unsqueeze_"):
        square.sum().backward()
