"""Memory that a step gives back is there for the next, without a page fault; and the switches that leave it alone."""

import ctypes
import os
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import minicnn as mc
F = mc.nn.functional
x, w = mc.ones(4, 8, 256, 256), mc.ones(32, 8, 3, 3)    # a result of 33 MB

def faults(calls):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(calls):
        F.relu(F.conv2d(x, w, padding=1))
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / calls

mc.set_num_threads(1)
faults(3)
print(faults(5))
"""

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "mallopt"),
                       reason="only Linux's C library has this setting"),
    pytest.mark.host("page faults are those of the CPU's memory"),
]


def faults(**variables: str) -> float:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "MINICNN_"))}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env={**plain, **variables}, capture_output=True, text=True,
                          check=True)  # fmt: skip
    return float(done.stdout)


def test_a_step_touches_the_memory_of_the_one_before() -> None:
    assert faults() < 20


@pytest.mark.parametrize("variables", [{"MINICNN_KEEP_MEMORY": "0"}, {"MALLOC_ARENA_MAX": "8"}])
def test_unless_a_variable_says_otherwise(variables: dict[str, str]) -> None:
    assert faults(**variables) > 20
