"""Device names, the default device, registration, and CUDA where there may be none."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

import minicnn as mc
from minicnn.backend import backend_for
from minicnn.errors import DeviceError
from minicnn.testing.standin import StandinBackend, StrictArray


def test_names() -> None:
    assert str(mc.device("cuda:1")) == "cuda:1" and mc.device("cuda:1").index == 1
    assert repr(mc.device("cpu")) == "device(type='cpu')"
    assert repr(mc.device("cuda", 0)) == "device(type='cuda', index=0)"
    assert mc.device("cpu") == "cpu" and mc.device("cuda") != mc.device("cuda:0")
    assert len({mc.device("cpu"), mc.device("cpu")}) == 1


@pytest.mark.parametrize("name", ["", ":1", "cuda:", "cuda:x", "cuda:-1", 3, None])
def test_what_is_no_name(name: object) -> None:
    with pytest.raises(DeviceError, match="is not a device"):
        mc.device(name)  # type: ignore[arg-type]  # what is wrong is the point


def test_unknown_devices_list_the_known_ones() -> None:
    with pytest.raises(DeviceError, match="one of cpu, cuda"):
        mc.zeros(1, device="tpu")
    with pytest.raises(DeviceError, match="there is one CPU"):
        mc.zeros(1, device="cpu:1")


def test_the_default_device_of_a_block_and_of_a_thread() -> None:
    found: list[mc.device] = []
    with mc.device("standin"):
        assert mc.zeros(2).device == "standin"
        thread = threading.Thread(target=lambda: found.append(mc.zeros(2).device))
        thread.start()
        thread.join()
    assert mc.zeros(2).device == "cpu" and found == [mc.device("cpu")]
    mc.set_default_device("standin")
    try:
        assert mc.get_default_device() == "standin" and mc.ones(1).device == "standin"
    finally:
        mc.set_default_device("cpu")


def test_a_module_and_its_training_move() -> None:
    mc.manual_seed(0)
    nn = mc.nn
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(True), nn.Flatten(), nn.Linear(8, 3))
    x, y = mc.randn(4, 1, 4, 4), mc.tensor([0, 1, 2, 0])
    expected = mc.nn.functional.cross_entropy(model(x), y)
    model.to("standin")
    assert {p.device.type for p in model.parameters()} == {"standin"}
    optimizer = mc.optim.Adam(model.parameters())
    loss = mc.nn.functional.cross_entropy(model(x.to("standin")), y.to("standin"))
    assert abs(loss.item() - expected.item()) < 1e-6
    loss.backward()
    optimizer.step()
    assert isinstance(model[0].weight.grad.array, StrictArray)


def test_nothing_is_transferred_unasked() -> None:
    x = mc.ones(2, device="standin")
    with pytest.raises(DeviceError, match=r"add: the tensors are on different devices"):
        x + mc.ones(2)
    with pytest.raises(DeviceError, match=r"x.cpu\(\).numpy\(\)"):
        x.numpy()
    with pytest.raises(DeviceError):
        np.asarray(x)
    assert x.cpu().numpy().tolist() == [1.0, 1.0]


def test_another_backend_can_be_registered() -> None:
    class Mine(StandinBackend):
        device_type = "mine"
        array_type = type("MyArray", (StrictArray,), {"__slots__": ()})

        def from_numpy(self, values: object) -> object:
            return self.array_type(np.array(values))

    mine = Mine()
    mc.register_backend("mine", lambda index: mine)
    assert mc.tensor([1.0, 2.0], device="mine").device == "mine"


def test_a_missing_cupy_is_one_clear_error() -> None:
    if mc.cuda.is_available():
        assert mc.cuda.device_count() == 1 or mc.cuda.device_count() > 1
        return
    with pytest.raises(DeviceError) as error:
        mc.zeros(1).cuda()
    assert "\n  got " in str(error.value) and "\n  try " in str(error.value)
    assert mc.cuda.device_count() == 0
    with pytest.raises(DeviceError):
        mc.cuda.synchronize()


def test_cupy_is_imported_on_use_only() -> None:
    code = "import sys, minicnn as mc; mc.device('cuda'); assert 'cupy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_backends_say_where_they_are() -> None:
    assert backend_for("standin").device == "standin" and backend_for(None).device == "cpu"
