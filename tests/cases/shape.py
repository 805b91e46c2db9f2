"""Cases of ``minicnn.ops.shape``."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, normal
from tests.cases.forms import attribute, call

X = (normal(2, 3, 2),)


def _view(*shape: Any, variant: str = "") -> Case:
    return Case("Tensor.view", lambda t, x: x.contiguous().view(*shape), X, variant)


def _doubled(x: Any, view: Any) -> Any:
    view.mul_(2)
    return x


def _reshaped_and_edited(x: Any, reshape: Any) -> Any:
    """A tensor that has a view when it gets another shape; both are edited afterwards, and edits are seen by both."""
    y = x * 1
    view = y[0]
    reshape(y)
    view.mul_(3)
    y[..., 0].add_(y[..., 1] * 2)
    return y * (view * view).sum()


def _reshaped_view(x: Any, reshape: Any) -> Any:
    y = x * 1
    view = y[:1]
    reshape(view).mul_(2)
    return y * y * view


CASES: list[Case] = [
    call("reshape", X, (3, 4)),
    call("reshape", X, (-1, 2), variant="inferred"),
    call("Tensor.reshape", X, 4, -1),
    call("reshape", (normal(2, 0),), (0, 3), variant="empty"),
    call("reshape", (normal(),), (1, 1), variant="0-d"),
    Case("reshape", lambda t, x: x.transpose(0, 2).reshape(4, 3), X, "of a transposition"),
    Case("Tensor.reshape_as", lambda t, x, y: x.reshape_as(y), (normal(2, 3), normal(3, 2))),
    _view(6, 2),
    _view((2, -1), variant="inferred"),
    Case("Tensor.view", lambda t, x: _doubled(y := x.clone().contiguous(), y.view(-1)), X, "edited"),
    Case("Tensor.view_as", lambda t, x, y: x.contiguous().view_as(y), (normal(2, 3), normal(3, 2))),
    call("flatten", X),
    call("flatten", X, 1, variant="from 1"),
    call("flatten", X, 0, -2, variant="to -2"),
    call("flatten", (normal(),), variant="0-d"),
    call("unflatten", (normal(2, 6),), 1, (3, -1)),
    call("ravel", X),
    call("permute", X, (2, 0, 1)),
    call("Tensor.permute", X, -1, 1, 0),
    Case("permute", lambda t, x: _doubled(y := x.clone(), y.permute(2, 0, 1)[0]), X, "edited"),
    call("transpose", X, 0, -1),
    call("swapaxes", X, 0, 1),
    call("swapdims", X, 1, 2),
    call("movedim", X, 0, 2),
    call("movedim", X, (0, 1), (-1, 0), variant="several"),
    call("moveaxis", X, -1, 0),
    call("t", (normal(2, 3),)),
    call("t", (normal(3),), variant="1-d"),
    attribute("T", normal(2, 3)),
    attribute("H", normal(2, 3)),
    attribute("mT", *X),
    attribute("mH", *X),
    call("adjoint", X),
    call("squeeze", (normal(2, 1, 3, 1),)),
    call("squeeze", (normal(2, 1, 3, 1),), -1, variant="dim"),
    call("squeeze", (normal(2, 1, 3, 1),), (0, 1), variant="dims"),
    call("unsqueeze", (normal(2, 3),), -1),
    call("Tensor.squeeze_", (normal(2, 1, 3, 1),)),
    call("Tensor.squeeze_", (normal(2, 1, 3, 1),), 1, variant="dim"),
    call("Tensor.unsqueeze_", (normal(2, 3),), 1),
    call("Tensor.transpose_", X, 0, -1),
    *(call(f"Tensor.{name}_", X, 0, 1) for name in ("swapaxes", "swapdims")),
    call("Tensor.t_", (normal(2, 3),)),
    Case("Tensor.unsqueeze_", lambda t, x: _reshaped_and_edited(x, lambda y: y.unsqueeze_(0)), X, "edited"),
    Case("Tensor.transpose_", lambda t, x: _reshaped_and_edited(x, lambda y: y.transpose_(0, 1)), X, "edited"),
    Case("Tensor.squeeze_", lambda t, x: _reshaped_view(x, lambda y: y.squeeze_(0)), (normal(2, 3),), "of a view"),
    call("unsqueeze", (normal(),), 0, variant="0-d"),
    call("Tensor.expand", (normal(2, 1, 3),), 2, 2, 2, -1),
    call("Tensor.expand", (normal(),), 2, 2, variant="0-d"),
    Case("Tensor.expand_as", lambda t, x, y: x.expand_as(y), (normal(1, 3), normal(2, 3))),
    call("broadcast_to", (normal(3, 1),), (2, 3, 2)),
    call("broadcast_tensors", (normal(3, 1), normal(2), normal())),
]
