"""The part of a Module that notices what is assigned to it, in three tables behind its attributes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from minicnn.absent import missing
from minicnn.errors import DtypeError, GradientError, MissingAttributeError, RegistrationError, bare, shown
from minicnn.nn.parameter import Buffer, Parameter
from minicnn.tensor import Tensor

if TYPE_CHECKING:
    from minicnn.nn.module import Module

_KINDS = {"_parameters": "parameter", "_buffers": "buffer", "_modules": "module"}
_warned: set[tuple[str, str, str]] = set()


class Registry:
    """``self.weight = Parameter(…)`` puts it into a table, and ``self.weight`` finds it there.

    Attributes:
        training: whether the module is being trained; ``train()`` and ``eval()`` set it.
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]

    def __init__(self, *args: Any, **options: Any) -> None:
        if args or options:
            raise _takes_nothing(type(self).__name__, (*args, *options.values()))
        # Not by attribute access, which looks into the tables that are only made here.
        self.__dict__.update(training=True, _parameters={}, _buffers={}, _modules={}, _non_persistent_buffers_set=set())

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add ``param`` under ``name``; None reserves the name.

        Raises:
            RegistrationError: a name that is taken, empty or has a dot.
            DtypeError: anything but a Parameter.
            GradientError: the result of an operation: it would not be learnt, what it was computed from would.
        """
        table = self._table("_parameters")
        self._check_name("parameter", name, table)
        if param is not None and not isinstance(param, Parameter):
            raise DtypeError(f"register_parameter: '{name}' is no Parameter", got=type(param).__name__,
                             rule="a Parameter or None", hint="nn.Parameter(tensor)")
        if param is not None and param._node is not None:
            raise GradientError(f"register_parameter: '{name}' is the result of an operation",
                                got=f"grad_fn {param._node.name}", rule="parameters are leaves",
                                hint="nn.Parameter(tensor.detach())")
        table[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add ``tensor`` under ``name``: moved and saved with the module, not learnt.

        Args:
            name: the attribute it becomes.
            tensor: the value; None reserves the name.
            persistent: whether ``state_dict`` has it.
        """
        table = self._table("_buffers")
        self._check_name("buffer", name, table)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise DtypeError(f"register_buffer: '{name}' is no tensor", got=type(tensor).__name__,
                             rule="a Tensor or None", hint="mc.tensor(value)")
        table[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child ``module`` under ``name``; None reserves the name."""
        table = self._table("_modules")
        self._check_name("module", name, table)
        if module is not None:
            check_module("add_module", module)
        table[name] = module

    def register_module(self, name: str, module: Module | None) -> None:
        """``add_module`` by its other name."""
        self.add_module(name, module)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self._replace(name, "_parameters")
            self.register_parameter(name, value)
            return
        held = self._holder(name)
        if isinstance(value, (Registry, Buffer)) and held in (None, "_buffers", _table_for(value)):
            self._replace(name, _table_for(value))
            if isinstance(value, Buffer):
                self.register_buffer(name, value, value.persistent)
            else:
                self.add_module(name, value)  # type: ignore[arg-type]  # whatever has a Registry is a Module
        elif held is None:
            object.__setattr__(self, name, value)
            if isinstance(value, (list, tuple, dict)) and value:
                self._warn_unregistered(name, value)
        elif value is None or (held == "_buffers" and isinstance(value, Tensor)):
            self.__dict__[held][name] = value
        else:
            raise DtypeError(f"{type(self).__name__}: '{name}' is a {_KINDS[held]}; a plain value would unregister it",
                             got=type(value).__name__, rule=f"a {_KINDS[held]} or None",
                             hint=f"nn.Parameter(value), or del self.{name} first")

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__
        if "_modules" in fields:
            for table in (fields["_parameters"], fields["_modules"], fields["_buffers"]):
                if name in table:
                    return table[name]
        if name.startswith("__"):
            raise AttributeError(name)  # a protocol's probe, not a slip of the pen
        if "_modules" not in fields:
            raise MissingAttributeError(f"{type(self).__name__} has no attribute '{name}'", got="an unfinished module",
                                        rule="Module.__init__ makes the tables first", hint="super().__init__()")
        raise missing(type(self).__name__, name, self.__dir__, kind="Module")

    def __delattr__(self, name: str) -> None:
        held = self._holder(name)
        if held is None:
            object.__delattr__(self, name)
        else:
            del self.__dict__[held][name]
            self._non_persistent_buffers_set.discard(name)

    def __dir__(self) -> list[str]:
        names = {*object.__dir__(self)}.union(*(self.__dict__.get(table, ()) for table in _KINDS))
        return sorted(name for name in names if not name[0].isdigit())

    def _holder(self, name: str) -> str | None:
        """Which table has ``name``, or None."""
        fields = self.__dict__
        for table in _KINDS:
            if table in fields and name in fields[table]:
                return table
        return None

    def _table(self, kind: str) -> dict[str, Any]:
        found: dict[str, Any] | None = self.__dict__.get(kind)
        if found is None:
            raise MissingAttributeError(
                f"{type(self).__name__}: a {_KINDS[kind]} is assigned before Module.__init__ has run",
                rule="Module.__init__ makes the tables that parameters and layers are registered in",
                hint="super().__init__() as the first line of your __init__")
        return found

    def _replace(self, name: str, kind: str) -> None:
        """Drop whatever ``name`` was, unless the table ``kind`` has it already: there it keeps its place."""
        self._table(kind)
        self.__dict__.pop(name, None)
        if self._holder(name) not in (None, kind):
            delattr(self, name)

    def _check_name(self, kind: str, name: str, table: Mapping[str, Any]) -> None:
        if not isinstance(name, str):
            raise DtypeError(f"a {kind}'s name is a string", got=repr(name), hint=f'"{name}"')
        if "." in name or not name:
            raise RegistrationError(f"a {kind} cannot be called '{name}'", got=repr(name),
                                    rule="not empty, and no dots: they separate the names of nested modules",
                                    hint=name.replace(".", "_") or "any other name")
        if name not in table and (name in self.__dict__ or hasattr(type(self), name) or self._holder(name)):
            raise RegistrationError(f"{type(self).__name__} already has an attribute '{name}'",
                                    got=f"a {kind} '{name}'", rule="one meaning for each name",
                                    hint="another name, or del the attribute first")

    def _warn_unregistered(self, name: str, value: Iterable[Any]) -> None:
        """Warn, once for each attribute of a class, about layers in a plain container: nobody would find them."""
        members = list(value.values()) if isinstance(value, Mapping) else list(value)
        modules = [m for m in members if isinstance(m, Registry)]
        lost: list[Any] = modules or [m for m in members if isinstance(m, Parameter)]
        if not lost or "_modules" not in self.__dict__:
            return
        known = {id(m) for m in (self.modules() if modules else self.parameters())}
        where = (type(self).__module__, type(self).__qualname__, name)
        if where in _warned or all(id(m) in known for m in lost):
            return
        _warned.add(where)
        what = "Module" if modules else "Parameter"
        better = f"nn.{what}{'Dict' if isinstance(value, Mapping) else 'List'}"
        warnings.warn(
            f"{type(self).__name__}.{name} is a plain {type(value).__name__} of {len(lost)} {what.lower()}s: they are "
            f"not registered, so parameters(), to() and state_dict() do not see them. Use {better}(…).", stacklevel=3)


def _table_for(value: Any) -> str:
    return "_modules" if isinstance(value, Registry) else "_buffers"


def _takes_nothing(name: str, given: tuple[Any, ...]) -> DtypeError:
    tensor = any(isinstance(value, Tensor) for value in given)
    return DtypeError(f"{name}: Module.__init__ takes no arguments", got=", ".join(map(shown, given)),
                      rule="a module is made first, and then called with tensors; options are for its own __init__",
                      hint=f"model = {name}(), then model(x)" if tensor else "super().__init__()")


def check_module(operation: str, module: object) -> None:
    """Raise where something that should be a Module is not; name the usual slips."""
    if isinstance(module, Registry):
        return
    hint = "a Module whose forward calls it"
    if isinstance(module, Tensor):
        hint = "layers = nn.Sequential(…) of layers, then layers(x)"
    name = getattr(module, "__name__", None)
    if isinstance(module, type) and issubclass(module, Registry):
        hint = f"{name}() with parentheses"
    elif name is not None and (layer := _layer_of(name)):
        hint = f"nn.{layer}(…), the layer that calls it"
    raise DtypeError(f"{operation}: {name or type(module).__name__} is no Module",
                     got=repr(module)[:80], rule="a Module or None", hint=hint)


def _layer_of(function: str) -> str | None:
    """The layer of that name, but for case and underscores."""
    from minicnn.nn import layers

    return next((name for name, found in vars(layers).items() if bare(name) == bare(function)
                 and isinstance(found, type) and issubclass(found, Registry)), None)  # fmt: skip
