"""Which dtype each function computes in, and that gradients come back in the parameters' own."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import minicnn as mc
from minicnn.autograd.autocast import FLOAT32, SHORT, WIDEST
from minicnn.errors import DeviceError, DtypeError
from minicnn.nn import functional as F

# PyTorch 2.13's lists for CUDA (docs.pytorch.org/docs/stable/amp.html), as far as the functions are here.
PYTORCH_SHORT = {"addbmm", "addmm", "addmv", "addr", "baddbmm", "bmm", "conv1d", "conv2d", "conv_transpose1d",
                 "conv_transpose2d", "linear", "matmul", "mm", "mv", "prelu"}  # fmt: skip
PYTORCH_FLOAT32 = {
    "acos", "asin", "binary_cross_entropy_with_logits", "cosh", "cosine_embedding_loss", "cosine_similarity",
    "cross_entropy", "cumprod", "cumsum", "dist", "erfinv", "exp", "expm1", "group_norm", "hinge_embedding_loss",
    "kl_div", "l1_loss", "layer_norm", "log", "log10", "log_softmax", "log1p", "log2", "margin_ranking_loss",
    "mse_loss", "multilabel_margin_loss", "multi_margin_loss", "nll_loss", "norm", "normalize", "poisson_nll_loss",
    "pow", "prod", "reciprocal", "rsqrt", "sinh", "smooth_l1_loss", "soft_margin_loss", "softmax", "softmin",
    "softplus", "sum", "tan", "triplet_margin_loss",
}  # fmt: skip
PYTORCH_WIDEST = {"addcdiv", "addcmul", "atan2", "bilinear", "dot", "grid_sample", "scatter_add", "tensordot"}


KNOWN = {*dir(mc), *F.__all__, *dir(mc.Tensor)}


@pytest.mark.parametrize(("mine", "pytorchs"), [(SHORT, PYTORCH_SHORT), (FLOAT32, PYTORCH_FLOAT32),
                                                (WIDEST, PYTORCH_WIDEST)])  # fmt: skip
def test_the_lists_hold_all_of_pytorchs_that_are_here(mine: frozenset[str], pytorchs: set[str]) -> None:
    assert (pytorchs & KNOWN) - mine == set() and mine <= KNOWN


def test_no_name_is_on_two_lists() -> None:
    assert len(SHORT) + len(FLOAT32) + len(WIDEST) == len(SHORT | FLOAT32 | WIDEST)


HERE = mc.get_default_device().type
x, w, image, kernel = mc.ones(2, 3), mc.ones(3, 2), mc.ones(1, 2, 4, 4), mc.ones(3, 2, 3, 3)
half = mc.ones(2, 3).half()
SHORT_CALLS = {
    "matmul": lambda: mc.matmul(x, w), "@": lambda: x @ w, "method": lambda: x.matmul(w), "mm": lambda: mc.mm(x, w),
    "mixed": lambda: half @ w, "einsum": lambda: mc.einsum("ij,jk->ik", x, w), "linear": lambda: F.linear(x, w.T),
    "conv2d": lambda: F.conv2d(image, kernel, mc.ones(3)), "mc.conv2d": lambda: mc.conv2d(image, kernel),
    "conv_transpose2d": lambda: F.conv_transpose2d(image, kernel.transpose(0, 1)),
    "layer": lambda: mc.nn.Conv2d(2, 3, 3)(image), "bmm": lambda: mc.bmm(x[None], w[None]),
}  # fmt: skip
FLOAT32_CALLS = {
    "exp": lambda: mc.exp(half), "method": half.exp, "sum": half.sum, "**": lambda: half**2,
    "softmax": lambda: F.softmax(half, 1), "log_softmax": lambda: half.log_softmax(1),
    "cross_entropy": lambda: F.cross_entropy(half, mc.tensor([0, 1])), "mse_loss": lambda: F.mse_loss(half, half),
    "layer_norm": lambda: F.layer_norm(half, (3,)), "widest": lambda: mc.cat([half, x]),
    "plain": lambda: half + x,
}  # fmt: skip
HALF_CALLS = {"relu": lambda: F.relu(half), "cat": lambda: mc.cat([half, half]), "add": lambda: half + half,
              "max_pool2d": lambda: F.max_pool2d(image.half(), 2), "mean": half.mean}  # fmt: skip


@pytest.mark.parametrize("name", SHORT_CALLS)
def test_products_are_short(name: str) -> None:
    assert name == "mixed" or SHORT_CALLS[name]().dtype == mc.float32
    with mc.autocast(HERE):
        assert SHORT_CALLS[name]().dtype == mc.float16


@pytest.mark.parametrize("name", FLOAT32_CALLS)
def test_what_is_unsafe_is_float32(name: str) -> None:
    with mc.autocast(HERE):
        assert FLOAT32_CALLS[name]().dtype == mc.float32


@pytest.mark.parametrize("name", HALF_CALLS)
def test_the_others_take_what_comes(name: str) -> None:
    with mc.autocast(HERE):
        assert HALF_CALLS[name]().dtype == mc.float16


def test_float64_and_other_devices_are_left_alone() -> None:
    there = "cpu" if HERE == "standin" else "standin"
    with mc.autocast(HERE):
        assert (x.double() @ w.double()).dtype == mc.float64
        far = x.to(there) @ w.to(there)
    assert far.dtype == mc.float32
    with mc.autocast(there):
        assert (x.to(there) @ w.to(there)).dtype == mc.float16 and (x @ w).dtype == mc.float32


def test_contexts_nest_and_end() -> None:
    with mc.autocast(HERE):
        assert mc.is_autocast_enabled(HERE) and not mc.is_autocast_enabled("cuda")
        with mc.autocast(HERE, enabled=False):
            assert (x @ w).dtype == mc.float32
        assert (x @ w).dtype == mc.float16
    assert not mc.is_autocast_enabled(HERE) and (x @ w).dtype == mc.float32
    with pytest.raises(ZeroDivisionError), mc.autocast(HERE):
        _ = 1 / 0
    assert (x @ w).dtype == mc.float32


def test_as_a_decorator_and_in_its_own_thread() -> None:
    found = []
    thread = threading.Thread(target=lambda: found.append((x @ w).dtype))

    @mc.autocast(HERE)
    def product() -> mc.Tensor:
        thread.start()
        thread.join()
        return x @ w

    assert product().dtype == mc.float16 and found == [mc.float32] and product.__name__ == "product"


def test_gradients_have_the_parameters_dtype_and_value() -> None:
    mc.manual_seed(0)
    layer, y = mc.nn.Linear(8, 4), mc.randn(5, 8)
    layer(y).sum().backward()
    exact = layer.weight.grad.cpu().numpy().copy()
    layer.zero_grad()
    with mc.autocast(HERE):
        out = layer(y)
    out.float().sum().backward()
    assert layer.weight.grad.dtype == mc.float32
    np.testing.assert_allclose(layer.weight.grad.cpu().numpy(), exact, rtol=4e-3, atol=4e-3)


def test_a_parameter_is_cast_once_and_its_gradients_add_up() -> None:
    weight, y = mc.ones(2, 2, requires_grad=True), mc.ones(1, 2)
    with mc.autocast(HERE):
        first, second = y @ weight, y @ weight
    assert first.grad_fn.next_functions[0][0] is second.grad_fn.next_functions[0][0]
    (first + second).float().sum().backward()
    assert weight.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    with mc.autocast(HERE, cache_enabled=False):
        first, second = y @ weight, y @ weight
    assert first.grad_fn.next_functions[0][0] is not second.grad_fn.next_functions[0][0]


def test_an_edited_parameter_is_cast_anew_in_the_next_context() -> None:
    weight = mc.ones(2, 2, requires_grad=True)
    for value in (1.0, 3.0):
        with mc.no_grad():
            weight.fill_(value)
        with mc.autocast(HERE):
            assert (mc.ones(1, 2) @ weight).tolist() == [[2 * value] * 2]


def test_a_product_of_float16_is_summed_in_float32() -> None:
    with mc.autocast(HERE):
        assert (mc.ones(1, 4096) @ mc.ones(4096, 1)).item() == 4096  # in float16, 2048 + 1 is 2048


@pytest.mark.parametrize("dtype", [mc.float32, mc.float64, mc.int32])
def test_other_dtypes_are_refused(dtype: object) -> None:
    with pytest.raises(DtypeError, match="no such short dtype"):
        mc.autocast(HERE, dtype=dtype)
    with pytest.raises(DeviceError):
        mc.autocast("")


def test_the_older_names_are_those_of_cuda_devices() -> None:
    with mc.cuda.amp.autocast():
        assert mc.is_autocast_enabled() and (x @ w).dtype == mc.float32  # a tensor of the CPU
    with mc.cuda.amp.autocast(enabled=False):
        assert not mc.is_autocast_enabled()
    assert mc.cuda.amp.GradScaler is mc.amp.GradScaler
