"""What can be asked of a tensor without computing anything: sizes, strides, kinds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minicnn import dtypes
from minicnn.errors import DeviceError, DtypeError
from minicnn.ops.join import unbind
from minicnn.shapes.dims import one_dim
from minicnn.tensor import Tensor, wrap

__all__ = ["is_floating_point", "is_tensor", "numel"]
METHODS = (
    "dim", "element_size", "get_device", "is_complex", "is_contiguous", "is_cpu", "is_floating_point", "is_mps",
    "is_nonzero", "is_pinned", "is_quantized", "is_same_size", "is_signed", "is_sparse", "is_xpu", "itemsize", "nbytes",
    "ndimension", "nelement", "numel", "pin_memory", "size", "stride",
)  # fmt: skip
OPERATORS = {"__len__": "length", "__iter__": "iterate"}


def is_tensor(obj: Any) -> bool:
    """Whether ``obj`` is a Tensor."""
    return isinstance(obj, Tensor)


def dim(x: Tensor) -> int:
    """The number of dimensions."""
    return x.ndim


def size(x: Tensor, dim: int | None = None) -> Any:
    """The shape, or the size of one dimension."""
    return x.shape if dim is None else x.array.shape[one_dim("size", dim, x.ndim)]


def numel(x: Tensor) -> int:
    """The number of elements."""
    return int(x.array.size)


def element_size(x: Tensor) -> int:
    """The bytes of one element."""
    return int(x.array.dtype.itemsize)


def stride(x: Tensor, dim: int | None = None) -> Any:
    """How many elements further in memory the next one of each dimension (or of ``dim``) lies.

    This is the memory as the backend laid it out, which for results of convolutions is not row-major.
    """
    steps = tuple(step // x.array.dtype.itemsize for step in x.array.strides)
    return steps if dim is None else steps[one_dim("stride", dim, x.ndim)]


def is_contiguous(x: Tensor) -> bool:
    """Whether memory is in row-major order."""
    return bool(x.array.flags.c_contiguous)


def is_floating_point(x: Tensor) -> bool:
    """Whether the dtype is floating point."""
    return dtypes.is_float(x.array.dtype)


def is_signed(x: Tensor) -> bool:
    """Whether the dtype has negative numbers."""
    return x.array.dtype.kind in "if"


def is_complex(x: Tensor) -> bool:  # noqa: ARG001 (part of the methods' form)
    """False: there are no complex tensors."""
    return False


def is_nonzero(x: Tensor) -> bool:
    """Whether the one element of ``x`` is not 0."""
    return bool(x)


def is_same_size(x: Tensor, y: Tensor) -> bool:
    """Whether the shapes are the same."""
    return bool(x.array.shape == y.array.shape)


def get_device(x: Tensor) -> int:
    """The number of the CUDA device, −1 on the CPU."""
    return -1 if x.device.type == "cpu" else x.device.index or 0


def pin_memory(x: Tensor) -> Tensor:
    """A copy in page-locked memory, from which a CUDA device copies by itself; ``x`` where it lies there already.

    Errors: DeviceError for a tensor that is not on the CPU, and where there is no CUDA device.

    Example:
        >>> images = images.pin_memory().to("cuda", non_blocking=True)
    """
    if x.device.type != "cpu":
        raise DeviceError("pin_memory: this tensor is not on the CPU", got=str(x.device),
                          rule="page-locked is memory of the host", hint="x.cpu().pin_memory()")
    from minicnn.backend import cupy

    return x if is_pinned(x) else wrap(cupy.pinned(x.array))


def is_pinned(x: Tensor) -> bool:
    """Whether the tensor lies in page-locked memory."""
    from minicnn.backend import cupy

    return x.device.type == "cpu" and cupy.is_pinned(x.array)


def length(x: Tensor) -> int:
    """``len(x)``: the size of the first dimension."""
    if not x.ndim:
        raise DtypeError("len: a tensor without dimensions has no length", got="shape ()", hint="x.numel() is 1")
    return int(x.array.shape[0])


def iterate(x: Tensor) -> Iterator[Tensor]:
    """``iter(x)``: the slices of the first dimension."""
    if not x.ndim:
        raise DtypeError("iter: a tensor without dimensions has no parts", got="shape ()", hint="x.item()")
    return iter(unbind(x))


ndimension, nelement = dim, numel
is_cpu = property(lambda x: x.device.type == "cpu", doc="Whether the tensor is on the CPU.")
is_mps = is_xpu = property(lambda _: False, doc="False: there is the CPU, and CUDA.")
is_sparse = is_quantized = property(lambda _: False, doc="False: tensors are dense arrays of plain numbers.")
itemsize = property(element_size, doc="The bytes of one element.")
nbytes = property(lambda x: int(x.array.nbytes), doc="The bytes of all elements.")
