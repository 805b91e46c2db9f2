"""Tensors print as PyTorch's do. The expected texts here are PyTorch's own output."""

import re

import pytest

import minicnn as mc

pytestmark = pytest.mark.host("texts of CPU tensors, which do not name their device")
nan, inf = float("nan"), float("inf")

DATA = [
    1.0, 3, True, [], [1.0, 2.0], [1.5, 100000.0], [1e-5, 1.0], [1e9], [nan, 1.0], [inf, 1.5], [1, -20], [True, False],
    [nan], [[inf, -inf]], [1e8, 1.0], [0.101, 1234.5], 1e-10, 12345678.0, [1e20, 1.0, 2.0], [-0.0], [[-1.5], [2.25]],
    [0.0, 0.001], [0.0, 1e-4, 0.5], [999.0, 1.0], [1000.0, 1.0], [1001.0, 1.0], [-1e8], [[[1, 2], [3, 400]]],
]  # fmt: skip
SHAPES = [(0, 3), (2, 0), (1, 1, 1, 1, 3), (40,), (27,), (3, 1001), (1200, 2), (2, 8, 100), (7, 7, 7, 7), (1001,),
          (30,)]  # fmt: skip


@pytest.fixture(autouse=True)
def default_options():
    yield
    mc.set_printoptions(profile="default")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([1.0, 2.0], "tensor([1., 2.])"),
        ([1.5, 100000.0], "tensor([1.5000e+00, 1.0000e+05])"),
        ([1, -20], "tensor([  1, -20])"),
        ([True, False], "tensor([ True, False])"),
        ([inf, 1.5], "tensor([   inf, 1.5000])"),
        ([], "tensor([])"),
        (3, "tensor(3)"),
        (1e-10, "tensor(1.0000e-10)"),
        ([[[0.0, 0.0]], [[0.0, 0.0]]], "tensor([[[0., 0.]],\n\n        [[0., 0.]]])"),
    ],
)
def test_numbers_and_brackets(data, expected):
    assert repr(mc.tensor(data)) == expected


def test_edges_only_above_the_threshold():
    assert repr(mc.zeros(1001)) == "tensor([0., 0., 0.,  ..., 0., 0., 0.])"
    assert "..." not in repr(mc.zeros(1000))


def test_notes():
    assert repr(mc.zeros(2, dtype=mc.float64)) == "tensor([0., 0.], dtype=float64)"
    assert repr(mc.zeros(2, 0, dtype=mc.int64)) == "tensor([], size=(2, 0), dtype=int64)"
    leaf = mc.ones(1, requires_grad=True)
    assert repr(leaf) == "tensor([1.], requires_grad=True)"
    assert repr(leaf * 2) == "tensor([2.], grad_fn=<Mul>)"


def test_format():
    assert f"{mc.tensor(3.14159):.2f}" == "3.14"
    assert f"{mc.tensor(3)}" == "3"
    assert f"{mc.tensor([1.0])}" == "tensor([1.])"
    with pytest.raises(TypeError, match="takes no format"):
        f"{mc.tensor([1.0, 2.0]):.2f}"


def test_unknown_profile():
    with pytest.raises(ValueError, match="unknown profile"):
        mc.set_printoptions(profile="long")


def same(ours, theirs):
    """Whether both print alike. dtypes and operations have shorter names here, so those notes may break lines apart."""
    text = re.sub(r"grad_fn=<(\w+)Backward0>", r"grad_fn=<\1>", repr(theirs).replace("dtype=torch.", "dtype="))
    if text == repr(theirs):
        return repr(ours) == text
    return re.sub(r",\s+(\w+=)", r", \1", repr(ours)) == re.sub(r",\s+(\w+=)", r", \1", text)


@pytest.mark.parametrize("data", DATA, ids=str)
def test_as_torch_prints_values(data):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    assert same(mc.tensor(data), torch.tensor(data))
    assert same(mc.tensor(data, dtype=mc.float64), torch.tensor(data, dtype=torch.float64))


@pytest.mark.parametrize("options", [{}, {"precision": 2}, {"threshold": 5, "edgeitems": 1}, {"linewidth": 40},
                                     {"sci_mode": True}, {"sci_mode": False}, {"profile": "short"}], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_as_torch_prints_shapes(shape, options):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    values = torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 3
    torch.set_printoptions(profile="default")
    try:
        torch.set_printoptions(**options)
        mc.set_printoptions(**options)
        for theirs in (values, values.int(), values > 0, values.double(), values.half(), values.round()):
            assert same(mc.tensor(theirs.numpy()), theirs)
            if theirs.is_floating_point():
                ours = mc.tensor(theirs.numpy(), requires_grad=True)
                theirs.requires_grad_()
                assert same(ours, theirs)
                assert same(ours * 2, theirs * 2)
    finally:
        torch.set_printoptions(profile="default")
