"""Datasets made of others, samplers by themselves, and collating (SEMANTICS row 46)."""

import types
from collections import OrderedDict, namedtuple
from collections.abc import Mapping

import numpy as np
import pytest

import minicnn as mc
from minicnn import data
from minicnn.data import default_collate, default_convert
from minicnn.errors import DtypeError, OptionError, OutOfRangeError, ShapeError

Pair = namedtuple("Pair", "image label")


def test_row_46_python_numbers_and_strings():
    floats = default_collate([1.5, 2])
    assert floats.dtype == mc.float64
    assert floats.tolist() == [1.5, 2.0]
    ints = default_collate([1, 2])
    assert ints.dtype == mc.int64
    bools = default_collate([True, False])
    assert (str(bools.dtype), bools.tolist()) == ("bool", [True, False])
    assert default_collate(["a", "b"]) == ["a", "b"]
    assert default_collate([b"a", b"b"]) == [b"a", b"b"]


def plain(value):
    """A collated value as Python objects, with dtypes, to compare with another library's."""
    if hasattr(value, "tolist"):
        return str(value.dtype).removeprefix("torch."), value.tolist()
    if isinstance(value, Mapping):
        return type(value).__name__, {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(item) for item in value]
    return value


CASES = {
    "floats": [0.5, 1.5],
    "ints": [1, 2],
    "bools": [True, False],
    "mixed": [1, 2.5],
    "strings": ["a", "b"],
    "arrays": [np.ones((2, 2), np.float32), np.zeros((2, 2), np.float32)],
    "bytes_array": [np.array([1, 2], np.uint8)] * 3,
    "scalars": [np.float32(1.5), np.float32(2.5)],
    "int_scalars": [np.int64(3), np.int64(4)],
    "bool_scalars": [np.bool_(True), np.bool_(False)],
    "zero_d": [np.array(1.0), np.array(2.0)],
    "tuples": [(np.ones(2), 1, "a"), (np.zeros(2), 2, "b")],
    "lists": [[1, 2.0], [3, 4.0]],
    "nested": [{"x": (1, [2.0, {"y": "s"}])}, {"x": (3, [4.0, {"y": "t"}])}],
    "ordered": [OrderedDict(b=1, a=2.0), OrderedDict(b=3, a=4.0)],
    "proxy": [types.MappingProxyType({"a": 1}), types.MappingProxyType({"a": 2})],
    "namedtuples": [Pair(np.ones(2), 3), Pair(np.zeros(2), 4)],
    "ranges": [range(3), range(3)],
    "empty_tuples": [(), ()],
}


@pytest.mark.parametrize("name", CASES)
def test_collating_equals_pytorch(name):
    theirs = pytest.importorskip("torch.utils.data", reason="compares with PyTorch live").default_collate
    assert plain(default_collate(CASES[name])) == plain(theirs(CASES[name]))


@pytest.mark.parametrize("name", CASES)
def test_converting_equals_pytorch(name):
    theirs = pytest.importorskip("torch.utils.data", reason="compares with PyTorch live").default_convert
    assert plain(default_convert(CASES[name])) == plain(theirs(CASES[name]))


def test_tensors_are_stacked_and_recorded():
    x = mc.ones(2, requires_grad=True)
    batch = default_collate([x, x * 2])
    assert batch.tolist() == [[1.0, 1.0], [2.0, 2.0]]
    batch.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("batch, error, match", [
    ([mc.ones(2), mc.ones(3)], ShapeError, r"\(2,\), \(3,\)"),
    ([np.ones((1, 2)), np.ones((2, 2))], ShapeError, "different shapes"),
    ([(1, 2), (1,)], ShapeError, "different lengths"),
    ([None, None], DtypeError, "lack a return"),
    ([object()], DtypeError, "collate_fn of your own"),
    ([np.array(["a"])], DtypeError, "an array of"),
    ([{1, 2}], DtypeError, "set"),
    ([], OutOfRangeError, "empty"),
])
def test_bad_batches(batch, error, match):
    with pytest.raises(error, match=match):
        default_collate(batch)


def test_an_image_names_the_transform():
    image = type("Image", (), {"__module__": "PIL.Image"})()
    with pytest.raises(DtypeError, match="ToTensor"):
        default_collate([image])


def test_concat():
    joined = data.ConcatDataset([[1, 2], [], [3]])
    assert len(joined) == 3
    assert [joined[i] for i in range(3)] == [1, 2, 3]
    assert [joined[i] for i in (-1, -2, -3)] == [3, 2, 1]
    for bad in (3, -4):
        with pytest.raises(OutOfRangeError, match="ConcatDataset"):
            joined[bad]
    assert list(joined) == [1, 2, 3]
    rows = data.TensorDataset(mc.arange(3))
    assert [row[0].item() for row in rows + data.Subset(rows, [2, 0])] == [0, 1, 2, 2, 0]
    with pytest.raises(OptionError, match="no dataset"):
        data.ConcatDataset([])


class Count(data.IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.n


def test_chain():
    chain = Count(2) + Count(3)
    assert list(chain) == [0, 1, 0, 1, 2]
    assert len(chain) == 5
    with pytest.raises(DtypeError, match="ConcatDataset"):
        data.ChainDataset([[1]])
    with pytest.raises(DtypeError, match="ChainDataset"):
        data.ConcatDataset([Count(2)])


def test_subset():
    part = data.Subset(list(range(10, 20)), [3, 5])
    assert len(part) == 2
    assert [part[0], part[1]] == [13, 15]
    rows = data.Subset(data.TensorDataset(mc.arange(10)), [3, 5, 7])
    assert rows[[0, 2]][0].tolist() == [3, 7]

    class Doubled(data.Subset):
        def __getitem__(self, index):
            return 2 * super().__getitem__(index)

    assert next(iter(data.DataLoader(Doubled(list(range(9)), [4, 5]), batch_size=2))).tolist() == [8, 10]


def test_a_dataset_of_ones_own():
    class Squares(data.Dataset):
        def __len__(self):
            return 5

        def __getitem__(self, index):
            return index**2

    assert [b.tolist() for b in data.DataLoader(Squares(), batch_size=2)] == [[0, 1], [4, 9], [16]]
    with pytest.raises(NotImplementedError, match="__getitem__"):
        data.Dataset()[0]
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(data.IterableDataset())
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(data.Sampler())


def test_lengths_of_samplers():
    source = list(range(10))
    assert len(data.SequentialSampler(source)) == 10
    assert list(data.SequentialSampler(source)) == source
    assert len(data.RandomSampler(source)) == 10
    assert len(data.RandomSampler(source, num_samples=3)) == 3
    assert len(data.SubsetRandomSampler([1, 2])) == 2
    assert len(data.WeightedRandomSampler([1.0, 2.0], 7)) == 7
    assert len(data.BatchSampler(source, 3, False)) == 4
    assert len(data.BatchSampler(source, 3, True)) == 3
    assert list(data.BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    assert list(data.BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize("make, error", [
    (lambda: data.RandomSampler([1], num_samples=0), OptionError),
    (lambda: data.RandomSampler([1], num_samples=1.0), OptionError),
    (lambda: data.RandomSampler([1], replacement=1), DtypeError),
    (lambda: data.WeightedRandomSampler([1.0], 0), OptionError),
    (lambda: data.WeightedRandomSampler([1.0], True), OptionError),
    (lambda: data.WeightedRandomSampler([[1.0]], 1), ShapeError),
    (lambda: data.BatchSampler([1], 0, False), OptionError),
    (lambda: data.BatchSampler([1], 1, 1), DtypeError),
    (lambda: data.random_split([1, 2, 3], [1, 1]), OptionError),
    (lambda: data.random_split([1, 2, 3], [1.5, -0.5]), OptionError),
])
def test_bad_arguments(make, error):
    with pytest.raises(error):
        make()


def test_an_empty_part_warns():
    with pytest.warns(UserWarning, match="empty"):
        parts = data.random_split([1, 2], [0.9, 0.05, 0.05])
    assert [len(part) for part in parts] == [2, 0, 0]
