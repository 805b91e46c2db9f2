"""What ``lint`` looks for, one function each: what courses see most often go wrong."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from minicnn.inspect.survey import Operation
from minicnn.nn.layers.batch_norm import _BatchNorm
from minicnn.nn.layers.dropout import _Dropout
from minicnn.nn.module import Module
from minicnn.tensor import Tensor

BATCHES = 8
"""Batches of a loader that are looked at."""

ENOUGH = 16
"""Elements of a channel, or labels, from which on chance is no explanation."""


@dataclass(frozen=True)
class Finding:
    """One misconception.

    Attributes:
        rule: its name.
        place: the layer, parameter or argument.
        message: what is wrong.
        hint: what to do instead.
    """

    rule: str
    place: str
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.place}: {self.message}\n  try   {self.hint}"


def list_of_layers(model: Module) -> Iterator[Finding]:
    """Layers in a plain list, tuple or dict, where ``parameters()`` does not see them."""
    registered = set(model.modules())
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name in ("_modules", "_parameters", "_buffers") or not isinstance(value, list | tuple | dict):
                continue
            held = value.values() if isinstance(value, dict) else value
            lost = [m for m in held if isinstance(m, Module) and m not in registered]
            if lost:
                kind, keeper = type(value).__name__, "ModuleDict" if isinstance(value, dict) else "ModuleList"
                yield Finding("list-of-layers", f"{path}.{name}".lstrip("."),
                              f"a {kind} hides layers ({len(lost)}): they are neither trained nor saved nor moved",
                              f"nn.{keeper}(…), or nn.Sequential(…)")  # fmt: skip


def eval_forgotten(model: Module) -> Iterator[Finding]:
    """Layers that work otherwise in training, in a model that is about to be tested."""
    awake = [name or type(m).__name__ for name, m in model.named_modules()
             if m.training and isinstance(m, _Dropout | _BatchNorm)]  # fmt: skip
    if awake:
        yield Finding("eval-forgotten", _listed(awake), "in training mode: noise drops units, or a batch's own "
                      "statistics normalise it, while the model is tested",
                      "model.eval() before, model.train() afterwards")  # fmt: skip


def pixels_to_255(inputs: Tensor) -> Iterator[Finding]:
    """Images of bytes, or of the numbers that bytes hold."""
    if not inputs.is_floating_point():
        yield Finding("pixels-to-255", "inputs", f"of {inputs.dtype}, and layers compute with floating point numbers",
                      "images.float() / 255, or transforms.ToTensor()")  # fmt: skip
    elif inputs.numel() and inputs.max().item() > 32 and inputs.min().item() >= 0:
        yield Finding("pixels-to-255", "inputs", f"up to {inputs.max().item():g}: weights are initialised for numbers "
                      "around 0, of size 1", "images / 255, then transforms.Normalize(mean, std)")  # fmt: skip


def bias_before_norm(operations: list[Operation]) -> Iterator[Finding]:
    """A bias that is taken off again with the mean."""
    maker = _makers(operations)
    seen = set()
    for operation in operations:
        norm = operation.call.module if operation.call is not None else None
        if operation.name not in ("Normalise", "ScaleShift") or not isinstance(norm, _BatchNorm):
            continue
        before = _behind_views(maker, operation.inputs[0])
        layer = before.call.module if before is not None and before.call is not None else None
        if before is None or layer in seen or getattr(layer, "bias", None) is None or isinstance(layer, _BatchNorm):
            continue
        seen.add(layer)
        yield Finding("bias-before-norm", before.path, f"its bias has no effect: {operation.path} takes off the mean",
                      f"{type(layer).__name__}(…, bias=False)")  # fmt: skip


def dead_relus(alive: Iterable[tuple[str, int, int, int]]) -> Iterator[Finding]:
    """ReLUs most of whose channels are 0 for all images at all positions."""
    for place, living, channels, elements in alive:
        if elements >= ENOUGH and living < channels / 2:
            yield Finding("dead-relus", place, f"{channels - living} of {channels} channels are 0 for the whole batch, "
                          "and get no gradient",
                          "a smaller learning rate, kaiming_normal_, normalised inputs, LeakyReLU")  # fmt: skip


def softmax_twice(operations: list[Operation]) -> Iterator[Finding]:
    """A softmax (or sigmoid) of what is one."""
    maker = _makers(operations)
    pairs = {"Softmax": "softmax", "LogSoftmax": "softmax", "SoftmaxNLL": "softmax", "Sigmoid": "sigmoid",
             "LogSigmoid": "sigmoid"}  # fmt: skip
    for operation in operations:
        kind = pairs.get(operation.name)
        before = _behind_views(maker, operation.inputs[0]) if kind else None
        if before is not None and pairs.get(before.name) == kind:
            where = before.path or "the model's output"
            yield Finding("softmax-twice", where, f"a {kind}, of which the loss takes the {kind} once more: gradients "
                          "become small, and the loss never nears 0", "return the scores; cross_entropy does the rest")


def zero_gradients(gradients: Mapping[str, Tensor | None]) -> Iterator[Finding]:
    """Parameters that will not move."""
    absent = [name for name, g in gradients.items() if g is None]
    zero = [name for name, g in gradients.items() if g is not None and not bool((g != 0).any())]
    if absent:
        yield Finding("zero-gradients", _listed(absent), "the loss does not depend on it",
                      "use the layer in forward; no detach(), no_grad(), argmax or .item() on the way")  # fmt: skip
    if zero:
        yield Finding("zero-gradients", _listed(zero), "the gradient is 0 everywhere",
                      "look for dead ReLUs, saturated sigmoids and weights that are all 0")  # fmt: skip


def unshuffled(loader: Iterable[Any]) -> Iterator[Finding]:
    """Batches whose labels come class by class."""
    labels: list[int] = []
    for batch in itertools.islice(loader, BATCHES):
        if not isinstance(batch, tuple | list) or len(batch) != 2 or not isinstance(batch[1], Tensor):
            return
        if batch[1].is_floating_point() or batch[1].ndim != 1:
            return
        labels += batch[1].tolist()
    changes = sum(a != b for a, b in itertools.pairwise(labels))
    if len(labels) >= ENOUGH and changes < len(set(labels)):
        yield Finding("unshuffled", "loader", f"the first {len(labels)} labels come class by class, {len(set(labels))} "
                      "of them: every batch unlearns the one before", "DataLoader(…, shuffle=True)")  # fmt: skip


def _makers(operations: list[Operation]) -> dict[int, Operation]:
    """What made the values of each tensor, by its identity; the survey holds them all."""
    return {id(operation.output): operation for operation in operations}


def _behind_views(maker: dict[int, Operation], x: Tensor) -> Operation | None:
    """The operation that computed what ``x`` shows."""
    found = maker.get(id(x))
    while found is not None and (found.node.is_view or found.name in ("Reshape", "Clone", "Contiguous")):
        found = maker.get(id(found.inputs[0]))
    return found


def _listed(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
