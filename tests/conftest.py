"""Shared fixtures: the devices of a run (``--device``, several allowed; the stand-in always takes part)."""

from __future__ import annotations

import os
from importlib.util import find_spec

# The suite's processes share the cores; set before NumPy or PyTorch is loaded, which is when they read it.
for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

from minicnn.testing import standin

standin.register()

# On a busy machine examples are slow to come: its first reads all files of the package, for constants to draw.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

# Installed, the plugin has another name, and is there already.
pytest_plugins = ["pytester", "minicnn_pytest" if find_spec("minicnn_pytest") else "minicnn.testing.plugin"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", action="append", dest="mc_device", metavar="DEVICE", help="as --mc-device")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device" in metafunc.fixturenames:
        metafunc.parametrize("device", ["standin", *(metafunc.config.getoption("mc_device") or ())])
