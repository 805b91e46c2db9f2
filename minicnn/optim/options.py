"""A parameter group: what may be in it, and how an update rule gets to see its options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minicnn.errors import DtypeError, OptionError
from minicnn.tensor import Tensor

NON_NEGATIVE = frozenset({
    "lr", "eps", "weight_decay", "momentum", "alpha", "lr_decay", "initial_accumulator_value", "momentum_decay",
})  # fmt: skip
NUMBERS = NON_NEGATIVE | {"dampening", "rho"}


def check_numbers(owner: str, options: dict[str, Any]) -> None:
    """Raise where an option that is a number, or several, is something else. Errors: DtypeError, OptionError."""
    for name, value in options.items():
        if name in NUMBERS:
            number(owner, name, value)
        elif name == "betas":
            if not (isinstance(value, (tuple, list)) and len(value) == 2):
                raise OptionError(f"{owner}: betas are not two numbers", got=repr(value)[:80], rule="two numbers",
                                  hint="betas=(0.9, 0.999)")
            for beta in value:
                number(owner, name, beta)


def check_options(owner: str, options: dict[str, Any]) -> None:
    """Raise where an option that every optimiser reads in the same way is out of its range.

    Raises:
        DtypeError: for something that is no number.
        OptionError: for a negative lr, eps, …; betas or rho outside of their range; modes that exclude each other.
    """
    check_numbers(owner, options)
    for name, value in options.items():
        if name in NON_NEGATIVE and not number(owner, name, value) >= 0:  # NaN, too
            raise OptionError(f"{owner}: {name} is negative", got=f"{name} {value}", rule=f"{name} >= 0",
                              hint="maximize=True climbs instead" if name == "lr" else None)
        if name == "rho" and not 0 <= number(owner, name, value) <= 1:
            raise OptionError(f"{owner}: rho is out of range", got=value, rule="0 <= rho <= 1", hint="rho=0.9")
        if name == "betas" and not all(0 <= number(owner, name, beta) < 1 for beta in value):
            raise OptionError(f"{owner}: betas are out of range", got=value, rule="two numbers, 0 <= beta < 1",
                              hint="betas=(0.9, 0.999)")
    if options.get("differentiable"):
        raise OptionError(f"{owner}: a step is not recorded", got="differentiable=True",
                          rule="parameters are edited in place, outside of the graph",
                          hint="write the update in tensor operations, with mc.grad(..., create_graph=True)")
    if options.get("fused") and options.get("foreach"):
        raise OptionError(f"{owner}: fused and foreach exclude each other", got="fused=True, foreach=True",
                          hint="leave both out: they change nothing here")


def names_and_tensors(owner: str, params: Any) -> tuple[list[str], list[Tensor]]:
    """What a group's ``"params"`` holds: names, where it is (name, tensor) pairs, and tensors."""
    if isinstance(params, Tensor):
        return [], [params]
    if isinstance(params, set):
        raise DtypeError(f"{owner}: the parameters are a set, which has no order", got="a set",
                         rule="an ordered collection: states are saved by position", hint="a list")
    if not isinstance(params, Iterable):
        raise DtypeError(f"{owner}: a group's params are no parameters", got=type(params).__name__,
                         rule="a tensor, or an iterable of tensors or of (name, tensor) pairs",
                         hint="model.parameters()")
    listed = list(params)
    names = [item[0] for item in listed if isinstance(item, tuple) and len(item) == 2]
    if names and len(names) != len(listed):
        raise OptionError(f"{owner}: some parameters have names and some do not",
                          got=f"{len(names)} names for {len(listed)} parameters", rule="all, or none")
    tensors = [item[1] for item in listed] if names else listed
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise DtypeError(f"{owner}: a parameter is not a tensor", got=type(tensor).__name__,
                             rule="parameters are tensors", hint="model.parameters()")
    return names, tensors


def number(owner: str, name: str, value: Any) -> float:
    """``value`` as a float, where it is a number, or a tensor of one element."""
    if isinstance(value, Tensor) and value.array.size != 1:
        raise OptionError(f"{owner}: {name} is a tensor of several elements", got=tuple(value.shape),
                          rule="one element", hint="a parameter group for each value")
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        raise DtypeError(f"{owner}: {name} is not a number", got=repr(value)[:80], rule=f"{name} is an int or a float")
    try:
        return float(value)
    except OverflowError:
        raise OptionError(f"{owner}: {name} is too large", got=f"{len(str(abs(value)))} digits",
                          rule="numbers up to 1.8e308") from None


def plain(value: Any) -> Any:
    """An option as an update rule sees it: NumPy's scalars and one-element tensors become Python floats.

    A NumPy float64 would turn the arithmetic of float32 parameters into float64; Python's float never does.
    """
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    return float(value) if isinstance(value, float) or hasattr(value, "dtype") else value


def current(group: dict[str, Any], name: str) -> Any:
    """An option of a group for arithmetic and records: what the group holds, or a float where that is a Tensor."""
    value = group[name]
    return float(value) if isinstance(value, Tensor) else value


def assign(group: dict[str, Any], name: str, value: Any) -> None:
    """Give an option of a group a value. An option that is a Tensor stays that Tensor, and is filled."""
    if isinstance(group.get(name), Tensor):
        group[name].array[...] = float(value)
    else:
        group[name] = value
