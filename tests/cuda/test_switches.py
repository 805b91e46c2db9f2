"""TF32 and the benchmark of forms: off, and switched as PyTorch switches them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import minicnn as mc
from minicnn.backend.switches import Switches, switches
from minicnn.errors import DtypeError, OptionError

matmul, conv = mc.backends.cuda.matmul, mc.backends.cuda.conv


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    switches.float32_precision, switches.benchmark = "highest", False


def test_all_is_off_at_first() -> None:
    assert Switches() == switches
    assert not matmul.allow_tf32 and not conv.benchmark and mc.get_float32_matmul_precision() == "highest"


@pytest.mark.parametrize(("steps", "precision"), [
    ([True], "high"), ([True, False], "highest"), (["high"], "high"), (["medium"], "medium"), (["highest"], "highest"),
    (["medium", "highest"], "highest"),
])  # fmt: skip
def test_tf32_is_allowed_by_either_name_as_in_pytorch(steps: list[Any], precision: str) -> None:
    for step in steps:
        if isinstance(step, str):
            mc.set_float32_matmul_precision(step)
        else:
            matmul.allow_tf32 = step
    assert (matmul.allow_tf32, mc.get_float32_matmul_precision()) == (precision != "highest", precision)
    assert switches.allow_tf32 == matmul.allow_tf32


def test_the_steps_mean_the_same_to_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    for library in (torch, mc):
        for word in ("high", "medium", "highest"):
            library.set_float32_matmul_precision(word)
            assert library.backends.cuda.matmul.allow_tf32 == (word != "highest")
            assert library.get_float32_matmul_precision() == word
        library.backends.cuda.matmul.allow_tf32 = True
        assert library.get_float32_matmul_precision() == "high"
        library.backends.cuda.matmul.allow_tf32 = False
        assert library.get_float32_matmul_precision() == "highest"


def test_what_is_no_switch_is_refused() -> None:
    with pytest.raises(OptionError, match="no such precision"):
        mc.set_float32_matmul_precision("low")
    with pytest.raises(DtypeError, match="allow_tf32 is True or False"):
        matmul.allow_tf32 = "yes"  # type: ignore[assignment]  # what is refused
    with pytest.raises(DtypeError, match="benchmark is True or False"):
        conv.benchmark = 1  # type: ignore[assignment]  # what is refused
    assert not matmul.allow_tf32 and not conv.benchmark


def test_the_benchmark_is_switched_here_and_not_by_cudnn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mc.backends.cudnn, "benchmark", True)
    assert not switches.benchmark
    conv.benchmark = True
    assert switches.benchmark
