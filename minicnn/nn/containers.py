"""Containers whose members are registered, as those of a plain list are not: Sequential, ModuleList, ModuleDict."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from itertools import groupby
from typing import Any, Self, cast, overload

from minicnn.errors import DtypeError, OutOfRangeError, RegistrationError
from minicnn.nn.module import Module, framed
from minicnn.nn.pairs import paired, together
from minicnn.nn.registry import check_module

__all__ = ["ModuleDict", "ModuleList", "Sequential"]


def several(container: Module, members: Any) -> list[Any]:
    """``members`` as a list. Errors: DtypeError where there is only one, or something else."""
    if isinstance(members, Iterable):
        return list(members)
    name = type(container).__name__
    raise DtypeError(f"{name}: the members are no collection", got=type(members).__name__,
                     rule="a list of the members, or a dict or pairs of names and members", hint=f"nn.{name}([member])")


class _Numbered(Module):
    """Members in order, named ``"0"``, ``"1"``, …: what Sequential and ModuleList share."""

    def _made(self, modules: list[tuple[str, Module]]) -> Self:
        """Another container of this kind, of some of the members."""
        raise NotImplementedError(f"{type(self).__name__} must say how it is made of members")

    def _members(self) -> list[Module]:
        return cast("list[Module]", list(self._modules.values()))

    def _renumber(self, modules: Iterable[Module]) -> None:
        modules = list(modules)
        for module in modules:
            check_module(type(self).__name__, module)
        self._modules = {str(i): module for i, module in enumerate(modules)}

    def _name_at(self, index: int) -> str:
        try:
            return list(self._modules)[index]
        except IndexError:
            raise OutOfRangeError(f"{type(self).__name__}: there is no member {index}", got=index,
                                  rule=f"{-len(self)} <= index < {len(self)}") from None

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Any:
        """One member, or a container of some."""
        if isinstance(index, slice):
            return self._made(cast("list[tuple[str, Module]]", list(self._modules.items())[index]))
        return self._modules[self._name_at(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        self.add_module(self._name_at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        modules = self._members()
        if not isinstance(index, slice):
            self._name_at(index)
        del modules[index]
        self._renumber(modules)

    def append(self, module: Module) -> Self:
        """Add a member at the end; returns the container."""
        self.add_module(str(len(self)), module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Add a member before the one at ``index``, and renumber."""
        if not -len(self) <= index <= len(self):
            raise OutOfRangeError(f"insert: there is no place {index}", got=index,
                                  rule=f"{-len(self)} <= index <= {len(self)}")
        modules = self._members()
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several members at the end; returns the container."""
        for module in several(self, modules):
            self.append(module)
        return self

    def pop(self, index: int) -> Module:
        """Remove and return the member at ``index``."""
        module: Module = self[index]
        del self[index]
        return module

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)


class Sequential(_Numbered):
    """Modules one after another: the output of each is the input of the next.

    Args:
        modules: the members in order, or one OrderedDict that also names them.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 24 * 24, 10))
        >>> net[:2]
        Sequential(
          (0): Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))
          (1): ReLU()
        )
    """

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            named: Iterable[tuple[str, Any]] = modules[0].items()
        else:
            named = ((str(i), module) for i, module in enumerate(modules))
        for name, module in named:
            if isinstance(module, (list, tuple)):
                raise DtypeError("Sequential: a list of modules is no module", got=f"a list of {len(module)}",
                                 rule="each argument is one module", hint="nn.Sequential(*modules)")
            self.add_module(name, module)

    def _made(self, modules: list[tuple[str, Module]]) -> Self:
        return type(self)(dict(modules))

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *other)

    def __mul__(self, times: int) -> Sequential:
        return Sequential(*self._members() * times)

    __rmul__ = __mul__

    def forward(self, x: Any) -> Any:
        """The last member's output."""
        for module, relu in paired(self._members()):
            x = module(x) if relu is None else together(module, relu, x)
        return x


class ModuleList(_Numbered):
    """A list of modules that is registered. It has no forward: index it or loop over it.

    Args:
        modules: the members.

    Example:
        >>> self.blocks = nn.ModuleList([Block(64) for _ in range(3)])
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _made(self, modules: list[tuple[str, Module]]) -> Self:
        return type(self)(module for _, module in modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        lines, start = [], 0
        for text, group in groupby(map(repr, self)):
            count = sum(1 for _ in group)
            label = f"({start}): " if count == 1 else f"({start}-{start + count - 1}): {count} x "
            lines.append(label + text.replace("\n", "\n  "))
            start += count
        return framed(self._get_name(), "", lines)


class Keyed(Module):
    """Members by name, in the order of insertion: what ModuleDict and ParameterDict share."""

    def _entries(self) -> dict[str, Any]:
        """The registry's table that holds the members."""
        raise NotImplementedError(f"{type(self).__name__} must say where its members are")

    def __getitem__(self, key: str) -> Any:
        if key not in self:
            raise RegistrationError(f"{type(self).__name__}: there is no '{key}'", got=key,
                                    rule=f"one of {list(self)}")
        return self._entries()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} must say how a member is added")

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __len__(self) -> int:
        return len(self._entries())

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries())

    def __contains__(self, key: str) -> bool:
        return key in self._entries()

    def clear(self) -> None:
        """Remove all members."""
        self._entries().clear()

    def get(self, key: str, default: Any = None) -> Any:
        """A member, or ``default``."""
        return self._entries().get(key, default)

    def pop(self, key: str) -> Any:
        """Remove and return a member."""
        value = self[key]
        del self._entries()[key]
        return value

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._entries().keys()

    def values(self) -> ValuesView[Any]:
        """The members."""
        return self._entries().values()

    def items(self) -> ItemsView[str, Any]:
        """Pairs of name and member."""
        return self._entries().items()

    def update(self, values: Mapping[str, Any] | Keyed | Iterable[tuple[str, Any]]) -> None:
        """Add or replace members, from a mapping or from pairs."""
        for name, value in values.items() if isinstance(values, (Mapping, Keyed)) else several(self, values):
            self[name] = value


class ModuleDict(Keyed):
    """A dictionary of modules that is registered, in the order of insertion.

    Args:
        modules: a mapping, or pairs, from names to modules.

    Example:
        >>> self.act = nn.ModuleDict({"relu": nn.ReLU(), "gelu": nn.GELU()})
        >>> self.act["relu"](x)
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def _entries(self) -> dict[str, Any]:
        return self._modules

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)
