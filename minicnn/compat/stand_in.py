"""Modules that stand in for PyTorch's, and the import hook that hands them out while ``torch_names()`` is open."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from minicnn.absent import missing
from minicnn.compat.names import MODULES, PYTORCH, ROOTS, TORCHVISION
from minicnn.errors import MissingAttributeError, MissingModuleError

_ABSENT = object()


class StandIn(ModuleType):
    """A module by one of PyTorch's names, with the names of minicnn's modules in it.

    Those that minicnn finds only when they are asked for are found so here. What a script sets stays on the stand-in:
    minicnn itself is not changed.
    """

    def __init__(self, name: str, finder: _Finder) -> None:
        super().__init__(name)
        for source in reversed(list(_sources(name))):
            self.__dict__.update(_public(source))
        self.__dict__["_finder"] = finder

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return [public for public in dir(self) if not public.startswith("_")]
        if name == "__version__" and self.__name__ in ("torch", "torchvision"):
            return _version(self.__name__)
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        for source in _sources(self.__name__):
            found = getattr(source, name, _ABSENT)
            if found is not _ABSENT and not isinstance(found, ModuleType):
                return found
        inner = f"{self.__name__}.{name}"
        if inner in MODULES:
            return self._finder.module(inner)
        raise _missing(self.__name__, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # The import system binds torchvision.models.alexnet, the module, over the function of that name.
        if not (isinstance(value, StandIn) and value.__name__ == f"{self.__name__}.{name}"):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *_names(self.__name__)})


class _Finder(MetaPathFinder, Loader):
    """Answers imports of PyTorch's names, and refuses those that have no stand-in."""

    def __init__(self) -> None:
        self._made: dict[str, StandIn] = {}

    def module(self, name: str) -> StandIn:
        """The one stand-in of that name."""
        if name not in self._made:
            self._made[name] = StandIn(name, self)
        return self._made[name]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None,  # noqa: ARG002 (a finder's form)
    ) -> ModuleSpec | None:  # fmt: skip
        """The spec of a stand-in.

        Raises:
            MissingModuleError: for another name below PyTorch's. ``from torch.nn import Foo`` ends here as well, since
                Python looks for a module of that name where a package lacks an attribute; so the hint is not lost.
        """
        if fullname.partition(".")[0] not in ROOTS:
            return None
        if fullname not in MODULES:
            parent, _, name = fullname.rpartition(".")
            raise MissingModuleError(str(_missing(parent, name)))
        return ModuleSpec(fullname, self, origin="minicnn", is_package=True)

    def create_module(self, spec: ModuleSpec) -> StandIn:
        """The stand-in, which an attribute may have handed out already."""
        return self.module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: a stand-in has no code."""


@contextmanager
def torch_names() -> Iterator[StandIn]:
    """While open, ``torch``, ``torchvision`` and what they contain mean minicnn's; gives ``torch``.

    An installed PyTorch that is imported already is out of reach inside, and back afterwards. Of the modules imported
    inside, those that hold names of minicnn are forgotten afterwards, so that importing them again finds PyTorch.

    Raises:
        MissingModuleError: an import, inside, of a name that minicnn does not have; says what is near.

    Example:
        >>> with mc.compat.torch_names():
        ...     from torch import nn
        >>> nn is mc.nn, nn.Linear is mc.nn.Linear
        (False, True)
    """
    shadowed, finder = take_over()
    before = set(sys.modules)
    try:
        yield importlib.import_module("torch")  # type: ignore[misc]  # a stand-in, while the finder is in place
    finally:
        sys.meta_path.remove(finder)
        for name in [*_below_roots(), *_holding(set(sys.modules) - before)]:
            sys.modules.pop(name, None)
        sys.modules.update(shadowed)


def take_over() -> tuple[dict[str, ModuleType], MetaPathFinder]:
    """From here on, PyTorch's names mean minicnn's; gives what they meant before, and the import hook."""
    shadowed, finder = {name: sys.modules.pop(name) for name in _below_roots()}, _Finder()
    sys.meta_path.insert(0, finder)
    return shadowed, finder


def _below_roots() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] in ROOTS]


def _holding(names: set[str]) -> set[str]:
    """Those modules that hold something of minicnn's, or a module that does."""
    modules = {name: sys.modules[name] for name in names if name.partition(".")[0] != "minicnn"}
    holding = {name for name, module in modules.items() if any(map(_is_ours, _values(module)))}
    while True:
        held = [modules[name] for name in holding]
        more = {n for n, m in modules.items() if n not in holding and any(v is h for v in _values(m) for h in held)}
        if not more:
            return holding
        holding |= more


def _values(module: ModuleType) -> list[Any]:
    return list(getattr(module, "__dict__", {}).values())


def _is_ours(value: object) -> bool:
    home = value.__name__ if type(value) is ModuleType else getattr(value, "__module__", None)
    return isinstance(value, StandIn) or (isinstance(home, str) and home.partition(".")[0] == "minicnn")


def _sources(name: str) -> Iterator[ModuleType]:
    return map(importlib.import_module, MODULES[name])


def _public(module: ModuleType) -> dict[str, Any]:
    """The names of a module that are for others, but for modules in it."""
    named = vars(module)
    public = named.get("__all__", [name for name in named if not name.startswith("_")])
    return {name: named[name] for name in public if name in named and not isinstance(named[name], ModuleType)}


def _names(owner: str) -> set[str]:
    """The names that a stand-in has."""
    inner = {module.rpartition(".")[2] for module in MODULES if module.rpartition(".")[0] == owner}
    return inner.union(*map(_public, _sources(owner)))


def _missing(owner: str, name: str) -> MissingAttributeError:
    """The error for an absent name: in the words of minicnn's module, where it has any."""
    sources = list(_sources(owner))
    try:
        getattr(sources[-1] if sources else None, name)
    except MissingAttributeError as error:
        return error
    except AttributeError:
        pass
    return missing(sources[-1].__name__ if sources else owner, name, _names(owner))


def _version(root: str) -> str:
    from minicnn import __version__

    return f"{PYTORCH if root == 'torch' else TORCHVISION}+minicnn.{__version__}"
