"""minicnn's plugin for pytest: fixtures for devices and dtypes, a gradcheck marker, and a seed that failures tell.

pytest loads it in every project of an environment that has minicnn. So it is installed beside the package, as
``minicnn_pytest`` (what is in a package is only found after the package is loaded), loads nothing of minicnn until a
test asks for it, and has option names of its own; ``--device`` only where the suite has no such option.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

DTYPES = ["float32", "float64"]
_SEED = pytest.StashKey[int]()
_SEEDED = pytest.StashKey[bool]()

_DEVICE: dict[str, Any] = {
    "action": "append", "dest": "mc_device", "metavar": "DEVICE",
    "help": "run the tests with the fixture mc_device on this device, such as cuda; several times for several "
            "(default: cpu)",
}  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, by names that nobody else has."""
    group = parser.getgroup("minicnn")
    group.addoption("--mc-device", **_DEVICE)
    group.addoption("--mc-dtype", action="append", choices=["float16", *DTYPES], dest="mc_dtype",
                    help="run the tests with the fixture mc_dtype in this dtype (default: float32 and float64)")
    group.addoption("--mc-seed", default="0", metavar="SEED", dest="mc_seed",
                    help="seeds minicnn before each test; random for another one each run (default: 0)")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None]:
    """``--device``, too, unless the suite has its own."""
    yield
    if parser.parse_known_and_unknown_args(["--device=cpu"])[1]:
        parser.getgroup("minicnn").addoption("--device", **_DEVICE)


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marker means, choose the seed, and stop where a device that was asked for is not there."""
    config.addinivalue_line("markers", "gradcheck(second=False, **settings): the test returns (function, inputs), or "
                                       "several such pairs in a list or by name, whose gradients are checked")
    config.stash[_SEED] = _chosen_seed(config)
    for name in config.getoption("mc_device") or ():
        reason = _missing(name)
        if reason:
            raise pytest.UsageError(f"--device {name}: {reason}")


def _chosen_seed(config: pytest.Config) -> int:
    given = getattr(config, "workerinput", {}).get("mc_seed", config.getoption("mc_seed"))
    try:
        return random.SystemRandom().randrange(1 << 32) if given == "random" else int(given)
    except ValueError:
        raise pytest.UsageError(f"--mc-seed {given}: a whole number, or random") from None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """The processes of pytest-xdist share the seed."""
    node.workerinput["mc_seed"] = node.config.stash[_SEED]


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What was chosen, where it is not the default."""
    devices = config.getoption("mc_device")
    seed = config.stash[_SEED]
    return [*([f"minicnn devices: {', '.join(devices)}"] if devices else []),
            *([f"minicnn seed: {seed} (repeat with --mc-seed {seed})"] if config.getoption("mc_seed") != "0" else [])]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of ``mc_device`` runs on each device, one of ``mc_dtype`` in each dtype, unless it names its own."""
    named = " ".join(str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize") if mark.args)
    for fixture, values in (("mc_device", ["cpu"]), ("mc_dtype", DTYPES)):
        if fixture in metafunc.fixturenames and fixture not in named:
            metafunc.parametrize(fixture, metafunc.config.getoption(fixture) or values, indirect=True)


def _missing(device: str) -> str:
    """Why a device is not there; empty where it is."""
    from minicnn.backend import backend_for
    from minicnn.errors import MinicnnError

    try:
        backend_for(device)
    except MinicnnError as error:
        return str(error)
    return ""


@pytest.fixture
def mc_device(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A device, where new tensors are made while the test runs; skips where it is not there."""
    name = getattr(request, "param", "cpu")
    reason = _missing(name)
    if reason:
        pytest.skip(f"no device {name}: {reason}")
    import minicnn as mc

    with mc.zeros(0, device=name).device as device:
        yield device


@pytest.fixture
def mc_dtype(request: pytest.FixtureRequest) -> Any:
    """A floating point dtype."""
    import minicnn as mc

    return getattr(mc, getattr(request, "param", "float32"))


@pytest.fixture
def mc_seed(request: pytest.FixtureRequest) -> Iterator[int]:
    """The seed. minicnn, NumPy's old generator and Python's have started from it; the last two go on afterwards."""
    import numpy as np

    import minicnn as mc

    seed = request.config.stash[_SEED]
    request.node.stash[_SEEDED] = True
    state, others = np.random.get_state(), random.getstate()
    mc.manual_seed(seed)
    np.random.seed(seed % (1 << 32))
    random.seed(seed)
    yield seed
    np.random.set_state(state)
    random.setstate(others)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Where minicnn is loaded each test starts from the seed, whatever ran before it."""
    minicnn = sys.modules.get("minicnn")
    if hasattr(minicnn, "manual_seed"):  # it may be on its way in
        minicnn.manual_seed(item.config.stash[_SEED])  # type: ignore[union-attr]  # None has no such attribute
        item.stash[_SEEDED] = True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure tells the seed, and how to repeat it."""
    report = yield
    if report.failed and item.stash.get(_SEEDED, False):
        seed = item.config.stash[_SEED]
        report.sections.append(("minicnn seed", f"{seed}; repeat with: pytest {item.nodeid!r} --mc-seed {seed}"))
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Check the gradients of what a test marked ``gradcheck`` returns."""
    mark = pyfuncitem.get_closest_marker("gradcheck")
    if mark is None:
        return None
    given = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    settings = dict(mark.kwargs)
    second = settings.pop("second", False)
    for name, (function, inputs) in _pairs(pyfuncitem.obj(**given)).items():
        _check(name, function, inputs, second, settings)
    return True


def _pairs(found: Any) -> dict[str, tuple[Callable[..., Any], Any]]:
    """What a test has returned, by name."""
    if isinstance(found, tuple) and len(found) == 2 and callable(found[0]):
        return {"": found}
    if isinstance(found, dict):
        pairs = found
    else:
        pairs = {str(number): pair for number, pair in enumerate(found)} if isinstance(found, list | tuple) else {}
    if not pairs or any(not (isinstance(p, tuple) and len(p) == 2 and callable(p[0])) for p in pairs.values()):
        pytest.fail("gradcheck: the test returns no (function, inputs)\n"
                    f"  got   {type(found).__name__}\n"
                    "  rule  return function, inputs; or a list or dict of such pairs", pytrace=False)  # fmt: skip
    return pairs


def _check(name: str, function: Callable[..., Any], inputs: Any, second: bool, settings: dict[str, Any]) -> None:
    from minicnn.testing import GradcheckError, gradcheck, gradgradcheck

    try:
        gradcheck(function, inputs, **settings)
        if second:
            gradgradcheck(function, inputs, **settings)
    except GradcheckError as error:
        pytest.fail(f"{name}: {error}" if name else str(error), pytrace=False)
