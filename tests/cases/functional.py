"""The commonest case: one call of a function of ``nn.functional`` with fixed options."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tests.cases.case import Array, Case, Maker

INF, NAN = float("inf"), float("nan")


def functional(
    op: str,
    *inputs: Maker,
    variant: str = "",
    names: tuple[str, ...] = (),
    constants: dict[str, Any] | None = None,
    grad: bool = True,
    kinks: bool = False,
    tolerance: tuple[float, float] = (1e-7, 1e-9),
    why_not: str = "",
    warns: bool = False,
    **options: Any,
) -> Case:
    """``nn.functional.<op>(*inputs, **constants, **options)``, the last inputs by their ``names``.

    ``constants`` become tensors of the inputs' dtype without a gradient: class weights, say. A call in place edits a
    copy of the first input, and that copy is the result. PyTorch's warnings are passed over where it ``warns``.
    """
    in_place = op.endswith("_") or bool(options.get("inplace"))

    def call(t: Any, *x: Any) -> Any:
        made = {name: constant(t, values, *x) for name, values in (constants or {}).items()}
        unnamed = len(x) - len(names)
        named = dict(zip(names, x[unnamed:], strict=True))
        copy = x[0] * 1 if in_place else x[0]
        with warnings.catch_warnings():
            if warns:
                warnings.simplefilter("ignore")
            result = getattr(t.nn.functional, op)(copy, *x[1:unnamed], **named, **made, **options)
        return copy if in_place else result

    return Case(f"nn.functional.{op}", call, inputs, variant, grad, True, kinks, tolerance, why_not)


def constant(t: Any, values: Any, *like: Any) -> Any:
    """A tensor of ``values`` in the dtype of the first floating point tensor of ``like``."""
    return t.tensor(values, dtype=next(x.dtype for x in like if x.is_floating_point()))


def signs(*shape: int) -> Maker:
    """1 and −1, int64."""

    def make(rng: np.random.Generator) -> Array:
        return np.where(rng.random(shape) < 0.5, -1, 1).astype(np.int64)

    return make


def raises(kind: type[Exception] | tuple[type[Exception], ...], call: Any) -> None:
    """Fail where ``call()`` does not raise ``kind``: in both libraries, since cases are run by both."""
    try:
        repr(call())  # which reads the values: a device tells of wrong ones no earlier
    except kind:
        return
    raise AssertionError(f"nothing raised {kind}")
