"""The default stream on a device: the CPU's numbers in any order of draws, and no copy while only the device draws."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn.backend import backend_for
from minicnn.data import DataLoader, TensorDataset
from minicnn.nn import functional as F
from minicnn.training import fit
from tests.backend import fakecupy
from tests.backend.hostcuda import COMPILER

pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="no C++ compiler here to build the kernels for the host"),
    pytest.mark.host("compares the CPU with a stand-in"),
]

nn = mc.nn
DEVICE = "hostcuda"
LAYERS: dict[str, Callable[[], nn.Module]] = {
    "Dropout": lambda: nn.Dropout(0.1), "half": lambda: nn.Dropout(0.5, inplace=True), "all": lambda: nn.Dropout(1.0),
    "none": lambda: nn.Dropout(0.0), "Dropout1d": lambda: nn.Dropout1d(0.3), "Dropout2d": lambda: nn.Dropout2d(0.5),
    "AlphaDropout": lambda: nn.AlphaDropout(0.2), "FeatureAlphaDropout": lambda: nn.FeatureAlphaDropout(0.4),
    "RReLU": nn.RReLU, "in place": lambda: nn.RReLU(0.5, 0.9, inplace=True),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _device() -> None:
    fakecupy.register()


def copies() -> tuple[int, int, int]:
    return fakecupy.traffic.to_host, fakecupy.traffic.to_device, fakecupy.traffic.waits


def ran(layer: nn.Module, x: mc.Tensor) -> tuple[Any, Any]:
    """What a layer makes of x, and the gradient."""
    x = x.detach().requires_grad_()
    y = layer(x * 1)
    (y * y).sum().backward()
    assert x.grad is not None
    return y.tolist(), x.grad.tolist()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", LAYERS)
def test_layers_draw_the_cpus_numbers(name: str, dtype: str) -> None:
    layer = LAYERS[name]()
    shape = (4, 5, 7) if name == "Dropout1d" else (4, 5, 7, 3)
    found = []
    for device in ("cpu", DEVICE):
        mc.manual_seed(3)
        results = []
        for _ in range(3):
            x = mc.randn(shape).to(getattr(mc, dtype))  # the host draws, and then the layer
            noise, _ = ran(layer, mc.ones_like(x).to(device)) if name != "RReLU" else ran(layer, -x.to(device))
            results.append(noise)
        found.append((results, mc.get_rng_state().tolist()))
    assert found[0] == found[1]


def test_the_order_of_draws_is_one_stream_on_every_device() -> None:
    def script(device: str) -> list[Any]:
        mc.manual_seed(11)
        x, layer, found = mc.ones(7, 31).to(device), nn.Dropout(0.4), []

        def drop(count: int = 1) -> None:
            found.extend(layer(x).tolist() for _ in range(count))

        drop(3)
        found.append(mc.randperm(9).tolist())
        drop()
        with mc.random.fork_rng():
            drop(2)
            found.append(mc.rand(3).tolist())
            drop()
        drop()
        state = mc.get_rng_state()
        drop(2)
        mc.set_rng_state(state)
        drop(2)
        with mc.random.own_stream(5):
            drop(2)
            found.append(mc.randn(2).tolist())
        drop()
        found.append((mc.initial_seed(), mc.get_rng_state().tolist()))
        mc.manual_seed(0)
        drop()
        return found

    found = script("cpu")
    assert script(DEVICE) == found
    assert found[5] == found[9] and found[10:12] == found[12:14] and len(found) == 20


def test_devices_and_the_cpu_take_turns() -> None:
    def script(*devices: str) -> list[Any]:
        mc.manual_seed(2)
        return [F.dropout(mc.ones(333).to(device)).tolist() for device in devices]

    assert script("cpu", DEVICE, DEVICE, "standin", DEVICE, "cpu", DEVICE) == script(*["cpu"] * 7)


def test_threads_with_streams_of_their_own_draw_their_own() -> None:
    def drawn(device: str, seed: int, into: list[Any]) -> None:
        with mc.random.own_stream(seed):
            x = mc.ones(50).to(device)
            into.append([F.dropout(x).tolist() for _ in range(5)])

    expected: list[Any] = []
    drawn("cpu", 1, expected)
    found: list[Any] = []
    mc.manual_seed(0)
    before = F.dropout(mc.ones(50).to(DEVICE)).tolist()
    thread = threading.Thread(target=drawn, args=(DEVICE, 1, found))
    thread.start()
    thread.join()
    after = F.dropout(mc.ones(50).to(DEVICE)).tolist()
    assert found == expected
    mc.manual_seed(0)
    assert [before, after] == [F.dropout(mc.ones(50)).tolist() for _ in range(2)]


def test_draws_of_a_step_copy_nothing() -> None:
    mc.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.RReLU(), nn.Dropout2d(0.3), nn.Flatten(), nn.Linear(144, 8), nn.SELU(),
        nn.AlphaDropout(0.2), nn.Dropout(0.5), nn.Linear(8, 3), nn.Dropout(1.0),
    ).to(DEVICE)  # fmt: skip
    optimizer = mc.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    images, labels = mc.randn(4, 1, 8, 8).to(DEVICE), mc.randint(0, 3, (4,)).to(DEVICE)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()

    step()  # makes the optimiser's buffers, and brings the stream
    before = copies()
    for _ in range(3):
        step()
    assert copies() == before
    for _ in range(2):
        mc.rand(1)  # by the host, which reads the stream once, and with it what the device has found wrong
        assert np.subtract(copies(), before).tolist() == [2, 0, 0]
    step()
    mc.manual_seed(1)  # asks the device for nothing
    assert np.subtract(copies(), before).tolist() == [2, 1, 0]


def test_an_epoch_of_fit_brings_its_batches_and_the_stream_once() -> None:
    mc.manual_seed(1)
    data = TensorDataset(mc.randn(24, 1, 4, 4), mc.randint(0, 3, (24,)))
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.RReLU(), nn.Dropout(), nn.Linear(8, 3)).to(DEVICE)
    seen = []

    class Count(mc.training.Callback):
        def on_step_end(self, run: Any) -> None:
            seen.append(copies())

    fit(model, DataLoader(data, 4, shuffle=True), mc.optim.SGD(model.parameters(), 0.1), epochs=2, callbacks=[Count()],
        progress=False)  # fmt: skip
    for epoch in (seen[:6], seen[6:]):
        steps = np.diff(np.array(epoch), axis=0).tolist()
        assert steps == [[0, 2, 0]] * 5  # the images and the targets of each batch


class Stop(mc.training.Callback):
    """Ends a training by an error, in its third epoch."""

    def on_batch_end(self, run: Any) -> None:
        if run.step == 8:
            raise Stopped


class Stopped(Exception):
    """What ``Stop`` raises."""


def trained(device: str, callbacks: Any = (), **options: Any) -> Any:
    """The weights after four epochs with dropout, and where the stream is then."""
    mc.manual_seed(1)
    data = TensorDataset(mc.randn(20, 6), mc.randint(0, 3, (20,)))
    model = nn.Sequential(nn.Linear(6, 8), nn.RReLU(), nn.Dropout(0.3), nn.Linear(8, 3)).to(device)
    fit(model, DataLoader(data, 8, shuffle=True), mc.optim.SGD(model.parameters(), 0.1), epochs=4, progress=False,
        callbacks=callbacks, **options)  # fmt: skip
    return {name: value.tolist() for name, value in model.state_dict().items()}, mc.get_rng_state().tolist()


def test_a_training_that_was_stopped_goes_on_with_its_masks(tmp_path: Path) -> None:
    def checkpoint() -> mc.training.Checkpoint:
        return mc.training.Checkpoint(tmp_path / "run", every_steps=7)

    with pytest.raises(Stopped):
        trained(DEVICE, [Stop()], checkpoint=checkpoint())
    assert trained(DEVICE, checkpoint=checkpoint(), resume=True) == trained(DEVICE)


def test_a_training_has_the_cpus_masks() -> None:
    (weights, state), (expected, host_state) = trained(DEVICE), trained("cpu")
    assert state == host_state
    for name, value in expected.items():
        np.testing.assert_allclose(weights[name], value, 1e-5, 1e-6)


def test_a_stream_on_a_device_is_pickled_with_where_it_is() -> None:
    backend, stream = backend_for(DEVICE), mc.Generator().manual_seed(4)
    backend.dropout_noise(stream, (100,), 0.5, "float32")
    again = pickle.loads(pickle.dumps(stream))
    whole = mc.Generator().manual_seed(4).uniform(103, "float64")
    assert again.uniform(3, "float64").tolist() == stream.uniform(3, "float64").tolist() == whole[100:].tolist()
