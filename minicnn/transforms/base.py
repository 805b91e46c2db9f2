"""Transform: a Module that changes an image, and shows its options."""

from __future__ import annotations

from enum import Enum

from minicnn.nn.module import Module


class Transform(Module):
    """Base of transforms: a subclass stores its options, names in ``shown`` those to show, and writes ``forward``."""

    shown: tuple[str, ...] = ()

    def __repr__(self) -> str:
        values = {name: self.__dict__[name] for name in self.shown}
        options = (f"{name}={v.value if isinstance(v, Enum) else v}" for name, v in values.items())
        return f"{type(self).__name__}({', '.join(options)})"
