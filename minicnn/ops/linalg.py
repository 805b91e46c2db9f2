"""Products of matrices, vectors, and tensors along chosen dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minicnn.autograd.function import Function, mixed_devices
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.ops.operands import check_broadcast
from minicnn.shapes.dims import Shape, own_dim
from minicnn.tensor import Tensor

__all__ = [
    "addmm", "addmv", "baddbmm", "bmm", "dot", "ger", "inner", "kron", "matmul", "mm", "mv", "outer", "tensordot",
    "vdot",
]  # fmt: skip
METHODS = tuple(name for name in __all__ if name != "tensordot")
IN_PLACE = ("addmm", "addmv", "baddbmm")
OPERATORS = {"__matmul__": "matmul_operator"}

Array = Any


class MatMul(Function):
    """x (*, n, k) @ y (*, k, m) → (*, n, m); float16 is summed in float32."""

    def forward(self, x: Array, y: Array) -> Array:
        return backend_of(x).matmul(x, y)

    def grad_x(self, g: Tensor, y: Tensor) -> Tensor:
        return matmul(g, y.mT)

    def grad_y(self, g: Tensor, x: Tensor) -> Tensor:
        return matmul(x.mT, g)


def matmul(x: Tensor, y: Tensor) -> Tensor:
    """The matrix product, as ``x @ y``.

    Shapes: (n, k) and (k, m) give (n, m). A vector is a row on the left, a column on the right, and that dimension is
    dropped from the result: (k) and (k) give (). Dimensions before the last two are batches, and broadcast.
    Errors: ShapeError where the k differ or batches do not broadcast, or for 0-d tensors; DtypeError for two dtypes.

    Example:
        >>> mc.tensor([[1.0, 2.0], [3.0, 4.0]]) @ mc.tensor([1.0, 1.0])
        tensor([3., 7.])
    """
    a, b = x.array.shape, y.array.shape
    _check("matmul", x, y)
    if not a or not b:
        raise ShapeError("matmul: a tensor without dimensions", got=f"{a} @ {b}", rule="both have one at least",
                         hint="x * y")
    if a[-1] != b[-2 if len(b) > 1 else 0]:
        raise ShapeError("matmul: the inner sizes differ", got=f"{a} @ {b}", rule="x.shape[-1] == y.shape[-2]",
                         hint=_turned(a, b))
    if len(b) == 1:
        return matmul(x, y.unsqueeze(-1)).squeeze(-1)
    if len(a) == 1:
        return matmul(x.unsqueeze(0), y).squeeze(-2)
    if len(a) > 2 and len(b) == 2:
        # All batches times one matrix are one tall product, and so is its gradient for the matrix.
        return MatMul.apply(x.reshape(math.prod(a[:-1]), a[-1]), y).reshape(*a[:-1], b[-1])
    if a[:-2] != b[:-2]:
        check_broadcast("matmul", a[:-2], b[:-2])
    return MatMul.apply(x, y)


def matmul_operator(x: Tensor, y: Any) -> Any:
    """``x @ y``; Python raises its TypeError where y is no tensor."""
    return matmul(x, y) if isinstance(y, Tensor) else NotImplemented


def mm(x: Tensor, y: Tensor) -> Tensor:
    """``matmul`` of two matrices, (n, k) and (k, m), and of nothing else."""
    _check_dims("mm", x, 2, y, 2)
    return matmul(x, y)


def bmm(x: Tensor, y: Tensor) -> Tensor:
    """``matmul`` of two batches of matrices, (b, n, k) and (b, k, m), without broadcasting."""
    _check_dims("bmm", x, 3, y, 3)
    if x.array.shape[0] != y.array.shape[0]:
        raise ShapeError("bmm: the numbers of matrices differ", got=f"{x.array.shape} and {y.array.shape}",
                         rule="x.shape[0] == y.shape[0]", hint="matmul broadcasts")
    return matmul(x, y)


def mv(x: Tensor, y: Tensor) -> Tensor:
    """``matmul`` of a matrix (n, k) and a vector (k)."""
    _check_dims("mv", x, 2, y, 1)
    return matmul(x, y)


def dot(x: Tensor, y: Tensor) -> Tensor:
    """Σ x[i] · y[i] of two vectors of the same size."""
    _check_dims("dot", x, 1, y, 1)
    return matmul(x, y)


def outer(x: Tensor, y: Tensor) -> Tensor:
    """The matrix x[i] · y[j] of two vectors, (n) and (m) → (n, m)."""
    _check_dims("outer", x, 1, y, 1)
    return x.unsqueeze(1) * y


def addmm(x: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · x + alpha · (mat1 @ mat2) of matrices, or without x, be it NaN, if beta is 0. Shapes: x broadcasts."""
    return _plus("addmm", x, mm(mat1, mat2), beta, alpha)


def addmv(x: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · x + alpha · (mat @ vec); see ``addmm``."""
    return _plus("addmv", x, mv(mat, vec), beta, alpha)


def baddbmm(x: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · x + alpha · (batch1 @ batch2) of batches of matrices; see ``addmm``."""
    return _plus("baddbmm", x, bmm(batch1, batch2), beta, alpha)


def inner(x: Tensor, y: Tensor) -> Tensor:
    """Σ x · y along the last dimension of both, for all pairs: (*, k) and (+, k) → (*, +). A 0-d tensor scales."""
    if not x.ndim or not y.ndim:
        return x * y
    if x.shape[-1] != y.shape[-1]:
        raise ShapeError("inner: the last sizes differ", got=f"{x.array.shape} and {y.array.shape}",
                         rule="x.shape[-1] == y.shape[-1]")
    return tensordot(x, y, dims=([-1], [-1]))


def tensordot(x: Tensor, y: Tensor, dims: int | Sequence[Sequence[int]] = 2) -> Tensor:
    """Σ x · y over pairs of dimensions: the last ``dims`` of x and first of y, or ``dims[0]`` of x, ``dims[1]`` of y.

    Shapes: the other dimensions of x, then those of y. Errors: ShapeError where the sizes of a pair differ.

    Example:
        >>> mc.tensordot(mc.ones(2, 3, 4), mc.ones(4, 3, 5), dims=([1, 2], [1, 0])).shape
        Size([2, 5])
    """
    if isinstance(dims, int):
        if not 0 <= dims <= min(x.ndim, y.ndim):
            raise OptionError("tensordot: there are not so many dimensions", got=f"{dims} of {x.shape} and {y.shape}",
                              rule="0 <= dims <= the dimensions of x, and of y")
        over_x, over_y = list(range(x.ndim - dims, x.ndim)), list(range(dims))
    else:
        if not isinstance(dims, Sequence) or len(dims) != 2 or not all(isinstance(of, Sequence) for of in dims):
            raise DtypeError("tensordot: these are no dimensions", got=repr(dims)[:80],
                             rule="a number of dimensions, or those of x and those of y", hint="dims=([1, 2], [1, 0])")
        over_x, over_y = ([own_dim("tensordot", d, t.ndim) for d in of] for t, of in zip((x, y), dims, strict=True))
    summed = [x.shape[d] for d in over_x]
    if summed != [y.shape[d] for d in over_y]:
        raise ShapeError("tensordot: the sizes of the pairs differ", got=f"{x.array.shape} and {y.array.shape}",
                         rule="the dimensions summed over are pairs of one size", hint="other dims")
    free_x = [d for d in range(x.ndim) if d not in over_x]
    free_y = [d for d in range(y.ndim) if d not in over_y]
    rows = x.permute(*free_x, *over_x).reshape(_numel(x, free_x), math.prod(summed))
    columns = y.permute(*over_y, *free_y).reshape(math.prod(summed), _numel(y, free_y))
    return matmul(rows, columns).reshape(*(x.shape[d] for d in free_x), *(y.shape[d] for d in free_y))


def kron(x: Tensor, y: Tensor) -> Tensor:
    """The Kronecker product: x with each element replaced by it times y. Sizes multiply, aligned at the right."""
    ndim = max(x.ndim, y.ndim)
    a, b = ((1,) * (ndim - t.ndim) + t.array.shape for t in (x, y))
    apart = x.reshape(*(n for size in a for n in (size, 1))) * y.reshape(*(n for size in b for n in (1, size)))
    return apart.reshape(*(n * m for n, m in zip(a, b, strict=True)))


def _plus(name: str, x: Tensor, product: Tensor, beta: float, alpha: float) -> Tensor:
    if check_broadcast(name, x.shape, product.shape) != product.array.shape:
        raise ShapeError(f"{name}: x is larger than the product", got=f"{x.array.shape} + {product.array.shape}",
                         rule="x broadcasts to the product's shape")
    _check(name, x, product)
    if x.device != product.device:
        raise mixed_devices(name, (x, product))
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product + x.clone().zero_() if x.tracked else product  # x's gradient is zeros, as of any factor 0
    return (x if beta == 1 else x * beta) + product


def _numel(x: Tensor, dims: Sequence[int]) -> int:
    return math.prod(x.shape[d] for d in dims)


def _check(name: str, x: Tensor, y: Tensor) -> None:
    a, b = x.array.dtype, y.array.dtype
    if a != b:
        raise DtypeError(f"{name}: the dtypes differ", got=f"{a} and {b}", rule="both tensors have one dtype",
                         hint="x.to(y.dtype)")
    if a.kind == "b":
        raise DtypeError(f"{name}: bools have no product", got=a, rule="matrices of numbers", hint="x.float()")


def _check_dims(name: str, x: Tensor, x_dims: int, y: Tensor, y_dims: int) -> None:
    if (x.ndim, y.ndim) != (x_dims, y_dims):
        raise ShapeError(f"{name}: the numbers of dimensions do not fit", got=f"{x.array.shape} and {y.array.shape}",
                         rule=f"x has {x_dims} and y has {y_dims}", hint="matmul takes any")


def _turned(a: Shape, b: Shape) -> str:
    """What to try where inner sizes differ: a transpose, if that helps."""
    if len(b) > 1 and a[-1] == b[-1]:
        return "x @ y.mT"
    if len(a) > 1 and a[-2] == b[-2 if len(b) > 1 else 0]:
        return "x.mT @ y"
    return "flatten or reshape one of them"


ger, vdot = outer, dot
