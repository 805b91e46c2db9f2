"""Variable: what tensors that know their gradient were called before PyTorch 0.4, and textbooks of 2018 still say."""

from __future__ import annotations

import warnings

from minicnn.arguments import checked
from minicnn.tensor import Tensor


@checked
def Variable(data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Tensor:  # noqa: N802 (PyTorch's name)
    """A tensor on the memory of ``data``; every tensor is a variable now, so new code leaves this out.

    Args:
        data: the values.
        requires_grad: whether ``backward`` computes the gradient.
        volatile: does nothing but warn, as in PyTorch; it recorded nothing once, as ``mc.no_grad()`` does.

    Example:
        >>> w = mc.autograd.Variable(mc.ones(2), requires_grad=True)
        >>> w.sum().backward()
        >>> w.grad
        tensor([1., 1.])
    """
    if volatile:
        warnings.warn("volatile has no effect any more; put the computation under `with mc.no_grad():`", stacklevel=2)
    made = data.detach()
    made.requires_grad = requires_grad
    return made
