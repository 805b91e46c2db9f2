"""The pytest plugin, in projects of others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from minicnn.testing import plugin

ROOT = Path(plugin.__file__).parent.parent.parent
QUIET = tuple(f"-pno:{name}" for name in ("xdist", "cacheprovider", "hypothesispytest"))
PLUGIN = () if find_spec("minicnn_pytest") else ("-p", "minicnn.testing.plugin")  # installed, it is there by itself
LOADED = (*PLUGIN, *QUIET)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\n")
    return pytester


def test_fixtures_run_a_test_in_each_dtype_on_each_device(project: Any) -> None:
    project.makepyfile(
        """
        import minicnn as mc

        def test_both(mc_device, mc_dtype):
            x = mc.ones(2, dtype=mc_dtype)
            assert x.device == mc_device
            assert x.dtype == mc_dtype
        """
    )
    run = project.runpytest_inprocess(*LOADED, "-v")
    run.assert_outcomes(passed=2)
    run.stdout.fnmatch_lines(["*test_both?cpu-float32? PASSED*", "*test_both?cpu-float64? PASSED*"])
    devices = ["--mc-device", "cpu", "--mc-device", "standin", "--mc-dtype", "float64"]
    run = project.runpytest_inprocess(*LOADED, "-v", *devices)
    run.assert_outcomes(passed=2)
    run.stdout.fnmatch_lines(["minicnn devices: cpu, standin", "*?cpu-float64? PASSED*", "*?standin-float64? PASSED*"])


def test_a_device_that_is_not_there_stops_the_run_or_skips_the_test(project: Any) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("mc_device", ["cpu", "tpu"], indirect=True)
        def test_there(mc_device):
            assert mc_device.type == "cpu"
        """
    )
    run = project.runpytest_inprocess(*LOADED, "-rs")
    run.assert_outcomes(passed=1, skipped=1)
    run.stdout.fnmatch_lines(["*no device tpu: no backend for device type 'tpu'*"])
    run = project.runpytest_inprocess(*LOADED, "--device", "tpu")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines(["*--device tpu: no backend for device type 'tpu'*"])


def test_marked_tests_return_what_is_checked(project: Any) -> None:
    project.makepyfile(
        """
        import pytest
        import minicnn as mc
        from minicnn.autograd import Function

        class Slipped(Function):
            def forward(self, x):
                return x * x * x

            def grad_x(self, g, x):
                return g * 2 * x * x

        @pytest.fixture
        def x():
            return mc.tensor([1.0, 2.0], dtype=mc.float64)

        @pytest.mark.gradcheck(second=True)
        def test_right(x):
            return mc.tanh, x

        @pytest.mark.gradcheck
        def test_several(x):
            return {"sum": (mc.add, (x, x)), "product": (lambda x, y: x * y, (x, x.clone()))}

        @pytest.mark.gradcheck(eps=1e-5)
        def test_wrong(x):
            return [(mc.sin, x), (Slipped.apply, x)]

        @pytest.mark.gradcheck
        def test_nothing(x):
            assert x is not None

        def test_plain(x):
            assert float(x[0]) == 1.0
        """
    )
    run = project.runpytest_inprocess(*LOADED, "--strict-markers", "-W", "error")
    run.assert_outcomes(passed=3, failed=2)
    run.stdout.fnmatch_lines(["1: gradcheck: apply has a wrong gradient in input 0*", "*analytic 2, numeric 3 for*",
                              "gradcheck: the test returns no (function, inputs)"])  # fmt: skip
    run.stdout.no_fnmatch_line("*comparison.py*")


SEEDED = """
    import minicnn as mc
    import random, numpy as np

    def test_first():
        mc.rand(5)

    def test_seen():
        assert round(float(mc.rand(1)), 4) == 0.4963, "another seed"

    def test_all(mc_seed):
        assert (mc_seed, np.random.randint(100), random.randrange(100)) == (0, 44, 49)

    def test_failing():
        raise ValueError
"""


def test_each_test_starts_from_the_seed_and_failures_tell_it(project: Any) -> None:
    project.makepyfile(SEEDED)
    run = project.runpytest_inprocess(*LOADED)
    run.assert_outcomes(passed=3, failed=1)
    repeat = "*0; repeat with: pytest '*::test_failing' --mc-seed 0"
    run.stdout.fnmatch_lines(["*minicnn seed*", repeat])
    run = project.runpytest_inprocess(*LOADED, "--mc-seed", "random", "-k", "seen")
    (seed,) = (line.split()[2] for line in run.outlines if line.startswith("minicnn seed: "))
    run.stdout.fnmatch_lines([f"*{seed}; repeat with: pytest *--mc-seed {seed}"])
    again = project.runpytest_inprocess(*LOADED, "--mc-seed", seed, "-k", "seen")
    values = [[line for line in r.outlines if line.startswith("E") and "round(" in line] for r in (run, again)]
    assert values[0] == values[1] != []
    run = project.runpytest_inprocess(*LOADED, "--mc-seed", "many")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines(["*--mc-seed many: a whole number, or random"])


def test_the_processes_of_xdist_share_the_seed(project: Any) -> None:
    pytest.importorskip("xdist", reason='pip install "minicnn[test]"')
    project.makepyfile(test_a="def test_a(mc_seed): assert 0", test_b="def test_b(mc_seed): assert 0")
    run = project.runpytest_inprocess(*PLUGIN, "-n2", "--mc-seed", "random")
    seeds = {line.split(";")[0] for line in run.outlines if "; repeat with: pytest" in line}
    assert len(seeds) == 1


def installed(folder: Path) -> dict[str, str]:
    """The environment of one in which the plugin is installed as a wheel installs it."""
    site = folder / "site"
    (site / "minicnn_pytest-0.dist-info").mkdir(parents=True, exist_ok=True)
    shutil.copy(plugin.__file__, site / "minicnn_pytest.py")
    about = site / "minicnn_pytest-0.dist-info"
    (about / "METADATA").write_text("Name: minicnn-pytest\nVersion: 0\n")
    (about / "entry_points.txt").write_text("[pytest11]\nminicnn_pytest = minicnn_pytest\n")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}


def run_there(folder: Path, *args: str) -> Any:
    command = [sys.executable, "-m", "pytest", *QUIET, "-q", *args]
    return subprocess.run(command, cwd=folder, env=installed(folder), capture_output=True, text=True, check=False)


def test_installed_it_loads_nothing_and_leaves_other_suites_their_options(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--device', default='mine')\n"
    )
    (tmp_path / "test_theirs.py").write_text(
        "import sys\n"
        "def test_theirs(request):\n"
        "    assert 'minicnn_pytest' in sys.modules\n"
        "    assert not {'minicnn', 'numpy', 'hypothesis'} & set(sys.modules)\n"
        "    assert request.config.getoption('--device') == 'theirs'\n"
    )
    run = run_there(tmp_path, "--device", "theirs")
    assert run.returncode == 0, run.stdout + run.stderr


def test_installed_it_takes_device_where_the_suite_has_none(tmp_path: Path) -> None:
    (tmp_path / "test_ours.py").write_text("def test_ours(mc_device):\n    assert mc_device.type == 'cpu'\n")
    assert run_there(tmp_path, "--device", "cpu", "test_ours.py").returncode == 0
    run = run_there(tmp_path, "--device=tpu")
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--device tpu: no backend" in run.stderr


def test_the_wheel_installs_it_beside_the_package() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["entry-points"]["pytest11"] == {"minicnn_pytest": "minicnn_pytest"}
    beside = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert beside["minicnn/testing/plugin.py"] == "minicnn_pytest.py"
