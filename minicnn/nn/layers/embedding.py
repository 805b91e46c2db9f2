"""Embedding: a table of vectors, looked up by index."""

from __future__ import annotations

from typing import Any, Self

from minicnn.backend import Device
from minicnn.errors import OutOfRangeError, ShapeError
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.functional.images import check_tensor
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter, parameter
from minicnn.tensor import Tensor

__all__ = ["Embedding"]


class Embedding(Module):
    """weight[i] for each index i: (*) → (*, embedding_dim). See ``F.embedding``.

    Args:
        num_embeddings: the number of vectors.
        embedding_dim: their size.
        padding_idx: this vector is 0 at first and gets no gradient.
        device, dtype: of the weight.

    Attributes:
        weight: (num_embeddings, embedding_dim), from N(0, 1).
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None,
        device: Device | str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise OutOfRangeError("Embedding: padding_idx is out of range", got=padding_idx,
                                      rule=f"-{num_embeddings} <= padding_idx < {num_embeddings}")
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.weight = parameter(num_embeddings, embedding_dim, device=device, dtype=dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The vectors from N(0, 1), that of ``padding_idx`` 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.array[self.padding_idx] = 0

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None) -> Self:
        """An Embedding on the given vectors, which are not learnt further unless ``freeze`` is False."""
        check_tensor("from_pretrained", "embeddings", embeddings)
        if embeddings.ndim != 2:
            raise ShapeError("from_pretrained: the embeddings are not a matrix", got=tuple(embeddings.shape),
                             rule="(num_embeddings, embedding_dim)")
        made = cls(0, embeddings.shape[1])
        made.num_embeddings, made.padding_idx = embeddings.shape[0], padding_idx
        made.weight = Parameter(embeddings, requires_grad=not freeze)
        return made

    def forward(self, input: Tensor) -> Tensor:
        """The vectors of the indices in ``input``."""
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """The sizes, and ``padding_idx`` where there is one."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
