"""Linear maps of features, and measures of vectors: lengths, distances and angles."""

from __future__ import annotations

import math

from minicnn.arguments import check_count
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError, OutOfRangeError, ShapeError
from minicnn.nn.functional.activation import relu
from minicnn.ops.activation import relu_done
from minicnn.ops.linear import Linear
from minicnn.ops.operands import check_broadcast
from minicnn.shapes.dims import one_dim
from minicnn.tensor import Tensor, wrap

__all__ = ["bilinear", "cosine_similarity", "embedding", "linear", "normalize", "one_hot", "pairwise_distance"]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x · wᵀ + b.

    Args:
        input: (*, I): any number of leading dimensions, none too.
        weight: (O, I), or (I,) for a result without the last dimension.
        bias: (O,), or None.

    Shapes: (*, O). Errors: ShapeError where the features differ; DtypeError where the dtypes do.

    Example:
        >>> F.linear(mc.tensor([1.0, 2.0]), mc.tensor([[3.0, 4.0]]), mc.tensor([0.5]))
        tensor([11.5000])
    """
    _check_linear(input, weight, bias)
    if weight.ndim == 2:
        return Linear.apply(input, weight, bias)
    y = Linear.apply(input, weight.unsqueeze(0), None).squeeze(-1)
    return y if bias is None else y + bias


def linear_relu(x: Tensor, w: Tensor, b: Tensor | None, inplace: bool) -> Tensor:
    """``relu(linear(x, w, b), inplace)`` of two nodes and one pass, for ``nn.pairs``; errors as of ``linear``."""
    if w.ndim != 2:
        return relu(linear(x, w, b), inplace)
    _check_linear(x, w, b)
    return relu_done(Linear.apply(x, w, b, relu=True), inplace)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y[o] = Σᵢⱼ x1[i] · w[o, i, j] · x2[j] + b[o].

    Shapes: input1 (*, I), input2 (*, J), weight (O, I, J), bias (O,) or None; the result is (*, O).
    Errors: ShapeError where they do not fit.

    Example:
        >>> F.bilinear(mc.tensor([[2.0]]), mc.tensor([[3.0]]), mc.tensor([[[4.0]]]))
        tensor([[24.]])
    """
    if weight.ndim != 3 or input1.shape[:-1] != input2.shape[:-1] or not input1.ndim or (
        (input1.array.shape[-1], input2.array.shape[-1]) != weight.array.shape[1:]
    ):
        raise ShapeError("bilinear: the shapes do not fit",
                         got=f"{tuple(input1.shape)}, {tuple(input2.shape)} and weight {tuple(weight.shape)}",
                         rule="(*, I), (*, J) and (O, I, J)")
    if bias is not None and bias.array.shape != weight.array.shape[:1]:
        raise ShapeError("bilinear: the bias does not fit the weight", got=f"bias {tuple(bias.shape)}",
                         rule=f"({weight.array.shape[0]},)")
    _check_dtypes("bilinear", input1=input1, input2=input2, weight=weight, bias=bias)
    O, I, J = weight.array.shape
    products = Linear.apply(input1, weight.permute(0, 2, 1).reshape(O * J, I), None)
    y = (products.reshape(*input1.shape[:-1], O, J) * input2.unsqueeze(-2)).sum(-1)
    return y if bias is None else y + bias


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """weight[i] for each index i.

    Args:
        input: (*), integers.
        weight: (rows, D).
        padding_idx: this row gets no gradient.
        max_norm, norm_type, scale_grad_by_freq, sparse: PyTorch's; only their defaults are implemented.

    Shapes: (*, D). Errors: DtypeError for indices that are no integers, OutOfRangeError for a row that does not exist,
    OptionError for options that are not implemented.

    Example:
        >>> F.embedding(mc.tensor([1, 0]), mc.tensor([[1.0], [2.0]]))
        tensor([[2.],
                [1.]])
    """
    if max_norm is not None or norm_type != 2.0 or scale_grad_by_freq or sparse:
        raise OptionError("embedding: this option is not implemented",
                          got=f"max_norm={max_norm}, norm_type={norm_type}, scale_grad_by_freq={scale_grad_by_freq}, "
                              f"sparse={sparse}",
                          rule="the defaults", hint="normalise or scale weight.grad yourself")
    if input.array.dtype not in ("int64", "int32"):
        raise DtypeError("embedding: the indices are no integers", got=input.array.dtype, rule="int64 or int32",
                         hint="input.long()")
    if weight.ndim != 2:
        raise ShapeError("embedding: the weight is not a matrix", got=f"weight {tuple(weight.shape)}", rule="(rows, D)")
    rows = weight.array.shape[0]
    outside = (input.array < 0) | (input.array >= rows)
    backend = backend_of(outside)
    backend.refuse(outside, OutOfRangeError, "embedding: an index is out of range", got=lambda: f"{rows} rows",
                   rule=f"0 <= index < {rows}")
    if backend.asynchronous:  # the error comes later: until then nobody reads beside the rows
        input = input.clamp(0, rows - 1)
    flat = input.reshape(-1)
    found = weight.index_select(0, flat)
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise OutOfRangeError("embedding: padding_idx is out of range", got=padding_idx,
                                  rule=f"-{rows} <= padding_idx < {rows}")
        padding = (flat == padding_idx % rows).unsqueeze(1)
        found = found.masked_fill(padding, 0.0) + found.detach().masked_fill(~padding, 0.0)
    return found.reshape(*input.shape, weight.array.shape[1])


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """1 at each class, 0 at the others, int64.

    Args:
        tensor: (*), int64 classes.
        num_classes: how many there are; by default the largest of ``tensor`` and one.

    Shapes: (*, num_classes). Errors: DtypeError; OutOfRangeError for classes that do not exist; ShapeError for no class
    at all to count.

    Example:
        >>> F.one_hot(mc.tensor([0, 2]))
        tensor([[1, 0, 0],
                [0, 0, 1]])
    """
    classes = tensor.array
    if classes.dtype != "int64":
        raise DtypeError("one_hot: the classes are not int64", got=classes.dtype, rule="int64", hint="target.long()")
    if classes.size == 0 and num_classes <= 0:
        raise ShapeError("one_hot: no class to count by", got="an empty tensor", rule="num_classes > 0 for it")
    if num_classes == -1:
        num_classes = max(int(classes.max()) + 1, 1)
    if num_classes < 1:
        raise OptionError("one_hot: no classes", got=f"num_classes={num_classes}", rule="num_classes >= 1, or -1")
    check_count("one_hot", num_classes)
    backend = backend_of(classes)
    backend.refuse((classes < 0) | (classes >= num_classes), OutOfRangeError, "one_hot: a class does not exist",
                   got=lambda: f"{int(classes.min())} to {int(classes.max())}", rule=f"0 <= class < {num_classes}")
    return wrap((classes[..., None] == backend.xp.arange(num_classes)).astype("int64"))


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """x / max(‖x‖ₚ, eps) along ``dim``: vectors of length 1, and of 0 where x is 0.

    Shapes: any; the result has the input's. Errors: OutOfRangeError where there is no such dimension.

    Example:
        >>> F.normalize(mc.tensor([[3.0, 4.0]]))
        tensor([[0.6000, 0.8000]])
    """
    one_dim("normalize", dim, input.ndim)
    return input / input.norm(p, dim, keepdim=True).clamp(min=eps)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 · x2 / (max(‖x1‖, eps) · max(‖x2‖, eps)) along ``dim``: the cosine of the angle between vectors.

    Shapes: x1 and x2 broadcast; the result is without ``dim``. Errors: ShapeError; OutOfRangeError.

    Example:
        >>> F.cosine_similarity(mc.tensor([[1.0, 0.0]]), mc.tensor([[1.0, 1.0]]))
        tensor([0.7071])
    """
    if not eps >= 0:  # NaN, too
        raise OptionError("cosine_similarity: eps is negative", got=f"eps={eps}", rule="eps >= 0")
    shape = check_broadcast("cosine_similarity", x1.shape, x2.shape)
    one_dim("cosine_similarity", dim, len(shape))
    x1, x2 = x1.expand(shape), x2.expand(shape)
    lengths = (_at_least(x.norm(2, dim, keepdim=True), eps) for x in (x1, x2))
    unit1, unit2 = (x / length for x, length in zip((x1, x2), lengths, strict=True))
    return (unit1 * unit2).sum(dim)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """‖x1 − x2 + eps‖ₚ along the last dimension.

    Shapes: x1 and x2 broadcast; the result is without the last dimension, or with size 1 if ``keepdim``.
    Errors: ShapeError.

    Example:
        >>> F.pairwise_distance(mc.tensor([[0.0, 0.0]]), mc.tensor([[3.0, 4.0]]), eps=0.0)
        tensor([5.])
    """
    check_broadcast("pairwise_distance", x1.shape, x2.shape)
    return (x1 - x2 + eps).norm(p, -1, keepdim=keepdim)


def _at_least(length: Tensor, eps: float) -> Tensor:
    """max(length, eps), but with the slope of ``length`` also where eps replaces it, as PyTorch has it."""
    return length + (eps - length.detach()).clamp(min=0)


def _check_linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Features, dimensions and dtypes."""
    x, w = input.array, weight.array
    features = w.shape[-1] if w.ndim else None
    if not x.ndim or w.ndim not in (1, 2) or x.shape[-1] != features:
        got = f"{input.array.shape[-1]} features" if input.ndim else "no dimensions"
        raise ShapeError(f"linear: the input has {got}, the weight expects {features}",
                         got=f"input {tuple(input.shape)}, weight {tuple(weight.shape)}",
                         rule="input.shape[-1] == weight.shape[1]",
                         hint=_linear_hint(input, features))
    if bias is not None and bias.array.shape not in (w.shape[:-1], (1,), ()):
        raise ShapeError("linear: the bias does not fit the weight",
                         got=f"bias {tuple(bias.shape)}, weight {tuple(weight.shape)}",
                         rule="bias.shape == weight.shape[:1]")
    if w.dtype != x.dtype or (bias is not None and bias.array.dtype != x.dtype):
        _check_dtypes("linear", input=input, weight=weight, bias=bias)


def _linear_hint(input: Tensor, features: int | None) -> str:
    """The layer that would fit; and flatten, where images have as many numbers as the weight expects features."""
    *lead, last = input.array.shape or (1,)
    flat = len(lead) > 1 and math.prod(lead[1:]) * last == features
    return f"Linear(in_features={last}, …)" + (", or x.flatten(1) first" if flat else "")


def _check_dtypes(name: str, **tensors: Tensor | None) -> None:
    dtypes = {which: t.array.dtype for which, t in tensors.items() if t is not None}
    if len(set(dtypes.values())) > 1:
        got = ", ".join(f"{which} {dtype}" for which, dtype in dtypes.items())
        raise DtypeError(f"{name}: the dtypes differ", got=got, rule="all of one dtype",
                         hint="x.to(weight.dtype), or model.to(x.dtype)")
