"""``pytest --device``: the suite itself on another device."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SUITE = """
import pytest
import minicnn as mc

MADE = mc.ones(1)

@pytest.fixture(scope="module")
def layer():
    return mc.nn.BatchNorm1d(2)

def test_there(layer, device):
    places = {t.device for t in (MADE, mc.zeros(1), mc.tensor(1), layer.weight, layer.running_mean)}
    assert places == {mc.device(device)} == {mc.device("standin")}

@pytest.mark.host("its reason")
def test_here():
    assert mc.zeros(1).device == "cpu"

def test_that_leaves_an_error_untold():
    mc.nn.functional.cross_entropy(mc.zeros(1, 2), mc.tensor([5]))

def test_that_comes_next():
    assert mc.zeros(1).item() == 0
"""


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_everything_is_made_on_the_device_but_what_is_about_the_host(tmp_path: Path) -> None:
    (tmp_path / "test_places.py").write_text(SUITE)
    found = run("--rootdir", tmp_path, "-p", "tests.conftest", "--device", "standin", tmp_path)
    assert "1 on the CPU: its reason" in found.stdout
    assert "1 failed, 3 passed" in found.stdout  # the error is told in the test that it belongs to
    assert "::test_that_leaves_an_error_untold" in found.stdout.rpartition("FAILED ")[2]
    assert "OutOfRangeError: cross_entropy: a target class does not exist" in found.stdout


def test_files_of_the_suite_pass_on_the_stand_in() -> None:
    found = run("--device", "standin", "tests/optim/test_clip.py", "tests/ops/test_legacy.py")
    assert found.returncode == pytest.ExitCode.OK, found.stdout


def test_a_device_that_is_not_there_stops_the_run() -> None:
    found = run("--device", "tpu", "tests/ops/test_legacy.py")
    assert found.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--device tpu: no backend for device type 'tpu'" in found.stderr
