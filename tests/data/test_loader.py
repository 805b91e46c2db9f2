"""DataLoader: PyTorch's batches for the same seed, in every mode; workers change nothing; mistakes are explained."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

import minicnn as mc
from minicnn import data
from minicnn.data import DataLoader, TensorDataset
from minicnn.errors import OptionError, ShapeError

MAKER = runpy.run_path(str(Path(__file__).parents[1] / "reference" / "make_data.py"))
PLANS, orders, splits, N = (MAKER[name] for name in ("PLANS", "orders", "splits", "N"))


@pytest.fixture(scope="module")
def stored():
    with np.load(MAKER["FILE"]) as file:
        return json.loads(file["json"].tobytes())


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("name", PLANS)
def test_orders_equal_the_stored_ones(name, own, stored):
    assert list(orders(mc, data, PLANS[name], own)) == stored[f"{name}.{own}"]


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("name", PLANS)
def test_orders_equal_pytorch(name, own):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    assert orders(mc, data, PLANS[name], own) == orders(torch, torch.utils.data, PLANS[name], own)


def test_splits_equal_pytorch(stored):
    found = splits(mc, data)
    assert found == stored["splits"]
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    assert found == splits(torch, torch.utils.data)


def test_interleaved_draws_equal_pytorch():
    """The loader draws exactly when PyTorch's does: at iter, and at the first next."""
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    found = []
    for library, package in ((mc, data), (torch, torch.utils.data)):
        library.manual_seed(0)
        loader = package.DataLoader(list(range(N)), batch_size=8, shuffle=True)
        seen = [library.rand(1).item()]
        epoch = iter(loader)
        seen.append(library.rand(1).item())
        seen.append(next(epoch).tolist())
        seen.append(library.rand(1).item())
        seen += [batch.tolist() for batch in epoch]
        seen.append(library.rand(1).item())
        seen.append(next(iter(loader)).tolist())
        found.append(seen)
    assert found[0] == found[1]


def test_a_sampler_of_ones_own_that_draws_equals_pytorch():
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    found = []
    for library, package in ((mc, data), (torch, torch.utils.data)):

        class Own(package.Sampler):
            def __iter__(self, library=library):
                return iter(library.randperm(N).tolist())

        library.manual_seed(4)
        seen = []
        for batch_size in (4, None):
            loader = package.DataLoader(list(range(N)), batch_size=batch_size, sampler=Own())
            seen += [library.as_tensor(batch).tolist() for _ in range(2) for batch in loader]
        found.append(seen)
    assert found[0] == found[1]


def rows():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(N, 2, 3)).astype(np.float32)
    return images, rng.integers(0, 9, N), np.asfortranarray(rng.normal(size=(N, 4)))


def as_numpy(batches):
    return [[tensor.cpu().numpy() for tensor in batch] for batch in batches]


@pytest.mark.parametrize("subset", [None, [4, 3, 20, 1, 1, 0], range(3, 19)])
def test_whole_tensors_give_the_same_bits_as_rows(subset):
    tensors = [mc.tensor(array) for array in rows()]

    class Rows(TensorDataset):
        def __getitem__(self, index):
            return super().__getitem__(index)

    found = []
    for cls in (TensorDataset, Rows):
        dataset = cls(*tensors)
        dataset = dataset if subset is None else data.Subset(data.Subset(dataset, subset), range(len(subset)))
        mc.manual_seed(8)
        found.append(list(DataLoader(dataset, batch_size=5, shuffle=True)))
    for a, b in zip(*found, strict=True):
        assert type(a) is type(b) is list
        for x, y in zip(a, b, strict=True):
            assert x.dtype == y.dtype
            assert np.array_equal(x.cpu().numpy(), y.cpu().numpy())


def test_a_training_loop_sees_pytorchs_batches():
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    found = []
    for library, package in ((mc, data), (torch, torch.utils.data)):
        dataset = package.TensorDataset(*[library.as_tensor(array) for array in rows()])
        library.manual_seed(1)
        train, val = package.random_split(dataset, [0.8, 0.2])
        loaders = [package.DataLoader(train, batch_size=4, shuffle=True), package.DataLoader(val, batch_size=3)]
        found.append(as_numpy(batch for _ in range(3) for loader in loaders for batch in loader))
    for a, b in zip(*found, strict=True):
        for x, y in zip(a, b, strict=True):
            assert x.dtype == y.dtype
            assert np.array_equal(x, y)


def test_rows_that_require_a_gradient_are_recorded():
    x = mc.ones((4, 2), requires_grad=True)
    for (batch,) in DataLoader(TensorDataset(x), batch_size=2):
        batch.sum().backward()
    assert x.grad.tolist() == [[1.0, 1.0]] * 4


def test_rows_on_a_device(device):
    dataset = TensorDataset(mc.arange(10, device=device))
    batches = [batch for (batch,) in DataLoader(dataset, batch_size=4)]
    assert [batch.tolist() for batch in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert batches[0].device == mc.device(device)


def test_a_wrong_number_in_a_sampler_is_an_index_error():
    dataset = TensorDataset(mc.arange(10))
    with pytest.raises(IndexError):
        list(DataLoader(dataset, batch_size=2, sampler=[3, 10]))


def test_getitems_is_used_and_a_collate_fn_gets_samples():
    class Many(data.Dataset):
        def __len__(self):
            return 5

        def __getitems__(self, indices):
            return [("many", i) for i in indices]

    assert list(DataLoader(Many(), batch_size=3, collate_fn=list)) == [
        [("many", 0), ("many", 1), ("many", 2)], [("many", 3), ("many", 4)]]
    dataset = TensorDataset(mc.arange(4))
    assert list(DataLoader(dataset, batch_size=3, collate_fn=len)) == [3, 1]


def test_batch_sampler_and_no_batches():
    dataset = [10, 11, 12, 13]
    batches = list(DataLoader(dataset, batch_sampler=[[3, 0], [1], [2, 2]]))
    assert [batch.tolist() for batch in batches] == [[13, 10], [11], [12, 12]]
    assert list(DataLoader(dataset, batch_size=None)) == dataset
    arrays = list(DataLoader([np.ones(2), np.zeros(2)], batch_size=None))
    assert [type(array) for array in arrays] == [mc.Tensor, mc.Tensor]


@pytest.mark.parametrize("size, batch_size, drop_last", [(10, 3, False), (10, 3, True), (9, 3, True), (0, 2, False)])
def test_len_and_last_batch(size, batch_size, drop_last):
    loader = DataLoader(list(range(size)), batch_size=batch_size, drop_last=drop_last)
    batches = [batch.tolist() for batch in loader]
    assert len(batches) == len(loader)
    if size == 10:
        assert (batches[-1] == [9]) is not drop_last


class Stream(data.IterableDataset):
    def __init__(self, n, error_at=None):
        self.n, self.error_at, self.reads = n, error_at, 0

    def __iter__(self):
        self.reads += 1
        for i in range(self.n):
            if i == self.error_at:
                raise KeyError("broken sample")
            yield i

    def __len__(self):
        return self.n


@pytest.mark.parametrize("num_workers", [0, 1])
@pytest.mark.parametrize("n, batch_size, drop_last", [(7, 3, False), (7, 3, True), (6, 3, False), (0, 2, False)])
def test_an_iterable_dataset(n, batch_size, drop_last, num_workers):
    stream = Stream(n)
    loader = DataLoader(stream, batch_size=batch_size, drop_last=drop_last, num_workers=num_workers)
    for _ in range(2):
        batches = [batch.tolist() for batch in loader]
        assert [i for batch in batches for i in batch] == list(range(n - n % batch_size if drop_last else n))
        assert len(batches) == len(loader)
    assert stream.reads == (0 if num_workers else 2)  # a process reads its copy
    single = DataLoader(stream, batch_size=None, num_workers=num_workers)
    assert list(single) == list(range(n))
    assert len(single) == n


def test_an_iterable_dataset_also_draws_the_base_seed():
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")

    class Theirs(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(5))

    after = []
    for library, package, stream in ((mc, data, Stream(5)), (torch, torch.utils.data, Theirs())):
        library.manual_seed(2)
        list(package.DataLoader(stream, batch_size=2))
        after.append(library.rand(1).item())
    assert after[0] == after[1]


def test_annotations_of_textbooks():
    def train(loader: DataLoader[int], dataset: data.Dataset[int], sampler: data.Sampler[int]) -> None: ...

    assert train.__annotations__
    loader = DataLoader([1, 2], 2, True, pin_memory=True, num_workers=2, persistent_workers=True, prefetch_factor=4)
    assert (loader.batch_size, loader.num_workers, loader.pin_memory, loader.drop_last) == (2, 2, True, False)
    assert isinstance(loader.sampler, data.RandomSampler)
    assert isinstance(loader.batch_sampler, data.BatchSampler)


DATA = [1, 2, 3]


@pytest.mark.parametrize("options, match", [
    ({"batch_size": 0}, "batch_size is not a positive"),
    ({"batch_size": -1}, "batch_size is not a positive"),
    ({"batch_size": 2.0}, "batch_size is not a positive"),
    ({"batch_size": True}, "batch_size is not a positive"),
    ({"shuffle": True, "sampler": [0]}, "exclude each other"),
    ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler replaces"),
    ({"batch_sampler": [[0]], "shuffle": True}, "batch_sampler replaces"),
    ({"batch_sampler": [[0]], "sampler": [0]}, "batch_sampler replaces"),
    ({"batch_sampler": [[0]], "drop_last": True}, "batch_sampler replaces"),
    ({"batch_size": None, "drop_last": True}, "drop_last without batches"),
    ({"num_workers": -1}, "num_workers is negative"),
    ({"timeout": -1}, "timeout is negative"),
    ({"timeout": 1}, "timeout is an option of workers"),
    ({"prefetch_factor": 2}, "prefetch_factor is an option of workers"),
    ({"prefetch_factor": -1, "num_workers": 1}, "prefetch_factor is negative"),
    ({"persistent_workers": True}, "persistent_workers is an option of workers"),
    ({"num_workers": 1, "worker_method": "process"}, "no such worker_method"),
    ({"num_workers": 1, "multiprocessing_context": "thread"}, "no multiprocessing_context"),
    ({"multiprocessing_context": "spawn"}, "multiprocessing_context is an option of processes"),
    ({"num_workers": 1, "multiprocessing_context": "spawn", "worker_method": "thread"}, "is an option of processes"),
])
def test_bad_options(options, match):
    with pytest.raises(OptionError, match=match):
        DataLoader(DATA, **options)


@pytest.mark.parametrize("options, match", [
    ({"shuffle": True}, "takes no shuffle"),
    ({"sampler": [0]}, "takes no sampler"),
    ({"batch_sampler": [[0]]}, "takes no batch_sampler"),
])
def test_bad_options_of_an_iterable_dataset(options, match):
    with pytest.raises(OptionError, match=match):
        DataLoader(Stream(3), **options)


def test_shuffling_nothing():
    with pytest.raises(OptionError, match="num_samples is not a positive"):
        DataLoader([], shuffle=True)


@pytest.mark.parametrize("name", ["batch_size", "sampler", "batch_sampler", "drop_last", "dataset"])
def test_what_cannot_be_changed_afterwards(name):
    loader = DataLoader(DATA)
    with pytest.raises(OptionError, match="afterwards"):
        setattr(loader, name, None)
    loader.collate_fn = list
    assert list(loader) == [[1], [2], [3]]


@pytest.mark.parametrize("tensors", [(mc.ones(3), mc.ones(4)), (), (mc.tensor(1.0),)])
def test_rows_of_different_numbers(tensors):
    with pytest.raises(ShapeError, match="numbers of rows"):
        TensorDataset(*tensors)
