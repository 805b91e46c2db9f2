"""Shared fixtures: ``--device cuda`` runs the whole suite there; the stand-in always takes part."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator
from importlib.util import find_spec

# The suite's processes share the cores; set before NumPy or PyTorch is loaded, which is when they read it.
for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

import minicnn as mc
from minicnn.errors import MinicnnError
from minicnn.testing import standin

standin.register()

# On a busy machine examples are slow to come: its first reads all files of the package, for constants to draw.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

# Installed, the plugin has another name, and is there already.
pytest_plugins = ["pytester", "minicnn_pytest" if find_spec("minicnn_pytest") else "minicnn.testing.plugin"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default="cpu", dest="suite_device", metavar="DEVICE",
                     help="the default device of every test that is not about the host, and of the fixture device: "
                          "cuda; or standin or hostcuda, which find what a GPU would without one (default: cpu)")


def pytest_configure(config: pytest.Config) -> None:
    """Stop where the device that was asked for is not there."""
    config.addinivalue_line("markers", "host(why): the test is about the CPU itself, and runs there with any --device")
    name = config.getoption("suite_device")
    if name == "cpu":
        return
    try:
        if name == "hostcuda":
            from tests.backend import fakecupy

            fakecupy.register()
        mc.set_default_device(name)  # from here on: of what modules make when they are loaded, too
    except MinicnnError as error:
        raise pytest.UsageError(f"--device {name}: {error}") from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device" in metafunc.fixturenames:
        given = metafunc.config.getoption("suite_device")
        metafunc.parametrize("device", ["standin"] if given in ("cpu", "standin") else ["standin", given])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test that is about the host runs there, fixtures and all, and says why."""
    about_host = item.get_closest_marker("host")
    if about_host is None or item.config.getoption("suite_device") == "cpu":
        return (yield)
    item.user_properties.append(("host", about_host.args[0]))
    with mc.device("cpu"):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """What the device has found wrong, and no read of a value has told yet, is this test's failure, not the next's."""
    try:
        return (yield)
    finally:
        if item.config.getoption("suite_device") != "cpu":
            mc.zeros(1).item()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which tests ran on the CPU all the same, and why."""
    reports = [r for found in terminalreporter.stats.values() for r in found if getattr(r, "when", None) == "call"]
    why = Counter(value for r in reports for name, value in r.user_properties if name == "host")
    if why:
        terminalreporter.section(f"not on {config.getoption('suite_device')}")
        for reason, count in sorted(why.items()):
            terminalreporter.line(f"{count} on the CPU: {reason}")
