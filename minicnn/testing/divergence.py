"""Where a model parts from another framework's: the first layer forward, and the first backward."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np

import minicnn as mc
from minicnn.errors import ArgumentError, DataError
from minicnn.nn.module import Module
from minicnn.tensor import Tensor
from minicnn.testing.causes import Array, Trial, altered, error, relation
from minicnn.testing.difference import Difference, Divergence
from minicnn.testing.recording import free, host, numbered, restore
from minicnn.testing.zoo.bug import with_gradient_of


def find_divergence(
    model: Module, recording: str | Path | Mapping[str, Any], *inputs: Tensor,
    loss: Callable[[Any], Tensor] | None = None, rtol: float | None = None,
) -> Divergence:  # fmt: skip
    """Run ``model`` beside a recording of another framework's, and name what differs.

    Each layer gets what theirs got, forward and backward: after a difference the recorded values go on, so that every
    layer is judged by itself, and a second fault is found behind the first. For a layer that differs, variants are
    tried: other options, transposed and flipped weights, padding on the other side, and all bugs of the zoo.

    Args:
        model: with their weights, in their mode; it is left as it was. Dropout has their masks where the seeds are the
            same; else both are to be in eval().
        recording: of ``record``, or an .npz file with such keys; what is missing is not compared.
        inputs: what to run it on; the recorded ``input`` where none are given.
        loss: of the output, to compare the recorded loss and its gradient. The backward pass begins with the recorded
            ``output.grad``, where there is one.
        rtol: what differs, as a share of an array's largest value; 1e-4, or 1e-8 where both are float64.

    Raises:
        DataError: a file that is none. ArgumentError: no input, given or recorded.

    Example:
        >>> model = mc.nn.Sequential(mc.nn.Linear(2, 2), mc.nn.ReLU())
        >>> theirs = mc.testing.record(model, mc.ones(1, 2))
        >>> theirs["0"] = theirs["0"] - theirs["0.bias"]
        >>> print(mc.testing.find_divergence(model, theirs).forward[0].guess)
        theirs has no bias
    """
    theirs = _loaded(recording)
    place = next((p.device for p in model.parameters()), mc.get_default_device())
    given = list(inputs) or [mc.from_numpy(theirs[key]).to(place) for key in _present(theirs, "input")]
    if not given:
        raise ArgumentError("find_divergence: there is no input", rule="one that is given, or recorded as input")
    run = _Run(model, theirs, rtol)
    run.compare_weights()
    before = {name: b.detach().clone() for name, b in model.named_buffers()}
    try:
        run.forward(given, loss)
        run.backward()
    finally:
        restore(model, before)
    return run.found


def _loaded(recording: str | Path | Mapping[str, Any]) -> dict[str, Array]:
    if isinstance(recording, Mapping):
        return {name: np.asarray(value) for name, value in recording.items()}
    try:
        with np.load(recording, allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError, EOFError) as fault:
        raise DataError("find_divergence: the recording cannot be read", got=f"{recording}: {fault}",
                        rule="an .npz file of arrays, as np.savez writes") from None


def _present(theirs: Mapping[str, Any], name: str) -> list[str]:
    return list(takewhile(theirs.__contains__, numbered(name)))


@dataclass(frozen=True)
class _Call:
    """A module's call; ``number`` counts them as they end."""

    key: str
    number: int
    trial: Trial | None


class _Run:
    def __init__(self, model: Module, theirs: dict[str, Array], rtol: float | None) -> None:
        self.model, self.theirs, self.rtol, self.found = model, theirs, rtol, Divergence()
        self.calls: dict[str, _Call] = {}
        self.trials: list[Trial | None] = []
        self.readers: dict[int, list[str]] = {}  # the layers that took a tensor, by its id
        self.held: list[Tensor] = []  # so that no id comes twice
        self.passed: dict[str, Tensor] = {}
        self.gradients: dict[str, Array] = {}

    def compare_weights(self) -> None:
        """Parameters and buffers, before anything runs."""
        for name, tensor in [*self.model.named_parameters(), *self.model.named_buffers()]:
            self._compare(self.found.weights, name, "value", name, host(tensor))

    def forward(self, inputs: list[Tensor], loss: Callable[[Any], Tensor] | None) -> None:
        """Run the model on what theirs was given, layer by layer."""
        self.leaves = [x.detach().clone().requires_grad_() if x.is_floating_point() else x for x in inputs]
        handles = []
        for name, module in self.model.named_modules():
            handles.append(module.register_forward_pre_hook(self._before(name or "output")))
            handles.append(module.register_forward_hook(self._after(name or "output")))
        try:
            output = self.model(*self.leaves)
        finally:
            for handle in handles:
                handle.remove()
        self.output = output
        self._compare_buffers()
        if loss is not None:
            self._compare_loss(loss, output)

    def backward(self) -> None:
        """Go back with what theirs were given, and compare as we go."""
        seed = self.theirs.get("output.grad")
        params = dict(self.model.named_parameters())
        wanted = [t for t in [*self.leaves, *params.values()] if t.requires_grad]
        if not wanted or not self.output.requires_grad:
            return
        g = mc.ones_like(self.output) if seed is None else mc.from_numpy(seed).to(self.output)
        found = mc.grad(self.output, wanted, g, allow_unused=True)
        by_tensor = {id(t): host(d) for t, d in zip(wanted, found, strict=True) if d is not None}
        differences: list[tuple[int, Difference]] = []
        for key, x in zip(numbered("input"), self.leaves, strict=False):
            self._judge_slope(differences, key, x, by_tensor.get(id(x)))
        for key, passed in self.passed.items():
            self._judge_slope(differences, key, passed, self.gradients.get(key))
        for name, parameter in params.items():
            self._judge_parameter(differences, name, by_tensor.get(id(parameter)))
        differences.sort(key=lambda pair: -pair[0])
        self.found.backward += [d for _, d in differences]

    def _before(self, name: str) -> Callable[..., None]:
        def hook(module: Module, args: tuple[Any, ...]) -> None:
            tensors = [a for a in args if isinstance(a, Tensor)]
            trial = None
            if tensors and not any(True for _ in module.children()):
                trial = Trial(altered(module), tensors[0].detach().clone(), mc.get_rng_state())
                for t in tensors:
                    self.readers.setdefault(id(t), []).append(free(self.calls, name))
            self.held += tensors
            self.trials.append(trial)

        return hook

    def _after(self, name: str) -> Callable[..., Any]:
        def hook(module: Module, args: Any, out: Any) -> Any:  # noqa: ARG001 (a hook's form)
            key = free(self.calls, name)
            call = self.calls[key] = _Call(key, len(self.calls), self.trials.pop())
            if not isinstance(out, Tensor):
                return None
            self._compare(self.found.forward, key, "result", key, host(out), call)
            theirs = self.theirs.get(key)
            if theirs is None or theirs.shape != tuple(out.shape) or not out.is_floating_point():
                return None
            right = with_gradient_of(mc.from_numpy(theirs).to(out), out)
            if right.requires_grad:
                right.register_hook(self._healer(key))
                self.passed[key] = right
            return right

        return hook

    def _healer(self, key: str) -> Callable[[Tensor], Tensor | None]:
        def heal(g: Tensor) -> Tensor | None:
            self.gradients[key] = host(g)
            theirs = self.theirs.get(f"{key}.grad")
            return None if theirs is None or theirs.shape != tuple(g.shape) else mc.from_numpy(theirs).to(g)

        return heal

    def _compare(self, into: list[Difference], layer: str, what: str, key: str, ours: Array,
                 call: _Call | None = None, floor: float = 0.0) -> None:  # fmt: skip
        """A difference of ours and theirs goes into the list; ``call`` can be repeated to find its cause."""
        if key not in self.theirs:
            self.found.missing.append(key)
            return
        theirs = self.theirs[key]
        self.found.compared.append(key)
        rtol = self._rtol(ours, theirs)
        off = error(ours, theirs, floor)
        if off <= rtol:
            return
        at: tuple[int, ...] = ()
        if np.isfinite(off):
            at = tuple(int(i) for i in np.unravel_index(int(np.argmax(np.abs(ours - theirs))), ours.shape))
        both = (float(ours[at]), float(theirs[at])) if ours.shape == theirs.shape else (np.nan, np.nan)
        if call is None or call.trial is None:
            guess = relation(ours, theirs, rtol, self._batch())
        else:
            result, g = self.theirs.get(call.key), self.theirs.get(f"{call.key}.grad")
            guess = call.trial.guess(what, theirs, result, g, rtol)
        into.append(Difference(layer, what, off, at, *both, guess))

    def _rtol(self, ours: Array, theirs: Array) -> float:
        return self.rtol or (1e-8 if ours.dtype == theirs.dtype == np.float64 else 1e-4)

    def _batch(self) -> int:
        first = self.leaves[0] if hasattr(self, "leaves") else None
        return len(first) if first is not None and first.ndim else 0

    def _compare_buffers(self) -> None:
        for name, buffer in self.model.named_buffers():
            key = f"{name}.after"
            if key in self.theirs:
                layer, _, own = name.rpartition(".")
                self._compare(self.found.forward, layer, own, key, host(buffer), self.calls.get(layer))

    def _compare_loss(self, loss: Callable[[Any], Tensor], output: Tensor) -> None:
        leaf = output.detach().clone().requires_grad_()
        value = loss(leaf)
        (slope,) = mc.grad(value, [leaf])
        self._compare(self.found.forward, "loss", "result", "loss", host(value))
        self._compare(self.found.backward, "loss", "gradient of input", "output.grad", host(slope))

    def _judge_slope(self, into: list[tuple[int, Difference]], key: str, taken: Tensor, ours: Array | None) -> None:
        """The gradient of what ``key`` gave: the work of those that took it, or of what is between it and the next."""
        if ours is None or key == "output":
            return
        readers = [self.calls[name] for name in self.readers.get(id(taken), ())]
        one = readers[0] if len(readers) == 1 else None
        found: list[Difference] = []
        layer = " or ".join(call.key for call in readers) or f"after {key}"
        own = one.trial.slope(self.theirs.get(f"{one.key}.grad")) if one is not None and one.trial is not None else None
        theirs = self.theirs.get(f"{key}.grad")
        if own is not None and theirs is not None and error(own, ours) > self._rtol(ours, theirs):
            self._judge_share(found, key, layer, ours, own)
        else:
            self._compare(found, layer, "gradient of input", f"{key}.grad", ours, one)
        after = self.calls[key].number + 1 if key in self.calls else 0
        into += [(max([call.number for call in readers], default=after), d) for d in found]

    def _judge_share(self, into: list[Difference], key: str, reader: str, ours: Array, own: Array) -> None:
        """As ``_judge_slope`` where no layer but an operation, such as a residual's sum, takes the same tensor, too."""
        found: list[Difference] = []
        self._compare(found, reader, "gradient of input", f"{key}.grad", ours)
        theirs = self.theirs[f"{key}.grad"]
        rtol = self._rtol(ours, theirs)
        for d in found:
            layer, guess = f"{reader}, or what else takes the result of {key}", d.guess
            if error(own, theirs) <= rtol:
                layer = f"after {key}"
                guess = f"theirs has the gradient of {reader} only: what else takes it gives none"
            elif error(ours - own, theirs) <= rtol:
                layer, guess = reader, f"theirs lacks the gradient of {reader}"
            into.append(replace(d, layer=layer, guess=guess))

    def _judge_parameter(self, into: list[tuple[int, Difference]], name: str, ours: Array | None) -> None:
        layer, _, own = name.rpartition(".")
        call = self.calls.get(layer or "output")
        if ours is None or call is None:
            return
        found: list[Difference] = []
        once = f"{call.key}:2" not in self.calls
        g = self.theirs.get(f"{call.key}.grad")
        # A bias sums g, and before a batch norm to nothing but rounding: that is measured by g.
        floor = float(np.abs(g).max(initial=0.0)) if g is not None and ours.ndim == 1 else 0.0
        self._compare(found, layer, f"gradient of {own}", f"{name}.grad", ours, call if once else None, floor)
        into += [(call.number, d) for d in found]
