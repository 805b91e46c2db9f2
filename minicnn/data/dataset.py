"""Datasets: samples by number (Dataset) or one after another (IterableDataset), and datasets made of others."""

from __future__ import annotations

import itertools
import math
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from minicnn.errors import DtypeError, OptionError, OutOfRangeError, ShapeError
from minicnn.random import Generator, default_generator
from minicnn.tensor import Tensor

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Base of datasets whose samples have numbers: a subclass writes ``__getitem__`` and ``__len__``.

    One that can fetch several samples at once may add ``__getitems__(indices)``, which returns a list.

    Example:
        >>> class Squares(mc.data.Dataset):
        ...     def __getitem__(self, index):
        ...         return index**2
        ...     def __len__(self):
        ...         return 10
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} must write __getitem__(self, index)")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """Base of datasets that are read from the start to the end: a subclass writes ``__iter__``."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} must write __iter__(self)")

    def __add__(self, other: Dataset[Any]) -> ChainDataset:  # type: ignore[override]  # of iterables, as in PyTorch
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Rows of tensors: sample i is ``(tensors[0][i], tensors[1][i], …)``.

    Args:
        tensors: of one first size.

    Raises:
        ShapeError: where the first sizes differ.

    Example:
        >>> dataset = mc.data.TensorDataset(images, labels)
        >>> image, label = dataset[0]
    """

    def __init__(self, *tensors: Tensor) -> None:
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise DtypeError("TensorDataset: this is not a tensor", got=type(tensor).__name__,
                                 rule="every argument is a tensor", hint="mc.as_tensor(data)")
        sizes = [tuple(tensor.shape[:1]) for tensor in tensors]
        if not sizes or sizes[0] == () or any(size != sizes[0] for size in sizes):
            raise ShapeError("TensorDataset: the tensors have different numbers of rows",
                             got=", ".join(str(tuple(tensor.shape)) for tensor in tensors) or "no tensor",
                             rule="tensors[i].shape[0] is the same for all", hint="one row a sample in every tensor")
        self.tensors: tuple[Any, ...] = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].shape[0])


class ConcatDataset(Dataset[Any]):
    """Datasets one after the other; also ``a + b``."""

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets: list[Any] = list(datasets)
        if not self.datasets:
            raise OptionError("ConcatDataset: there is no dataset", got="an empty list", rule="at least one dataset")
        for dataset in self.datasets:
            if isinstance(dataset, IterableDataset):
                raise DtypeError("ConcatDataset: an IterableDataset has no numbered samples",
                                 got=type(dataset).__name__, hint="ChainDataset")
        self.cumulative_sizes = list(itertools.accumulate(len(dataset) for dataset in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        size = len(self)
        if not -size <= index < size:
            raise OutOfRangeError("ConcatDataset: the index is out of range", got=index,
                                  rule=f"{-size} <= index < {size}")
        index %= size
        which = bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]


class ChainDataset(IterableDataset[Any]):
    """Iterable datasets one after the other; also ``a + b``."""

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets: list[Any] = list(datasets)
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise DtypeError("ChainDataset: this dataset is not iterable", got=type(dataset).__name__,
                                 hint="ConcatDataset")

    def __iter__(self) -> Iterator[Any]:
        for dataset in self.datasets:
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self.datasets)


class Subset(Dataset[T_co]):
    """The samples of ``dataset`` at ``indices``.

    Example:
        >>> first_hundred = mc.data.Subset(dataset, range(100))
    """

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: list[int]) -> list[T_co]:
        if type(self).__getitem__ is not Subset.__getitem__:
            return [self[i] for i in indices]
        return samples(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def samples(dataset: Any, indices: list[int]) -> list[Any]:
    """The samples of a dataset at ``indices``, by its ``__getitems__`` where it has one."""
    fetch = getattr(dataset, "__getitems__", None)
    return fetch(indices) if fetch else [one(dataset, i) for i in indices]


def one(dataset: Any, index: Any) -> Any:
    """The sample at ``index``; an exception gets a note that says which one it was."""
    try:
        return dataset[index]
    except Exception as error:
        error.add_note(f"in sample {index} of {type(dataset).__name__}")
        raise


def random_split(
    dataset: Dataset[T], lengths: Sequence[float], generator: Generator | None = None
) -> list[Subset[T]]:
    """Split a dataset at random; the same seed gives PyTorch's split.

    Args:
        dataset: what to split.
        lengths: how many samples each part gets, or fractions that add up to 1 (what is left over by rounding goes
            to the parts in turn, one each).
        generator: where the order comes from; the default generator where None.

    Raises:
        OptionError: where the lengths do not add up.

    Example:
        >>> train, val = mc.data.random_split(dataset, [0.9, 0.1], generator=mc.Generator().manual_seed(0))
    """
    size = len(dataset)  # type: ignore[arg-type]  # a dataset to split has a length
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        if any(not 0 <= fraction <= 1 for fraction in lengths):
            raise OptionError("random_split: a fraction is out of range", got=list(lengths), rule="0 <= fraction <= 1")
        sizes = [math.floor(size * fraction) for fraction in lengths]
        for i in range(size - sum(sizes)):
            sizes[i % len(sizes)] += 1
        if 0 in sizes:
            warnings.warn(f"random_split: a part is empty ({size} samples into parts of {sizes})", stacklevel=2)
    else:
        sizes = list(lengths)  # type: ignore[arg-type]  # whole numbers here, shares before
    if sum(sizes) != size:
        raise OptionError("random_split: the lengths do not add up", got=f"{list(lengths)} of {size} samples",
                          rule=f"sum(lengths) == {size}, or fractions with sum 1", hint="[0.8, 0.2]")
    order = (generator or default_generator).randperm(size).tolist()
    ends = itertools.accumulate(sizes)
    return [Subset(dataset, order[end - length : end]) for end, length in zip(ends, sizes, strict=True)]
