"""Cases of ``minicnn.ops.convert``. Results keep the input's dtype where gradients are compared."""

from __future__ import annotations

from tests.cases.case import Case, booleans, given, integers, normal
from tests.cases.forms import call

NUMBER = (given(3, dtype="int64"),)

CASES: list[Case] = [
    call("clone", (normal(2, 3),)),
    call("Tensor.contiguous", (normal(2, 3, 2),)),
    Case("Tensor.contiguous", lambda t, x: x.transpose(0, 1).contiguous(), (normal(2, 3),), "transposed"),
    Case("Tensor.cpu", lambda t, x: (x * 2).cpu().to(x.device), (normal(2, 3),)),
    *(call(f"Tensor.{name}", (given(0, 1, 2, dtype="int64"),), grad=False)
      for name in ("half", "float", "double", "short", "int", "long", "bool", "byte", "char")),
    *(call(f"Tensor.{name}", (given(-1.5, 0.0, 2.7),), variant="of floats", grad=False)
      for name in ("short", "int", "long", "bool")),
    *(Case(f"Tensor.{name}", lambda t, x, name=name: getattr(x, name)().to(x.dtype), (normal(2, 3),), "and back",
           kinks=True)
      for name in ("half", "float", "double")),
    Case("Tensor.to", lambda t, x: x.to(t.float32), (integers(0, 9, 2, 3),), grad=False),
    Case("Tensor.to", lambda t, x: x.to(x.device, copy=True), (normal(2, 3),), "copy"),
    Case("Tensor.to", lambda t, x, y: y.to(x), (normal(2), integers(0, 9, 2)), "like a tensor", grad=False),
    Case("Tensor.to", lambda t, x: x.to(dtype=t.bool), (normal(2, 3),), "bool", grad=False),
    Case("Tensor.type_as", lambda t, x, y: (x.type_as(y) * y), (booleans(2, 3), normal(2, 3))),
    Case("Tensor.item", lambda t, x: t.tensor(x.item()), NUMBER, grad=False),
    Case("Tensor.tolist", lambda t, x: t.tensor(x.tolist()), (integers(0, 9, 2, 3),), grad=False),
    Case("Tensor.__bool__", lambda t, x: t.tensor([bool(x), bool(x - 3)]), NUMBER, grad=False),
    Case("Tensor.__int__", lambda t, x: t.tensor(int(x)), NUMBER, grad=False),
    Case("Tensor.__float__", lambda t, x: t.tensor(float(x)), NUMBER, grad=False),
    Case("Tensor.__index__", lambda t, x: t.tensor([5, 6, 7, 8][x]), NUMBER, grad=False),
]  # fmt: skip
