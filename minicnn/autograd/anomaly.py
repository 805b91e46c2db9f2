"""Anomaly detection: stop at the first operation that makes a NaN or an infinity, forward or backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minicnn.autograd.mode import _Setting, _Switch
from minicnn.autograd.watch import Watch
from minicnn.backend import backend_of
from minicnn.dtypes import is_float
from minicnn.errors import GradientError

if TYPE_CHECKING:
    from minicnn.autograd.function import Function
    from minicnn.tensor import Tensor


class AnomalyError(GradientError):
    """An operation made the first NaN or infinity; the message says which, in which layer, from what inputs."""


class Lookout(Watch):
    """Stops at the first operation, forward or backward, that makes what is not finite of what is."""

    def applied(
        self, node: Function, inputs: tuple[Any, ...], arrays: list[Any], options: dict[str, Any],  # noqa: ARG002 (a Watch's form)
        results: tuple[Tensor, ...],
    ) -> None:  # fmt: skip
        """Remember the layer for the backward pass, and raise if one of ``results`` is at fault."""
        node.trace = self.place
        _check_forward(node, arrays, tuple(result.array for result in results))

    def differentiated(self, node: Function, g: Any, grads: Sequence[Tensor | None]) -> None:
        """Raise if one of ``grads`` is at fault."""
        _check_backward(node, g, grads)


class detect_anomaly(_Switch):  # noqa: N801 (PyTorch's name)
    """Raise at the first NaN or infinity that an operation makes out of finite inputs.

    Example:
        >>> with mc.autograd.detect_anomaly():
        ...     mc.tensor([1.0, 0.0]).log()
        Traceback (most recent call last):
        AnomalyError: Log made the first infinity, in the forward pass…
    """

    def __init__(self, enabled: bool = True) -> None:
        super().__init__(watch=Lookout() if enabled else None)


class set_detect_anomaly(_Setting):  # noqa: N801 (PyTorch's name)
    """``detect_anomaly`` by a flag; takes effect at once when called, and until the block ends when used in ``with``.

    Args:
        mode: whether to look out from now on.
        check_nan: whether to raise at all, which is all that this does.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(watch=Lookout() if mode and check_nan else None)


def _check_forward(node: Function, inputs: list[Any], outs: tuple[Any, ...]) -> None:
    """Raise if one of ``outs`` is not finite although all inputs are."""
    if any(_fault(a) for a in inputs):
        return
    for array in outs:
        fault = _fault(array)
        if fault:
            ranges = ", ".join(_describe(a) for a in inputs)
            raise AnomalyError(f"{node.name} made the first {fault}, in the forward pass, in {node.trace}",
                               got=f"inputs {ranges}", rule="finite inputs give finite results",
                               hint="a smaller learning rate, an eps, or clamp before log, sqrt and division")


def _check_backward(node: Function, g: Any, grads: Sequence[Tensor | None]) -> None:
    """Raise if a gradient is not finite although the incoming one is."""
    incoming = [t.array for t in (g if isinstance(g, tuple) else (g,)) if t is not None]
    if any(_fault(a) for a in incoming):
        return
    for position, grad in zip(node.recipe.positions, grads, strict=True):
        fault = None if grad is None else _fault(grad.array)
        if fault:
            saved = [v[0] for v in (node.saved or {}).values() if isinstance(v, tuple) and len(v) in (3, 4)]
            ranges = ", ".join(_describe(getattr(a, "array", a)) for a in saved) or "nothing"
            raise AnomalyError(
                f"{node.name} made the first {fault}, in the backward pass, in {node.trace or 'an unwatched layer'}",
                got=f"gradient {position} from g {', '.join(map(_describe, incoming))}; saved {ranges}",
                rule="finite gradients stay finite",
                hint="look at the saved range: zeros under sqrt, log or norm have infinite slopes")


def _fault(array: Any) -> str | None:
    """"NaN", "infinity" or None."""
    if not hasattr(array, "dtype") or not is_float(array.dtype):
        return None
    xp = backend_of(array).xp
    if bool(xp.isfinite(array).all()):
        return None
    return "NaN" if bool(xp.isnan(array).any()) else "infinity"


def _describe(array: Any) -> str:
    if not hasattr(array, "dtype"):
        return repr(array)
    if array.size == 0:
        return f"{tuple(array.shape)} empty"
    return f"{tuple(array.shape)} in [{float(array.min()):.6g}, {float(array.max()):.6g}]"
