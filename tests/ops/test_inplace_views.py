"""In-place edits and views: programs that run the same in both libraries must give PyTorch's values and gradients."""

import warnings

import numpy as np
import pytest

import minicnn as mc
from minicnn.errors import GradientError, ShapeError

torch = pytest.importorskip("torch", reason="compares with PyTorch live")

X = np.linspace(-1.3, 1.7, 12).reshape(3, 4)
Y = np.linspace(0.4, 2.1, 12)[::-1].reshape(3, 4).copy()


def add_to_row(lib, x, y):
    x[0].add_(1)
    return x


def iadd_slice(lib, x, y):
    x[:, :3] += y[:, 1:]
    return x * x


def imul_slice_twice(lib, x, y):
    x[:2] *= y[:2]
    x[1:] *= y[1:]
    return x


def set_through_flat_view(lib, x, y):
    x.view(-1)[2:7] = y.view(-1)[5:10] * 2
    return x * x


def set_by_index_tensor(lib, x, y):
    x.view(-1)[lib.tensor([1, 4, 7])] = y[0, :3]
    return x * y


def set_by_mask(lib, x, y):
    x[x > 0] = 0.5
    return x * y


def set_by_mask_tensor(lib, x, y):
    x[:, lib.tensor([True, False, True, False])] = y[:, :2]
    return x * x


def mul_by_repeated_index(lib, x, y):
    x[lib.tensor([0, 2])] *= y[1:]
    return x


def chain_of_views(lib, x, y):
    x.t()[1:].unsqueeze(0)[0, :, 1].mul_(y[0, 1:])
    return x * y


def chain_with_flatten(lib, x, y):
    x.unsqueeze(1).view(2, 6)[1].view(3, 2).t().copy_(y.view(-1)[:6].view(2, 3))
    return x * x


def two_views_edit_first(lib, x, y):
    a, b = x[0], x[:, 1]
    a.mul_(y[0])
    return b * b


def two_views_edit_both(lib, x, y):
    a, b = x.view(-1), x.t()
    a[3:9].mul_(3)
    b[1].add_(y[:, 0])
    return a * 2 + b.sum()


def view_used_before_and_after(lib, x, y):
    v = x[1]
    before = v * 2
    x.mul_(y)
    return before.sum() + v * v.sum() * 3


def edit_base_then_read_view(lib, x, y):
    v = x[1:, ::2]
    x.mul_(y).add_(1)
    return v * v


def edit_view_then_read_base_then_edit_base(lib, x, y):
    v = x[0]
    v.mul_(y[1])
    z = (x * 2).sum()
    x.add_(y)
    return z + v * y[2]


def transposed(lib, x, y):
    x.t().mul_(y.t())
    x.transpose(0, 1)[2] += 1
    return x * x


def permuted_reshaped(lib, x, y):
    v = x.view(3, 2, 2).permute(1, 0, 2)
    v[0] *= y[:, :2]
    return x * v.permute(1, 0, 2).reshape(3, 4)


def zero_part(lib, x, y):
    x[1:].zero_()
    return x * y


def fill_part(lib, x, y):
    x[:, 0].fill_(2.0)
    return x * x


def fill_with_tensor(lib, x, y):
    x[:, 0].fill_(y[0, 0])
    return x * x


def copy_from(lib, x, y):
    x.copy_(y * y)
    return x * x


def copy_broadcast(lib, x, y):
    x[1:].copy_(y[0])
    return x * x


def masked_fill_in_place(lib, x, y):
    x.masked_fill_(y > 1, 3.0)
    return x * y


def masked_fill_on_view(lib, x, y):
    x[:2].masked_fill_(y[:2] > 1, -1.0)
    return x * x


def detach_then_edit_detached(lib, x, y):
    x[0] = x[0].detach() * 2
    return x * x


def self_assignment_cuts(lib, x, y):
    x[0] = x[0].detach()
    return x * x


def self_assignment_keeps(lib, x, y):
    x[0] = x[0]
    return x * x


def overlapping_copy(lib, x, y):
    x[1:] = x[:-1] * 1
    return x * y


def untracked_receives_tracked(lib, x, y):
    z = lib.zeros(3, 4, dtype=lib.float64)
    z[1:, :2] = x[:2, 2:]
    z[0, 1] = y[0, 0]
    return z * z


def untracked_view_receives_tracked(lib, x, y):
    z = lib.zeros(12, dtype=lib.float64)
    v = z.view(3, 4)
    v[0] += x[1]
    w = z[1:5]
    w *= y[0]
    return z * 3 + v.sum()


def loop_fills_rows(lib, x, y):
    z = lib.zeros(3, 4, dtype=lib.float64)
    h = x[0]
    for i in range(3):
        h = h * y[i]
        z[i] = h
    return z * z


def narrow_and_select(lib, x, y):
    x.narrow(1, 1, 2).mul_(2)
    x.select(0, 2).add_(y[0])
    return x * x


def split_and_unbind_views(lib, x, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
    a = x[:2]
    b = a[:, 2:]
    b.mul_(y[:2, :2])
    a.add_(1)
    return x * x + b.sum()


def squeeze_view(lib, x, y):
    x[:, 1:2].squeeze(1).mul_(y[:, 0])
    return x * x


def index_add_in_place(lib, x, y):
    x.index_add_(0, lib.tensor([0, 0, 1]), y, alpha=2)
    return x * x


def scatter_in_place(lib, x, y):
    x.scatter_(1, lib.tensor([[0, 1], [1, 2], [3, 0]]), y[:, :2].detach())
    return x * x


def scatter_tracked_source(lib, x, y):
    x.scatter_(1, lib.tensor([[0, 1, 2, 3], [1, 2, 3, 0], [3, 0, 1, 2]]), y)
    return x * x


def scatter_add_in_place(lib, x, y):
    x.scatter_add_(1, lib.tensor([[0, 1, 0, 3], [1, 1, 3, 0], [3, 0, 1, 3]]), y)
    return x * x


def index_fill_in_place(lib, x, y):
    x.index_fill_(1, lib.tensor([0, 2]), 1.5)
    return x * y


def index_copy_in_place(lib, x, y):
    x.index_copy_(0, lib.tensor([2, 0]), y[:2])
    return x * x


def edit_under_no_grad(lib, x, y):
    with lib.no_grad():
        x[0].mul_(2)
    return x + y


def edit_of_data(lib, x, y):
    x.data[0] += 5
    return x + y


def edit_of_detached(lib, x, y):
    x.detach()[1].zero_()
    return x + y


def sub_and_div_views(lib, x, y):
    x[0] -= y[0]
    x[:, 1] /= y[:, 1]
    return x * y


def pow_and_neg(lib, x, y):
    x[1].neg_()
    y[0].pow_(2)
    return x * y


def add_view_of_itself(lib, x, y):
    x[0].add_(x[1])
    x[1] += x[0]
    return x * x


def retained_view(lib, x, y):
    v = x[0]
    w = v[1:]
    w.mul_(2)
    v.mul_(y[0])
    return w * w + v.sum() + x.sum()


def unfold_windows(lib, x, y):
    x[0] *= 2
    return x.unfold(1, 2, 1) * y[:, :3].unsqueeze(-1)


def flat_of_a_transposed_copies(lib, x, y):
    z = x.t().reshape(-1)
    z[0:3] *= 5
    return z.sum() + x * y


PROGRAMS = [f for f in list(globals().values()) if callable(f) and getattr(f, "__code__", None) is not None
            and f.__code__.co_varnames[:3] == ("lib", "x", "y")]  # fmt: skip


def run(lib, program, second):
    """Value, gradients and, where ``second``, gradients of a function of the gradients."""
    tensor = torch.tensor if lib is torch else mc.tensor
    x0, y0 = tensor(X, requires_grad=True), tensor(Y, requires_grad=True)
    grad = torch.autograd.grad if lib is torch else mc.grad
    out = program(lib, x0 * 1.5, y0 * 0.5)
    weights = tensor(np.cos(np.arange(out.numel())).reshape(out.shape))
    # The result is used non-linearly, so that second derivatives exist.
    loss = (out * out * weights).sum()
    first = grad(loss, (x0, y0), create_graph=second, allow_unused=True, materialize_grads=True)
    results = [out.detach(), *(g.detach() for g in first)]
    if second:
        total = sum((g * g).sum() for g in first)
        results += [g.detach() for g in grad(total, (x0, y0), allow_unused=True, materialize_grads=True)]
    return [r.cpu().numpy() for r in results]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("second", [False, True], ids=["first", "second"])
def test_program(program, second):
    for ours, theirs in zip(run(mc, program, second), run(torch, program, second), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def leaf(lib):
    return (torch.tensor if lib is torch else mc.tensor)(X, requires_grad=True)


def edit_leaf(lib, x):
    x.add_(1)


def edit_view_of_leaf(lib, x):
    x[0].zero_()


def edit_expanded(lib, x):
    (x[0:1] * 1).expand(3, 4).add_(1)


def set_leaf(lib, x):
    x[0] = 1.0


def saved_then_edited(lib, x):
    z = x * 1
    out = z * z
    z.add_(1)
    out.sum().backward()


def saved_then_view_edited(lib, x):
    z = x * 1
    out = z * z
    z[0].zero_()
    out.sum().backward()


def saved_view_then_base_edited(lib, x):
    z = x * 1
    v = z[0]
    out = v * v
    z.mul_(2)
    out.sum().backward()


def result_saved_then_edited(lib, x):
    out = x.sigmoid()
    out.mul_(2)
    out.sum().backward()


def saved_expanded_then_edited(lib, x):
    row = x[0:1] * 1
    out = row.expand(3, 4) * x
    row.add_(0)
    out.sum().backward()


def index_tensor_edited(lib, x):
    index = lib.tensor([0, 1])
    out = x[index]
    index.add_(1)
    out.sum().backward()


def leaf_edited_after_use(lib, x):
    out = x * x
    with lib.no_grad():
        x.add_(1)
    out.sum().backward()


def float_into_integers(lib, x):
    lib.tensor([1, 2]).add_(1.5)


def detach_a_view(lib, x):
    (x * 1)[0].detach_()


def too_large(lib, x):
    (x * 1)[0].add_(x)


ERRORS = [edit_leaf, edit_view_of_leaf, edit_expanded, set_leaf, saved_then_edited, saved_then_view_edited,
          saved_view_then_base_edited, result_saved_then_edited, saved_expanded_then_edited, index_tensor_edited,
          leaf_edited_after_use, float_into_integers, detach_a_view, too_large]  # fmt: skip


@pytest.mark.parametrize("program", ERRORS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("lib", [torch, mc], ids=["torch", "minicnn"])
def test_both_refuse(program, lib):
    with pytest.raises(RuntimeError):
        program(lib, leaf(lib))


def test_version_error_names_both_operations():
    x = leaf(mc)
    z = x * 1
    out = z * z
    z.add_(1)
    with pytest.raises(GradientError, match=r"Mul saved its input .*edited in place by add_"):
        out.sum().backward()


def test_version_error_names_the_editor_of_a_view():
    x = leaf(mc)
    z = x * 1
    out = z * z
    z.view(-1)[:2].zero_()
    with pytest.raises(GradientError, match=r"Mul saved its input .*edited in place by zero_"):
        out.sum().backward()


def test_leaf_error_says_what_to_do():
    with pytest.raises(GradientError, match="no_grad"):
        leaf(mc).add_(1)


def test_flattened_result_in_another_memory_order_is_a_true_view():
    x = mc.as_tensor(np.asfortranarray(X)) * 1.0
    assert not x.is_contiguous()
    flat = x.view(3, -1)
    flat[0] = 0.0
    assert x.tolist()[0] == [0.0] * 4


def test_a_copy_that_should_have_been_a_view_is_not_edited_silently():
    x = mc.as_tensor(np.asfortranarray(X)) * 1.0
    row = x[0]
    flat = x.view(-1)
    assert flat.tolist() == X.reshape(-1).tolist()
    with pytest.raises(ShapeError, match="cannot be written"):
        flat.zero_()
    assert row.tolist() == X[0].tolist()


def test_view_of_a_transposed_view_raises():
    for lib in (torch, mc):
        with pytest.raises(RuntimeError, match="reshape"):
            leaf(lib).t().view(-1)


def test_retained_gradient_follows_an_edit():
    for lib in (torch, mc):
        x = leaf(lib)
        z = x * 1
        z.retain_grad()
        z.mul_(3)
        (z * z).sum().backward()
        np.testing.assert_allclose(z.grad.cpu().numpy(), 2 * 3 * X, rtol=1e-12)


def test_edits_count_versions_of_every_view():
    x = mc.zeros(3)
    view = x[1:]
    before = x._version[0]
    view.add_(1)
    assert x._version[0] == view._version[0] == before + 1


@pytest.mark.parametrize(
    ("edit", "name"),
    [
        (lambda x: x.add_(1), "add_"),
        (lambda x: x.__isub__(1), "sub_"),
        (lambda x: x.mul_(2), "mul_"),
        (lambda x: x.div_(2), "div_"),
        (lambda x: x.pow_(2), "pow_"),
        (lambda x: x.copy_(mc.zeros(4)), "copy_"),
        (lambda x: x.fill_(0), "fill_"),
        (lambda x: x.zero_(), "zero_"),
        (lambda x: x.normal_(), "normal_"),
        (lambda x: x.masked_fill_(x > 0, 0), "masked_fill_"),
        (lambda x: x.clamp_(0), "clamp_"),
        (lambda x: x.relu_(), "relu_"),
        (mc.nn.ReLU(True), "relu_"),
        (mc.nn.functional.leaky_relu_, "leaky_relu_"),
        (mc.nn.SiLU(inplace=True), "silu_"),
        (lambda x: x.__setitem__(0, 1.0), r"x\[key\] = value"),
        (lambda x: x.__setitem__(mc.tensor([0]), 1.0), r"x\[key\] = value"),
    ],
)
def test_errors_call_an_edit_as_the_user_does(edit, name):
    with pytest.raises(GradientError, match=rf"^{name}: a (view of a )?leaf"):
        edit(mc.ones(4, requires_grad=True))
