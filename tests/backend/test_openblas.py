"""OpenBLAS is told of AVX-512 where it does not see it, and left alone in every other case."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from minicnn.backend.cpu import openblas


class FakeLibrary:
    """An OpenBLAS that chooses by the variable, and a Haswell without it."""

    def __init__(self) -> None:
        self.core, self.calls = "Haswell", []

    def gotoblas_dynamic_quit(self) -> None:
        self.calls.append("quit")

    def gotoblas_dynamic_init(self) -> None:
        self.calls.append("init")
        self.core = os.environ.get(openblas.VARIABLE, "Haswell")


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakeLibrary:
    made = FakeLibrary()
    monkeypatch.delenv(openblas.VARIABLE, raising=False)
    monkeypatch.setattr(openblas, "core", lambda: made.core)
    monkeypatch.setattr(openblas, "libraries", lambda kind: [object(), made])
    monkeypatch.setattr(openblas, "_has_avx512", lambda: True)
    monkeypatch.setattr(openblas, "_others_may_compute", lambda: False)
    return made


@pytest.mark.parametrize("older", openblas.OLDER)
def test_an_openblas_that_does_not_see_avx512_is_told(library: FakeLibrary, older: str) -> None:
    library.core = older
    openblas.use_avx512()
    assert (library.core, library.calls) == ("SkylakeX", ["quit", "init"])
    assert openblas.VARIABLE not in os.environ
    openblas.use_avx512()
    assert library.calls == ["quit", "init"]


def test_what_the_user_said_stays(library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(openblas.VARIABLE, "Haswell")
    openblas.use_avx512()
    assert library.calls == [] and os.environ[openblas.VARIABLE] == "Haswell"


@pytest.mark.parametrize(("name", "value"), [("_has_avx512", False), ("_others_may_compute", True)])
def test_without_the_instructions_or_beside_threads_nothing_changes(
    library: FakeLibrary, monkeypatch: pytest.MonkeyPatch, name: str, value: bool
) -> None:
    monkeypatch.setattr(openblas, name, lambda: value)
    openblas.use_avx512()
    assert library.calls == []


@pytest.mark.parametrize("chosen", [None, "SkylakeX", "Cooperlake", "Nehalem", "neoversen1"])
def test_other_libraries_and_choices_stay(library: FakeLibrary, chosen: Any) -> None:
    library.core = chosen
    openblas.use_avx512()
    assert library.calls == []


@pytest.fixture
def thread(request: pytest.FixtureRequest) -> Iterator[None]:
    over = threading.Event()
    threading.Thread(target=over.wait, daemon=request.param).start()
    yield
    over.set()


@pytest.mark.parametrize(("thread", "counts"), [(True, False), (False, True)], indirect=["thread"])
def test_only_threads_that_are_no_daemons_count(thread: None, counts: bool) -> None:
    assert openblas._others_may_compute() is counts


SEEN = """
import os, sys, threading
import numpy as np
x = np.arange(90000, dtype="float32").reshape(300, 300) % 7
before = x @ x
import minicnn
from minicnn.backend.cpu import openblas
assert (x @ x == before).all()  # whole numbers: exact in any order of sums
print(openblas.core(), openblas._has_avx512(), os.environ.get("OPENBLAS_CORETYPE"))
"""


def seen(**variables: str) -> list[str]:
    environ = {name: value for name, value in os.environ.items() if name != openblas.VARIABLE}
    done = subprocess.run([sys.executable, "-c", SEEN], env={**environ, **variables}, capture_output=True, text=True,
                          check=True)  # fmt: skip
    return done.stdout.split()


def test_the_choice_in_a_process_of_its_own() -> None:
    core, able, variable = seen()
    assert variable == "None"
    if able == "True" and core != "None":
        assert core not in openblas.OLDER
    asked, _, variable = seen(OPENBLAS_CORETYPE="Haswell")
    assert variable == "Haswell" and (core == "None" or asked == "Haswell" or able == "False")


def test_it_says_what_it_is() -> None:
    text, core = openblas.description(), openblas.core()
    assert (text is None) == (core is None)
    if text is not None:
        assert text.startswith("OpenBLAS") and str(core) in text
