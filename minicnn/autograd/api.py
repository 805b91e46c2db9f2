"""``backward`` and ``grad``: what users call, checked before the engine walks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from minicnn.autograd.engine import _Captured, walk
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, GradientError, ShapeError
from minicnn.tensor import Tensor, wrap

Tensors = Tensor | Sequence[Tensor]


def backward(
    tensors: Tensors,
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensors | None = None,
) -> None:
    """Accumulate the gradients of ``tensors`` in the ``grad`` of every leaf below them.

    Args:
        tensors: what to differentiate.
        grad_tensors: the gradient of some scalar with respect to each of ``tensors``, in their shapes; a tensor of one
            element needs none (1 is meant).
        retain_graph: keep what was saved, for another backward. Default: ``create_graph``.
        create_graph: record the pass itself, so that gradients can be differentiated.
        inputs: accumulate in these tensors only.

    Raises:
        GradientError: no graph, a freed graph, or a saved tensor that was edited in place.
        ShapeError: a seed that does not fit, or none for a tensor of several elements.

    Example:
        >>> x = mc.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4.])
    """
    outputs, seeds = _seeded("backward", _tuple(tensors), grad_tensors)
    retain = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        walk(outputs, seeds, create_graph, retain)
        return
    from minicnn.autograd.engine import accumulate

    targets = _tuple(inputs)
    for target, g in zip(targets, _grads(outputs, seeds, targets, create_graph, retain), strict=True):
        if g is not None:
            accumulate(target, [g], create_graph)


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of ``outputs`` with respect to ``inputs``, returned instead of accumulated.

    Args:
        outputs, inputs: tensors, or sequences of them.
        grad_outputs: as ``grad_tensors`` of ``backward``.
        retain_graph, create_graph: as of ``backward``.
        allow_unused: return None for an input that the outputs do not depend on, instead of raising.
        materialize_grads: return zeros for such an input.

    Example:
        >>> x = mc.tensor(3.0, requires_grad=True)
        >>> (slope,) = mc.grad(x**3, x, create_graph=True)
        >>> mc.grad(slope, x)
        (tensor(18.),)
    """
    roots, seeds = _seeded("grad", _tuple(outputs), grad_outputs)
    targets = _tuple(inputs)
    if not targets:
        raise GradientError("grad: no inputs", got="an empty sequence", rule="at least one input")
    for position, target in enumerate(targets):
        if not target.requires_grad:
            raise GradientError(f"grad: input {position} does not require a gradient", got=tuple(target.shape),
                                rule="gradients exist for tensors with requires_grad", hint="x.requires_grad_()")
    retain = create_graph if retain_graph is None else retain_graph
    found = _grads(roots, seeds, targets, create_graph, retain)
    if materialize_grads:
        return tuple(_zeros_like(t) if g is None else g for t, g in zip(targets, found, strict=True))
    if not allow_unused and any(g is None for g in found):
        position = next(i for i, g in enumerate(found) if g is None)
        raise GradientError(f"grad: the outputs do not depend on input {position}", got=tuple(targets[position].shape),
                            rule="every input takes part in the outputs", hint="allow_unused=True returns None for it")
    return found


def _grads(
    roots: list[Tensor], seeds: list[Tensor], targets: tuple[Tensor, ...], create_graph: bool, retain: bool
) -> tuple[Tensor | None, ...]:
    captured = _Captured(targets)
    walk(roots, seeds, create_graph, retain, captured)
    return tuple(captured.found.get(key) for key in captured.keys)


def _seeded(name: str, outputs: tuple[Tensor, ...], given: Any) -> tuple[list[Tensor], list[Tensor]]:
    seeds_given = _tuple(given) if given is not None else (None,) * len(outputs)
    if len(seeds_given) != len(outputs):
        raise ShapeError(f"{name}: {len(seeds_given)} gradients for {len(outputs)} tensors", rule="one for each")
    seeds = [_seed(name, out, seed) for out, seed in zip(outputs, seeds_given, strict=True)]
    return list(outputs), seeds


def _seed(name: str, out: Tensor, seed: Tensor | None) -> Tensor:
    if not out.requires_grad:
        raise GradientError(f"{name}: this tensor does not require a gradient and has no grad_fn",
                            got=f"shape {tuple(out.shape)}", rule="some input of the computation has requires_grad",
                            hint="requires_grad_() on a leaf; no detach(), no_grad() or integer step on the way")
    if seed is not None:
        if seed.shape != out.shape:
            raise ShapeError(f"{name}: the given gradient does not fit", got=f"{tuple(seed.shape)}",
                             rule=f"the shape of the tensor, here {tuple(out.shape)}")
        return seed
    if out.array.size != 1:
        raise GradientError(f"{name}: a gradient can be implied only for a tensor of one element",
                            got=f"shape {tuple(out.shape)}", rule="backward starts at a scalar, or is given gradients",
                            hint="loss.mean().backward(), or backward(gradient)")
    return wrap(backend_of(out.array).xp.ones(out.array.shape, out.array.dtype))


def _zeros_like(tensor: Tensor) -> Tensor:
    return wrap(backend_of(tensor.array).xp.zeros(tensor.array.shape, tensor.array.dtype))


def _tuple(tensors: Any) -> tuple[Any, ...]:
    if isinstance(tensors, Tensor):
        return (tensors,)
    if not isinstance(tensors, Iterable) or isinstance(tensors, str):
        raise DtypeError("grad: these are no tensors", got=type(tensors).__name__, rule="a tensor, or a list of them")
    listed = tuple(tensors)
    if not all(t is None or isinstance(t, Tensor) for t in listed):
        raise DtypeError("grad: these are not all tensors", got=", ".join(type(t).__name__ for t in listed)[:80],
                         rule="a tensor, or a list of them", hint="mc.as_tensor(value)")
    return listed
