"""Streams of random numbers: found wherever they hide, written to a file, and put back; and the rest of an epoch."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn.data import DataLoader
from minicnn.data.streams import LONGEST, find_streams, read_streams, write_streams

rng = np.random.default_rng(3)


class Named:
    """Its code names a global stream, in a comprehension."""

    def draw(self) -> list[float]:
        return [rng.random() for _ in range(2)]


def makes_named() -> Named:
    return Named()


def enclosing() -> Callable[[float], float]:
    stream = random.Random(5)
    return lambda x: x + stream.random()


class Holder:
    """Streams of every kind in every place."""

    def __init__(self) -> None:
        self.own = mc.Generator().manual_seed(1)
        self.listed = [{"old": np.random.RandomState(1)}, (np.random.default_rng(2),)]
        self.kinds = {kind.__name__: np.random.Generator(kind(2))
                      for kind in (np.random.MT19937, np.random.Philox, np.random.SFC64, np.random.PCG64DXSM)}
        self.calls = functools.partial(enclosing(), 1.0), makes_named
        self.me = self
        self.without_state = random.SystemRandom()


def draws(streams: dict[str, Any]) -> list[Any]:
    """A few numbers of each stream, of kinds that keep half of what they drew."""
    found: list[Any] = []
    for stream in streams.values():
        if isinstance(stream, mc.Generator):
            found += [stream.normal(3).tolist(), stream.randint(0, 9, 4).tolist()]
        elif hasattr(stream, "standard_normal"):
            found += [stream.standard_normal(3).tolist(), stream.random(3).tolist()]
        else:
            found += [stream.gauss(0, 1), stream.random()]
    return found


def test_every_stream_is_found_by_name() -> None:
    holder = Holder()
    found = find_streams(root=holder)
    assert list(found)[:3] == ["minicnn", "python", "numpy"]
    assert {name: type(stream).__name__ for name, stream in found.items() if name.startswith("root")} == {
        "root.own": "Generator", "root.listed[0][old]": "RandomState", "root.listed[1][0]": "Generator",
        "root.kinds[MT19937]": "Generator", "root.kinds[Philox]": "Generator", "root.kinds[SFC64]": "Generator",
        "root.kinds[PCG64DXSM]": "Generator", "root.calls[0].function.stream": "Random",
        "root.calls[1] → Named → rng": "Generator",
    }  # fmt: skip
    assert found["root.calls[1] → Named → rng"] is rng


def test_states_go_through_a_file_and_give_the_same_numbers(tmp_path: Path) -> None:
    found = find_streams(root=Holder())
    draws(found)  # halves of pairs are kept for the next
    mc.save(read_streams(found), tmp_path / "streams.pt")
    expected = draws(found)
    write_streams(found, mc.load(tmp_path / "streams.pt"))
    assert draws(found) == expected


class Counted(list[Any]):
    """A list whose own code is not to be run."""

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("looked into by its own means")

    __len__ = __iter__  # type: ignore[assignment]  # what is wrong is the point


def test_what_holds_data_is_not_looked_into_and_no_code_of_others_runs() -> None:
    streams = [random.Random(i) for i in range(LONGEST + 1)]
    assert set(find_streams(root=streams)) == {"minicnn", "python", "numpy"}
    assert "root[0]" in find_streams(root=Counted(streams[:1]))


class Squares(mc.data.Dataset[int]):
    """Counts what is fetched."""

    fetched = 0

    def __getitem__(self, index: int) -> int:
        Squares.fetched += 1
        return index**2

    def __len__(self) -> int:
        return 11


@pytest.mark.parametrize("options", [{}, {"num_workers": 2, "worker_method": "thread"},
                                     {"sampler": mc.data.RandomSampler(range(11), replacement=True, num_samples=40)}],
                         ids=["alone", "threads", "with replacement"])  # fmt: skip
def test_the_rest_of_an_epoch_is_its_rest(options: dict[str, Any]) -> None:
    loader = DataLoader(Squares(), batch_size=3, shuffle=None if "sampler" in options else True, **options)
    mc.manual_seed(7)
    whole = [batch.tolist() for batch in loader]
    state = mc.get_rng_state()
    for done in (0, 1, 3, len(whole)):
        mc.manual_seed(7)
        Squares.fetched = 0
        rest = [batch.tolist() for batch in loader.resumed(done)]
        assert rest == whole[done:] and mc.get_rng_state().tobytes() == state.tobytes()
        assert "num_workers" in options or Squares.fetched == sum(map(len, rest))


def test_workers_that_stay_go_on_where_they_were() -> None:
    class Noise(mc.data.Dataset[Any]):
        def __getitem__(self, index: int) -> Any:
            return mc.rand(2)

        def __len__(self) -> int:
            return 6

    def loader() -> DataLoader[Any]:
        return DataLoader(Noise(), num_workers=2, worker_method="thread", persistent_workers=True)

    first = loader()
    assert first.worker_state() == {}
    for number, _ in enumerate(first):
        assert (first.worker_state() is None) == (number < 6)  # on their way
    state = first.worker_state()
    expected = [batch.tolist() for batch in first]
    second = loader()
    assert state is not None
    second.set_worker_state(state)
    assert [batch.tolist() for batch in second] == expected
    first.set_worker_state(state)
    assert [batch.tolist() for batch in first] == expected
    first.set_worker_state({})
    assert first.worker_state() == {}
