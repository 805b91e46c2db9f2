"""The part of a Module that lets others look on: hooks before and after forward and backward, and the layers' names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minicnn.autograd.gate import Gate
from minicnn.autograd.handle import RemovableHandle, register
from minicnn.autograd.mode import mode
from minicnn.backend import backend_of
from minicnn.errors import DtypeError
from minicnn.nn.registry import Registry
from minicnn.tensor import Tensor, wrap

if TYPE_CHECKING:
    from minicnn.nn.module import Module

Hook = Callable[..., Any]


class HookTables:
    """The hooks of one module by kind, in the order they run. Each entry is the hook and its options.

    In plain dicts, which a thread may change while another lists them: an OrderedDict needs Python's lock for that.
    """

    def __init__(self) -> None:
        self.forward_pre: dict[int, tuple[Hook, bool]] = {}
        self.forward: dict[int, tuple[Hook, bool, bool]] = {}
        self.backward_pre: dict[int, Hook] = {}
        self.backward: dict[int, Hook] = {}


class Hooks(Registry):
    """Registration of hooks. A module without any runs ``forward`` directly: ``_hooks`` is None until the first."""

    _hooks: HookTables | None = None

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before forward. What it returns, unless None, replaces the positional arguments.

        Args:
            hook: the function.
            prepend: run it before those that are there already.
            with_kwargs: call ``hook(module, args, kwargs)`` instead, which may return ``(args, kwargs)``.
        """
        return _register(self._tables().forward_pre, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after forward. What it returns, unless None, replaces the output.

        Args:
            hook: the function.
            prepend: run it before those that are there already.
            with_kwargs: call ``hook(module, args, kwargs, output)`` instead.
            always_call: call it (with output None) even where forward raises.

        Example:
            >>> seen = []
            >>> handle = net.conv1.register_forward_hook(lambda module, args, output: seen.append(output))
            >>> net(images)
            >>> handle.remove()
        """
        return _register(self._tables().forward, (hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when the gradients of the outputs are known; it may return others."""
        return _register(self._tables().backward_pre, hook, prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the inputs are known.

        Both are tuples, with None for what is no tensor, and for all inputs where none requires a gradient. What the
        hook returns, unless None, replaces ``grad_input``.
        """
        return _register(self._tables().backward, hook, prepend)

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """The old name of ``register_full_backward_hook``, and here the same."""
        return self.register_full_backward_hook(hook)

    def _tables(self) -> HookTables:
        return self.__dict__.setdefault("_hooks", HookTables())  # one step: two threads may both have the first hook


def call_with_hooks(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``module.forward(*args, **kwargs)`` and all that looks on: its hooks, and the thread's watch."""
    watch = mode.watch
    if watch is None:
        return _hooked_forward(module, args, kwargs)
    watch.enter(module)
    try:
        return _hooked_forward(module, args, kwargs)
    finally:
        watch.leave()


def _hooked_forward(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    hooks = module._hooks
    if hooks is None:
        return module.forward(*args, **kwargs)
    called: set[int] = set()
    try:
        args, kwargs = _run_pre_hooks(module, hooks, args, kwargs)
        watch = _BackwardWatch(module, hooks) if hooks.backward or hooks.backward_pre else None
        output = module.forward(*(args if watch is None else watch.inputs(args)), **kwargs)
        for number, (hook, with_kwargs, _) in list(hooks.forward.items()):
            called.add(number)
            changed = hook(module, args, kwargs, output) if with_kwargs else hook(module, args, output)
            output = output if changed is None else changed
    except Exception:
        for number, (hook, with_kwargs, always) in list(hooks.forward.items()):
            if always and number not in called:
                hook(module, args, kwargs, None) if with_kwargs else hook(module, args, None)
        raise
    return output if watch is None else watch.outputs(output)


def _run_pre_hooks(
    module: Module, hooks: HookTables, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    for hook, with_kwargs in list(hooks.forward_pre.values()):
        changed = hook(module, args, kwargs) if with_kwargs else hook(module, args)
        if changed is None:
            continue
        if not with_kwargs:
            args = changed if isinstance(changed, tuple) else (changed,)
        elif isinstance(changed, tuple) and len(changed) == 2:
            args, kwargs = changed
        else:
            raise DtypeError("forward pre-hook: with_kwargs wants both kinds of arguments back", got=repr(changed)[:80],
                             rule="None or (args, kwargs)")
    return args, kwargs


class _BackwardWatch:
    """One call's backward hooks: gates around forward, through which the gradients of outputs and inputs pass."""

    def __init__(self, module: Module, hooks: HookTables) -> None:
        self.module, self.hooks = module, hooks
        self.grad_output: tuple[Tensor | None, ...] | None = None

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        passed, self.into = _through_gate(args, self.input_gradients)
        return passed

    def outputs(self, output: Any) -> Any:
        if isinstance(output, Tensor):
            return self.outputs((output,))[0]
        if not isinstance(output, (tuple, list)):
            return output
        passed, self.out_of = _through_gate(tuple(output), self.output_gradients)
        return passed if isinstance(output, tuple) else list(passed)

    def output_gradients(self, grads: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
        grad_output = self.out_of.spread(grads)
        for hook in list(self.hooks.backward_pre.values()):
            changed = hook(self.module, grad_output)
            if changed is not None:
                grad_output = changed if isinstance(changed, tuple) else (changed,)
        self.grad_output = grad_output
        if not self.into.gated:  # no gradient will arrive at the inputs, so this is the end of it
            self.run_hooks((None,) * len(self.into.kinds))
        return tuple(grad_output[i] for i in self.out_of.gated)

    def input_gradients(self, grads: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
        if self.grad_output is None:  # a second derivative, which reaches the inputs without passing the outputs
            return grads
        grad_input = self.run_hooks(self.into.spread(grads))
        return tuple(grad_input[i] for i in self.into.gated)

    def run_hooks(self, grad_input: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
        for hook in list(self.hooks.backward.values()):
            changed = hook(self.module, grad_input, self.grad_output)
            if changed is not None:
                grad_input = changed if isinstance(changed, tuple) else (changed,)
        self.grad_output = None
        return grad_input


class _Places:
    """Which of several values pass through a gate, and what the others' gradients are: zeros, None for no tensor."""

    def __init__(self, values: tuple[Any, ...]) -> None:
        tensors = [value if isinstance(value, Tensor) else None for value in values]
        self.gated = [i for i, t in enumerate(tensors) if t is not None and t.tracked and mode.grad]
        self.kinds = [None if t is None else (backend_of(t.array).xp, t.array.shape, t.array.dtype) for t in tensors]

    def spread(self, grads: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
        found = dict(zip(self.gated, grads, strict=True))
        return tuple(self.zeros(i) if found.get(i) is None else found[i] for i in range(len(self.kinds)))

    def zeros(self, position: int) -> Tensor | None:
        kind = self.kinds[position]
        if kind is None:
            return None
        xp, shape, dtype = kind
        return wrap(xp.zeros(shape, dtype))


def _through_gate(values: tuple[Any, ...], arrived: Callable[..., Any]) -> tuple[tuple[Any, ...], _Places]:
    """``values`` with those that require a gradient passed through a Gate."""
    places, passed = _Places(values), list(values)
    if places.gated:
        opened = Gate.apply(*(values[i] for i in places.gated), arrived=arrived)
        for i, through in zip(places.gated, opened, strict=True):
            passed[i] = through
    return tuple(passed), places


def _register(hooks: dict[int, Any], entry: Any, prepend: bool) -> RemovableHandle:
    handle = register(hooks, entry)
    for number in list(hooks) if prepend else ():
        if number != handle.id and (other := hooks.pop(number, None)) is not None:
            hooks[number] = other  # behind it
    return handle
