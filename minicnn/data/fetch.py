"""How batches come out of a dataset: sample by sample, rows of whole tensors at once, or one after the other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from minicnn.backend import backend_of
from minicnn.data.collate import default_collate
from minicnn.data.dataset import Subset, TensorDataset, one, samples
from minicnn.tensor import wrap

Fetch = Callable[[Any], Any]


def batch_of(dataset: Any, collate: Fetch, batched: bool = True) -> Fetch:
    """A function from a list of numbers to the batch of those samples; from one number where not ``batched``.

    Where the samples are rows of whole tensors, and are collated as usual, the batch is taken from the tensors at
    once: the same values as row by row, and many times faster.
    """
    if not batched:
        return lambda index: collate(one(dataset, index))
    rows = _rows(dataset) if collate is default_collate else None

    def fetch(indices: list[int]) -> Any:
        whole = rows(indices) if rows is not None else None
        return collate(samples(dataset, indices)) if whole is None else whole

    return fetch


def _rows(dataset: Any) -> Fetch | None:
    """A function from numbers to a list of tensors (None where a number is unusual), for datasets that have rows."""
    if isinstance(dataset, Subset) and type(dataset).__getitem__ is Subset.__getitem__:
        inner = _rows(dataset.dataset)
        return None if inner is None else lambda indices: inner([dataset.indices[i] for i in indices])
    if not isinstance(dataset, TensorDataset) or type(dataset).__getitem__ is not TensorDataset.__getitem__:
        return None
    if hasattr(dataset, "__getitems__"):
        return None

    def take(indices: list[int]) -> Any:
        tensors = dataset.tensors
        if any(tensor.tracked for tensor in tensors) or not indices or any(type(i) is not int for i in indices):
            return None
        if not 0 <= min(indices) <= max(indices) < len(dataset):
            return None
        return [wrap(t.array[backend_of(t.array).xp.asarray(indices)]) for t in tensors]

    return take


def batches_in_turn(
    samples_in_turn: Iterator[Any], batch_size: int | None, drop_last: bool, collate: Fetch
) -> Iterator[Any]:
    """The batches of an iterable dataset; its samples one by one where ``batch_size`` is None."""
    if batch_size is None:
        for sample in samples_in_turn:
            yield collate(sample)
        return
    while batch := list(itertools.islice(samples_in_turn, batch_size)):
        if len(batch) == batch_size or not drop_last:
            yield collate(batch)
        if len(batch) < batch_size:  # the end was seen: do not ask the dataset again
            return
