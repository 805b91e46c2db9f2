"""The gradient of a function, as a function that can itself be checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.autograd.api import grad
from minicnn.autograd.mode import enable_grad
from minicnn.backend import backend_of
from minicnn.dtypes import is_float
from minicnn.nn.module import Module
from minicnn.tensor import Tensor, wrap
from minicnn.testing.problem import Problem


def gradient_function(
    fn: Callable[..., Any], inputs: list[Any], grad_outputs: Any, seed: int
) -> tuple[Callable[..., Any], list[Any]]:
    """A function from inputs, a Module's parameters, and cotangents to the gradients; and what to call it with."""
    problem = Problem(fn, inputs)
    outputs = [t for t in problem.outputs() if t.requires_grad]
    rng = np.random.default_rng(seed)
    if grad_outputs is None:
        cotangents = [wrap(backend_of(t.array).from_numpy(rng.standard_normal(tuple(t.shape)))) for t in outputs]
    else:
        cotangents = [g.detach() for g in ([grad_outputs] if isinstance(grad_outputs, Tensor) else grad_outputs)]
    for g in cotangents:
        g.requires_grad = True
    wrt = [v.tensor for v in problem.variables]
    count = len(inputs)

    def gradient(*arguments: Any) -> tuple[Tensor, ...]:
        own, seeds = list(arguments[:count]), list(arguments[count : count + len(cotangents)])
        problem.inputs = own
        targets = [x for x in own if isinstance(x, Tensor) and is_float(x.dtype) and x.requires_grad]
        parameters = list(arguments[count + len(cotangents) :])
        if isinstance(problem.fn, Module):
            _install(problem.fn, parameters)
        with enable_grad():  # values are evaluated under no_grad, but a gradient needs its graph
            results = [t for t in problem.outputs() if t.requires_grad]
            found = grad(results, targets + parameters, seeds, create_graph=True, materialize_grads=True)
            return tuple(g for g in found if g is not None)

    gradient.__name__ = f"the gradient of {problem.name}"
    parameters = wrt[sum(v.name.startswith("input ") for v in problem.variables) :]
    return gradient, [*problem.inputs, *cotangents, *parameters]


def _install(module: Module, parameters: list[Tensor]) -> None:
    """Make ``module`` compute with ``parameters`` in place of its own."""
    names = [name for name, p in module.named_parameters() if p.requires_grad]
    for name, parameter in zip(names, parameters, strict=True):
        path, _, last = name.rpartition(".")
        module.get_submodule(path)._parameters[last] = parameter  # type: ignore[assignment]  # any tensor will do here
