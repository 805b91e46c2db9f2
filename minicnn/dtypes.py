"""Element types and PyTorch's rules for mixing them.

A dtype here is NumPy's own (``mc.float32 is numpy.dtype("float32")``), so it compares equal to NumPy's and
CuPy's spelling. What differs from NumPy is promotion: PyTorch looks at the *category* (bool < integer < float)
first, and an operand with dimensions outranks one without.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.errors import DtypeError

Dtype = np.dtype[Any]

float16: Dtype = np.dtype("float16")
float32: Dtype = np.dtype("float32")
float64: Dtype = np.dtype("float64")
uint8: Dtype = np.dtype("uint8")
int8: Dtype = np.dtype("int8")
int16: Dtype = np.dtype("int16")
int32: Dtype = np.dtype("int32")
int64: Dtype = np.dtype("int64")
bool_: Dtype = np.dtype("bool")

SUPPORTED = (float16, float32, float64, uint8, int8, int16, int32, int64, bool_)
ALIASES = {"half": float16, "float": float32, "double": float64, "short": int16, "int": int32, "long": int64}

_BOOL, _INTEGER, _FLOAT = 0, 1, 2
_CATEGORY = {"b": _BOOL, "i": _INTEGER, "u": _INTEGER, "f": _FLOAT}
_SCALARS: dict[type, int] = {bool: _BOOL, int: _INTEGER, float: _FLOAT}
_default = float32


def get_default_dtype() -> Dtype:
    """The dtype of Python floats and of new parameters; float32 unless changed."""
    return _default


def set_default_dtype(dtype: Any) -> None:
    """Make ``dtype`` (float16, float32 or float64) the dtype of Python floats and of new parameters."""
    global _default
    dtype = as_dtype(dtype)
    if not is_float(dtype):
        raise DtypeError(f"set_default_dtype: {dtype} is not a floating point dtype", got=dtype, hint="mc.float32")
    _default = dtype


def as_dtype(dtype: Any) -> Dtype:
    """One of the supported dtypes from any of its spellings (``mc.float32``, ``np.float32``, ``"float32"``, ``float``).

    Python's ``float`` means the default dtype, ``int`` int64 and ``bool`` bool, as in PyTorch.
    """
    if dtype is float:
        return _default
    if isinstance(dtype, str) and dtype in ALIASES:
        return ALIASES[dtype]
    try:
        found = np.dtype(dtype)
    except (TypeError, ValueError, DeprecationWarning):
        found = None
    if found is None or found not in SUPPORTED:
        names = ", ".join(str(d) for d in SUPPORTED)
        raise DtypeError(f"{dtype!r} is not a dtype of minicnn", got=repr(dtype), rule=f"one of {names}",
                         hint="mc.float32 for data and parameters, mc.int64 for class labels")
    return found


def is_float(dtype: Dtype) -> bool:
    """Whether a dtype is floating point, and so can carry gradients."""
    return dtype.kind == "f"


class finfo:  # noqa: N801  PyTorch's name
    """What a floating point dtype can hold, by default the default one: ``mc.finfo(mc.float32).eps``.

    Attributes:
        bits: of one number.
        eps: the distance from 1 to the next number.
        max, min: the largest and the smallest number.
        tiny, smallest_normal: the smallest positive number of full precision.
        resolution: the decimal precision.
    """

    def __init__(self, dtype: Any = None) -> None:
        found = get_default_dtype() if dtype is None else as_dtype(dtype)
        if not is_float(found):
            raise DtypeError(f"finfo: {found} is not a floating point dtype", got=found, hint="mc.iinfo")
        about = np.finfo(found)
        self.dtype, self.bits = str(found), int(about.bits)
        self.eps, self.resolution = float(about.eps), float(f"1e-{about.precision}")
        self.max, self.min = float(about.max), float(about.min)
        self.tiny = self.smallest_normal = float(about.smallest_normal)

    def __repr__(self) -> str:
        return (f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
                f"smallest_normal={self.tiny:g}, tiny={self.tiny:g}, dtype={self.dtype})")


class iinfo:  # noqa: N801 (PyTorch's name)
    """What an integer dtype can hold: ``bits``, ``min`` and ``max``."""

    def __init__(self, dtype: Any) -> None:
        found = as_dtype(dtype)
        if found.kind not in "iu":
            raise DtypeError(f"iinfo: {found} is not an integer dtype", got=found, hint="mc.finfo for floats")
        about = np.iinfo(found)
        self.dtype, self.bits, self.max, self.min = str(found), int(about.bits), int(about.max), int(about.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"


def result_type(*operands: Any) -> Dtype:
    """The dtype of an operation on ``operands`` (arrays or Python scalars), by PyTorch's promotion.

    Arrays with dimensions outrank 0-d arrays, which outrank Python scalars; a lower rank only matters when its
    category is higher (https://pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc).
    """
    ranks: tuple[list[Dtype], list[Dtype], list[Dtype]] = ([], [], [])
    for x in operands:
        if hasattr(x, "dtype"):
            ranks[0 if x.ndim else 1].append(x.dtype)
        else:
            ranks[2].append(scalar_dtype(x))
    result: Dtype | None = None
    for rank in ranks:
        if rank:
            here = _promote(rank)
            if result is None or _CATEGORY[here.kind] > _CATEGORY[result.kind]:
                result = here
    assert result is not None
    return result


def scalar_dtype(x: object) -> Dtype:
    """The dtype that a bare Python scalar becomes: bool, int64 or the default float dtype."""
    category = _SCALARS.get(type(x))
    if category is None:
        raise DtypeError(f"expected a number or a tensor, got {type(x).__name__}", got=repr(x)[:80],
                         rule="operands are tensors, bool, int or float", hint="mc.as_tensor(value)")
    return (bool_, int64, _default)[category]


def _promote(dtypes: list[Dtype]) -> Dtype:
    top = max(_CATEGORY[d.kind] for d in dtypes)
    same = [d for d in dtypes if _CATEGORY[d.kind] == top]
    return same[0] if all(d == same[0] for d in same) else np.result_type(*same)
