"""What losses share: the reduction of one number for each element to one for all, and the checks of their inputs."""

from __future__ import annotations

from minicnn.autograd.function import mixed_devices
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, warn
from minicnn.ops.operands import choice
from minicnn.tensor import Tensor

REDUCTIONS = ("mean", "sum", "none")


def reduction_of(
    name: str, reduction: str, size_average: bool | None, reduce: bool | None, also: tuple[str, ...] = ()
) -> str:
    """The reduction meant, by its name or by PyTorch's two deprecated flags. Errors: OptionError."""
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        warn(f"{name}: size_average and reduce are deprecated; write reduction={reduction!r}")
    return str(choice(name, "reduction", reduction, (*REDUCTIONS, *also)))


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """The mean of ``losses``, their sum, or the losses themselves."""
    if reduction == "mean":
        return losses.mean()
    return losses.sum() if reduction == "sum" else losses


def check_float(name: str, **inputs: Tensor | None) -> None:
    """Raise where one of ``inputs`` is not floating point."""
    for which, x in inputs.items():
        if x is not None and x.array.dtype.kind != "f":
            raise DtypeError(f"{name}: {which} is not floating point", got=f"{which} of {x.array.dtype}",
                             rule=f"{name} is of floating point tensors",
                             hint=f"{which}.float()" + ("; or the output before the target" * (which == "input")))


def check_one_device(name: str, *tensors: Tensor | None) -> None:
    """Raise where ``tensors`` are not all on one device."""
    there = tuple(t for t in tensors if t is not None)
    if len({backend_of(t.array) for t in there}) > 1 and len({t.device for t in there}) > 1:
        raise mixed_devices(name, there)


def warn_if_broadcast(name: str, input: Tensor, target: Tensor) -> None:
    """Warn where the shapes differ: a mean over the broadcast pairs is seldom what was meant."""
    if input.array.shape != target.array.shape:
        warn(f"{name}: the target's size {tuple(target.shape)} differs from the input's {tuple(input.shape)}; "
             "they are broadcast, which is probably not what was meant")
