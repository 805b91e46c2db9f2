"""The noise that CUDA kernels draw, built for the host, is the host's own, whose numbers test_random.py compares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minicnn.backend.cuda.random as cuda_random
from minicnn.errors import OptionError
from minicnn.random import Generator
from tests.backend.hostcuda import COMPILER, HostCuda, Plain

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler here to build the kernels for the host")

PLAIN = Plain()
SIZES = [(), (1,), (311,), (312,), (313,), (3, 5, 7), (2, 624), (2, 6, 1, 1), (40, 50)]
"""Values take two words each, of the 624 that come at once."""


@pytest.fixture(params=["one thread", "four threads", "the last thread first", "wide indices"])
def host(request: pytest.FixtureRequest) -> HostCuda:
    return {"one thread": HostCuda(), "four threads": HostCuda(4), "wide indices": HostCuda(most_of_int=1),
            "the last thread first": HostCuda(256, backwards=True)}[request.param]  # fmt: skip


def streams(seed: int = 0) -> tuple[Generator, Generator]:
    return Generator().manual_seed(seed), Generator().manual_seed(seed)


def same(found: Any, expected: Any) -> None:
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_masks_are_the_hosts_between_its_own_draws(host: HostCuda, dtype: str) -> None:
    ours, theirs = streams()
    for number, shape in enumerate(SIZES):
        for keep in (0.5, 0.9, 0.0, 1.0, 1 / 3):
            same(host.dropout_noise(ours, shape, keep, dtype), PLAIN.dropout_noise(theirs, shape, keep, dtype))
        if number % 2:  # an odd number of words, and normals, of which one is kept
            same(ours.uniform(number, "float32"), theirs.uniform(number, "float32"))
            same(ours.normal(3), theirs.normal(3))
    same(ours.get_state(), theirs.get_state())
    assert {"random_words", "random_noise"} == host.launched


def test_every_place_in_a_block_of_words() -> None:
    for taken in (1, 2, 311, 622, 623, 624, 625):
        ours, theirs = streams(taken)
        for stream in (ours, theirs):
            stream.uniform(taken, "float32")
        for count in (1, 312, 700):
            same(HostCuda(4).dropout_noise(ours, (count,), 0.5, "float32"),
                 PLAIN.dropout_noise(theirs, (count,), 0.5, "float32"))  # fmt: skip
        same(ours.get_state(), theirs.get_state())


def test_large_masks_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_random, "AT_ONCE", 100)
    ours, theirs = streams()
    same(HostCuda().dropout_noise(ours, (7, 43), 0.3, "float64"), PLAIN.dropout_noise(theirs, (7, 43), 0.3, "float64"))
    same(ours.get_state(), theirs.get_state())


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_slopes_are_the_hosts(host: HostCuda, dtype: str) -> None:
    ours, theirs = streams(1)
    for number, (low, high) in enumerate([(1 / 8, 1 / 3), (0.0, 1.0), (-2.5, 1e4), (0.25, 0.25)]):
        x = np.random.default_rng(number).normal(size=(3, 211)).astype(dtype)
        x[0, :3] = np.nan, 0.0, -0.0
        x[2] = abs(x[2]) if number % 2 else -abs(x[2])
        same(host.rrelu_slopes(ours, x, low, high), PLAIN.rrelu_slopes(theirs, x, low, high))
        same(host.rrelu_slopes(ours, x[:, ::2].T, low, high), PLAIN.rrelu_slopes(theirs, x[:, ::2].T, low, high))
        same(host.dropout_noise(ours, (5,), 0.5, dtype), PLAIN.dropout_noise(theirs, (5,), 0.5, dtype))
    same(ours.get_state(), theirs.get_state())


def test_slopes_of_no_negative_number_draw_nothing(host: HostCuda) -> None:
    ours, theirs = streams()
    for x in (np.ones((2, 3)), np.empty((0, 3)), np.full(700, np.nan)):
        same(host.rrelu_slopes(ours, x, 0.1, 0.2), np.ones_like(x))
    same(ours.get_state(), theirs.get_state())


def test_what_is_no_range_of_slopes_is_refused_as_on_the_host(host: HostCuda) -> None:
    for backend in (host, PLAIN):
        with pytest.raises(OptionError, match="uniform: there is no such range"):
            backend.rrelu_slopes(Generator(), np.ones(2), 0.0, float("inf"))


def test_state_goes_along_and_starts_anew(host: HostCuda) -> None:
    ours, theirs = streams()

    def drawn(count: int) -> None:
        same(host.dropout_noise(ours, (count,), 0.5, "float32"), PLAIN.dropout_noise(theirs, (count,), 0.5, "float32"))

    drawn(400)
    twin = ours.clone_state()
    same(twin.uniform(5), ours.uniform(5))
    theirs.uniform(5)
    drawn(3)
    state = ours.get_state()
    drawn(900)
    ours.set_state(state)
    theirs.set_state(state)
    drawn(900)
    for stream in (ours, theirs):
        stream.manual_seed(9)
    drawn(10)
    same(ours.get_state(), theirs.get_state())
