"""The part of a Module that is saved and loaded: ``state_dict`` and ``load_state_dict``."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from minicnn.autograd import no_grad
from minicnn.autograd.handle import RemovableHandle, register
from minicnn.errors import DtypeError, StateError
from minicnn.nn.parameter import Parameter, is_lazy
from minicnn.nn.traversal import Traversal
from minicnn.tensor import Tensor

if TYPE_CHECKING:
    from minicnn.nn.module import Module

Hook = Callable[..., Any]
_EXTRA = "_extra_state"
_HEADS = 3


class IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What ``load_state_dict`` did not find, and what it did not use."""

    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"

    __str__ = __repr__


class State(Traversal):
    """The values of a module by name. A class that changes its names over time overrides ``_load_from_state_dict``."""

    _version = 1
    """The version of a class's names, kept with the state for ``_load_from_state_dict`` to look at."""
    _state_hooks: dict[str, dict[int, Hook]] | None = None

    def state_dict(
        self, *, destination: OrderedDict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> OrderedDict[str, Any]:
        """Every parameter and persistent buffer, by the path that leads to it.

        The values share the module's memory (training changes them): copy what is to be kept. A module that is
        registered twice appears under both names.

        Args:
            destination: a dictionary to add to.
            prefix: put before each name.
            keep_vars: return the Parameters themselves, not detached tensors.

        Example:
            >>> list(nn.Linear(2, 3).state_dict())
            ['weight', 'bias']
        """
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()  # type: ignore[attr-defined]  # PyTorch's place for it, beside the entries
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in self._hooks_of("save_pre"):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, child in self._modules.items():
            if child is not None:
                child.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._hooks_of("save"):
            changed = hook(self, destination, prefix, metadata)
            destination = destination if changed is None else changed
        return destination

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy the values of ``state_dict`` into this module, in place, in the module's dtypes and on its devices.

        Args:
            state_dict: values by name, as ``state_dict`` returns them.
            strict: raise where names are missing or unexpected; else they are only reported.
            assign: take the given tensors themselves, with their dtypes, instead of copying.

        Returns:
            ``(missing_keys, unexpected_keys)``.

        Raises:
            StateError: one error with every missing, every unexpected and every misshapen name.
        """
        if not isinstance(state_dict, Mapping):
            raise DtypeError("load_state_dict: this is no state", got=type(state_dict).__name__,
                             rule="a mapping from names to tensors", hint="module.state_dict(), or mc.load(path)")
        metadata: Mapping[str, Any] = getattr(state_dict, "_metadata", {})
        missing: list[str] = []
        unexpected: list[str] = []
        faults: list[str] = []
        _load(cast("Module", self), OrderedDict(state_dict), metadata, assign, "", (missing, unexpected, faults))
        if faults or (strict and (missing or unexpected)):
            inner = [key for key in unexpected if isinstance(state_dict[key], Mapping)]
            raise _mismatch(type(self).__name__, missing if strict else [], unexpected if strict else [], faults, inner)
        return IncompatibleKeys(missing, unexpected)

    def get_extra_state(self) -> Any:
        """What else belongs to the state; a class that has something overrides this and ``set_extra_state``."""
        raise NotImplementedError(f"{type(self).__name__}: set_extra_state is written, get_extra_state is not")

    def set_extra_state(self, state: Any) -> None:
        """Take back what ``get_extra_state`` returned."""
        raise NotImplementedError(f"{type(self).__name__}: get_extra_state is written, set_extra_state is not")

    def register_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before ``state_dict`` gathers this module's values."""
        return self._add_hook("save_pre", hook)

    def register_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` afterwards; it may return another dictionary."""
        return self._add_hook("save", hook)

    def register_load_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call ``hook`` before loading, with the module and the arguments of ``_load_from_state_dict``."""
        return self._add_hook("load_pre", hook)

    def register_load_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after loading; it may edit the two lists."""
        return self._add_hook("load", hook)

    def _persistent(self) -> list[tuple[str, Tensor]]:
        """This module's own parameters and persistent buffers."""
        buffers = [(n, b) for n, b in self._buffers.items() if n not in self._non_persistent_buffers_set]
        return [(name, value) for name, value in [*self._parameters.items(), *buffers] if value is not None]

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Add this module's own values."""
        for name, value in self._persistent():
            destination[prefix + name] = value if keep_vars else value.detach()
        if type(self).get_extra_state is not State.get_extra_state:
            destination[prefix + _EXTRA] = self.get_extra_state()

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], strict: bool,
        missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str],
    ) -> None:  # fmt: skip
        """Load this module's own values, and note what does not fit."""
        for hook in self._hooks_of("load_pre"):
            hook(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = self._persistent()
        for name, value in own:
            key = prefix + name
            if key not in state_dict:
                missing_keys.append(key)
            elif is_lazy(value) and is_lazy(state_dict[key]):
                continue
            elif fault := _fault(value, state_dict[key]):
                error_msgs.append(f"{key}: {fault}")
            elif local_metadata.get("assign"):
                _assign(self, name, value, state_dict[key])
            else:
                with no_grad():
                    value.copy_(state_dict[key].to(value))
        known = {name for name, _ in own}
        if type(self).set_extra_state is not State.set_extra_state:
            known.add(_EXTRA)
            if prefix + _EXTRA in state_dict:
                self.set_extra_state(state_dict[prefix + _EXTRA])
            else:
                missing_keys.append(prefix + _EXTRA)
        for key in state_dict:
            head, _, _ = key.removeprefix(prefix).partition(".")
            below_child = key != prefix + head and self._modules.get(head) is not None
            if key.startswith(prefix) and key.removeprefix(prefix) not in known and not below_child:
                unexpected_keys.append(key)

    def _add_hook(self, kind: str, hook: Hook) -> RemovableHandle:
        kinds: dict[str, dict[int, Hook]] = self.__dict__.setdefault("_state_hooks", {})
        return register(kinds.setdefault(kind, {}), hook)

    def _hooks_of(self, kind: str) -> list[Hook]:
        return [] if self._state_hooks is None else list(self._state_hooks.get(kind, {}).values())


def _load(
    module: Module, state: dict[str, Any], metadata: Mapping[str, Any], assign: bool, prefix: str,
    found: tuple[list[str], list[str], list[str]],
) -> None:  # fmt: skip
    """Load ``module`` and all below it from the part of ``state`` whose names begin with ``prefix``."""
    local_metadata = {**metadata.get(prefix[:-1], {}), **({"assign": True} if assign else {})}
    module._load_from_state_dict(state, prefix, local_metadata, True, *found)
    for name, child in module._modules.items():
        if child is not None:
            below = f"{prefix}{name}."
            _load(child, {k: v for k, v in state.items() if k.startswith(below)}, metadata, assign, below, found)
    keys = IncompatibleKeys(found[0], found[1])
    for hook in module._hooks_of("load"):
        hook(module, keys)


def _fault(value: Tensor, given: Any) -> str | None:
    """Why ``given`` cannot be loaded into ``value``, or None."""
    if not isinstance(given, Tensor):
        return f"the state has {type(given).__name__}, the module a tensor"
    if is_lazy(given):
        return "the state has a parameter without a shape"
    if given.shape != value.shape:
        return f"the state has shape {tuple(given.shape)}, the module {tuple(value.shape)}"
    return None


def _assign(module: State, name: str, value: Tensor, given: Tensor) -> None:
    if not isinstance(value, Parameter):
        setattr(module, name, given)
    elif isinstance(given, Parameter):
        given.requires_grad = value.requires_grad
        setattr(module, name, given)
    else:
        setattr(module, name, Parameter(given, value.requires_grad))


def _mismatch(
    owner: str, missing: list[str], unexpected: list[str], faults: list[str], inner: list[str]
) -> StateError:  # fmt: skip
    """One error with everything that does not fit; ``inner``: the names under which the state has other states."""
    kinds = (("missing", missing), ("unexpected", unexpected), ("misshapen", faults))
    lines = ["\n          ".join([f"{len(names)} {kind}", *names]) for kind, names in kinds if names]
    hint = "strict=False leaves missing and unexpected names alone; shapes must fit all the same"
    heads = sorted({fault.partition(":")[0].rpartition(".")[0] for fault in faults})
    if faults and "" not in heads and len(heads) <= _HEADS:
        starts = ", ".join(repr(f"{head}.") for head in heads)
        hint = (f"another number of classes? Load the rest, and train {' and '.join(heads)} anew:\n        "
                f"rest = {{k: v for k, v in state.items() if not k.startswith(({starts},))}}\n        "
                f"model.load_state_dict(rest, strict=False)")
    if unexpected and all(key.startswith("module.") for key in unexpected):
        hint = 'the names begin with "module.": {k.removeprefix("module."): v for k, v in state.items()}'
    if inner:
        hint = f"a checkpoint of several states: {' or '.join(f'state[{key!r}]' for key in inner)}"
    return StateError(f"load_state_dict: the state does not fit {owner}", got="\n        ".join(lines),
                      rule="the same names, each with a tensor of the same shape", hint=hint)
