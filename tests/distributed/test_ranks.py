"""Several ranks are one: the same losses and weights, whatever the buckets; and what happens when one dies."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minicnn import distributed
from tests.distributed import worker

PLACES = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # the one beside this Python before the system's
MPIEXEC = shutil.which("mpiexec", path=PLACES)

pytestmark = pytest.mark.skipif(MPIEXEC is None or not distributed.is_available(),
                                reason="needs mpi4py and an MPI: pip install minicnn[mpi]")


def launched(ranks: int, *task: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "MINICNN_NUM_THREADS": "1"}
    return subprocess.run([str(MPIEXEC), "-n", str(ranks), sys.executable, "-m", "tests.distributed.worker", *task],
                          capture_output=True, text=True, timeout=240, env=environment, check=False,
                          cwd=Path(__file__).parents[2])  # fmt: skip


def result(ranks: int, *task: str) -> Any:
    run = launched(ranks, *task)
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(run.stdout.splitlines()[-1])


def same_weights(found: Any, expected: Any, tolerance: float) -> None:
    assert set(found["weights"]) == set(expected["weights"])
    for name, values in expected["weights"].items():
        np.testing.assert_allclose(found["weights"][name], values, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("task", ["plain", "small buckets", "accumulated"])
def test_four_ranks_of_16_are_one_of_64(task: str) -> None:
    alone = worker.trained()
    same_weights(result(4, task), alone, 1e-12)
    assert max(alone["losses"]) > 1.0 > alone["losses"][-1] / 3  # it did train


def test_with_synchronised_batch_norm_too() -> None:
    same_weights(result(4, "sync"), worker.trained(norm=True), 1e-9)


def test_without_that_the_statistics_are_each_ranks_own() -> None:
    with pytest.raises(AssertionError):
        same_weights(result(2, "batch norm"), worker.trained(norm=True), 1e-6)


def test_all_ranks_end_with_the_same_bits() -> None:
    assert result(2, "same") == {"difference": 0.0}


def test_a_parameter_that_only_some_ranks_use() -> None:
    assert result(2, "unused") == {"grads": [[[0.5, 0.5]], [[1.0, 1.0]], None]}


def test_running_statistics_are_rank_0s() -> None:
    # Rank 0's batch has mean 1 both times: 0.1, then 0.9 · 0.1 + 0.1.
    assert result(2, "statistics") == {"mean": pytest.approx(0.19)}


def test_messages() -> None:
    found = result(2, "messages")
    assert found["sum"] == [1, 2] and found["mean"] == 0.5 and found["broadcast"] == 1
    assert found["turned"] == [[1.0, 7.0], [3.0, 9.0], [5.0, 11.0]] and found["half"] == ["float16", 3.0]


def test_a_rank_that_dies_ends_the_job_and_says_why() -> None:
    run = launched(2, "dies")
    assert run.returncode != 0
    assert "ValueError: a bad image" in run.stderr and "rank 1 of 2 failed, so all ranks end" in run.stderr
    assert "resume=True" in run.stderr


def test_fit_is_the_same_on_ranks_and_goes_on_with_another_number_of_them(tmp_path: Path) -> None:
    alone = worker.fitted()
    folder = str(tmp_path / "run")
    assert result(4, "fit", folder, "7") == {"stopped": 7}  # within the second epoch
    found = result(2, "fit", folder, "0")
    same_weights(found, alone, 1e-12)
    np.testing.assert_allclose(found["losses"], alone["losses"], rtol=1e-12)
    assert found["accuracies"] == pytest.approx(alone["accuracies"], abs=1e-12)


def test_a_nan_on_one_rank_is_left_out_by_all() -> None:
    found = result(2, "skipping")
    assert found["images"] == 2 and np.isfinite(found["loss"])


def test_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "minicnn", "train", "lenet", "--epochs", "1", "--distributed"]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "MINICNN_NUM_THREADS": "1",
                   "PYTHONPATH": str(Path(__file__).parents[2])}  # fmt: skip
    run = subprocess.run([str(MPIEXEC), "-n", "2", *command], capture_output=True, text=True, timeout=240,
                         env=environment, check=False, cwd=tmp_path)  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("epoch 1/1") == 1 and run.stdout.count("test accuracy") == 1
    assert float(run.stdout.split("test accuracy ")[1].split("%")[0]) > 85
    assert (tmp_path / "runs" / "lenet.npz").exists()
    refused = subprocess.run([str(MPIEXEC), "-n", "2", *command, "--batch-size", "63"], capture_output=True, text=True,
                             timeout=240, env=environment, check=False, cwd=tmp_path)  # fmt: skip
    assert refused.returncode != 0 and "do not divide the batch" in refused.stderr and "Traceback" not in refused.stderr


def test_the_script_of_the_page(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "distributed.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"^```py\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "MINICNN_NUM_THREADS": "1", "PYTHONPATH": str(root)}
    for command in ([str(MPIEXEC), "-n", "2", sys.executable], [sys.executable]):
        run = subprocess.run([*command, "script.py"], capture_output=True, text=True, timeout=240, env=environment,
                             check=False, cwd=tmp_path)  # fmt: skip
        assert run.returncode == 0, run.stdout + run.stderr
        assert run.stdout.count("epoch 3/3") == 1
