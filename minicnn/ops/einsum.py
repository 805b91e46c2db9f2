"""Einstein's summation: products and sums of tensors, by the letters of their dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.ops.diagonal import diagonal
from minicnn.ops.linalg import matmul
from minicnn.tensor import Tensor

__all__ = ["einsum"]

Labels = list[Any]  # of dimensions: letters, and numbers for those of an ellipsis, counted from the right
DOTS = "..."


def einsum(equation: str, *operands: Any) -> Tensor:
    """Products of the operands, summed over each letter that the right-hand side leaves out.

    Args:
        equation: each operand's dimensions as letters, ``"ij,jk->ik"``. A letter twice in one operand is its diagonal;
            ``...`` is any dimensions that broadcast. Without ``->``, the result has the ellipsis, then each letter that
            is there once, in alphabetical order (capitals first).
        operands: the tensors, or one list of them.

    Errors: OptionError for an equation that makes no sense; ShapeError where sizes of a letter differ (1 broadcasts).

    Example:
        >>> mc.einsum("ij,j->i", mc.tensor([[1.0, 2.0], [3.0, 4.0]]), mc.tensor([1.0, 1.0]))
        tensor([3., 7.])
    """
    if len(operands) == 1 and isinstance(operands[0], Sequence):
        operands = tuple(operands[0])
    inputs, result = _parse(equation, operands)
    terms = [_diagonals(x, labels) for x, labels in zip(operands, inputs, strict=True)]
    sizes = _sizes(equation, terms)
    terms = [_without_ones(x, labels, sizes) for x, labels in terms]
    x, labels = terms[0]
    for position, (y, y_labels) in enumerate(terms[1:], 1):
        needed = {label for _, later in terms[position + 1 :] for label in later}.union(result)
        x, labels = _contract(x, labels, y, y_labels, needed)
    x, labels = _summed(x, labels, set(result))
    present = [label for label in result if label in labels]
    x = _ordered(x, labels, present)
    return x if present == result else x.reshape(*(sizes[label] for label in result))


def _parse(equation: str, operands: tuple[Any, ...]) -> tuple[list[Labels], Labels]:
    """The labels of each operand's dimensions, and of the result's."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise OptionError(f"einsum: {len(operands)} operands for {len(terms)} terms", got=repr(equation),
                          rule="terms are separated by commas, one for each operand")
    if not all(isinstance(x, Tensor) for x in operands):
        raise DtypeError("einsum: an operand is no tensor", got=", ".join(type(x).__name__ for x in operands),
                         rule="operands are tensors", hint="mc.as_tensor(value)")
    inputs = [_labels(equation, term, x.ndim) for term, x in zip(terms, operands, strict=True)]
    dots = sorted({label for labels in inputs for label in labels if isinstance(label, int)})
    letters = [label for labels in inputs for label in labels if isinstance(label, str)]
    if not arrow:
        return inputs, dots + sorted(label for label in set(letters) if letters.count(label) == 1)
    result = _labels(equation, right, len(right.replace(DOTS, "")) + len(dots) * (DOTS in right))
    for label in result:
        if result.count(label) > 1 or (label not in letters and label not in dots):
            raise OptionError(f"einsum: the result cannot have '{label}'", got=repr(equation),
                              rule="a letter of the result is there once, and in some operand")
    return inputs, result


def _labels(equation: str, term: str, ndim: int) -> Labels:
    """The labels of one term for a tensor of ``ndim`` dimensions; those of the dots are −1 for the last, −2, …"""
    before, dots, after = term.partition(DOTS)
    letters = before + after
    if any(not (c.isascii() and c.isalpha()) for c in letters):
        raise OptionError(f"einsum: '{term}' is no term", got=repr(equation), rule="letters, and at most one ...")
    covered = ndim - len(letters)
    if covered < 0 or (covered and not dots):
        raise ShapeError(f"einsum: '{term}' names {len(letters)} dimensions of a tensor that has {ndim}",
                         got=repr(equation), rule="one letter for each dimension, or ... for the others")
    return [*before, *range(-covered, 0), *after]


def _diagonals(x: Tensor, labels: Labels) -> tuple[Tensor, Labels]:
    """``x`` with each label once: of two dimensions of one label, the diagonal, which comes last."""
    for label in [label for i, label in enumerate(labels) if label in labels[:i]]:
        first = labels.index(label)
        second = labels.index(label, first + 1)
        if x.shape[first] != x.shape[second]:
            raise ShapeError(f"einsum: '{label}' is two sizes", got=f"{x.shape[first]} and {x.shape[second]}",
                             rule="a letter twice in one operand is a diagonal: both dimensions have one size")
        x = diagonal(x, 0, first, second)
        labels = [other for i, other in enumerate(labels) if i not in (first, second)] + [label]
    return x, labels


def _sizes(equation: str, terms: list[tuple[Tensor, Labels]]) -> dict[Any, int]:
    """The size of each label, where 1 broadcasts."""
    sizes: dict[Any, int] = {}
    for x, labels in terms:
        for label, size in zip(labels, x.shape, strict=True):
            if sizes.get(label, 1) == 1:
                sizes[label] = size
            elif size not in (1, sizes[label]):
                raise ShapeError(f"einsum: '{label}' is two sizes", got=f"{sizes[label]} and {size} in {equation!r}",
                                 rule="a letter is one size in all operands; 1 broadcasts")
    return sizes


def _without_ones(x: Tensor, labels: Labels, sizes: dict[Any, int]) -> tuple[Tensor, Labels]:
    """``x`` without the dimensions of size 1 that broadcast: it is the same all along them."""
    ones = [i for i, label in enumerate(labels) if x.shape[i] != sizes[label]]
    return (x.squeeze(tuple(ones)), [label for i, label in enumerate(labels) if i not in ones]) if ones else (x, labels)


def _summed(x: Tensor, labels: Labels, needed: set[Any]) -> tuple[Tensor, Labels]:
    """``x`` summed over the labels that nothing needs."""
    over = tuple(i for i, label in enumerate(labels) if label not in needed)
    return (x.sum(over), [label for label in labels if label in needed]) if over else (x, labels)


def _contract(x: Tensor, x_labels: Labels, y: Tensor, y_labels: Labels, needed: set[Any]) -> tuple[Tensor, Labels]:
    """The product of two operands, summed over what is not needed: one batched product of matrices."""
    x, x_labels = _summed(x, x_labels, needed.union(y_labels))
    y, y_labels = _summed(y, y_labels, needed.union(x_labels))
    batch = [label for label in x_labels if label in y_labels and label in needed]
    summed = [label for label in x_labels if label in y_labels and label not in needed]
    rows = [label for label in x_labels if label not in y_labels]
    columns = [label for label in y_labels if label not in x_labels]
    labels = batch + rows + columns
    x = _ordered(x, x_labels, batch + rows + summed)
    y = _ordered(y, y_labels, batch + summed + columns)
    b, r, s = len(batch), len(rows), len(summed)
    shape = (*x.shape[: b + r], *y.shape[b + s :])
    if not summed:
        return x.reshape(*x.shape, *[1] * len(columns)) * y.reshape(*y.shape[:b], *[1] * r, *y.shape[b:]), labels
    sizes = [math.prod(part) for part in (shape[:b], shape[b : b + r], x.shape[b + r :], shape[b + r :])]
    product = matmul(x.reshape(*sizes[:3]), y.reshape(sizes[0], *sizes[2:]))
    return product.reshape(*shape), labels


def _ordered(x: Tensor, labels: Labels, wanted: Labels) -> Tensor:
    return x if labels == wanted else x.permute(*(labels.index(label) for label in wanted))
