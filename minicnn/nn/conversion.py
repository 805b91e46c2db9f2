"""The part of a Module that changes all its tensors at once: dtype, device, gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from minicnn import dtypes
from minicnn.autograd import no_grad
from minicnn.backend import Device
from minicnn.errors import DtypeError
from minicnn.nn.parameter import is_lazy
from minicnn.nn.traversal import Traversal
from minicnn.ops.convert import destination
from minicnn.tensor import Tensor, wrap


class Conversion(Traversal):
    """Conversions keep each Parameter the same object and change its memory, so that optimisers stay valid."""

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move the module to a dtype, a device, or both, in place; returns itself.

        Args:
            args: as of ``Tensor.to``: a device, a floating point dtype, both, or a tensor to be like.
            kwargs: the same by name.

        Raises:
            DtypeError: an integer dtype: only floating point tensors change their dtype.

        Example:
            >>> net = net.to("cuda", mc.float16)
        """
        dtype, device = destination(*args, **kwargs)
        if dtype is not None and not dtypes.is_float(dtype):
            raise DtypeError(f"to: a module cannot be {dtype}", got=str(dtype), rule="a floating point dtype",
                             hint="mc.float32")
        return self._apply(lambda t: t.to(device=device, dtype=dtype if dtypes.is_float(t.dtype) else None))

    def cpu(self) -> Self:
        """Move the module to the CPU."""
        return self.to("cpu")

    def cuda(self, device: Device | int | str | None = None) -> Self:
        """Move the module to a CUDA device."""
        return self.to(f"cuda:{device}" if isinstance(device, int) else device or "cuda")

    def half(self) -> Self:
        """Make the floating point tensors float16."""
        return self.to(dtypes.float16)

    def float(self) -> Self:
        """Make the floating point tensors float32."""
        return self.to(dtypes.float32)

    def double(self) -> Self:
        """Make the floating point tensors float64."""
        return self.to(dtypes.float64)

    def type(self, dst_type: Any) -> Self:
        """Cast every parameter and buffer, the integer ones too."""
        return self._apply(lambda t: t.to(dtypes.as_dtype(dst_type)))

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let all parameters require gradients, or freeze them."""
        for param in self.parameters():
            param.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or (``set_to_none=False``) fill them with zeros."""
        for param in self.parameters():
            if set_to_none:
                param.grad = None
            elif param.grad is not None:
                param.grad = param.grad.detach().zero_()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace the memory of every parameter, gradient and buffer by what ``fn`` makes of it."""
        for child in self.children() if recurse else ():
            child._apply(fn)
        with no_grad():
            for param in self._parameters.values():
                if param is not None:
                    _convert(param, fn)
                    if param.grad is not None:
                        _convert(param.grad, fn)
            for name, buffer in self._buffers.items():
                if is_lazy(buffer):
                    _convert(buffer, fn)
                elif buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self


def _convert(tensor: Any, fn: Callable[[Tensor], Tensor]) -> None:
    if is_lazy(tensor):
        tensor.blank = fn(tensor.blank)
        return
    converted = fn(wrap(tensor.array))
    if converted.array is not tensor.array:
        tensor.data = converted
