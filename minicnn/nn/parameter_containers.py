"""Containers of parameters: ParameterList and ParameterDict."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, cast

from minicnn.errors import OutOfRangeError
from minicnn.nn.containers import Keyed, several
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops.legacy import TYPES
from minicnn.tensor import Tensor

__all__ = ["ParameterDict", "ParameterList"]


def as_parameter(value: Tensor) -> Parameter:
    """``value`` itself if it is a Parameter, else a Parameter on its memory."""
    return value if isinstance(value, Parameter) else Parameter(value)


def _line(name: str, param: Parameter, kind: str) -> str:
    device = f" (GPU {param.device.index or 0})" if param.device.type == "cuda" else ""
    return f"  ({name}): Parameter containing: [{kind} of size {'x'.join(map(str, param.shape))}{device}]"


class ParameterList(Module):
    """A list of Parameters that is registered; plain tensors become Parameters.

    Args:
        values: the members.

    Example:
        >>> self.weights = nn.ParameterList([mc.randn(3, 3) for _ in range(4)])
    """

    def __init__(self, values: Iterable[Tensor] | None = None) -> None:
        super().__init__()
        self.extend(() if values is None else values)

    def _name_at(self, index: int) -> str:
        if not -len(self) <= index < len(self):
            raise OutOfRangeError(f"ParameterList: there is no member {index}", got=index,
                                  rule=f"{-len(self)} <= index < {len(self)}")
        return str(index % len(self))

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return self._parameters[self._name_at(index)]

    def __setitem__(self, index: int, value: Tensor) -> None:
        self.register_parameter(self._name_at(index), as_parameter(value))

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(cast("list[Parameter]", list(self._parameters.values())))

    def append(self, value: Tensor) -> Self:
        """Add a member at the end; returns the list."""
        self.register_parameter(str(len(self)), as_parameter(value))
        return self

    def extend(self, values: Iterable[Tensor]) -> Self:
        """Add several members at the end; returns the list."""
        for value in several(self, values):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Tensor]) -> Self:
        return self.extend(values)

    def extra_repr(self) -> str:
        return "\n".join(_line(str(i), param, str(param.dtype)) for i, param in enumerate(self))


class ParameterDict(Keyed):
    """A dictionary of Parameters that is registered; plain tensors become Parameters.

    Members are in the order of insertion, but those of a plain ``dict`` in that of their names, as in PyTorch.

    Args:
        parameters: a mapping, or pairs, from names to tensors.
    """

    def __init__(self, parameters: Mapping[str, Tensor] | Iterable[tuple[str, Tensor]] | None = None) -> None:
        super().__init__()
        if parameters is not None:
            self.update(parameters)

    def _entries(self) -> dict[str, Any]:
        return self._parameters

    def __setitem__(self, key: str, value: Tensor) -> None:
        self.register_parameter(key, as_parameter(value))

    def update(self, values: Mapping[str, Any] | Keyed | Iterable[tuple[str, Any]]) -> None:
        """Add or replace members, from a mapping or from pairs."""
        if isinstance(values, Mapping) and not isinstance(values, OrderedDict):
            values = sorted(values.items())
        super().update(values)

    def extra_repr(self) -> str:
        return "\n".join(_line(key, param, TYPES[param.dtype].__name__) for key, param in self.items())
