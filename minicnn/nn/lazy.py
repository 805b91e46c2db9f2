"""Lazy layers: those whose input size is found out when they are first called."""

from __future__ import annotations

from typing import Any, cast

from minicnn.errors import OptionError
from minicnn.nn.module import Module
from minicnn.nn.parameter import is_lazy

__all__ = ["LazyModuleMixin"]


class LazyModuleMixin(Module):
    """Put before a layer's class: ``initialize_parameters(*inputs)`` runs before the first forward.

    Afterwards the layer changes its class to ``cls_to_become``, so nothing lazy is left of it. Until then it has
    UninitializedParameters, which are those very objects that are filled in later.
    """

    cls_to_become: type[Module] | None = None

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialise and initialise the parameters from the inputs of the first call."""
        raise NotImplementedError(f"{type(self).__name__}: initialize_parameters says how sizes follow from inputs")

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer has no shape yet."""
        return any(is_lazy(t) for table in (self._parameters, self._buffers) for t in table.values())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Find out the sizes, become the ordinary layer, and run it."""
        self.initialize_parameters(*args, **kwargs)
        if self.has_uninitialized_params():
            raise OptionError(f"{type(self).__name__}: initialize_parameters left a parameter without a shape",
                              got=", ".join(n for n, p in self._parameters.items() if is_lazy(p)),
                              hint="materialize each one")
        if self.cls_to_become is None:
            return super().__call__(*args, **kwargs)
        self.__class__ = cast(type[Any], self.cls_to_become)
        return self(*args, **kwargs)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name, value in self._persistent():
            given = state_dict.get(prefix + name)
            if is_lazy(value) and given is not None and not is_lazy(given):
                value.materialize(given.shape)
        super()._load_from_state_dict(state_dict, prefix, *rest)
