"""A layer and its ReLU in one pass give the bits of two, with their graph; and are two where anybody looks on.

On the CPU, where layers do not ask for it, the backend is told to: one pass is then the portable form, which is two,
and what is looked at is the graph. On the stand-in for CuPy the kernels do it.
"""

from __future__ import annotations

import functools
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.autograd.mode import _Switch
from minicnn.autograd.watch import Watch
from minicnn.backend import backend_for
from minicnn.errors import DtypeError, MinicnnError, ShapeError
from minicnn.nn import functional as F
from minicnn.nn.pairs import paired
from minicnn.testing import gradcheck, gradgradcheck
from tests.backend import fakecupy
from tests.backend.hostcuda import COMPILER

pytestmark = pytest.mark.host("compares the CPU and a stand-in for CuPy with themselves")

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler here to build the kernels for the host")
HOSTCUDA = pytest.param("hostcuda", marks=needs_compiler)
Make = Callable[[], nn.Module]

LAYERS: dict[str, tuple[Make, tuple[int, ...]]] = {
    "tiles": (lambda: nn.Conv2d(32, 32, 3, padding=1), (2, 32, 9, 10)),
    "winograd": (lambda: nn.Conv2d(8, 8, 3, padding=1), (4, 8, 16, 15)),
    "columns": (lambda: nn.Conv2d(3, 6, 5, stride=2, padding=2), (3, 3, 12, 11)),
    "depthwise": (lambda: nn.Conv2d(6, 6, 3, padding=1, groups=6), (2, 6, 8, 9)),
    "groups": (lambda: nn.Conv2d(8, 12, 3, groups=4), (2, 8, 7, 9)),
    "1x1": (lambda: nn.Conv2d(5, 7, 1), (3, 5, 6, 6)),
    "no bias": (lambda: nn.Conv2d(5, 7, 1, bias=False), (3, 5, 6, 6)),
    "same, circular": (lambda: nn.Conv2d(3, 4, 3, padding="same", padding_mode="circular"), (2, 3, 6, 6)),
    "an image": (lambda: nn.Conv2d(3, 4, 3), (3, 6, 6)),
    "sequences": (lambda: nn.Conv1d(3, 4, 3, padding=1), (2, 3, 11)),
    "a sequence": (lambda: nn.Conv1d(3, 4, 3, padding=1), (3, 11)),
    "linear": (lambda: nn.Linear(12, 9), (5, 12)),
    "linear of rows": (lambda: nn.Linear(12, 9), (2, 3, 12)),
    "linear of a vector": (lambda: nn.Linear(12, 9, bias=False), (12,)),
    "no images": (lambda: nn.Conv2d(3, 4, 3), (0, 3, 6, 6)),
    "more than 1,024 numbers": (lambda: nn.Linear(40, 60), (50, 40)),
}


@pytest.fixture(params=["cpu", HOSTCUDA])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A device whose backend says that it does both in one pass."""
    name: str = request.param
    if name == "cpu":
        monkeypatch.setattr(type(backend_for("cpu")), "relu_in_last_pass", True)
    else:
        fakecupy.register()
    return name


@pytest.fixture
def passes(place: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The backend's calls for one pass."""
    kind, asked = type(backend_for(place)), list[str]()
    for name in ("conv_relu", "linear_relu"):
        monkeypatch.setattr(kind, name, _noting(asked, name, getattr(kind, name)))
    return asked


def _noting(asked: list[str], name: str, own: Callable[..., Any]) -> Callable[..., Any]:
    def call(*given: Any) -> Any:
        asked.append(name)
        return own(*given)

    return call


def network(name: str, place: str, dtype: str = "float32", inplace: bool = False) -> tuple[nn.Sequential, Any, Any]:
    """The layer and a ReLU, an input, and the gradient that arrives."""
    mc.manual_seed(0)
    make, shape = LAYERS[name]
    net = nn.Sequential(make(), nn.ReLU(inplace)).to(place, getattr(mc, dtype))
    rng = np.random.default_rng(0)
    x = mc.from_numpy(rng.normal(size=shape).astype(dtype)).to(place)
    with mc.no_grad():
        g = mc.from_numpy(rng.normal(size=tuple(net(x).shape)).astype(dtype)).to(place)
    return net, x, g


def in_turn(net: nn.Sequential, x: Any) -> Any:
    """What the network is defined as."""
    for module in net:
        x = module(x)
    return x


def everything(run: Callable[[Any], Any], net: nn.Module, x: Any, g: Any) -> list[Any]:
    """The result, gradients, and gradients of a function of these."""
    x = x.detach().clone().requires_grad_()
    leaves = [x, *net.parameters()]
    y = run(x)
    firsts = mc.grad(y, leaves, g, create_graph=True)
    seconds = mc.grad(sum((first * first).sum() for first in firsts), leaves)
    with mc.no_grad():
        bare = run(x)
    return [t.detach().cpu().numpy() for t in (y, bare, *firsts, *seconds)]


def same_bits(found: list[Any], expected: list[Any]) -> None:
    for f, e in zip(found, expected, strict=True):
        assert (f.dtype, f.shape) == (e.dtype, e.shape)
        np.testing.assert_array_equal(f, e)
        if f.dtype != "float16":  # NumPy's maximum of float16, alone, leaves −0 as it is; CuPy's does not
            assert f.tobytes() == e.tobytes()


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", LAYERS)
def test_one_pass_gives_the_bits_of_two(name: str, dtype: str, inplace: bool, place: str, passes: list[str]) -> None:
    net, x, g = network(name, place, dtype, inplace)
    passes.clear()
    expected = everything(lambda x: in_turn(net, x), net, x, g)
    assert passes == []
    same_bits(everything(net, net, x, g), expected)
    assert len(passes) == 2


@pytest.mark.parametrize("name", ["tiles", "winograd", "columns", "depthwise", "linear"])
def test_on_two_threads(name: str, place: str) -> None:
    net, x, g = network(name, place)
    expected, before = everything(lambda x: in_turn(net, x), net, x, g), mc.get_num_threads()
    mc.set_num_threads(2)
    try:
        same_bits(everything(net, net, x, g), expected)
    finally:
        mc.set_num_threads(before)


@pytest.mark.parametrize("name", ["tiles", "winograd", "columns", "depthwise", "1x1", "linear"])
def test_numbers_that_are_none(name: str, place: str) -> None:
    net, x, _ = network(name, place)
    with mc.no_grad():
        flat = x.reshape(-1)
        for i, value in enumerate((float("nan"), float("inf"), float("-inf"), -0.0, 1e-45, -1e-45)):
            flat[7 * i] = value
        for value in (0.0, -0.0):
            net[0].weight[0] = value
            net[0].bias[0] = -0.0
            found, expected = net(x).cpu().numpy(), in_turn(net, x).cpu().numpy()
            assert np.isnan(expected).any() and found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", ["columns", "depthwise", "linear", "sequences"])
def test_second_derivatives_are_those_of_differences(name: str, place: str) -> None:
    mc.manual_seed(1)
    layer = {"columns": lambda: nn.Conv2d(2, 3, 3, stride=2, padding=1), "sequences": lambda: nn.Conv1d(2, 3, 3),
             "depthwise": lambda: nn.Conv2d(2, 2, 3, groups=2), "linear": lambda: nn.Linear(4, 3)}[name]()  # fmt: skip
    shape = {"linear": (2, 4), "sequences": (2, 2, 6)}.get(name, (2, 2, 5, 4))
    net = nn.Sequential(layer, nn.ReLU()).double().to(place)
    x = mc.randn(*shape, dtype=mc.float64).to(place).requires_grad_()
    assert gradcheck(net, (x,)) and gradgradcheck(net, (x,))


def test_the_graph_is_that_of_two(place: str) -> None:
    for inplace in (False, True):
        net, x, _ = network("columns", place, inplace=inplace)
        y, z = net(x), in_turn(net, x)
        assert repr(y.detach()) == repr(z.detach()) and "grad_fn=<ReLU>" in repr(y)
        for node, other in ((y.grad_fn, z.grad_fn), (y.grad_fn.next_functions[0][0], z.grad_fn.next_functions[0][0])):
            assert type(node) is type(other) and node.saved.keys() == other.saved.keys()
        assert y._version[0] == z._version[0] == inplace
        y += 1
        with pytest.raises(MinicnnError, match="ReLU saved its result, which was since edited"):
            y.sum().backward()
        y = net(x)
        y.sum().backward()
        with pytest.raises(MinicnnError, match="ReLU"):
            y.sum().backward()


def small(inplace: bool = False) -> nn.Sequential:
    mc.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(inplace), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3),
                         nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(24, 8), nn.ReLU(inplace),
                         nn.Linear(8, 3))  # fmt: skip


@pytest.mark.parametrize("inplace", [False, True])
def test_a_training_ends_in_the_same_bits(inplace: bool, place: str, passes: list[str]) -> None:
    def trained(run: Callable[[nn.Sequential, Any], Any]) -> list[bytes]:
        net = small(inplace).to(place)
        optimizer = mc.optim.SGD(net.parameters(), 0.1, momentum=0.9)
        images, labels = mc.randn(4, 1, 8, 8).to(place), mc.randint(0, 3, (4,)).to(place)
        for _ in range(5):
            optimizer.zero_grad()
            F.cross_entropy(run(net, images), labels).backward()
            optimizer.step()
        return [p.detach().cpu().numpy().tobytes() for p in net.parameters()]

    expected = trained(in_turn)
    assert passes == []
    assert trained(lambda net, x: net(x)) == expected
    assert passes == ["conv_relu", "linear_relu"] * 5


def test_it_takes_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = nn.Sequential(nn.Conv2d(4, 16, 1), nn.ReLU()), mc.randn(8, 4, 64, 64)
    result = 8 * 16 * 64 * 64 * 4

    def peak() -> int:
        tracemalloc.start()
        try:
            net(x)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    two = peak()
    monkeypatch.setattr(type(backend_for("cpu")), "relu_in_last_pass", True)
    assert peak() < two - result // 2


def test_pairs() -> None:
    class Own(nn.Conv2d):
        pass

    class Leaky(nn.ReLU):
        pass

    conv, linear, relu = nn.Conv2d(1, 1, 1), nn.Linear(1, 1), nn.ReLU()
    assert paired([conv, relu]) == [(conv, relu)]
    assert paired([relu, conv]) == [(relu, None), (conv, None)]
    assert paired([conv, relu, relu]) == [(conv, relu), (relu, None)]
    assert paired([conv, linear, relu, conv]) == [(conv, None), (linear, relu), (conv, None)]
    for other in (nn.BatchNorm2d(1), nn.Identity(), nn.ConvTranspose2d(1, 1, 1), nn.Sequential(), Own(1, 1, 1),
                  nn.LazyConv2d(1, 1)):  # fmt: skip
        assert paired([other, relu]) == [(other, None), (relu, None)]
    for other in (nn.ReLU6(), nn.GELU(), nn.LeakyReLU(), Leaky()):
        assert paired([conv, other]) == [(conv, None), (other, None)]
    assert paired([]) == []


def test_a_cpu_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("minicnn.backend.portable.conv.ConvKernels.conv_relu")
    assert small()(mc.randn(2, 1, 8, 8)).shape == (2, 3)


def test_errors_are_those_of_the_layer(place: str) -> None:
    conv, linear = (nn.Sequential(layer, nn.ReLU()).to(place) for layer in (nn.Conv2d(3, 4, 3), nn.Linear(5, 2)))
    bad: list[tuple[nn.Sequential, Any, type[Exception]]] = [
        (conv, mc.zeros(1, 2, 8, 8), ShapeError), (conv, mc.zeros(1, 3, 2, 2), ShapeError),
        (conv, mc.zeros(3), ShapeError), (conv, mc.zeros(1, 3, 8, 8).double(), DtypeError),
        (conv, mc.zeros(1, 3, 8, 8).bool(), DtypeError), (linear, mc.zeros(2, 4), ShapeError),
        (linear, mc.zeros(2, 5).double(), DtypeError),
    ]  # fmt: skip
    for net, given, kind in bad:
        x = given.to(place)
        with pytest.raises(kind) as told:
            net(x)
        with pytest.raises(kind) as expected:
            in_turn(net, x)
        assert str(told.value) == str(expected.value) and str(told.value).startswith(("conv2d: ", "linear: "))
    for x in (None, "x", [1.0]):
        with pytest.raises(Exception) as expected:
            in_turn(conv, x)
        with pytest.raises(type(expected.value)) as told:
            conv(x)
        assert str(told.value) == str(expected.value)


class Counting(Watch):
    """Notes the operations."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def applied(self, node: Any, inputs: Any, arrays: Any, options: Any, results: Any) -> None:
        self.names.append(node.name)
        assert not options.keys() & {"relu", "done"}


def _own_forward(module: nn.Module) -> None:
    module.__dict__["forward"] = module.forward


OBSERVED: dict[str, Callable[[nn.Sequential], Any]] = {
    "a hook of the layer": lambda net: net[0].register_forward_hook(lambda *_: None),
    "a hook of the ReLU": lambda net: net[1].register_forward_hook(lambda *_: None),
    "a hook before the ReLU": lambda net: net[1].register_forward_pre_hook(lambda *_: None),
    "a hook of the layer's gradient": lambda net: net[0].register_full_backward_hook(lambda *_: None),
    "a hook of the ReLU's gradient": lambda net: net[1].register_full_backward_pre_hook(lambda *_: None),
    "an own forward of the layer": lambda net: _own_forward(net[0]),
    "an own forward of the ReLU": lambda net: _own_forward(net[1]),
}


@pytest.mark.parametrize("how", OBSERVED)
def test_observed_layers_are_two(how: str, place: str, passes: list[str]) -> None:
    net, x, _ = network("columns", place)
    passes.clear()
    OBSERVED[how](net)
    net(x)
    assert passes == []


@pytest.mark.parametrize(("owner", "name"), [(F, "conv2d"), (F, "relu"), (nn.Conv2d, "forward"), (nn.ReLU, "forward"),
                                             (nn.Module, "__call__")])  # fmt: skip
def test_what_was_replaced_is_called(
    owner: Any, name: str, place: str, passes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    net, x, _ = network("columns", place)
    passes.clear()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, functools.partialmethod(getattr(owner, name)) if owner is not F else
                      functools.partial(getattr(owner, name)))
        net(x)
        assert passes == []
    net(x)
    assert passes == ["conv_relu"]


right_conv2d = F.conv2d


def students_conv2d(x: Any, weight: Any, bias: Any, stride: int, padding: int) -> Any:
    return right_conv2d(x, weight, bias, stride, padding)


def around(place: str) -> Iterator[AbstractContextManager[Any]]:
    """Contexts in which two operations are seen, or become others."""
    yield _Switch(watch=Counting())
    yield mc.amp.autocast(place, dtype=mc.float16)
    yield mc.autograd.detect_anomaly()
    yield mc.use(conv2d=students_conv2d)
    yield mc.use(relu=lambda x, inplace=False: x * (x > 0))
    yield mc.use(relu=lambda x, inplace=False: x * (x > 0), oracle=True)


def test_contexts_in_which_layers_are_two(place: str, passes: list[str]) -> None:
    net, x, _ = network("columns", place)
    passes.clear()
    for context in around(place):
        with context:
            net(x)
        assert passes == []
    net(x)
    assert passes == ["conv_relu"]


def test_a_watch_sees_two_operations(place: str) -> None:
    net, x, _ = network("columns", place)
    watch = Counting()
    with _Switch(watch=watch):
        net(x)
    assert watch.names == ["Conv2d", "ReLU"]


def test_students_functions_are_used(place: str) -> None:
    net, x, _ = network("columns", place)
    with mc.use(relu=lambda x, inplace=False: x * 0 + 5):
        assert (net(x) == 5).all()


def test_autocast_gives_the_dtype_of_two(place: str) -> None:
    net, x, _ = network("columns", place)
    with mc.amp.autocast(place, dtype=mc.float16):
        found, expected = net(x), in_turn(net, x)
    assert found.dtype == expected.dtype == mc.float16
    same_bits([found.detach().cpu().numpy()], [expected.detach().cpu().numpy()])


def test_inspection_sees_two_layers(place: str) -> None:
    net, x, _ = network("columns", place)
    assert [node.name for node in mc.inspect.graph(net, x).nodes] == ["input", "Conv2d", "ReLU", "sum"]
    assert [row.kind for row in mc.inspect.summary(net, x).rows][-2:] == ["Conv2d", "ReLU"]
    maps = mc.inspect.feature_maps(net, x)
    assert (maps["0"] < 0).any() and not (maps["1"] < 0).any()


def test_onnx_has_two_nodes(place: str, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason='pip install "minicnn[onnx]"')
    net, x, _ = network("columns", place)
    mc.onnx.export(net, x, tmp_path / "net.onnx")
    assert [node.op_type for node in onnx.load(tmp_path / "net.onnx").graph.node] == ["Conv", "Relu"]


def test_a_hook_that_comes_in_between(place: str, passes: list[str]) -> None:
    """One member may register a hook on the next."""
    seen: list[Any] = []

    class Spy(nn.Module):
        def forward(self, x: Any) -> Any:
            if not seen:
                net[1].register_forward_hook(lambda module, given, y: seen.append(y))
            return x

    net = nn.Sequential(Spy(), nn.Linear(3, 2), nn.ReLU()).to(place)
    net(mc.randn(4, 3).to(place))
    assert len(seen) == 1 and passes == []


def test_lazy_layers_become_ones_that_are_paired(place: str, passes: list[str]) -> None:
    net = nn.Sequential(nn.LazyLinear(2), nn.ReLU()).to(place)
    x = mc.randn(4, 3).to(place)
    first = net(x)
    assert passes == []
    assert (net(x) == first).all() and passes == ["linear_relu"]


def test_weights_of_one_row_without_its_dimension(place: str) -> None:
    net = nn.Sequential(nn.Linear(3, 1), nn.ReLU()).to(place)
    net[0].weight, net[0].bias = nn.Parameter(mc.randn(3).to(place)), nn.Parameter(mc.randn(()).to(place))
    x = mc.randn(7, 3).to(place)
    found, expected = net(x), in_turn(net, x)
    assert found.shape == (7,) and (found == expected).all() and (found >= 0).all()
