"""A whole training step as one CUDA graph: launched at once, not kernel by kernel.

A small network's kernels take less time than Python takes to ask for them. A graph is asked for once. What is in it is
fixed: kernels, addresses, and every number that Python worked out, such as a learning rate. So each call first compares
all of that which can change with what it was, and captures anew where it did.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from typing import Any

from minicnn.autograd.function import Function
from minicnn.autograd.mode import mode
from minicnn.autograd.watch import Watch
from minicnn.backend import Backend, backend_for, backend_of
from minicnn.backend.switches import switches
from minicnn.errors import DeviceError, ShapeError, StateError
from minicnn.ops.operands import Alongside
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.options import plain
from minicnn.optim.rules import COUNTERS
from minicnn.random import default_generator
from minicnn.tensor import Tensor, wrap

WARM_UP = 3  # calls that run as they are: kernels are compiled, and optimisers make their buffers


def graph(step: Callable[..., Any]) -> GraphedStep:
    """``step`` with the same arguments and results, captured as a CUDA graph and replayed from its fourth call on.

    Args:
        step: a function of CUDA tensors that returns a tensor, or several in a tuple: a training step, or a model's
            forward pass. Every call of it must do the same work.

    The tensors that calls give must have the shapes and dtypes of the first call's; results are copies, so they stay.
    Where a learning rate, a module's ``training`` flag or a parameter's array changed, it is captured again: a schedule
    that changes the rate at every step gains nothing.

    Dropout and RReLU draw on the device, from the default generator: each replay goes on where the last draw ended,
    and masks are those of the step itself.

    Errors: StateError for what cannot be captured: values read on the host within the step (``item``, ``if`` on a
    tensor), values brought from there (``mc.tensor``, ``mc.rand``), and optimisers that count steps on the host
    (Adam); ShapeError for inputs of other shapes; DeviceError for inputs that are not on a CUDA device.
    Source: https://docs.nvidia.com/cuda/cuda-c-programming-guide/#cuda-graphs

    Example:
        >>> @mc.cuda.graph
        ... def step(images, labels):
        ...     optimizer.zero_grad()
        ...     loss = F.cross_entropy(model(images), labels)
        ...     loss.backward()
        ...     optimizer.step()
        ...     return loss.detach()
        >>> for images, labels in loader:
        ...     loss = step(images.cuda(), labels.cuda())
    """
    return GraphedStep(step)


class GraphedStep:
    """A step that ``graph`` made; ``captures`` counts how often it was captured."""

    def __init__(self, step: Callable[..., Any]) -> None:
        self.step, self.calls, self.captures = step, 0, 0
        self._inputs: tuple[Tensor, ...] = ()
        self._results: Any = None
        self._surroundings: _Surroundings | None = None
        self._replay: Callable[[], None] | None = None
        functools.update_wrapper(self, step)

    def __call__(self, *inputs: Tensor) -> Any:
        self._check(inputs)
        self.calls += 1
        if self.calls <= WARM_UP:
            return self.step(*inputs)
        for static, given in zip(self._inputs, inputs, strict=True):
            static.array[...] = given.array
        if self._surroundings is None or self._surroundings.changed():
            self._capture()
        assert self._surroundings is not None and self._replay is not None
        with self._surroundings.stream_in_place():
            self._replay()
        if isinstance(self._results, tuple | list):
            return type(self._results)(_copy(result) for result in self._results)
        return _copy(self._results)

    def _check(self, inputs: tuple[Tensor, ...]) -> None:
        for x in inputs:
            if not isinstance(x, Tensor) or backend_of(x.array).device_type == "cpu":
                raise DeviceError("cuda.graph: an argument is no tensor on a CUDA device", got=repr(x)[:80],
                                  rule="a graph runs on one device, with its data there", hint='x.to("cuda")')
        sizes = [(tuple(x.shape), x.dtype) for x in inputs]
        first = [(tuple(x.shape), x.dtype) for x in self._inputs]
        if self._inputs and sizes != first:
            raise ShapeError("cuda.graph: the arguments are not as they were at first", got=sizes, rule=str(first),
                             hint="DataLoader(…, drop_last=True); or another graph for the other shape")
        if not self._inputs:
            self._inputs = tuple(wrap(x.array.copy()) for x in inputs)

    def _capture(self) -> None:
        from minicnn.backend import cupy

        backend = backend_of(self._inputs[0].array) if self._inputs else backend_for("cuda")
        surroundings = _Surroundings(backend)
        with surroundings:
            self._results, self._replay = cupy.captured(backend.index or 0, lambda: self.step(*self._inputs))
        self._surroundings, self.captures = surroundings, self.captures + 1


def _copy(result: Any) -> Any:
    """A result that the next replay does not overwrite."""
    return wrap(result.array.copy()) if isinstance(result, Tensor) else result


class _Surroundings(Watch):
    """What a captured step depends on besides its inputs: modules' flags, parameters' arrays, optimisers' options,
    numbers that came from the CPU, ``mc.backends``, and where the stream of random numbers lies that it draws from, if
    it does."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self.backend = backend
        self.stream: Any = None
        self._held = ExitStack()
        self.modules: list[tuple[Any, bool]] = []
        self.parameters: list[tuple[Tensor, Any]] = []
        self.numbers: list[tuple[Any, bytes]] = []  # arrays on the CPU, and what they held
        self.optimizers: list[tuple[Optimizer, list[dict[str, Any]]]] = []
        self.switches = replace(switches)

    def __enter__(self) -> None:
        if mode.watch is not None:
            raise StateError("cuda.graph: somebody looks on at every operation", got=type(mode.watch).__name__,
                             rule="a captured step runs no Python", hint="leave detect_anomaly, or mc.use, first")
        # Before the capture, which could not bring the stream there; nobody else draws until it is over.
        self.stream = self._held.enter_context(default_generator.on_device(self.backend))
        self._lent = default_generator.lent
        mode.watch = self

    def __exit__(self, *error: object) -> None:
        mode.watch = None
        if default_generator.lent == self._lent:  # the step does not draw
            self.stream = None
        self._held.close()

    def stream_in_place(self) -> AbstractContextManager[Any]:
        """While the step is replayed, the stream it draws from is on the device, and nobody else draws."""
        return nullcontext() if self.stream is None else default_generator.on_device(self.backend)

    def applied(
        self, node: Function, inputs: Any, arrays: list[Any], options: Any, results: Any,  # noqa: ARG002 (as it is told)
    ) -> None:  # fmt: skip
        if isinstance(node, Alongside):
            self.numbers.append((arrays[0], arrays[0].tobytes()))

    def enter(self, module: Any) -> None:
        super().enter(module)
        self.modules.append((module, module.training))
        self.parameters.extend((p, p.array) for p in (*module.parameters(False), *module.buffers(False)))

    def stepping(self, optimizer: Optimizer) -> None:
        if optimizer.undecided:
            raise StateError("cuda.graph: GradScaler changes its scale on the host", got="scaler.step(optimizer)",
                             rule="a graph holds every number as it was captured",
                             hint="the forward and backward pass in the graph, scaler.step and update behind it")
        kept = {name for state in optimizer.state.values() for name in state}
        if kept.intersection(COUNTERS):
            raise StateError(f"cuda.graph: {type(optimizer).__name__} counts its steps on the host",
                             got=f"a state of {sorted(kept)}", rule="a graph holds every number as it was captured",
                             hint="SGD; or leave optimizer.step() out of the graph")
        self.optimizers.append((optimizer, _options(optimizer)))

    def changed(self) -> bool:
        """Whether anything is other than it was when the step was captured."""
        return (self.switches != switches or self._other_stream()
                or any(module.training != flag for module, flag in self.modules)
                or any(p.array is not array for p, array in self.parameters)
                or any(array.tobytes() != held for array, held in self.numbers)
                or any(_options(optimizer) != options for optimizer, options in self.optimizers))  # fmt: skip

    def _other_stream(self) -> bool:
        """Whether this thread draws from another stream than it did: in ``mc.random.own_stream``, or out of it."""
        with self.stream_in_place() as stream:
            return stream is not self.stream


def _options(optimizer: Optimizer) -> list[dict[str, Any]]:
    return [{name: plain(value) for name, value in group.items() if name != "params"}
            for group in optimizer.param_groups]  # fmt: skip
