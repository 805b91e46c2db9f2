"""What may be behind a layer that differs: variants of it are tried until one gives the other's numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.errors import MinicnnError
from minicnn.nn.module import Module
from minicnn.tensor import Tensor
from minicnn.testing.recording import host
from minicnn.testing.zoo import ZOO, Bug

Array = np.ndarray[Any, Any]
Run = Callable[[Tensor], Any]

_ATTRIBUTES: dict[str, tuple[Any, ...]] = {
    "eps": (1e-3, 1e-5, 1e-6, 1e-8, 1e-12, 0.0),
    "momentum": (0.01, 0.1, 0.9, 0.99),
    "negative_slope": (0.01, 0.1, 0.2, 0.3),
    "padding_mode": ("zeros", "reflect", "replicate", "circular"),
    "count_include_pad": (True, False),
    "ceil_mode": (True, False),
    "approximate": ("none", "tanh"),
    "align_corners": (True, False),
    "dim": (0, 1, 2, 3, -1),
    "alpha": (1.0, 1.6732632423543772),
}
"""Options that differ between frameworks, and what they have been seen to be."""


def error(ours: Array, theirs: Array, floor: float = 0.0) -> float:
    """The largest difference, as a share of the largest value, or of ``floor``; infinite for other shapes."""
    if ours.shape != theirs.shape:
        return float("inf")
    with np.errstate(all="ignore"):
        gap = np.abs(ours - theirs)
    gap = np.where((ours == theirs) | (np.isnan(ours) & np.isnan(theirs)), 0.0, gap)
    worst = float(gap.max(initial=0.0))
    return float("inf") if np.isnan(worst) else worst / max(float(np.abs(theirs).max(initial=0.0)), floor, 1e-30)


@dataclass(frozen=True)
class Trial:
    """A layer's call: enough to repeat it, in variants.

    Attributes:
        module: a copy of the layer as it was before.
        x: its first input.
        stream: the random state then.
    """

    module: Module
    x: Tensor
    stream: Tensor

    def guess(self, what: str, theirs: Array, result: Array | None, g: Array | None, rtol: float) -> str:
        """The variant that gives ``theirs``, or how theirs follows from ours; empty if neither is to be had.

        ``what`` is "result", "gradient of input", or of a parameter, or a buffer's name; ``result`` is what theirs
        gave, which a variant has to give as well, and ``g`` its gradient.
        """
        best = (rtol, "")
        for story, module, run in _variants(self.module, self.x):
            found = self._outcome(module, run, what, result, g, rtol)
            if found is not None and error(found, theirs) < best[0]:
                best = (error(found, theirs), story)
        if best[1]:
            return best[1]
        if what == "gradient of input" and g is not None and error(g, theirs) < rtol:
            return "theirs lets the gradient through unchanged"
        module = altered(self.module)
        ours = self._outcome(module, module.forward, what, None, g, rtol)
        return "" if ours is None else relation(ours, theirs, rtol, len(self.x) if self.x.ndim else 0)

    def slope(self, g: Array | None) -> Array | None:
        """The layer's own gradient of its input; None where it has none."""
        module = altered(self.module)
        return self._outcome(module, module.forward, "gradient of input", None, g, 0.0)

    def _outcome(self, module: Module, run: Run, what: str, result: Array | None, g: Array | None, rtol: float
                 ) -> Array | None:  # fmt: skip
        """What a variant gives; None where it cannot, or its result is not the one that is wanted."""
        leaf = self.x.detach().clone()
        if leaf.is_floating_point():
            leaf.requires_grad_()
        stream = mc.get_rng_state()
        mc.set_rng_state(self.stream)
        try:
            out = run(leaf)
            if what == "result":
                return host(out)
            if result is not None and error(host(out), result) > rtol:
                return None
            if what in module._buffers:
                return host(module._buffers[what])
            name = what.removeprefix("gradient of ")
            target = leaf if name == "input" else self.module._parameters[name]
            if g is None or target is None or g.shape != tuple(out.shape):
                return None
            (found,) = mc.grad(out, [target], mc.from_numpy(g).to(out), allow_unused=True)
            return None if found is None else host(found)
        except (MinicnnError, AttributeError, KeyError, TypeError, ValueError):
            return None  # this variant does not exist for such a layer
        finally:
            mc.set_rng_state(stream)


def relation(ours: Array, theirs: Array, rtol: float, batch: int = 0) -> str:
    """A simple way from ours to theirs, if there is one."""
    if theirs.size and not theirs.any():
        return "theirs is zero everywhere"
    if np.isnan(theirs).any():
        return "theirs has NaN"
    for order in permutations(range(ours.ndim)) if 1 < ours.ndim <= 5 else ():
        if order != tuple(range(ours.ndim)) and error(ours.transpose(order), theirs) < rtol:
            return f"theirs is transposed: ours.permute{order}"
    if ours.shape != theirs.shape:
        return f"ours has the shape {ours.shape}, theirs {theirs.shape}"
    for axis in range(ours.ndim):
        if error(np.flip(ours, axis), theirs) < rtol:
            return f"theirs is ours flipped along dim {axis}"
    if ours.ndim >= 2 and error(np.flip(ours, (-2, -1)), theirs) < rtol:
        return "theirs is ours with the kernel flipped"
    ratio = float((ours * theirs).sum() / max(float((ours * ours).sum()), 1e-300))
    if ratio and error(ours * ratio, theirs) < rtol:
        counts = {float(batch): "the batch", float(ours.size): "its elements"} if batch else {}
        sums = [f": a sum over {name} where ours is a mean" for n, name in counts.items() if abs(ratio / n - 1) < rtol]
        means = [f": a mean over {name} where ours is a sum" for n, name in counts.items() if abs(ratio * n - 1) < rtol]
        return f"theirs is ours times {ratio:.6g}" + next(iter([*sums, *means]), "")
    return ""


def altered(module: Module, **changes: Any) -> Module:
    """A copy that shares the parameters, but for ``changes``, and has its own buffers."""
    clone = copy.copy(module)
    clone._parameters = dict(module._parameters)
    clone._buffers = {name: None if b is None else b.detach().clone() for name, b in module._buffers.items()}
    for name, value in changes.items():
        if name in clone._parameters:
            clone._parameters[name] = value
        else:
            object.__setattr__(clone, name, value)
    return clone


def _variants(module: Module, x: Tensor) -> Iterator[tuple[str, Module, Run]]:
    """Wrong layers that are nearly this one: the story, a copy of the layer, and how it is run."""
    for story, changes in _changes(module):
        clone = altered(module, **changes)
        yield story, clone, clone.forward
    plain = altered(module)
    if x.ndim == 4:
        yield "theirs takes channels last, (N, H, W, C)", plain, lambda t: plain.forward(t.permute(0, 2, 3, 1))
        late = _late_padding(module)
        if late is not None:
            yield "theirs pads more on the right and below, as TensorFlow's same padding does", plain, late
    for bug in ZOO.values():
        clone = altered(module)
        yield f"as in the zoo's {bug.name}: {bug.story}", clone, _with_bug(bug, clone)


def _changes(module: Module) -> Iterator[tuple[str, dict[str, Any]]]:
    """Other options and parameters."""
    for name, values in _ATTRIBUTES.items():
        own = getattr(module, name, None)
        yield from ((f"theirs has {name}={value!r}, ours {own!r}", {name: value}) for value in values
                    if own is not None and value != own)
    if module._buffers or hasattr(module, "p"):
        mode = "eval()" if module.training else "train()"
        yield f"theirs is in {mode}, ours is not", {"training": not module.training}
    weight, bias = module._parameters.get("weight"), module._parameters.get("bias")
    if bias is not None:
        yield "theirs has no bias", {"bias": None}
    if weight is None:
        return
    if weight.ndim == 1:
        yield "theirs has no weight and bias", {"weight": None, "bias": None}
    if weight.ndim >= 2 and weight.shape[0] == weight.shape[1]:
        yield "theirs has its weight transposed, inputs for outputs", {"weight": weight.transpose(0, 1)}
    if weight.ndim == 4:
        yield "theirs has its kernel transposed, rows for columns", {"weight": weight.transpose(2, 3)}
        yield "theirs has its kernel flipped: a convolution, not a correlation", {"weight": weight.flip(2, 3)}


def _late_padding(module: Module) -> Run | None:
    """The odd pixel of padding on the other side."""
    padding = getattr(module, "padding", None)
    kernel, stride = getattr(module, "kernel_size", None), getattr(module, "stride", None)
    if padding is None or isinstance(padding, str) or kernel is None:
        return None
    fill = float("-inf") if "Max" in type(module).__name__ else 0.0
    sizes = [v if isinstance(v, tuple) else (v, v) for v in (kernel, stride)]
    clone = altered(module, padding=(0, 0))

    def run(t: Tensor) -> Any:
        totals = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(t.shape[2:], *sizes, strict=True)]
        sides = [side for total in reversed(totals) for side in (total // 2, total - total // 2)]
        return clone.forward(F.pad(t, tuple(sides), value=fill))

    return run


def _with_bug(bug: Bug, module: Module) -> Run:
    def run(t: Tensor) -> Any:
        with bug.installed():
            return module.forward(t)

    return run
