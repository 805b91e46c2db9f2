"""Optimizer: what all optimisers share. A subclass adds its defaults and its update rule."""

from __future__ import annotations

import copy
import itertools
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from minicnn.absent import missing
from minicnn.autograd.handle import RemovableHandle, register
from minicnn.autograd.inplace import edited
from minicnn.autograd.mode import enable_grad, no_grad
from minicnn.backend import backend_of
from minicnn.backend.quiet import restore, silence
from minicnn.errors import DeviceError, DtypeError, OptionError, ShapeError, StateError
from minicnn.ops.creation import from_dlpack
from minicnn.optim.hooks import hooked
from minicnn.optim.options import check_numbers, check_options, names_and_tensors, plain
from minicnn.optim.rules import COUNTERS, Array, State, counter
from minicnn.tensor import Tensor

Group = dict[str, Any]


class Optimizer:
    """Base of all optimisers: parameter groups, per-parameter state, and the walk that applies the update rule.

    A subclass passes the defaults of its options to ``__init__`` and writes its rule in ``update``; or it overrides
    ``step`` and does everything itself, as PyTorch's subclasses do.

    Args:
        params: tensors, (name, tensor) pairs, or dicts ``{"params": …, **options}``, one a parameter group.
        defaults: the options of groups that do not give their own.

    Attributes:
        param_groups: one dict a group: ``"params"`` and all options. Edit it to change an option while training.
        state: for each parameter, what the rule remembers (momentum buffers, …).

    Raises:
        OptionError: for no parameters, parameters in two groups, and options out of range.
        DtypeError: for something that is no tensor.

    Example:
        >>> class SignDescent(Optimizer):
        ...     def __init__(self, params, lr=0.01):
        ...         super().__init__(params, {"lr": lr})
        ...     def update(self, x, g, state, options):
        ...         x -= options["lr"] * ((g > 0) * 1.0 - (g < 0))
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        check_options(type(self).__name__, defaults)
        self.defaults = defaults
        self.state: defaultdict[Any, State] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._pre_hooks: dict[int, Callable[..., Any]] = {}
        self._post_hooks: dict[int, Callable[..., Any]] = {}
        self._overflow: Array = None  # a flag on the device, where it is not known yet whether this step is made
        self._settle: Callable[[], None] | None = None  # takes back what such a step counted on the host
        for group in self._as_groups(params):
            self.add_param_group(group)

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)  # a protocol's probe, not a slip of the pen
            raise missing(type(self).__name__, name, self.__dir__, kind="Optimizer")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = hooked(cls.__dict__["step"])  # type: ignore[method-assign]  # that is what it is for

    def _as_groups(self, params: Any) -> list[Group]:
        name = type(self).__name__
        if isinstance(params, Tensor) or not isinstance(params, Iterable):
            raise DtypeError(f"{name}: params is not an iterable of parameters", got=type(params).__name__,
                             rule="an iterable of tensors, of (name, tensor) pairs, or of dicts",
                             hint="[tensor], or model.parameters()")
        listed = list(params)
        if not listed:
            raise OptionError(f"{name}: there are no parameters to optimise", got="an empty iterable",
                              rule="at least one parameter",
                              hint="a generator is empty once it was used: model.parameters() makes a new one")
        return listed if isinstance(listed[0], dict) else [{"params": listed}]

    def add_param_group(self, param_group: Group) -> None:
        """Add parameters with options of their own, e.g. a layer that is unfrozen while training goes on.

        Example:
            >>> optimizer.add_param_group({"params": model.head.parameters(), "lr": 1e-3})
        """
        name = type(self).__name__
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise DtypeError(f"{name}: a parameter group is a dict with 'params'", got=repr(param_group)[:80],
                             hint='{"params": model.parameters(), "lr": 0.01}')
        names, tensors = names_and_tensors(name, param_group["params"])
        for tensor in tensors:
            if tensor._node is not None and not tensor.retains_grad:
                raise OptionError(f"{name}: a non-leaf tensor cannot be optimised",
                                  got=f"shape {tuple(tensor.shape)}, the result of {tensor._node.name}",
                                  rule="parameters are leaves (tensors that no operation made), or retain their grad",
                                  hint="tensor.detach().requires_grad_()")
        if len(set(tensors)) != len(tensors):
            warnings.warn(f"{name}: a parameter group lists a parameter twice; it is updated twice in a step",
                          stacklevel=3)
        taken = {p for group in self.param_groups for p in group["params"]}
        if not taken.isdisjoint(tensors):
            raise OptionError(f"{name}: some parameters appear in more than one parameter group",
                              got=f"{len(taken.intersection(tensors))} of {len(tensors)}", rule="one group a parameter")
        if any(("param_names" in group) != bool(names) for group in self.param_groups):
            raise OptionError(f"{name}: some parameter groups have names and some do not", rule="all, or none",
                              hint="named_parameters() for every group")
        param_group["params"] = tensors
        if names:
            param_group["param_names"] = names
        for option, default in self.defaults.items():
            param_group.setdefault(option, default)
        check_numbers(name, param_group)
        self.param_groups.append(param_group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; one whose ``grad`` is None stays as it is.

        Args:
            closure: computes the loss and its gradients again; called once, with gradients on.

        Returns:
            What ``closure`` returned, or None.
        """
        loss = None
        if closure is not None:
            if not callable(closure):
                raise DtypeError(f"{type(self).__name__}.step: the closure is no function", got=type(closure).__name__,
                                 rule="a function that computes the loss and its gradients again", hint="step()")
            with enable_grad():
                loss = closure()
        loudness = silence()
        try:
            with no_grad():
                self._update_all()
        finally:
            restore(loudness)
        return loss

    def _update_all(self) -> None:
        for group in self.param_groups:
            options = {name: plain(value) for name, value in group.items() if name != "params"}
            for p in group["params"]:
                if p._grad is not None:
                    x, g, state = p.array, self._gradient(p), self.state[p]
                    if self._overflow is None or getattr(type(self).update, "one_piece", False):
                        self.update(x, g, state, options)
                    else:
                        arrays = [v.array for n, v in state.items() if isinstance(v, Tensor) and n not in COUNTERS]
                        with backend_of(x).unchanged_where(self._overflow, [x, *arrays]):
                            self.update(x, g, state, options)
                    edited(p)

    def piecewise(self, rule: Callable[..., None], *arrays: Array) -> None:
        """``rule(*arrays)``, which edits its arrays number by number; a backend may make one kernel of it."""
        backend = backend_of(arrays[0])
        if self._overflow is None:
            backend.piecewise(rule, *arrays)
        else:
            backend.piecewise_unless(self._overflow, rule, *arrays)

    def step_unless(self, overflow: Array, **options: Any) -> Callable[[], None]:
        """``step``, of which nothing stays where ``overflow``, a bool on the device that nobody looks at yet, is True.

        Returns:
            What takes back, once that is known, what was counted on the host.
        """
        before = [(p, self.state.get(p, {})) for group in self.param_groups for p in group["params"]]
        counted = [(p, bool(state), {n: float(v) for n, v in state.items() if n in COUNTERS}) for p, state in before]
        self._overflow = overflow
        try:
            self.step(**options)
        finally:
            self._overflow = None

        def take_back() -> None:
            for p, begun, counts in counted:
                if not begun:
                    self.state.pop(p, None)  # its first step is still to come
                for name, count in counts.items():
                    self.state[p][name].array[...] = count

        return take_back

    @property
    def undecided(self) -> bool:
        """Whether this step may turn out to be none; see ``step_unless``."""
        return self._overflow is not None

    def _settled(self) -> None:
        if self._settle is not None:
            self._settle()

    def update(self, x: Array, g: Array, state: State, options: dict[str, Any]) -> None:
        """The update rule for one parameter: edit the array ``x`` in place.

        Args:
            x: the parameter's array.
            g: its gradient, to be left as it is.
            state: what the rule remembers of this parameter; empty before its first step.
            options: the group's options as Python numbers.
        """
        raise NotImplementedError(f"{type(self).__name__} overrides neither update nor step")

    def _gradient(self, p: Tensor) -> Array:
        g: Array = p._grad.array  # type: ignore[union-attr]  # asked only where there is a gradient
        if type(g) is not type(p.array):
            raise DeviceError(f"{type(self).__name__}: a parameter and its gradient are on different devices",
                              got=f"parameter on {p.device}, gradient on {backend_of(g).device}",
                              hint="move the model before the backward pass: model.to(device)")
        if g.shape != p.array.shape:
            raise ShapeError(f"{type(self).__name__}: a gradient does not fit its parameter",
                             got=f"parameter {p.array.shape}, gradient {g.shape}", rule="grad.shape == parameter.shape")
        return g

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: ``grad`` becomes None, or zeros in the same memory where ``set_to_none`` is False."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                if set_to_none:
                    p.grad = None
                else:
                    p.grad = p.grad.detach()
                    p.grad.array[...] = 0
                    edited(p.grad)

    def state_dict(self) -> dict[str, Any]:
        """Options and state, in PyTorch's format: parameters are numbers, in the order of the groups.

        ``{"state": {0: {"step": …, …}, …}, "param_groups": [{"lr": …, "params": [0, …]}, …]}``. The tensors are the
        optimiser's own; ``copy.deepcopy`` keeps a state as it is now.
        """
        self._settled()
        numbers: dict[int, int] = {}
        groups = []
        total = 0
        for group in self.param_groups:
            for number, p in enumerate(group["params"], total):
                numbers.setdefault(id(p), number)
            total += len(group["params"])
            options = {name: value for name, value in group.items() if name != "params"}
            groups.append({**options, "params": [numbers[id(p)] for p in group["params"]]})
        state = {numbers[id(p)] if isinstance(p, Tensor) else p: kept for p, kept in self.state.items() if kept}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a ``state_dict``, also one of PyTorch's. It is copied, to each parameter's dtype and device.

        (PyTorch lets the two optimisers share the loaded tensors; here a step of one never changes the other.)

        Raises:
            StateError: where the groups do not match this optimiser's.
        """
        if not (isinstance(state_dict, Mapping) and {"state", "param_groups"} <= state_dict.keys()):
            raise StateError(f"{type(self).__name__}: this is no state of an optimiser", got=repr(state_dict)[:80],
                             rule="a dict with 'state' and 'param_groups'", hint="what optimizer.state_dict() gave")
        saved = copy.deepcopy(state_dict["param_groups"])
        self._settled()
        here, there = [[len(group["params"]) for group in groups] for groups in (self.param_groups, saved)]
        if here != there:
            raise StateError(f"{type(self).__name__}: the loaded state has other parameter groups",
                             got=f"groups of {there} parameters", rule=f"groups of {here} parameters",
                             hint="build the optimiser with the same groups as the saved one")
        parameters = dict(zip(_flat(saved), _flat(self.param_groups), strict=True))
        state: defaultdict[Any, State] = defaultdict(dict)
        for number, kept in state_dict["state"].items():
            p = parameters.get(number)
            state[number if p is None else p] = copy.deepcopy(kept) if p is None else _fitted(kept, p)
        for group, loaded in zip(self.param_groups, saved, strict=True):
            loaded["params"] = group["params"]
            if "param_names" in group:
                loaded.setdefault("param_names", group["param_names"])
        self.state, self.param_groups = state, saved

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step; it may return new (args, kwargs)."""
        return register(self._pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return register(self._post_hooks, hook)

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            options = "".join(f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params")
            text += f"\nParameter Group {i}\n{options}"
        return text + ")"


Optimizer.step = hooked(Optimizer.step)  # type: ignore[method-assign]  # that is what it is for


def _flat(groups: list[Group]) -> Iterator[Any]:
    return itertools.chain.from_iterable(group["params"] for group in groups)


def _fitted(kept: State, p: Tensor) -> State:
    """A copy of one parameter's saved state, its buffers in the parameter's dtype and on its device."""
    fitted: State = {}
    for name, value in kept.items():
        if name in COUNTERS:
            fitted[name] = counter(float(value))
        elif hasattr(value, "__dlpack__"):
            fitted[name] = from_dlpack(value).to(device=p.device, dtype=p.dtype, copy=True)
        else:
            fitted[name] = copy.deepcopy(value)
    return fitted
