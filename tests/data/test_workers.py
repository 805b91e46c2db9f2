"""Workers, threads and processes: the same batches as without, PyTorch's random numbers, and nothing left behind."""

from __future__ import annotations

import gc
import multiprocessing
import os
import random
import runpy
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import minicnn as mc
from minicnn import data
from minicnn.data import DataLoader, TensorDataset
from minicnn.errors import MinicnnError, OptionError, ShapeError, StateError, WorkerError

ROOT = Path(__file__).parents[2]
MAKER = runpy.run_path(str(ROOT / "tests" / "reference" / "make_data.py"))
PLANS, orders = MAKER["PLANS"], MAKER["orders"]
METHODS = pytest.mark.parametrize("method", ["multiprocessing", "thread"])
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc which processes there are")
FEW_CORES = pytest.mark.filterwarnings("ignore:This DataLoader will create")  # PyTorch's, of more workers than cores


def children() -> list[int]:
    """Processes that this one started, ended ones that nobody asked for among them."""
    return [int(p) for p in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(autouse=True)
def _processes_fork_if_they_can(monkeypatch):
    """Whatever this Python's default is: the datasets below are made in functions."""
    default = multiprocessing.get_context
    if "fork" in multiprocessing.get_all_start_methods():
        monkeypatch.setattr(multiprocessing, "get_context", lambda method=None: default(method or "fork"))


@pytest.fixture(autouse=True)
def _nothing_is_left():
    """After each test: no process, no thread, no descriptor more than before."""
    if sys.platform != "linux":
        yield
        return
    gc.collect()
    before = descriptors(), threading.active_count(), children()
    yield
    gc.collect()
    assert multiprocessing.active_children() == []
    assert (descriptors(), threading.active_count(), children()) == before


@pytest.mark.parametrize("name, method", [*((name, "thread") for name in PLANS), ("shuffled", "multiprocessing"),
                                          ("shuffled_single", "multiprocessing")])  # fmt: skip
def test_workers_change_nothing(name, method):
    for own in (False, True):
        expected = orders(mc, data, PLANS[name], own)
        assert orders(mc, data, PLANS[name], own, num_workers=2, worker_method=method) == expected


def plain(batch):
    """Numbers in lists, of tensors of either library."""
    if isinstance(batch, list):
        return [plain(x) for x in batch]
    return batch.tolist() if hasattr(batch, "tolist") else batch


class Draws(data.Dataset):
    """What every stream gives: minicnn's or PyTorch's, Python's, NumPy's."""

    def __init__(self, library, info):
        self.library, self.info = library, info

    def __len__(self):
        return 22

    def __getitem__(self, index):
        worker = self.info()
        drawn = [self.library.rand(1).item(), self.library.randn(1).item(), random.random(), np.random.rand()]
        return [index, worker.id, worker.num_workers, worker.seed % 2**31, *drawn]


@FEW_CORES
@pytest.mark.parametrize("options", [
    {"num_workers": 1}, {"num_workers": 3}, {"num_workers": 2, "shuffle": True},
    {"num_workers": 2, "persistent_workers": True}, {"num_workers": 2, "prefetch_factor": 5},
    {"num_workers": 2, "batch_size": None},
])  # fmt: skip
def test_random_numbers_in_processes_are_pytorchs(options):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    found = []
    for library, package in ((mc, data), (torch, torch.utils.data)):
        library.manual_seed(7)
        loader = package.DataLoader(Draws(library, package.get_worker_info), **{"batch_size": 3, **options})
        found.append([plain(batch) for _ in range(2) for batch in loader] + [library.rand(1).item()])
        del loader
    assert found[0] == found[1]


STREAMS = ([0.11662513017654419, 1.3900771141052246, 0.9290632898373887, 0.03541536592796235],
           [0.3148404359817505, 0.04147285223007202, 0.5574193789609411, 0.240715442815568])  # fmt: skip
"""What PyTorch 2.13's two workers draw first, for seed 7: rand, randn, random.random, numpy.random.rand."""


def test_random_numbers_in_processes_are_the_stored_ones():
    mc.manual_seed(7)
    loader = DataLoader(Draws(mc, data.get_worker_info), batch_size=11, num_workers=2)
    first, second = ([values[0] for values in plain(batch)] for batch in loader)
    assert [first[1], second[1]] == [0, 1]
    assert first[4:] == STREAMS[0] and second[4:] == STREAMS[1]


@METHODS
def test_augmentations_are_not_repeated_and_come_again(method):
    epochs = []
    for _ in range(2):
        mc.manual_seed(0)
        loader = DataLoader(TensorDataset(mc.zeros(12, 1)), 3, num_workers=3, worker_method=method,
                            collate_fn=lambda batch: mc.rand(len(batch)).tolist())  # fmt: skip
        epochs.append([*loader, *loader])
        assert len({x for batch in epochs[-1] for x in batch}) == 24
    assert epochs[0] == epochs[1]
    mc.manual_seed(0)
    assert [*DataLoader(TensorDataset(mc.zeros(12, 1)), 3, num_workers=3,
                        collate_fn=lambda batch: mc.rand(len(batch)).tolist())] == epochs[0][:4]  # fmt: skip


class Stream(data.IterableDataset):
    def __init__(self, sizes=None):
        self.sizes = sizes

    def __iter__(self):
        info = data.get_worker_info()
        size = 10 if self.sizes is None else self.sizes[info.id]
        return iter(range(100 * info.id, 100 * info.id + size))


@FEW_CORES
@pytest.mark.parametrize("sizes, options", [
    (None, {"batch_size": 3}), ([0, 7, 2], {"batch_size": 3, "drop_last": True}), ([9, 0, 3], {"batch_size": None}),
    ([1, 1, 8], {"batch_size": 2, "persistent_workers": True}), ([9, 1, 3], {"batch_size": 2, "prefetch_factor": 1}),
])  # fmt: skip
def test_an_iterable_dataset_is_shared_out_as_by_pytorch(sizes, options):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")

    class Theirs(torch.utils.data.IterableDataset):
        def __iter__(self):
            info = torch.utils.data.get_worker_info()
            size = 10 if sizes is None else sizes[info.id]
            return iter(range(100 * info.id, 100 * info.id + size))

    theirs = torch.utils.data.DataLoader(Theirs(), num_workers=3, **options)
    expected = [plain(batch) for _ in range(2) for batch in theirs]
    del theirs
    for method in ("multiprocessing", "thread"):
        ours = DataLoader(Stream(sizes), num_workers=3, worker_method=method, **options)
        assert [plain(batch) for _ in range(2) for batch in ours] == expected


class Broken(data.Dataset):
    def __init__(self, error, at=4):
        self.error, self.at = error, at

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if index == self.at:
            raise self.error
        return index


class OwnError(Exception):
    def __init__(self, one, two):
        super().__init__(one, two)


class Odd(UnicodeDecodeError):
    pass


@METHODS
@pytest.mark.parametrize("error, kind, text", [
    (KeyError("broken sample"), KeyError, "KeyError: 'broken sample'; in sample 4 of Broken"),
    (OwnError(1, 2), OwnError, "OwnError"),
    (FileNotFoundError(2, "no such file", "x.png"), FileNotFoundError, "x.png"),
    (ShapeError("f: sizes differ", got="3", rule="a == b"), ShapeError, "failed in f: sizes differ\n  got   3\n"),
    (Odd("utf-8", b"x", 0, 1, "why"), WorkerError, "why"),
    (SystemExit(3), WorkerError, "SystemExit: 3"),
    (StopIteration(), WorkerError, "StopIteration"),
    (type("Local", (ValueError,), {})("of no module"), WorkerError, "Local: of no module"),
])  # fmt: skip
def test_an_error_comes_where_its_batch_would_and_the_epoch_goes_on(error, kind, text, method):
    epoch = iter(DataLoader(Broken(error), 2, num_workers=2, worker_method=method))
    assert [next(epoch).tolist(), next(epoch).tolist()] == [[0, 1], [2, 3]]
    with pytest.raises(kind) as found:
        next(epoch)
    assert isinstance(found.value, WorkerError) and isinstance(found.value, MinicnnError)
    message = str(found.value)
    assert message.startswith("DataLoader: worker 0 failed") and text in message
    assert "Traceback (most recent call last)" in message
    assert "in sample 4 of Broken" in message or isinstance(error, SystemExit)
    assert found.value.worker == 0 and "raise self.error" in found.value.traceback
    assert next(epoch).tolist() == [6, 7]
    assert list(epoch) == []


def test_without_workers_an_error_is_itself_and_names_the_sample():
    with pytest.raises(KeyError) as found:
        list(DataLoader(Broken(KeyError("broken sample")), 2))
    assert type(found.value) is KeyError and found.value.__notes__ == ["in sample 4 of Broken"]


@METHODS
def test_an_error_of_worker_init_fn_is_raised(method):
    with pytest.raises(ZeroDivisionError):
        list(DataLoader([1, 2], num_workers=1, worker_method=method, worker_init_fn=lambda number: 1 / 0))


@METHODS
def test_worker_init_fn_is_called_once_a_worker_with_its_streams_seeded(method):
    def start(number):
        info = data.get_worker_info()
        info.dataset.drawn = [number, info.id, mc.initial_seed() - info.seed]

    class Drawn(data.Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return self.drawn

    loader = DataLoader(Drawn(), num_workers=1, worker_method=method, worker_init_fn=start)
    assert [plain(batch) for batch in loader] == [[[0], [0], [0]]] * 4
    assert data.get_worker_info() is None


@METHODS
def test_batches_that_cannot_be_sent(method):
    loader = DataLoader([1, 2], num_workers=1, worker_method=method, collate_fn=lambda batch: lambda: batch)
    if method == "thread":
        assert [batch() for batch in loader] == [[1], [2]]
    else:
        with pytest.raises(WorkerError, match="pickle"):
            list(loader)


class Slow(data.Dataset):
    """Later samples are faster; each is noted in a folder."""

    def __init__(self, folder, seconds=0.02):
        self.folder, self.seconds = folder, seconds

    def __len__(self):
        return 8

    def __getitem__(self, index):
        (self.folder / str(index)).touch()
        time.sleep(self.seconds * (8 - index))
        return index


@METHODS
def test_the_order_is_kept_unless_told_otherwise(tmp_path, method):
    loader = DataLoader(Slow(tmp_path), num_workers=4, worker_method=method)
    assert [batch.item() for batch in loader] == list(range(8))
    loader = DataLoader(Slow(tmp_path), num_workers=2, worker_method=method, in_order=False)
    assert sorted(batch.item() for batch in loader) == list(range(8))
    first_is_slow = DataLoader([0.6, 0, 0, 0], num_workers=2, in_order=False, worker_method=method,
                               collate_fn=lambda batch: time.sleep(batch[0]) or batch[0])  # fmt: skip
    assert list(first_is_slow)[:2] == [0, 0]


@METHODS
def test_leaving_an_epoch_early_stops_at_once(tmp_path, method):
    for _ in DataLoader(Slow(tmp_path), num_workers=1, prefetch_factor=5, worker_method=method):
        break
    gc.collect()
    assert len(list(tmp_path.iterdir())) < 4  # of six that were asked for


@METHODS
def test_timeout(method):
    loader = DataLoader([0.4], num_workers=1, timeout=0.02, worker_method=method,
                        collate_fn=lambda batch: time.sleep(batch[0]))  # fmt: skip
    with pytest.raises(StateError, match="too long"):
        list(loader)


@METHODS
def test_persistent_workers_keep_their_copy_of_the_dataset(method):
    class Counts(data.Dataset):
        reads = 0

        def __len__(self):
            return 3

        def __getitem__(self, index):
            self.reads += 1
            return self.reads

    for persistent, expected in ((True, [1, 2, 3, 4, 5, 6]), (False, [1, 2, 3, 1, 2, 3])):
        loader = DataLoader(Counts(), num_workers=1, worker_method=method, persistent_workers=persistent)
        found = [batch.item() for _ in range(2) for batch in loader]
        assert found == (expected if method == "multiprocessing" else [1, 2, 3, 4, 5, 6])


@METHODS
def test_an_epoch_of_persistent_workers_can_be_left(method):
    loader = DataLoader(range(100), 2, num_workers=2, worker_method=method, persistent_workers=True, prefetch_factor=3)
    for _ in range(3):
        first = iter(loader)
        assert next(first).tolist() == [0, 1]
        assert [x for batch in loader for x in batch.tolist()] == list(range(100))
        with pytest.raises(StateError, match="another epoch has begun"):
            next(first)


@pytest.mark.parametrize("end, text", [
    (lambda: os.kill(os.getpid(), signal.SIGKILL), "was killed by signal 9"),
    (lambda: os._exit(5), "ended with exit code 5"),
])  # fmt: skip
@pytest.mark.parametrize("persistent", [False, True])
def test_a_process_that_ends_is_named(end, text, persistent):
    def collate(batch):
        return end() if batch[0] == 3 else batch[0]

    loader = DataLoader(range(8), num_workers=2, collate_fn=collate, persistent_workers=persistent)
    epoch = iter(loader)
    assert [next(epoch), next(epoch), next(epoch)] == [0, 1, 2]
    with pytest.raises(WorkerError, match=text) as error:
        next(epoch)
    assert error.value.worker == 1 and "worker 1 (process" in str(error.value)
    assert list(epoch) == []
    loader.collate_fn = max
    assert list(loader) == list(range(8))  # by new workers


def test_what_a_worker_answered_before_it_ended_still_comes():
    def collate(batch):
        return os._exit(5) if batch[0] == 3 else batch[0]

    epoch = iter(DataLoader(range(8), num_workers=2, collate_fn=collate))
    while len(multiprocessing.active_children()) > 1:
        time.sleep(0.01)
    assert [next(epoch), next(epoch), next(epoch)] == [0, 1, 2]  # tasks for the worker that has gone are no error yet
    with pytest.raises(WorkerError, match="ended with exit code 5"):
        next(epoch)


def test_batches_large_and_small_arrive_whole():
    rng = np.random.default_rng(0)
    batches = [
        {"image": mc.as_tensor(rng.normal(size=(3, 200, 300))), "label": 3, "name": "x" * 10},
        [mc.as_tensor(rng.integers(0, 9, (5, 40_000), dtype=np.int32)).t(), mc.ones(2, 3), np.zeros(0), b"y" * 99_999],
        (np.asfortranarray(rng.normal(size=(70, 80))), np.arange(20)[::-1], mc.tensor(True)),
        [],
    ]
    loader = DataLoader(batches, batch_size=None, num_workers=1, collate_fn=lambda batch: batch)
    for sent, got in zip(batches, loader, strict=True):
        assert type(sent) is type(got)
        for a, b in zip(*(x.values() if isinstance(x, dict) else x for x in (sent, got)), strict=True):
            assert type(a) is type(b)
            if isinstance(a, mc.Tensor):
                assert a.dtype == b.dtype and np.array_equal(a.cpu().numpy(), b.cpu().numpy())
                assert b.cpu().array.flags.aligned
                b.fill_(1)  # memory of its own, which can be written
            else:
                assert np.array_equal(a, b)


def test_files_carry_batches_where_memory_has_a_name(monkeypatch):
    monkeypatch.setattr("minicnn.data.parcel.HAS_UNNAMED", False)
    rows = mc.rand(64, 3, 40, 40)
    found = [x for (x,) in DataLoader(TensorDataset(rows), 16, num_workers=2)]
    assert mc.cat(found).equal(rows)
    gc.collect()


@METHODS
def test_fifty_loaders_leave_nothing_behind(method):
    rows = TensorDataset(mc.rand(40, 3, 30, 30))
    loaders = []
    for i in range(50):
        loader = DataLoader(rows, 10, num_workers=1 + i % 2, worker_method=method, persistent_workers=i % 3 == 0)
        epoch = iter(loader)
        for _ in range(i % 6):
            next(epoch, None)
        if i % 5 == 0:
            loaders.append((loader, epoch))  # many at a time, too
        if i % 10 == 0:
            loaders.clear()
    # The fixture looks for what is left.


def test_a_worker_has_no_worker_processes_but_threads():
    def inner(batch):
        return [x.item() for x in DataLoader(batch, num_workers=1, worker_method="thread")]

    assert list(DataLoader([1, 2], 2, num_workers=1, collate_fn=inner)) == [[1, 2]]
    with pytest.raises(OptionError, match="cannot have workers that are processes"):
        list(DataLoader([1, 2], num_workers=1, collate_fn=lambda batch: list(DataLoader(batch, num_workers=1))))


class Squares(data.Dataset):
    """At the top of a module: it can be pickled."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return mc.tensor(index) ** 2, float(mc.rand(1))


def test_processes_that_do_not_fork(tmp_path):
    mc.manual_seed(3)
    expected = [plain(batch) for batch in DataLoader(Squares(), 2, num_workers=1)]
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent("""
        import minicnn as mc
        from tests.data.test_workers import Squares, plain
        if __name__ == "__main__":
            for method in ("spawn", "forkserver"):
                mc.manual_seed(3)
                loader = mc.data.DataLoader(Squares(), 2, num_workers=1, multiprocessing_context=method)
                print([plain(batch) for batch in loader])
    """))
    found = subprocess.run([sys.executable, script], check=False, capture_output=True, text=True, timeout=60,
                           env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert found.stdout.splitlines() == [str(expected)] * 2 and found.stderr == ""


def test_a_dataset_that_cannot_be_pickled_is_refused_where_it_must_be():
    for method in ("spawn", "forkserver"):
        loader = DataLoader([1], num_workers=1, multiprocessing_context=method, collate_fn=lambda batch: batch)
        with pytest.raises(OptionError, match="cannot be sent to a worker process"):
            iter(loader)
    multiprocessing.resource_tracker._resource_tracker._stop()


def started_script(seconds, method):
    """A program in a session of its own, and the numbers of its processes."""
    code = textwrap.dedent(STUCK).replace("SECONDS", str(seconds)).replace("METHOD", method)
    started = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               cwd=ROOT, start_new_session=True)  # fmt: skip
    return started, {started.pid, *(int(started.stdout.readline()) for _ in range(2))}


STUCK = """
    import os, signal, sys, time
    signal.signal(signal.SIGINT, signal.default_int_handler)  # programs started in the background ignore it
    import minicnn as mc

    class Stuck(mc.data.Dataset):
        def __len__(self):
            return 100

        def __getitem__(self, index):
            os.write(1, b"%d\\n" % os.getpid())
            time.sleep(SECONDS)
            return index

    for batch in mc.data.DataLoader(Stuck(), num_workers=2, worker_method="METHOD"):
        pass
"""


def is_there(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def gone(pids, within=8.0):
    end = time.monotonic() + within
    while any(map(is_there, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    return not any(map(is_there, pids))


@LINUX
@METHODS
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ctrl_c_and_worse_leave_no_process_behind(ending, method):
    started, pids = started_script(0.2, method)
    with started:
        if ending == signal.SIGINT:
            os.killpg(started.pid, ending)  # as a terminal does: to all of them
        else:
            started.send_signal(ending)
        text = started.communicate(timeout=20)[1]
    assert gone(pids)
    assert started.returncode in (-ending, 1)
    if ending == signal.SIGINT:
        assert text.count("KeyboardInterrupt") == 1 and text.count("Traceback") == 1


@METHODS
@pytest.mark.parametrize("end", ["", "sys.exit(0)", "raise KeyError('mine')"])
def test_a_program_ends_with_its_loaders_still_there(end, method):
    code = f"""
        import sys
        import minicnn as mc
        loader = mc.data.DataLoader(range(20), num_workers=2, persistent_workers=True, worker_method="{method}")
        epoch, other = iter(loader), iter(mc.data.DataLoader(range(20), num_workers=1, worker_method="{method}"))
        print(next(epoch).item(), next(other).item())
        {end}
    """
    found = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False, capture_output=True, text=True,
                           cwd=ROOT, timeout=30)  # fmt: skip
    assert found.stdout == "0 0\n" and found.returncode == ("raise" in end)
    assert ("mine" in found.stderr) == ("raise" in end) and "minicnn" not in found.stderr


@LINUX
def test_a_process_that_hangs_is_ended():
    started, pids = started_script(1000, "multiprocessing")
    with started:
        started.send_signal(signal.SIGINT)
        try:
            started.communicate(timeout=20)
        finally:
            started.kill()
    assert len(pids) == 3 and gone(pids)


def test_rows_on_a_device_come_from_threads(device):
    dataset = TensorDataset(mc.arange(10, device=device))
    batches = [x for (x,) in DataLoader(dataset, batch_size=4, num_workers=2, worker_method="thread")]
    assert [batch.tolist() for batch in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert batches[0].device == mc.device(device)
