"""Products and convolutions on a GPU: whether float32 may be rounded to TF32, and how forms are chosen."""

from __future__ import annotations

from typing import Any

from minicnn.backend.switches import switches
from minicnn.errors import DtypeError, OptionError

__all__ = ["conv", "get_float32_matmul_precision", "is_built", "matmul", "set_float32_matmul_precision"]

_PRECISIONS = "highest", "high", "medium"


class Matmul:
    """``mc.backends.cuda.matmul``: matrix products on a GPU, those of convolutions and linear layers included."""

    @property
    def allow_tf32(self) -> bool:
        """Whether products of float32 may round their factors to TF32, 10 bits behind the point, and sum in float32.

        False by default, as in PyTorch; on matrix units it is several times as fast. (PyTorch's convolutions have a
        switch of their own, ``cudnn.allow_tf32``, which is True there; here they go by this one.) Errors: DtypeError
        for what is no bool.

        Example:
            >>> mc.backends.cuda.matmul.allow_tf32
            False
        """
        return switches.allow_tf32

    @allow_tf32.setter
    def allow_tf32(self, allowed: bool) -> None:
        switches.float32_precision = "high" if _flag("matmul.allow_tf32", allowed) else "highest"


class Conv:
    """``mc.backends.cuda.conv``: convolutions on a GPU."""

    @property
    def benchmark(self) -> bool:
        """Whether each form of a convolution (implicit GEMM, columns, Winograd, …) is timed at the first call with new
        shapes, and the fastest kept for this process; as ``cudnn.benchmark`` does in PyTorch.

        False by default: then a rule chooses by the shapes, and a seeded run gives the same bits each time. With it two
        runs may choose otherwise, and round otherwise. Errors: DtypeError for what is no bool.

        Example:
            >>> mc.backends.cuda.conv.benchmark
            False
        """
        return switches.benchmark

    @benchmark.setter
    def benchmark(self, measure: bool) -> None:
        switches.benchmark = _flag("conv.benchmark", measure)


matmul, conv = Matmul(), Conv()


def set_float32_matmul_precision(precision: str) -> None:
    """How precise products of float32 are on a GPU; the CPU's are always in float32.

    Args:
        precision: "highest", the default, computes in float32; "high" and "medium" allow TF32 (there is no bfloat16).

    Errors: OptionError for another word; PyTorch warns and does nothing.

    Example:
        >>> mc.set_float32_matmul_precision("highest")
    """
    if precision not in _PRECISIONS:
        raise OptionError("set_float32_matmul_precision: there is no such precision", got=repr(precision),
                          rule=" or ".join(map(repr, _PRECISIONS)), hint='"high" allows TF32')  # fmt: skip
    switches.float32_precision = precision


def get_float32_matmul_precision() -> str:
    """What ``set_float32_matmul_precision`` set; "high" or "highest" after ``matmul.allow_tf32`` was set.

    Example:
        >>> mc.get_float32_matmul_precision()
        'highest'
    """
    return switches.float32_precision


def is_built() -> bool:
    """Whether there is CUDA at all; ``mc.cuda.is_available()`` asks for a device."""
    from minicnn import cuda

    return cuda.is_available()


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise DtypeError(f"backends.cuda.{name} is True or False", got=repr(value), hint=f"{name} = True")
    return value
