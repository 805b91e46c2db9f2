"""The part of a Module that lists what is registered: children, modules, parameters and buffers, with their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

from minicnn.errors import UnknownNameError
from minicnn.nn.parameter import Parameter
from minicnn.nn.registry import Registry
from minicnn.tensor import Tensor

if TYPE_CHECKING:
    from minicnn.nn.module import Module


class Traversal(Registry):
    """Iterators over a tree of modules. A module or tensor that is reached twice is listed once, by its first name."""

    def children(self) -> Iterator[Module]:
        """The modules directly below this one."""
        for _, child in self.named_children():
            yield child

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one, with their attribute names."""
        seen: set[Module] = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def modules(self) -> Iterator[Module]:
        """This module and all below it, depth first, parents first."""
        for _, module in self.named_modules():
            yield module

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module (named ``prefix``) and all below it, with the paths that lead to them.

        Args:
            memo: modules to leave out; those that are listed are added.
            prefix: put before each path.
            remove_duplicate: list a shared module once.
        """
        memo = set() if memo is None else memo
        me = cast("Module", self)
        if me in memo:
            return
        if remove_duplicate:
            memo.add(me)
        yield prefix, me
        for name, child in self._modules.items():
            if child is not None:
                yield from child.named_modules(memo, _join(prefix, name), remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of this module, and (``recurse``) of all below it: what an optimiser is given."""
        for _, param in self.named_parameters(recurse=recurse):
            yield param

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with the paths that lead to them, as in ``state_dict``."""
        return self._named_members(lambda m: m._parameters.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers of this module, and (``recurse``) of all below it."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers with the paths that lead to them."""
        return self._named_members(lambda m: m._buffers.items(), prefix, recurse, remove_duplicate)

    def get_submodule(self, target: str) -> Module:
        """The module at a path such as ``"features.3"``; the empty path is this module itself.

        Raises:
            UnknownNameError: nothing is there, or no module.
        """
        found = cast("Module", self)
        for name in target.split(".") if target else ():
            child = found._modules.get(name)
            if child is None:
                raise UnknownNameError(type(found).__name__, name, found._modules.keys)
            found = child
        return found

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as ``"features.3.weight"``."""
        return cast(Parameter, self._at(target, "_parameters"))

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path such as ``"features.4.running_mean"``."""
        return cast(Tensor, self._at(target, "_buffers"))

    def _at(self, target: str, table: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        entries: dict[str, Any] = module.__dict__[table]
        if entries.get(name) is None:
            raise UnknownNameError(type(module).__name__, name, entries.keys)
        return entries[name]

    def _named_members(
        self, members: Callable[[Module], Iterable[tuple[str, Any]]], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        here = [(prefix, cast("Module", self))]
        for path, module in self.named_modules(None, prefix, remove_duplicate) if recurse else here:
            for name, member in members(module):
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield _join(path, name), member


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
