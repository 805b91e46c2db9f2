"""Samplers: in which order the numbers of a dataset's samples are visited. The same seed gives PyTorch's order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

import minicnn.random as streams
from minicnn.backend import backend_of
from minicnn.dtypes import float64
from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.ops.creation import as_tensor
from minicnn.random import Generator

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """Base of samplers: a subclass writes ``__iter__``, and ``__len__`` where the number is known."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} must write __iter__(self)")


class SequentialSampler(Sampler[int]):
    """0, 1, 2, …: the dataset's own order."""

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """A new random order in every epoch.

    Args:
        data_source: something with a length.
        replacement: draw every number independently, so that some come twice and some never.
        num_samples: how many to draw; the length of ``data_source`` where None.
        generator: where the order comes from. Without one, a seed from the default generator starts a new stream in
            every epoch.
    """

    def __init__(self, data_source: Any, replacement: bool = False, num_samples: int | None = None,
                 generator: Generator | None = None) -> None:
        _check_flag("RandomSampler", "replacement", replacement)
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        _check_number("RandomSampler", "num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many numbers an epoch draws."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, wanted, generator = len(self.data_source), self.num_samples, self.generator
        if generator is None:
            generator = Generator().manual_seed(streams.default_generator.random_int64())
        if self.replacement:
            for _ in range(wanted // 32):
                yield from generator.randint(0, n, 32).tolist()
            yield from generator.randint(0, n, wanted % 32).tolist()
        else:
            for _ in range(wanted // n):
                yield from generator.randperm(n).tolist()
            # Drawn even where nothing of it is used, as PyTorch does: the next draw depends on it.
            yield from generator.randperm(n).tolist()[: wanted % n]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices in a random order."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in (self.generator or streams.default_generator).randperm(len(self.indices)).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Numbers drawn with probabilities in the proportion of ``weights``, for classes of different sizes.

    Args:
        weights: one a sample, not negative; they need not add up to 1.
        num_samples: how many to draw.
        replacement: whether a number may come twice.
        generator: where the draws come from; the default generator where None.

    Example:
        >>> weights = [1 / count[label] for label in labels]
        >>> sampler = mc.data.WeightedRandomSampler(weights, num_samples=len(labels))
    """

    def __init__(self, weights: Sequence[float], num_samples: int, replacement: bool = True,
                 generator: Generator | None = None) -> None:
        _check_number("WeightedRandomSampler", "num_samples", num_samples)
        _check_flag("WeightedRandomSampler", "replacement", replacement)
        self.weights = as_tensor(weights, dtype=float64)
        if self.weights.ndim != 1:
            raise ShapeError("WeightedRandomSampler: the weights are not a list",
                             got=f"shape {tuple(self.weights.shape)}", rule="one weight a sample: shape (n,)",
                             hint="weights.flatten()")
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        array = self.weights.array
        generator = self.generator or streams.default_generator
        drawn = generator.multinomial(backend_of(array).to_numpy(array), self.num_samples, self.replacement)
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The numbers of another sampler in lists of ``batch_size``; a short last one is kept unless ``drop_last``."""

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        _check_number("BatchSampler", "batch_size", batch_size)
        _check_flag("BatchSampler", "drop_last", drop_last)
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        numbers = iter(self.sampler)
        while batch := list(islice(numbers, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]  # a sampler to count has a length
        return whole + (rest > 0 and not self.drop_last)


def _check_number(owner: str, name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise OptionError(f"{owner}: {name} is not a positive integer", got=repr(value), rule=f"an int, {name} >= 1",
                          hint="is the dataset empty?" if name == "num_samples" and value == 0 else None)


def _check_flag(owner: str, name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise DtypeError(f"{owner}: {name} is not True or False", got=repr(value), rule="a bool")
