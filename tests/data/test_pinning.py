"""Page-locked memory: PyTorch's behaviour without a CUDA device, and the copies asked for where there is one."""

from __future__ import annotations

import sys
import threading
import time
import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Iterator
from typing import Any

import pytest

import minicnn as mc
from minicnn.backend.cuda import transfers
from minicnn.data import DataLoader, IterableDataset, TensorDataset
from minicnn.data.pinning import pinned
from minicnn.errors import DeviceError, StateError, WorkerError
from tests.backend import fakecupy

pytestmark = pytest.mark.host("memory of the CPU")

Pair = namedtuple("Pair", "image label")
CUDA = mc.cuda.is_available()


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stand-in for CuPy, with one device."""
    fakecupy.register()
    monkeypatch.setitem(sys.modules, "cupy", fakecupy.library)
    monkeypatch.setattr("minicnn.backend.cupy.load", lambda index: None)
    fakecupy.training.said.clear()
    return fakecupy.library


@pytest.mark.skipif(CUDA, reason="there is a CUDA device here")
def test_without_a_device_it_is_as_in_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    if torch.accelerator.is_available():
        pytest.skip("PyTorch has an accelerator here")
    for library in (mc, torch):
        with pytest.raises(RuntimeError):
            library.ones(2).pin_memory()
        assert not library.ones(2).is_pinned()
    for loaders in (DataLoader, torch.utils.data.DataLoader):
        loader = loaders([1, 2, 3], 2, pin_memory=True)  # nothing is said yet
        with pytest.warns(UserWarning) as first:
            assert [b.tolist() for b in loader] == [[1, 2], [3]]
        loader = loaders([1, 2, 3], 2, pin_memory=True, pin_memory_device="cuda")
        with pytest.warns(UserWarning) as second:
            next(iter(loader))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            next(iter(loaders([1, 2, 3], 2, pin_memory_device="cuda")))
        assert (len(first), len(second)) == (1, 2)


def test_pinned_memory(cupy: Any) -> None:
    x = mc.arange(6.0).reshape(2, 3)
    assert not x.is_pinned()
    y = x.t().pin_memory()
    assert y.is_pinned() and y[1:].view(-1).is_pinned() and not (y + 0).is_pinned() and y.pin_memory() is y
    assert y.tolist() == x.t().tolist() and y.is_contiguous()
    assert mc.zeros(0).pin_memory().shape == (0,)
    with pytest.raises(DeviceError, match="pin_memory: this tensor is not on the CPU"):
        mc.ones(2).to("standin").pin_memory()


def test_structures_are_kept(cupy: Any) -> None:
    class Own:
        def pin_memory(self) -> str:
            return "mine"

    x = mc.ones(2)
    made = pinned([x, (x, "text", 3), Pair(x, b"y"), OrderedDict(a=x), Own(), None])
    assert isinstance(made, list) and isinstance(made[1], tuple) and isinstance(made[2], Pair)
    assert isinstance(made[3], OrderedDict) and made[4:] == ["mine", None] and made[1][1:] == ("text", 3)
    assert all(t.is_pinned() for t in (made[0], made[1][0], made[2].image, made[3]["a"])) and not x.is_pinned()


@pytest.mark.parametrize("options", [{}, {"num_workers": 2, "worker_method": "thread"}, {"num_workers": 2},
                                     {"num_workers": 2, "worker_method": "thread", "persistent_workers": True}])
def test_batches_are_the_same_and_pinned(cupy: Any, options: dict[str, Any]) -> None:
    data = TensorDataset(mc.arange(20.0).reshape(10, 2), mc.arange(10))
    epochs = []
    for pin in (False, True):
        mc.manual_seed(3)
        loader = DataLoader(data, 3, shuffle=True, pin_memory=pin, **options)
        epochs.append([[x.tolist() for x in batch] for _ in range(2) for batch in loader])
        mc.manual_seed(3)
        assert all(x.is_pinned() is pin for batch in loader for x in batch)
    assert epochs[0] == epochs[1] and len(epochs[0]) == 8


def test_workers_that_stay_tell_their_streams_through_the_thread(cupy: Any) -> None:
    options: dict[str, Any] = {"num_workers": 2, "worker_method": "thread", "persistent_workers": True}
    data = TensorDataset(mc.arange(8.0))
    states = []
    for pin in (False, True):
        mc.manual_seed(5)
        loader = DataLoader(data, 2, shuffle=True, pin_memory=pin, **options)
        list(loader)
        states.append(loader.worker_state())
    assert states[0] is not None and states[1] is not None and states[0]["base_seed"] == states[1]["base_seed"]
    again = DataLoader(data, 2, shuffle=True, pin_memory=True, **options)
    again.set_worker_state(states[1])
    mc.manual_seed(6)
    rest = [batch[0].tolist() for batch in again]
    mc.manual_seed(6)
    assert rest == [batch[0].tolist() for batch in loader]


class Stream(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter(range(5))


class Broken:
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> int:
        if index == 2:
            raise ValueError("no such image")
        return index


def test_iterable_datasets_errors_and_ends(cupy: Any) -> None:
    loader = DataLoader(Stream(), 2, pin_memory=True, num_workers=1, worker_method="thread")
    assert [b.tolist() for b in loader] == [[0, 1], [2, 3], [4]]
    broken = iter(DataLoader(Broken(), 1, pin_memory=True, num_workers=2, worker_method="thread"))  # type: ignore[arg-type]  # as much of a dataset as is asked of it
    assert [next(broken).item(), next(broken).item()] == [0, 1]
    with pytest.raises(WorkerError, match="no such image"):
        next(broken)
    assert next(broken).item() == 3
    del broken
    for _ in range(100):
        if not [t for t in threading.enumerate() if t.name == "minicnn-pin"]:
            break
        time.sleep(0.02)
    else:
        pytest.fail("the thread outlives its loader")


def test_an_error_of_the_crew_comes_through(cupy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minicnn.data.pinning.pinned", lambda answer: 1 / 0)
    batches = iter(DataLoader([1, 2], 1, pin_memory=True, num_workers=2, worker_method="thread"))
    with pytest.raises(ZeroDivisionError):
        next(batches)


def test_a_copy_that_does_not_block(cupy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x = mc.arange(4.0).pin_memory()
    monkeypatch.setattr(fakecupy.Event, "done", False)
    for move in (lambda: x.to("hostcuda", non_blocking=True), lambda: x.cuda("hostcuda", non_blocking=True)):  # type: ignore[arg-type]  # the stand-in's name
        fakecupy.traffic.clear()
        assert move().tolist() == [0.0, 1.0, 2.0, 3.0]
        assert (fakecupy.traffic.to_device, fakecupy.traffic.waits) == (1, 0)
    assert fakecupy.training.said[:4] == ["copy", "record", "copy", "record"]
    fakecupy.training.said.clear()
    assert x.to("hostcuda").tolist() == [0.0, 1.0, 2.0, 3.0]  # by CuPy, which copies to pinned memory of its own first
    assert (x + 0).to("hostcuda", non_blocking=True).tolist() == [0.0, 1.0, 2.0, 3.0] and not fakecupy.training.said


def test_no_copy_becomes_part_of_a_graph(cupy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(size: int) -> None:
        raise StateError(f"{size} bytes")

    monkeypatch.setattr(fakecupy.Stream, "is_capturing", lambda stream: True)
    monkeypatch.setattr(cupy.cuda, "alloc_pinned_memory", refuse, raising=False)
    x = mc.ones(4)
    copies = [
        lambda: x.pin_memory().to("hostcuda", non_blocking=True), lambda: transfers.Uploads(cupy, 0)(x.numpy()),
        lambda: transfers.begin_read(cupy, x.to("hostcuda").array),
    ]  # fmt: skip
    for copy in copies:
        with pytest.raises(StateError, match="16 bytes"):
            copy()


def test_batches_are_copied_beside_the_step_before(cupy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fakecupy.Event, "done", False)
    upload, training = transfers.Uploads(cupy, 0), fakecupy.training
    hosts = [mc.full((2, 3), float(n)).numpy() for n in range(3)]
    arrays = []
    for host in hosts:
        training.said.append("step")
        arrays.append(upload(host))
    # Memory, and the mark behind it, for the first; then for each next, before the step that is asked for in between.
    assert training.said == ["step", "record", "wait", "record", "step", "wait", "record", "step", "wait", "record"]
    assert upload.stream.said == ["wait", "copy", "record"] * 3
    assert [a._host[0, 0] for a in arrays] == [0.0, 1.0, 2.0]
    assert len({a.data.ptr for a in arrays}) == 3


def test_memory_is_held_until_the_copy_is_done_and_no_longer(cupy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fakecupy.Event, "done", False)
    upload = transfers.Uploads(cupy, 0)
    fakecupy.traffic.clear()
    for n in range(transfers.MOST_UNDER_WAY):
        upload(mc.full((2,), float(n)).numpy())
    assert len(upload._under_way) == transfers.MOST_UNDER_WAY and fakecupy.traffic.waits == 0
    upload(mc.ones(2).numpy())
    assert len(upload._under_way) == transfers.MOST_UNDER_WAY and fakecupy.traffic.waits == 1
    monkeypatch.setattr(fakecupy.Event, "done", True)
    upload(mc.ones(2).numpy())
    assert len(upload._under_way) == 1 and fakecupy.traffic.waits == 1


def test_memory_for_batches_of_many_shapes_does_not_pile_up(cupy: Any) -> None:
    upload = transfers.Uploads(cupy, 0)
    for n in range(1, 20):
        assert upload(mc.ones(n).numpy()).shape == (n,)
        assert len(upload._places) <= transfers.MOST_PLACES
