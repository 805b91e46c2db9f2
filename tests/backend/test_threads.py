"""The pool of threads: the same bits for any number of them, and two models that train at once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.backend.cpu import blas, threads
from minicnn.backend.cpu.products import multiply
from minicnn.errors import OptionError

STEPS = """
import hashlib, sys
import minicnn as mc
from tests.backend.test_threads import made, trained
if len(sys.argv) > 1:
    mc.set_num_threads(int(sys.argv[1]))
print(mc.get_num_threads(), trained(made(0)))
"""


@pytest.fixture
def several():
    """Three threads in this process, however many the suite has."""
    before = mc.get_num_threads()
    mc.set_num_threads(3)
    yield
    mc.set_num_threads(before)


def network() -> nn.Module:
    class Small(nn.Module):
        """Every kind of kernel that cuts its work."""

        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2))
            self.depthwise = nn.Conv2d(32, 32, 3, padding=1, groups=32)
            self.grouped = nn.Conv2d(32, 64, 3, stride=2, padding=1, groups=4)
            self.wide = nn.Sequential(nn.Conv2d(64, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.GELU())
            self.point = nn.Sequential(nn.Conv2d(64, 128, 1), nn.AvgPool2d(2))
            self.head = nn.Sequential(nn.Flatten(), nn.Linear(2048, 256), nn.ReLU(), nn.Linear(256, 10))

        def forward(self, x: mc.Tensor) -> mc.Tensor:
            x = self.grouped(self.depthwise(self.first(x)))
            x = x + self.wide(x)
            scores = mc.bmm(x.flatten(2), x.flatten(2).mT).softmax(-1)
            return self.head(self.point((scores @ x.flatten(2)).reshape(x.shape)))

    return Small()


def made(seed: int) -> nn.Module:
    mc.manual_seed(seed)
    return network()


def trained(model: nn.Module, steps: int = 3) -> str:
    """The hash of a network's weights after a few steps."""
    rng = np.random.default_rng(0)
    x = mc.from_numpy(rng.standard_normal((32, 3, 32, 32)).astype("float32"))
    labels = mc.from_numpy(rng.integers(0, 10, 32))
    optimizer = mc.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for _ in range(steps):
        loss = nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.state_dict().values())).hexdigest()


def test_any_number_of_threads_gives_the_same_bits() -> None:
    plain = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    several = {**plain, "OPENBLAS_NUM_THREADS": "4", "MKL_NUM_THREADS": "4"}
    found = {}
    for environment, argument in [(plain, "1"), (several, "1"), (plain, "2"), (plain, "3"), (several, "8"),
                                  ({**plain, "MINICNN_NUM_THREADS": "2"}, None)]:  # fmt: skip
        command = [sys.executable, "-c", STEPS, *([argument] if argument else [])]
        out = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        count, digest = out.split()
        assert count == (argument or "2")
        found[argument, "OPENBLAS_NUM_THREADS" in environment] = digest
    assert len(set(found.values())) == 1, found


def test_two_models_train_at_once(several: None) -> None:
    alone = [trained(made(seed)) for seed in (1, 2)]
    together: dict[int, str] = {}

    def work(number: int, model: nn.Module) -> None:
        together[number] = trained(model)

    users = [threading.Thread(target=work, args=(number, made(seed))) for number, seed in enumerate((1, 2))]
    for user in users:
        user.start()
    for user in users:
        user.join(60)
        assert not user.is_alive()
    assert [together[0], together[1]] == alone


def test_blas_has_its_threads_again(several: None) -> None:
    control = blas._control()
    if control is None:
        pytest.skip("a BLAS whose threads we cannot set")
    get, set_ = control
    before = get()
    set_(2)
    try:
        inside = threads.run(lambda piece: get(), [1, 2, 3])
        assert inside == [1, 1, 1] and get() == 2
        with pytest.raises(ZeroDivisionError):
            threads.run(lambda piece: 1 // piece, [1, 0, 2])
        assert get() == 2
    finally:
        set_(before)


def test_results_come_in_order_and_nested_work_is_done(several: None) -> None:
    def outer(i: int) -> list[int]:
        return threads.run(lambda j: 10 * i + j, range(3))

    for _ in range(50):
        assert threads.run(outer, range(7)) == [[10 * i + j for j in range(3)] for i in range(7)]


def test_workers_say_nothing_of_infinities(several: None) -> None:
    big = np.full((600, 600), 3e38, "float32")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = (mc.from_numpy(big) @ mc.from_numpy(big)).numpy()
    assert np.isinf(y).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_starts_its_own_workers(several: None) -> None:
    x = np.random.default_rng(0).standard_normal((600, 600)).astype("float32")
    expected = multiply(x, x)
    child = os.fork()
    if child == 0:
        same = mc.get_num_threads() == 3 and (multiply(x, x) == expected).all()
        os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("shapes", [
    ((3, 4), (4, 5)), ((2000, 70), (70, 300)), ((70, 900), (900, 3000)), ((9, 300, 70), (9, 70, 300)),
    ((2, 1, 300, 70), (3, 70, 300)), ((600, 700), (2, 700, 300)), ((0, 5), (5, 3)), ((4, 0), (0, 3)),
], ids=str)  # fmt: skip
def test_products_are_numpys(several: None, shapes) -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal(shape) for shape in shapes)
    np.testing.assert_allclose(multiply(x, y), x @ y, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(multiply(x.mT.copy().mT, y.mT.copy().mT), x @ y, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("count", [0, -1, 1.5, "2", None, True])
def test_the_number_is_positive_and_whole(count) -> None:
    with pytest.raises(OptionError, match="a positive integer"):
        mc.set_num_threads(count)
