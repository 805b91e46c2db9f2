"""A step that is replayed is the step itself: on a stand-in for CuPy, whose graphs run their work again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import minicnn as mc
from minicnn.backend.switches import switches
from minicnn.errors import DeviceError, ShapeError, StateError
from minicnn.nn import functional as F
from tests.backend import fakecupy
from tests.backend.hostcuda import COMPILER

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler here to build the kernels for the host")


@pytest.fixture(autouse=True)
def _device(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in, and a capture that runs once at capture, then not at the first replay, then at each."""
    fakecupy.register()

    def captured(index: int, work: Callable[[], Any]) -> tuple[Any, Callable[[], None]]:
        before = fakecupy.traffic.to_host, fakecupy.traffic.to_device
        results, ran = work(), [True]
        if before != (fakecupy.traffic.to_host, fakecupy.traffic.to_device):
            raise StateError("cuda.graph: what CuPy refuses while it captures", got="a copy")

        def run() -> None:
            if ran:
                ran.clear()
            else:
                results.array[...] = work().array

        return results, run

    monkeypatch.setattr("minicnn.backend.cupy.captured", captured)


def trained(*, graphed: bool, rates: list[float], frozen_from: int = 99) -> tuple[list[float], Any, Any]:
    """A network's losses over some steps, its weights, and the step."""
    mc.manual_seed(0)
    model = mc.nn.Sequential(mc.nn.Conv2d(1, 2, 3), mc.nn.BatchNorm2d(2), mc.nn.ReLU(), mc.nn.MaxPool2d(2),
                             mc.nn.Flatten(), mc.nn.Linear(18, 3)).to("hostcuda")  # fmt: skip
    optimizer = mc.optim.SGD(model.parameters(), lr=rates[0], momentum=0.9)

    def step(images: mc.Tensor, labels: mc.Tensor) -> mc.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    run = mc.cuda.graph(step) if graphed else step
    losses = []
    for number, rate in enumerate(rates):
        if number == frozen_from:
            model.eval()
        optimizer.param_groups[0]["lr"] = rate
        mc.manual_seed(number)
        images, labels = mc.randn(4, 1, 8, 8).to("hostcuda"), mc.randint(0, 3, (4,)).to("hostcuda")
        losses.append(run(images, labels))
    return [loss.item() for loss in losses], {k: v.tolist() for k, v in model.state_dict().items()}, run


def test_replayed_steps_are_the_steps_themselves() -> None:
    plain, graphed = trained(graphed=False, rates=[0.1] * 8), trained(graphed=True, rates=[0.1] * 8)
    assert graphed[:2] == plain[:2] and graphed[2].captures == 1
    assert len(set(graphed[0])) == 8  # each loss is its own, not the last one's memory


def test_a_new_rate_is_captured_anew() -> None:
    rates = [0.1] * 5 + [0.01] * 3
    plain, graphed = trained(graphed=False, rates=rates), trained(graphed=True, rates=rates)
    assert graphed[:2] == plain[:2] and graphed[2].captures == 2


def test_a_changed_mode_is_captured_anew() -> None:
    options: dict[str, Any] = {"rates": [0.1] * 8, "frozen_from": 6}
    plain, graphed = trained(graphed=False, **options), trained(graphed=True, **options)
    assert graphed[:2] == plain[:2] and graphed[2].captures == 2


def test_the_mean_over_all_batches_goes_on_in_replays() -> None:
    layer = mc.nn.BatchNorm1d(2, momentum=None).to("hostcuda")
    forward = mc.cuda.graph(lambda x: layer(x).detach())
    for number in range(6):
        forward(mc.tensor([[1.0 * number, 1.0], [2.0 * number, 5.0]]).to("hostcuda"))
    assert layer.num_batches_tracked.item() == 6 and forward.captures == 1
    assert layer.running_mean.tolist() == pytest.approx([3.75, 3.0], rel=1e-6)  # of 1.5 n, and of 3
    assert layer.running_var.tolist() == pytest.approx([55 / 12, 8.0], rel=1e-6)  # of n² / 2, and of 8


def test_a_parameter_with_another_array_is_captured_anew() -> None:
    layer, x = mc.nn.Linear(2, 1, bias=False).to("hostcuda"), mc.ones(1, 2).to("hostcuda")
    forward = mc.cuda.graph(lambda x: layer(x).detach())
    for value in (1.0, 1.0, 1.0, 1.0, 3.0):
        layer.weight.data = mc.full((1, 2), value).to("hostcuda")
        assert forward(x).item() == 2 * value
    assert forward.captures == 2


def test_another_number_from_the_cpu_is_captured_anew() -> None:
    scale, x = mc.tensor(2.0), mc.ones(3).to("hostcuda")
    scaled = mc.cuda.graph(lambda x: x * scale)
    assert [scaled(x).tolist() for _ in range(5)] == [[2.0] * 3] * 5 and scaled.captures == 1
    scale.fill_(7.0)
    assert [scaled(x).tolist() for _ in range(2)] == [[7.0] * 3] * 2 and scaled.captures == 2


def test_another_precision_is_captured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    x = mc.full((1, 1), 1 + 2**-12).to("hostcuda")
    square = mc.cuda.graph(lambda x: x @ x)
    exact = [square(x).item() for _ in range(5)]
    monkeypatch.setattr(switches, "float32_precision", "high")
    assert [square(x).item() for _ in range(2)] == [1.0] * 2 and set(exact) == {1 + 2**-11}
    assert square.captures == 2


@pytest.mark.parametrize("host_draws", [False, True])
def test_noise_is_drawn_on_with_each_replay(host_draws: bool) -> None:
    """The host draws between some calls; streams of a thread's own, and seeds, come in between, too."""

    def script(device: str, graphed: bool) -> tuple[list[Any], Any]:
        mc.manual_seed(3)
        noise = mc.nn.Sequential(mc.nn.Dropout(0.3), mc.nn.RReLU(0.2, 0.8), mc.nn.AlphaDropout(0.1))
        run = mc.cuda.graph(noise.forward) if graphed else noise
        x, found = (mc.arange(99.0) - 50).to(device), []

        def call(times: int) -> None:
            for number in range(times):
                found.append(run(x * (-1) ** number).tolist())
                if host_draws and number % 2:
                    found.append(mc.randn(3).tolist())

        call(8)
        with mc.random.own_stream(4):
            call(3)
        call(2)
        with mc.random.fork_rng():
            mc.manual_seed(5)
            call(3)
        call(2)
        return [*found, mc.get_rng_state().tolist()], run

    expected, _ = script("cpu", graphed=False)
    found, run = script("hostcuda", graphed=True)
    assert found == expected
    assert run.captures == 3  # and once each for the stream of the block, and the one before it


def test_a_step_that_draws_nothing_leaves_the_stream_on_the_host() -> None:
    double, x = mc.cuda.graph(lambda x: x * 2), mc.ones(2).to("hostcuda")
    for _ in range(5):
        double(x)
    mc.rand(1, device="cpu")
    before = fakecupy.traffic.to_host, fakecupy.traffic.to_device
    for _ in range(3):
        double(x)
        mc.rand(1, device="cpu")
    assert (fakecupy.traffic.to_host, fakecupy.traffic.to_device) == before


def test_what_the_host_draws_is_refused() -> None:
    x = mc.ones(2).to("hostcuda")
    noisy = mc.cuda.graph(lambda x: x + mc.rand(2).to("hostcuda"))
    for _ in range(3):
        noisy(x)
    with pytest.raises(StateError, match="a copy"):
        noisy(x)


def test_optimisers_that_count_on_the_host_are_refused() -> None:
    weight, x = mc.ones(2, device="hostcuda", requires_grad=True), mc.ones(2).to("hostcuda")
    optimizer = mc.optim.Adam([weight])

    @mc.cuda.graph
    def step(x: mc.Tensor) -> None:
        optimizer.zero_grad()
        (weight * x).sum().backward()
        optimizer.step()

    for _ in range(3):
        step(x)
    with pytest.raises(StateError, match="Adam counts its steps on the host"):
        step(x)


def test_a_scaler_in_the_graph_is_refused() -> None:
    weight, x = mc.ones(2, device="hostcuda", requires_grad=True), mc.ones(2).to("hostcuda")
    optimizer, scaler = mc.optim.SGD([weight], lr=0.1), mc.amp.GradScaler()

    @mc.cuda.graph
    def step(x: mc.Tensor) -> None:
        optimizer.zero_grad()
        scaler.scale((weight * x).sum()).backward()
        scaler.step(optimizer)
        scaler.update()

    for _ in range(3):
        step(x)
    with pytest.raises(StateError, match="GradScaler changes its scale on the host"):
        step(x)


@pytest.mark.host("two devices at once")
def test_other_shapes_and_other_devices_are_refused() -> None:
    double = mc.cuda.graph(lambda x: x * 2)
    assert double(mc.ones(2).to("hostcuda")).tolist() == [2.0, 2.0]
    with pytest.raises(ShapeError, match="not as they were at first"):
        double(mc.ones(3).to("hostcuda"))
    with pytest.raises(DeviceError, match="no tensor on a CUDA device"):
        mc.cuda.graph(lambda x: x)(mc.ones(2))


def test_a_capture_within_anomaly_detection_is_refused() -> None:
    double, x = mc.cuda.graph(lambda x: x * 2), mc.ones(2).to("hostcuda")
    with mc.autograd.detect_anomaly():
        for _ in range(3):
            double(x)
        with pytest.raises(StateError, match="looks on"):
            double(x)
