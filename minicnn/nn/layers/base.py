"""Layer: a Module whose options are attributes, and what its ``repr`` shows."""

from __future__ import annotations

from typing import Any, ClassVar

from minicnn.nn.module import Module


class Layer(Module):
    """Base of the layers that are options and a ``forward``.

    ``super().__init__(p=p)`` makes ``self.p``. The options appear in ``repr`` in that order, but for those in
    ``hidden``; ``inplace`` appears only where it is set.
    """

    hidden: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.__dict__.update(options, _options=tuple(options))

    def extra_repr(self) -> str:
        """The options that are shown, as ``name=value``."""
        shown = [name for name in self._options if name not in self.hidden and (name != "inplace" or self.inplace)]
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
