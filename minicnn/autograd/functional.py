"""Derivatives of functions, by PyTorch's names: Jacobians, Hessians, and their products with vectors.

Every ``func`` takes the ``inputs`` (a tensor, or each of a tuple) and returns a tensor or a tuple of them. Results have
their structure: a tuple where the inputs (or the outputs) are one. ``strict=True`` raises where an output does not
depend on an input, instead of giving zeros; ``create_graph=True`` lets the result be differentiated itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn.autograd.api import _zeros_like, grad
from minicnn.autograd.mode import enable_grad
from minicnn.errors import DtypeError, GradientError, OptionError, ShapeError
from minicnn.tensor import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = tuple[Tensor, ...]
Function = Callable[..., Any]


def jacobian(
    func: Function, inputs: Any, create_graph: bool = False, strict: bool = False,
    vectorize: bool = False, strategy: str = "reverse-mode",  # noqa: ARG001 (PyTorch's; there is one way)
) -> Any:  # fmt: skip
    """The derivative of every element of the outputs with respect to every element of the inputs.

    Args:
        func, inputs, create_graph, strict: as the module's text says.
        vectorize, strategy: accepted for PyTorch's sake; they change nothing.

    Shapes: ``output.shape + input.shape``; with tuples, ``result[i][j]`` is of output i and input j.

    Example:
        >>> mc.autograd.functional.jacobian(lambda x: x**2, mc.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise OptionError(f"jacobian: strategy={strategy!r} is not an option", got=repr(strategy),
                          rule='"reverse-mode" or "forward-mode"')
    with enable_grad():
        xs = _leaves("jacobian", inputs, create_graph)
        found = func(*xs)
        rows = tuple(_jacobian_of(y, xs, create_graph, strict) for y in _outputs("jacobian", found))
    return _like(found, tuple(_like(inputs, row) for row in rows))


def _jacobian_of(y: Tensor, xs: Tensors, create_graph: bool, strict: bool) -> Tensors:
    # Joining the rows is an operation, and those are a room above.
    from minicnn.ops.join import stack

    rows = [_gradients("jacobian", (element,), xs, None, create_graph, strict) for element in y.reshape(-1)]
    if not rows:
        return tuple(_zeros_like(x).expand(*y.shape, *x.shape) for x in xs)
    return tuple(stack(column).reshape(*y.shape, *column[0].shape) for column in zip(*rows, strict=True))


def hessian(
    func: Function, inputs: Any, create_graph: bool = False, strict: bool = False,
    vectorize: bool = False, outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The second derivatives of ``func``, which returns one element. Args: as ``jacobian``.

    Shapes: ``input.shape + input.shape``; with a tuple of inputs, ``result[i][j]`` is of inputs i and j.

    Example:
        >>> mc.autograd.functional.hessian(lambda x: (x**3).sum(), mc.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """

    def slopes(*xs: Tensor) -> Any:
        found = jacobian(lambda *x: _single("hessian", func(*x)), xs, create_graph=True)
        if strict and not all(slope.tracked for slope in found):
            raise _independent("hessian", "the slope is constant")
        return found

    found = jacobian(slopes, _tuple(inputs), create_graph, strict, vectorize, outer_jacobian_strategy)
    return _like(inputs, tuple(_like(inputs, row) for row in found))


def vjp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(outputs, vᵀ · Jacobian)``: what ``backward`` computes. ``v`` is as the outputs; one element needs none.

    Example:
        >>> mc.autograd.functional.vjp(lambda x: x**2, mc.tensor([1.0, 2.0]), mc.ones(2))
        (tensor([1., 4.]), tensor([2., 4.]))
    """
    with enable_grad():
        xs = _leaves("vjp", inputs, create_graph)
        found = func(*xs)
        ys = _outputs("vjp", found)
        products = _gradients("vjp", ys, xs, _directions("vjp", v, ys, "outputs"), create_graph, strict)
    return _finished(found, ys, create_graph), _like(inputs, products)


def jvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(outputs, Jacobian · v)``: how the outputs change when the inputs move along ``v``, which is as the inputs.

    Vᵀ · Jacobian is linear in V, and its derivative along v is Jacobian · v: two backward passes.

    Example:
        >>> mc.autograd.functional.jvp(lambda x: x**2, mc.tensor([1.0, 2.0]), mc.ones(2))
        (tensor([1., 4.]), tensor([2., 4.]))
    """
    with enable_grad():
        xs = _leaves("jvp", inputs, create_graph)
        directions = _directions("jvp", v, xs, "inputs")
        found = func(*xs)
        ys = _outputs("jvp", found)
        cotangents = tuple(_zeros_like(y).requires_grad_() for y in ys)
        slopes = _gradients("jvp", ys, xs, cotangents, True, strict)
        products = _gradients("jvp", slopes, cotangents, directions, create_graph, strict)
    return _finished(found, ys, create_graph), _like(found, products)


def vhp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(output, vᵀ · Hessian)`` of a function that returns one element; ``v`` is as the inputs."""
    with enable_grad():
        xs = _leaves("vhp", inputs, create_graph)
        directions = _directions("vhp", v, xs, "inputs")
        y = _single("vhp", func(*xs))
        slopes = _gradients("vhp", (y,), xs, None, True, strict)
        products = _gradients("vhp", slopes, xs, directions, create_graph, strict)
    return _finished(y, (y,), create_graph), _like(inputs, products)


def hvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(output, Hessian · v)``: the Hessian is symmetric, so it is ``vhp``."""
    return vhp(func, inputs, v, create_graph, strict)


def _gradients(
    name: str, ys: Tensors, xs: Tensors, cotangents: Tensors | None, create_graph: bool, strict: bool
) -> Tensors:
    """``grad`` with zeros (or, where ``strict``, an error) for what does not depend."""
    tracked = [i for i, y in enumerate(ys) if y.tracked]
    if strict and len(tracked) < len(ys):
        raise _independent(name, "an output is constant")
    found: tuple[Tensor | None, ...] = (None,) * len(xs)
    if tracked:
        given = None if cotangents is None else [cotangents[i] for i in tracked]
        found = grad([ys[i] for i in tracked], xs, given, True, create_graph, allow_unused=True)
    if strict and any(g is None for g in found):
        raise _independent(name, f"nothing depends on input {next(i for i, g in enumerate(found) if g is None)}")
    return tuple(_zeros_like(x) if g is None else g for x, g in zip(xs, found, strict=True))


def _independent(name: str, what: str) -> GradientError:
    return GradientError(f"{name}: {what}", rule="with strict=True every output depends on every input",
                         hint="strict=False gives zeros there")


def _leaves(name: str, inputs: Any, create_graph: bool) -> Tensors:
    """The inputs apart from their past, or with it where the result is to be differentiated."""
    xs = _tuple(inputs)
    if not xs or not all(isinstance(x, Tensor) for x in xs):
        raise DtypeError(f"{name}: the inputs are not all tensors", got=repr(inputs)[:80],
                         rule="a tensor, or a tuple of them", hint="mc.as_tensor(value)")
    return tuple(x.view_as(x) if create_graph and x.tracked else x.detach().requires_grad_() for x in xs)


def _outputs(name: str, found: Any) -> Tensors:
    ys = _tuple(found)
    if not all(isinstance(y, Tensor) for y in ys):
        raise DtypeError(f"{name}: the function returned {type(found).__name__}", got=repr(found)[:80],
                         rule="it returns a tensor, or a tuple of them")
    return ys


def _single(name: str, found: Any) -> Tensor:
    if not isinstance(found, Tensor) or found.array.size != 1:
        raise ShapeError(f"{name}: the function does not return one element", hint="its .sum(), or jacobian",
                         got=tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__,
                         rule="second derivatives are of one number")
    return found.reshape(())


def _directions(name: str, v: Any, of: Tensors, what: str) -> Tensors | None:
    """``v``, checked against what it is a direction of; None where that has one element and needs none."""
    if v is None:
        if len(of) == 1 and of[0].array.size == 1:
            return None
        raise GradientError(f"{name}: no vector v", got="None", rule=f"v may be left out where the {what} are 1 number",
                            hint=f"v of the shape of the {what}")
    vs = _tuple(v)
    if len(vs) != len(of) or any(a.shape != b.shape for a, b in zip(vs, of, strict=True)):
        raise ShapeError(f"{name}: v does not fit the {what}", got=", ".join(str(tuple(a.shape)) for a in vs),
                         rule=", ".join(str(tuple(b.shape)) for b in of))
    return vs


def _finished(found: Any, ys: Tensors, create_graph: bool) -> Any:
    return _like(found, ys if create_graph else tuple(y.detach() for y in ys))


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _like(pattern: Any, found: tuple[Any, ...]) -> Any:
    """``found``, or its only member where ``pattern`` is no tuple."""
    return found if isinstance(pattern, (tuple, list)) else found[0]
