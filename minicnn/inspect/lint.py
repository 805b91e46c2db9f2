"""``lint``: a look at a network, a batch and a loader for the misconceptions that courses meet most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from minicnn.autograd import grad, no_grad
from minicnn.autograd.function import Function
from minicnn.autograd.mode import _Switch
from minicnn.errors import DtypeError
from minicnn.inspect import misconceptions
from minicnn.inspect.misconceptions import Finding
from minicnn.inspect.survey import Survey, check_model
from minicnn.nn.functional import cross_entropy
from minicnn.nn.module import Module
from minicnn.random import get_rng_state, set_rng_state
from minicnn.tensor import Tensor
from minicnn.training.outputs import loss_of


@dataclass(frozen=True)
class Report:
    """What ``lint`` found. Printed, it is a paragraph for each finding; it is true where there is one.

    Attributes:
        findings: in the order of ``RULES``.
    """

    findings: tuple[Finding, ...]

    @property
    def rules(self) -> list[str]:
        """The names of the rules that were broken."""
        return [finding.rule for finding in self.findings]

    def __bool__(self) -> bool:
        return bool(self.findings)

    def __str__(self) -> str:
        return "\n".join(map(str, self.findings)) or "nothing was found"


def lint(
    model: Module, inputs: Tensor | None = None, targets: Tensor | None = None, *,
    loss_function: Callable[[Any, Any], Tensor] = cross_entropy, loader: Iterable[Any] | None = None,
    evaluating: bool = False,
) -> Report:  # fmt: skip
    """Look for misconceptions; what can be looked for depends on what is given.

    ==================  ================  ================================================================
    rule                needs             what is wrong
    ==================  ================  ================================================================
    list-of-layers      model             layers in a plain list: no parameters of theirs are trained
    eval-forgotten      evaluating=True   dropout or batch norm in training mode, where a model is tested
    pixels-to-255       inputs            images of uint8, or of numbers up to 255
    bias-before-norm    inputs            a bias that the batch norm behind it takes off again
    dead-relus          inputs            more than half of a ReLU's channels are 0 for the whole batch
    softmax-twice       targets, too      the loss takes the softmax of what is a softmax already
    zero-gradients      targets, too      parameters whose gradient is zero, or that take no part
    unshuffled          loader            batches in the order of their classes
    ==================  ================  ================================================================

    The model runs once, in the mode that it is in. It is left as it was, and so are the random streams.

    Args:
        model: a network.
        inputs, targets: a batch.
        loss_function: of (outputs, targets).
        loader: the one that is trained with; a few of its batches are looked at.
        evaluating: whether the model is about to be tested.

    Example:
        >>> print(mc.inspect.lint(model, images, labels, loader=train_loader))
    """
    check_model("lint", model)
    for name, given in (("inputs", inputs), ("targets", targets)):
        if given is not None and not isinstance(given, Tensor):
            raise DtypeError(f"lint: the {name} are no tensor", got=type(given).__name__, rule="a Tensor, or None",
                             hint="inputs, targets = next(iter(loader))")
    found = [*misconceptions.list_of_layers(model)]
    found += misconceptions.eval_forgotten(model) if evaluating else []
    found += [] if inputs is None else _of_a_run(model, inputs, targets, loss_function)
    if loader is not None and not evaluating:
        with _same_stream():
            found += misconceptions.unshuffled(loader)
    return Report(tuple(found))


def _of_a_run(
    model: Module, inputs: Tensor, targets: Tensor | None, loss_function: Callable[[Any, Any], Tensor]
) -> Iterator[Finding]:
    yield from misconceptions.pixels_to_255(inputs)
    x = inputs if inputs.is_floating_point() else inputs.float() / 255
    watch = Lookout()
    with _same_stream(), _same_buffers(model):
        output = watch.run(model, (x,), grad=True)
        if targets is not None:
            with _Switch(watch=watch, grad=True):
                loss = loss_of(loss_function, output, targets)
    yield from misconceptions.bias_before_norm(watch.operations)
    yield from misconceptions.dead_relus(watch.alive)
    if targets is not None:
        yield from misconceptions.softmax_twice(watch.operations)
        named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        if named and loss.requires_grad:
            gradients = grad(loss, [p for _, p in named], allow_unused=True)
            yield from misconceptions.zero_gradients(dict(zip((name for name, _ in named), gradients, strict=True)))


class Lookout(Survey):
    """A survey that counts, where each ReLU runs, the channels that are not zero everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: list[tuple[str, int, int, int]] = []
        """Place, channels that are alive, all channels, elements of each."""

    def applied(
        self, node: Function, inputs: tuple[Any, ...], arrays: list[Any], options: dict[str, Any],
        results: tuple[Tensor, ...],
    ) -> None:  # fmt: skip
        super().applied(node, inputs, arrays, options, results)
        y = results[0]
        if node.name == "ReLU" and y.ndim in (2, 4) and y.numel():
            with _Switch(watch=None, grad=False):
                alive = int((y.detach() != 0).any(0).sum()) if y.ndim == 2 else int(
                    (y.detach().abs().amax((0, 2, 3)) > 0).sum())  # fmt: skip
            self.alive.append((self.place, alive, y.shape[1], y.numel() // y.shape[1]))


@contextmanager
def _same_stream() -> Iterator[None]:
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)


@contextmanager
def _same_buffers(model: Module) -> Iterator[None]:
    before = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        with no_grad():
            for buffer, value in before:
                buffer.copy_(value)
