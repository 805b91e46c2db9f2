"""What normalisation checks of its inputs: dimensions, channels, dtypes and devices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.nn.functional.reduction import check_one_device
from minicnn.shapes.sizes import size_tuple
from minicnn.tensor import Tensor

Array = Any


def check_channels(name: str, input: Tensor, **vectors: Tensor | None) -> None:
    """Raise unless the input is (N, C, *) of floats, and each of ``vectors`` (C,), of its dtype, on its device."""
    array = input.array
    if array.dtype.kind == "f" and array.ndim > 1 and _all_beside(array, vectors.values()):
        return  # as nearly always, and in a third of the time of what follows
    check_float(name, input)
    if input.ndim < 2:
        raise ShapeError(f"{name}: the input has no channels", got=f"input {tuple(input.shape)}",
                         rule="(N, C, *): at least 2 dimensions", hint="x.unsqueeze(0)")
    check_one_device(name, input, *vectors.values())
    C = input.array.shape[1]
    for vector, values in vectors.items():
        if values is not None and values.array.shape != (C,):
            raise ShapeError(f"{name}: the input has {C} channels, {vector} is for {tuple(values.shape)}",
                             got=f"input {tuple(input.shape)}, {vector} {tuple(values.shape)}",
                             rule=f"{vector}.shape == (input.shape[1],)", hint=f"num_features={C}")
    check_dtypes(name, input, vectors)


def _all_beside(x: Array, vectors: Iterable[Tensor | None]) -> bool:
    """Whether all of ``vectors`` that are there are (C,), of x's dtype and on its device."""
    sizes, dtype, backend = x.shape[1:2], x.dtype, backend_of(x)
    for values in vectors:
        if values is not None:
            a = values.array
            if a.shape != sizes or a.dtype != dtype or backend_of(a) is not backend:
                return False
    return True


def last_axes(name: str, input: Tensor, normalized_shape: Sequence[int], **given: Tensor | None) -> tuple[int, ...]:
    """The dimensions of ``normalized_shape`` at the input's end. Errors: ShapeError, DtypeError."""
    check_float(name, input)
    if not isinstance(normalized_shape, Sequence):
        raise DtypeError(f"{name}: normalized_shape is no sequence", got=f"{normalized_shape!r:.80}",
                         rule="a sequence of sizes", hint=f"({normalized_shape!r:.80},)")
    sizes = size_tuple(name, (normalized_shape,))
    if not sizes or tuple(input.shape[-len(sizes) :]) != sizes:
        raise ShapeError(f"{name}: the input does not end in normalized_shape",
                         got=f"input {tuple(input.shape)}, normalized_shape {sizes}",
                         rule="input.shape[-len(normalized_shape):] == normalized_shape, which is not empty")
    for which, values in given.items():
        if values is not None and tuple(values.shape) != sizes:
            raise ShapeError(f"{name}: {which} is not of normalized_shape", got=f"{which} {tuple(values.shape)}",
                             rule=f"{which}.shape == normalized_shape, here {sizes}")
    if name != "rms_norm":  # which takes any
        check_dtypes(name, input, given)
    return tuple(range(input.ndim - len(sizes), input.ndim))


def check_dtypes(name: str, input: Tensor, given: dict[str, Tensor | None]) -> None:
    """Weights and statistics have the input's dtype; those of a float16 input may be float32."""
    dtypes = {which: values.array.dtype for which, values in given.items() if values is not None}
    own = input.array.dtype
    if len({own, *dtypes.values()}) > 1 and (own != "float16" or any(d != "float32" for d in dtypes.values())):
        raise DtypeError(f"{name}: the dtypes differ",
                         got=", ".join(f"{which} {dtype}" for which, dtype in {"input": own, **dtypes}.items()),
                         rule="weight, bias and running statistics have the input's dtype (of float16, or float32)",
                         hint="input.to(weight.dtype), or model.to(input.dtype)")


def check_eps(name: str, eps: float) -> None:
    """Raise where eps is negative."""
    if eps < 0:
        raise OptionError(f"{name}: eps is negative", got=f"eps={eps}", rule="eps >= 0")


def check_float(name: str, input: Tensor) -> None:
    """Raise unless the input is floating point."""
    if input.array.dtype.kind != "f":
        raise DtypeError(f"{name}: the input is not floating point", got=input.array.dtype,
                         rule="statistics are of floating point tensors", hint="x.float()")
