"""Every reader of files that nobody vouches for, with contents that Hypothesis changes, and with those kept as they
once broke a rule. ``python -m tests.long.fuzz READER`` looks for others, guided by what code they reach."""

from __future__ import annotations

import gc
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minicnn.errors import DataError
from tests.io.test_hostile import mutated, mutations
from tests.long.fuzz import CRASHES, memory
from tests.long.readers import READERS, Watch
from tests.long.request import EXCHANGES, answer

resource = pytest.importorskip("resource", reason="bounds the memory of a process, where the system has a bound")
for _package in ("PIL", "safetensors"):
    pytest.importorskip(_package, reason="the readers of images and of safetensors")

ROOM, SECONDS = 512 << 20, 20
WATCH = Watch()
EVERY = pytest.mark.parametrize("name", READERS)
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """What is loaded late is loaded now."""
    answer(EXCHANGES[-1])


def read(name: str, content: bytes, folder: Path) -> Any:
    """What the reader makes of ``content``: within its folder, soon, and in little memory."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory() + ROOM, before[1]))
    started = time.perf_counter()
    try:
        with WATCH.over(folder):
            return READERS[name].on(content, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        assert time.perf_counter() - started < SECONDS


@EVERY
def test_whole_contents_are_read(name: str, tmp_path: Path) -> None:
    for content in READERS[name].seeds():
        result = read(name, content, tmp_path)
        if name == "weights" and isinstance(result, Exception):
            assert "missing" in str(result)  # a state dict of another network
        elif name not in ("svhn", "weights"):
            assert not isinstance(result, Exception)


@EVERY
@QUICK
@given(data=st.data(), changes=mutations)
def test_changed_contents(name: str, tmp_path: Path, data: st.DataObject, changes: Any) -> None:
    read(name, mutated(data.draw(st.sampled_from(READERS[name].seeds())), changes), tmp_path)


lies = st.sampled_from([0, 1, 2, 127, 255, 256, 1 << 15, (1 << 16) - 1, 1 << 31, (1 << 32) - 1, 1 << 40, 1 << 50,
                        (1 << 63) - 1, (1 << 64) - 1])  # fmt: skip
forms = st.sampled_from(["<B", "<H", ">H", "<I", ">I", "<Q", ">Q"])


@EVERY
@QUICK
@given(data=st.data(), told=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), lies, forms), min_size=1, max_size=3))
def test_lying_numbers(name: str, tmp_path: Path, data: st.DataObject, told: list[tuple[float, int, str]]) -> None:
    """Numbers of any size where the content may have its own: sizes, offsets, counts."""
    content = bytearray(data.draw(st.sampled_from(READERS[name].seeds())))
    for where, number, form in told:
        written = struct.pack(form, number % (1 << 8 * struct.calcsize(form)))
        at = int(where * min(len(content), 400))  # where the headers are
        content[at : at + len(written)] = written
    read(name, bytes(content), tmp_path)


WHOLE_WHEN_CUT = {"mat", "mat_packed", "image", "playground", "cifar10", "cifar100", "tar"}
"""Cut between two arrays, behind the last pixel or line, between two images (of an unknown number), or behind the last
member that is asked for."""


@pytest.mark.parametrize("name", [name for name in READERS if name not in WHOLE_WHEN_CUT])
def test_every_truncation_is_an_error(name: str, tmp_path: Path) -> None:
    for content in READERS[name].seeds()[:2]:
        for length in sorted({*range(0, len(content) - 1, max(1, len(content) // 40)), len(content) - 1}):
            assert isinstance(READERS[name].on(content[:length], tmp_path), DataError), (name, length)


def test_half_an_image_is_an_error(tmp_path: Path) -> None:
    for content in READERS["image"].seeds():
        assert isinstance(READERS["image"].on(content[: len(content) // 2], tmp_path), DataError)


@pytest.mark.parametrize("path", sorted(CRASHES.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_kept_contents(path: Path, tmp_path: Path) -> None:
    read(path.parent.name, path.read_bytes(), tmp_path)


def test_the_watch_sees(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    deeds = [lambda: outside.write_bytes(b""), outside.unlink, (tmp_path / "new").mkdir, lambda: exec("1"),
             lambda: inside.rename(tmp_path / "other")]  # fmt: skip
    for deed in deeds:
        with pytest.raises(AssertionError), WATCH.over(inside):
            deed()
    (tmp_path / "other").rename(inside)
    with WATCH.over(inside):
        (inside / "x").write_bytes(b"")
        (inside / "x").read_bytes()
    gc.collect()
