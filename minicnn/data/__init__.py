"""Datasets, samplers and the DataLoader: what PyTorch has in ``torch.utils.data``."""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.data.collate import default_collate, default_convert
from minicnn.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
    random_split,
)
from minicnn.data.loader import DataLoader
from minicnn.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from minicnn.data.worker import WorkerInfo, get_worker_info
from minicnn.keywords import spell_constructors

__all__ = [
    "BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "IterableDataset", "RandomSampler",
    "Sampler", "SequentialSampler", "Subset", "SubsetRandomSampler", "TensorDataset", "WeightedRandomSampler",
    "WorkerInfo", "default_collate", "default_convert", "get_worker_info", "random_split",
]  # fmt: skip

spell_constructors(globals(), ["BatchSampler", "DataLoader", "RandomSampler", "WeightedRandomSampler"])

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
