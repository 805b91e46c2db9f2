"""Several ranks are one: the same losses and weights, whatever the buckets; and what happens when one dies."""

from __future__ import annotations

import json
import os
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


def launched(ranks: int, task: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "MINICNN_NUM_THREADS": "1"}
    return subprocess.run([str(MPIEXEC), "-n", str(ranks), sys.executable, "-m", "tests.distributed.worker", task],
                          capture_output=True, text=True, timeout=240, env=environment, check=False,
                          cwd=Path(__file__).parents[2])  # fmt: skip


def result(ranks: int, task: str) -> Any:
    run = launched(ranks, task)
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(run.stdout)


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
