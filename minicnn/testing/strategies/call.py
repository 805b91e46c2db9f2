"""A call of an operation that is valid: what the strategies of operations draw."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

import minicnn as mc
from minicnn.tensor import Tensor


@dataclass(frozen=True)
class Call:
    """``operation(*inputs, **options)``.

    Attributes:
        operation: its name in ``mc.nn.functional``.
        inputs: tensors, and None for one that is left out.
        options: everything else.
    """

    operation: str
    inputs: tuple[Tensor | None, ...]
    options: dict[str, Any] = field(default_factory=dict)

    def run(self, *inputs: Tensor | None) -> Any:
        """The engine's result, for ``inputs`` in place of the call's own where they are given."""
        return getattr(mc.nn.functional, self.operation)(*(inputs or self.inputs), **self.options)

    def arrays(self) -> list[np.ndarray[Any, Any] | None]:
        """The inputs as NumPy arrays."""
        return [None if x is None else x.cpu().numpy().copy() for x in self.inputs]

    def __repr__(self) -> str:
        given = [str(x) for x in self.inputs] + [f"{name}={value!r}" for name, value in self.options.items()]
        return f"{self.operation}({', '.join(given)})"
