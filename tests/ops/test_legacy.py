"""Old names of textbooks: tensor types as constructors, casts and questions. What is expected is PyTorch 2.13's."""

from __future__ import annotations

import pytest

import minicnn as mc


def test_sizes_or_values() -> None:
    assert mc.Tensor(3, 4).shape == (3, 4) and mc.Tensor(2).shape == (2,) and mc.Tensor().shape == (0,)
    assert mc.Tensor(mc.ones(2, 3).shape).shape == (2, 3)
    assert mc.Tensor((2, 3)).tolist() == [2.0, 3.0] and mc.Tensor([1, 2]).dtype == mc.float32
    values = mc.ones(2)
    assert mc.Tensor(3).device == mc.FloatTensor([1.0]).device == "cpu"  # PyTorch's too, whatever the default device
    assert mc.Tensor(values).data_ptr() == values.data_ptr()


@pytest.mark.parametrize("wrong", [(2.5,), (True,), ("a",), (None,), (3, 2.5), ([1.0], 2)])
def test_neither_sizes_nor_values(wrong: tuple[object, ...]) -> None:
    with pytest.raises(mc.errors.DtypeError, match="neither sizes nor a sequence"):
        mc.Tensor(*wrong)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("Half", "float16"), ("Float", "float32"), ("Double", "float64"), ("Byte", "uint8"), ("Char", "int8"),
     ("Short", "int16"), ("Int", "int32"), ("Long", "int64"), ("Bool", "bool")],
)  # fmt: skip
def test_tensor_types(name: str, dtype: str) -> None:
    kind = getattr(mc, f"{name}Tensor")
    made = kind([1, 0])
    assert str(made.dtype) == dtype and made.tolist() == [1, 0] and kind(2, 3).shape == (2, 3)
    assert isinstance(made, kind) and made.type() == f"torch.{name}Tensor"
    assert not isinstance(mc.ones(1, dtype=mc.float64 if dtype != "float64" else mc.int8), kind)
    for spelling in (kind, f"torch.{name}Tensor", kind.dtype):
        assert mc.tensor([1.0, 0.0]).type(spelling).dtype == kind.dtype


def test_type_is_differentiable_and_keeps_what_fits() -> None:
    x = mc.ones(2, requires_grad=True)
    assert x.type(mc.FloatTensor) is x
    x.type(mc.DoubleTensor).sum().backward()
    assert x.grad is not None and x.grad.dtype == mc.float32 and x.grad.tolist() == [1.0, 1.0]


def test_new_keeps_the_dtype() -> None:
    assert mc.tensor([1]).new([1.5]).tolist() == [1] and mc.ones(1).double().new(2, 2).dtype == mc.float64


@pytest.mark.parametrize("kind", [mc.DoubleTensor, "torch.DoubleTensor", "DoubleTensor"])
def test_the_default_tensor_type(kind):
    try:
        mc.set_default_tensor_type(kind)
        assert mc.ones(1).dtype == mc.float64 and mc.nn.Linear(1, 1).weight.dtype == mc.float64
    finally:
        mc.set_default_tensor_type(mc.FloatTensor)
    assert mc.ones(1).dtype == mc.float32


@pytest.mark.parametrize("kind", [mc.LongTensor, "torch.FooTensor", float, mc.float32])
def test_what_is_no_default_tensor_type(kind):
    with pytest.raises(TypeError, match=r"set_default_tensor_type|set_default_dtype"):
        mc.set_default_tensor_type(kind)
    assert mc.ones(1).dtype == mc.float32
