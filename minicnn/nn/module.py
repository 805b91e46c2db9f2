"""Module: the base of every layer and network.

    class LeNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 6, 5)      # assigning registers: parameters(), to() and state_dict() see it
            self.head = nn.Linear(6 * 24 * 24, 10)

        def forward(self, x):
            return self.head(F.relu(self.conv(x)).flatten(1))

What a module can do is built up in six small files: ``registry`` (what is assigned), ``traversal`` (what is listed),
``conversion`` (dtype and device), ``hooks`` (who looks on), ``state`` (what is saved), and this one (calling it).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from minicnn.autograd.mode import mode
from minicnn.errors import OptionError, nearest
from minicnn.nn.conversion import Conversion
from minicnn.nn.hooks import Hooks, call_with_hooks
from minicnn.nn.state import State

__all__ = ["Module"]


class Module(Hooks, State, Conversion):
    """Base of all layers and networks: a tree of modules with parameters, buffers and a ``forward``.

    A subclass calls ``super().__init__()`` first, assigns its layers and Parameters as attributes, and defines
    ``forward``. Calling the module runs it. Registered tensors are listed, moved, saved and loaded with the module.
    """

    if TYPE_CHECKING:
        forward: Callable[..., Any]
    else:

        def forward(self, *args, **kwargs):  # noqa: ARG002 (whatever a subclass takes)
            """Compute the module's output; every subclass defines it."""
            own = [name for name in dir(type(self)) if name not in dir(Module)]
            near = nearest("forward", own, n=1)
            raise NotImplementedError(
                f"{type(self).__name__} has no forward method"
                + (f"; is '{near[0]}' meant to be it?" if near else ": define what calling it computes"))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward``, and the hooks where there are any."""
        if self._hooks is None and mode.watch is None:
            return self.forward(*args, **kwargs)
        return call_with_hooks(self, args, kwargs)

    def train(self, mode: bool = True) -> Self:
        """Put the module and all below it in training mode: dropout drops, batch norm uses the batch's statistics."""
        if not isinstance(mode, bool):
            raise OptionError("train: the mode is no bool", got=repr(mode), rule="True trains, False evaluates")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Put the module and all below it in evaluation mode. It changes ``training`` only; see also ``no_grad``."""
        return self.train(False)

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call ``fn`` on every module below this one, children first, then on this one; returns itself.

        Example:
            >>> def init(m):
            ...     if isinstance(m, nn.Linear):
            ...         nn.init.xavier_uniform_(m.weight)
            >>> net.apply(init)
        """
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def extra_repr(self) -> str:
        """What the module's line in ``repr`` says between its parentheses; layers override it."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        children = [f"({name}): {_indented(repr(child))}" for name, child in self._modules.items()]
        return framed(self._get_name(), self.extra_repr(), children)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


def framed(name: str, extra: str, children: list[str]) -> str:
    """``Name(extra)``, or a block with a line for each of ``extra``'s lines and each child."""
    lines = extra.split("\n") if extra else []
    if len(lines) <= 1 and not children:
        return f"{name}({extra})"
    return "\n  ".join([f"{name}(", *lines, *children]) + "\n)"


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")

