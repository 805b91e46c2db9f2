"""Watch: who looks on at the operations of a thread, as anomaly detection and the tracer of ONNX export do.

``mode.watch`` is None but for them. To ask for that is all that an operation or a layer pays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minicnn.autograd.function import Function
    from minicnn.tensor import Tensor


class Watch:
    """Told of every operation and of every layer that runs while it is ``mode.watch``; subclasses say what follows."""

    def __init__(self) -> None:
        self.layers: list[Any] = []
        """The modules that are running, outermost first."""
        self._names: dict[int, str] = {}

    def applied(
        self, node: Function, inputs: tuple[Any, ...], arrays: list[Any], options: dict[str, Any],
        results: tuple[Tensor, ...],
    ) -> None:  # fmt: skip
        """``node`` computed ``results`` of ``inputs``, whose arrays are ``arrays``; a result may be an edited input."""

    def editing(self, target: Tensor) -> None:
        """An operation is about to write into ``target``'s memory; what it applied is told afterwards."""

    def written(self, target: Tensor, result: Tensor) -> None:
        """``target``'s memory now holds the values of ``result``, and no operation said so."""

    def differentiated(self, node: Function, g: Any, grads: Sequence[Tensor | None]) -> None:
        """``node``'s rules made ``grads``, the gradients along its edges, of ``g``, that of its result (or results)."""

    def stepping(self, optimizer: Any) -> None:
        """``optimizer`` begins a step."""

    def enter(self, module: Any) -> None:
        """``module`` begins to run."""
        if not self.layers:
            self._names = {id(m): name for name, m in module.named_modules()}
        self.layers.append(module)

    def leave(self) -> None:
        """The innermost module that was running is done."""
        self.layers.pop()

    @property
    def path(self) -> str:
        """The name of the innermost running module below the outermost: ``features.3``; empty where that is all."""
        return self._names.get(id(self.layers[-1]), "") if self.layers else ""

    @property
    def place(self) -> str:
        """The innermost running module for messages: ``layer features.3 (Conv2d)``."""
        if not self.layers:
            return "no layer"
        kind, path = type(self.layers[-1]).__name__, self.path
        return f"layer {path} ({kind})" if path else f"layer {kind}"
