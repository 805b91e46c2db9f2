"""Each form of a convolution on CUDA gives the portable backend's numbers, and the one chosen is what the rule says."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn.backend import backend_of
from minicnn.backend.cuda import conv
from minicnn.backend.cuda.forms import columns, depthwise, implicit, one_by_one, winograd
from minicnn.backend.cuda.launch import definitions, source
from minicnn.backend.cuda.layer import Layer
from minicnn.backend.switches import switches
from minicnn.shapes.conv import ConvGeometry, conv_geometry
from tests.backend import fakecupy
from tests.backend.hostcuda import COMPILER, HostCuda, Plain
from tests.cases.case import Case
from tests.cases.run import run_minicnn
from tests.cases.table import CASES
from tests.test_cases import compare, ids

PLAIN = Plain()
FORMS = {form.__name__.rpartition(".")[2]: form for form in conv.FORMS}
Sizes = tuple[tuple[int, ...], int, tuple[int, int], dict[str, Any]]

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler here to build the kernels for the host")

LAYERS: dict[str, Sizes] = {
    "plain": ((2, 3, 7, 6), 4, (3, 3), {}),
    "padded": ((2, 5, 5, 7), 6, (3, 3), {"padding": 1}),
    "more than one tile": ((2, 11, 12, 13), 70, (3, 3), {"padding": (0, 2)}),
    "few rows, many columns": ((3, 2, 15, 11), 17, (3, 3), {"padding": 1}),
    "strided groups": ((2, 4, 7, 6), 4, (3, 3), {"stride": 2, "padding": 1, "groups": 2}),
    "groups": ((2, 6, 6, 5), 8, (3, 3), {"padding": 2, "groups": 2}),
    "same, even": ((1, 2, 5, 6), 3, (2, 4), {"padding": "same"}),
    "dilated": ((1, 3, 9, 10), 5, (3, 2), {"dilation": (2, 3), "padding": (3, 1)}),
    "uneven strides": ((2, 2, 9, 10), 5, (5, 2), {"stride": (3, 2), "padding": (2, 0)}),
    "depthwise": ((2, 4, 7, 6), 8, (3, 3), {"padding": 1, "groups": 4}),
    "one pixel": ((3, 2, 1, 1), 2, (3, 3), {"padding": 1}),
    "a kernel over the edge": ((1, 1, 2, 2), 1, (5, 5), {"padding": 2}),
    "1x1": ((3, 4, 5, 6), 8, (1, 1), {}),
    "1x1 groups": ((3, 4, 5, 6), 8, (1, 1), {"groups": 2}),
    "1x1 strided": ((3, 4, 5, 6), 8, (1, 1), {"stride": 2}),
}


def numbers(*shape: int, seed: int = 0, dtype: Any = "float64") -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def problem(name: str, dtype: Any = "float64") -> tuple[Any, Any, Any, Any, ConvGeometry, Layer]:
    """x, w, b, g, the geometry and the layer."""
    shape, out, kernel, options = LAYERS[name]
    geometry = conv_geometry(**options, kernel=kernel)
    x, w = numbers(*shape, dtype=dtype), numbers(out, shape[1] // geometry.groups, *kernel, seed=1, dtype=dtype)
    size = geometry.output_size(shape[2:], kernel)
    layer = conv._layer(x.shape, w.shape, size, geometry, x.dtype.char)
    return x, w, numbers(out, seed=2, dtype=dtype), numbers(shape[0], out, *size, seed=3, dtype=dtype), geometry, layer


def computed(device: HostCuda, form: Any, x: Any, w: Any, b: Any, g: Any, layer: Layer) -> tuple[Any, ...]:
    """y with and without bias, dx and dw, in memory that held something else."""
    y, bare, dx, dw = (np.full_like(a, np.nan) for a in (g, g, x, w))
    form.forward(device, x, w, b, y, layer)
    form.forward(device, x, w, None, bare, layer)
    form.input_grad(device, g, w, dx, layer)
    form.weight_grad(device, x, g, dw, layer)
    return y, bare, dx, dw


def defined(x: Any, w: Any, b: Any, g: Any, geometry: ConvGeometry) -> tuple[Any, ...]:
    """The same by the portable backend."""
    return (PLAIN.conv(x, w, b, geometry), PLAIN.conv(x, w, None, geometry),
            PLAIN.conv_input_grad(g, w, geometry, x.shape[2:]),
            PLAIN.conv_weight_grad(x, g, geometry, w.shape[2:]))  # fmt: skip


CASES_OF_FORMS = [(form, name) for form in FORMS for name in LAYERS if FORMS[form].fits(problem(name)[-1])]


@needs_compiler
@pytest.mark.parametrize(("form", "name"), CASES_OF_FORMS)
def test_every_form_gives_the_same(form: str, name: str) -> None:
    x, w, b, g, geometry, layer = problem(name)
    expected = defined(x, w, b, g, geometry)
    first = computed(HostCuda(256), FORMS[form], x, w, b, g, layer)
    for found, exact in zip(first, expected, strict=True):
        np.testing.assert_allclose(found, exact, rtol=1e-10, atol=1e-11 if form == "winograd" else 1e-12)
    for device in (HostCuda(256, backwards=True), HostCuda(256, most_of_int=1)):
        again = computed(device, FORMS[form], x, w, b, g, layer)
        for found, same in zip(again, first, strict=True):
            np.testing.assert_array_equal(found, same)


def with_relu(form: Any, x: Any, w: Any, b: Any, g: Any, layer: Layer) -> None:
    """A form's result with a ReLU is that of two passes, to the bit."""
    plain, found = np.full_like(g, np.nan), np.full_like(g, np.nan)
    form.forward(HostCuda(), x, w, b, plain, layer)
    device = HostCuda(256, backwards=True)
    form.forward(device, x, w, b, found, layer, relu=True)
    expected = np.maximum(plain, 0)
    assert (plain < 0).any() and found.dtype == plain.dtype
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == "float16" or found.tobytes() == expected.tobytes()  # of whose −0 NumPy's maximum makes no 0


@needs_compiler
@pytest.mark.parametrize(("form", "name"), CASES_OF_FORMS)
def test_a_relu_in_the_pass_that_writes_the_result(form: str, name: str) -> None:
    x, w, b, g, _, layer = problem(name)
    for bias in (b, None):
        with_relu(FORMS[form], x, w, bias, g, layer)


@needs_compiler
@pytest.mark.parametrize("form", FORMS)
def test_a_relu_of_what_is_no_number(form: str) -> None:
    name = {"depthwise": "depthwise", "one_by_one": "1x1"}.get(form, "padded")
    for dtype in ("float32", "float16"):
        x, w, b, g, _, layer = problem(name, dtype)
        if FORMS[form].fits(layer):
            x[0, 0, 1, 1], x[0, 1, 3, 2], x[1, 0, 2, 2], w[1], b[1] = np.nan, np.inf, -np.inf, -0.0, -0.0
            with_relu(FORMS[form], x, w, b, g, layer)


def test_every_form_has_its_layers() -> None:
    assert {form for form, _ in CASES_OF_FORMS} == set(FORMS)
    assert {"padded", "groups", "one pixel"} <= {name for form, name in CASES_OF_FORMS if form == "winograd"}


@needs_compiler
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 3e-6), ("float16", 3e-3)])
@pytest.mark.parametrize("form", FORMS)
def test_shorter_numbers_are_as_near_to_float64_as_their_own_rounding(form: str, dtype: str, tolerance: float) -> None:
    name = {"depthwise": "depthwise", "one_by_one": "1x1"}.get(form, "few rows, many columns")
    x, w, b, g, geometry, layer = problem(name, dtype)
    if not FORMS[form].fits(layer):
        assert (form, dtype) == ("winograd", "float16")
        return
    found = computed(HostCuda(256), FORMS[form], x, w, b, g, layer)
    for f, e in zip(found, defined(*(a.astype("float64") for a in (x, w, b, g)), geometry), strict=True):
        assert f.dtype == dtype
        np.testing.assert_allclose(f, e, rtol=tolerance, atol=tolerance * np.abs(e).max())


@needs_compiler
def test_float16_is_added_up_in_float32() -> None:
    geometry = conv_geometry()
    x, w = np.ones((1, 4096, 1, 3), "float16"), np.ones((2, 4096, 1, 1), "float16")
    layer = conv._layer(x.shape, w.shape, (1, 3), geometry, "e")
    for form in (implicit, columns, one_by_one):
        y = np.empty((1, 2, 1, 3), "float16")
        form.forward(HostCuda(256), x, w, None, y, layer)
        assert (y == 4096).all()  # in float16 it would stand still at 2048


@needs_compiler
def test_a_weight_gradient_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(implicit, "PART", 7)
    x, w, b, g, geometry, layer = problem("padded")
    np.testing.assert_allclose(computed(HostCuda(256), implicit, x, w, b, g, layer)[3],
                               PLAIN.conv_weight_grad(x, g, geometry, (3, 3)), rtol=1e-12)  # fmt: skip


@needs_compiler
@pytest.mark.parametrize("form", ["columns", "winograd"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_batch_in_groups_of_images(form: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "WORKSPACE", 1)
    x, w, b, g, geometry, layer = problem("few rows, many columns", dtype)
    for f, e in zip(computed(HostCuda(), FORMS[form], x, w, b, g, layer), defined(x, w, b, g, geometry), strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-5, atol=1e-5 if dtype == "float32" else 1e-11)


@needs_compiler
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e30])
def test_winograd_keeps_what_is_infinite_or_huge_to_its_own_windows(value: float) -> None:
    x, w, b, g, geometry, layer = problem("groups")
    x[1, 2, 3, 3] = g[0, 5, 2, 1] = value
    found = computed(HostCuda(), winograd, x, w, b, g, layer)
    with np.errstate(invalid="ignore"):
        expected = defined(x, w, b, g, geometry)
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-9, atol=1e-11)


@needs_compiler
def test_a_result_that_only_the_sums_overflow_is_computed_by_the_definition() -> None:
    x, w = np.zeros((1, 1, 4, 4), "float32"), np.zeros((1, 1, 3, 3), "float32")
    x[0, 0, 1, 1], x[0, 0, 1, 2], w[0, 0, 1, 1] = 3e38, 3e38, 1e-8
    geometry = conv_geometry()
    layer, y = conv._layer(x.shape, w.shape, (2, 2), geometry, "f"), np.empty((1, 1, 2, 2), "float32")
    winograd.forward(HostCuda(), x, w, None, y, layer)
    np.testing.assert_allclose(y, PLAIN.conv(x, w, None, geometry), rtol=1e-6)
    assert np.isfinite(y).all()


def layer_of(
    channels: int, out: int, kernel: int = 3, *, groups: int = 1, char: str = "f", size: int = 16, **options: Any
) -> Layer:
    geometry = conv_geometry(**options, groups=groups)
    x, w = (8, channels, size, size), (out, channels // groups, kernel, kernel)
    return conv._layer(x, w, geometry.output_size(x[2:], w[2:]), geometry, char)


RULE: list[tuple[Layer, dict[str, Any]]] = [
    (layer_of(1, 6, 5), dict.fromkeys(("forward", "input_grad", "weight_grad"), implicit)),
    (layer_of(16, 16, padding=1), dict.fromkeys(("forward", "input_grad", "weight_grad"), implicit)),
    (layer_of(16, 32, padding=1, stride=2), {"forward": implicit, "input_grad": columns, "weight_grad": implicit}),
    (layer_of(3, 64, 7, padding=3, stride=2), {"forward": implicit, "weight_grad": implicit}),
    (layer_of(32, 32, padding=1), dict.fromkeys(("forward", "input_grad", "weight_grad"), implicit)),
    (layer_of(64, 64, padding=1), dict.fromkeys(("forward", "input_grad", "weight_grad"), winograd)),
    (layer_of(256, 256, padding=1), dict.fromkeys(("forward", "input_grad", "weight_grad"), winograd)),
    (layer_of(256, 256, padding=1, char="d"), {"forward": winograd}),
    (layer_of(128, 256, padding=1, stride=2), {"forward": columns, "input_grad": columns, "weight_grad": columns}),
    (layer_of(16, 256, 5), {"forward": columns, "input_grad": implicit, "weight_grad": columns}),
    (layer_of(256, 16, 5), {"forward": implicit, "input_grad": columns, "weight_grad": implicit}),
    (layer_of(256, 256, groups=32), dict.fromkeys(("forward", "input_grad", "weight_grad"), implicit)),
    (layer_of(64, 64, groups=64), dict.fromkeys(("forward", "input_grad", "weight_grad"), depthwise)),
    (layer_of(64, 128, 1), dict.fromkeys(("forward", "input_grad", "weight_grad"), one_by_one)),
    (layer_of(64, 128, 1, groups=4), {"forward": one_by_one}),
    (layer_of(256, 64, 1), {"forward": one_by_one, "input_grad": one_by_one, "weight_grad": implicit}),
    (layer_of(64, 128, 1, stride=2), {"forward": columns, "input_grad": columns}),
    (layer_of(256, 256, padding=1, char="e"), dict.fromkeys(("forward", "input_grad", "weight_grad"), columns)),
    (layer_of(3, 16, padding=1, char="e"), {"forward": implicit, "weight_grad": implicit}),
    (layer_of(16, 32, padding=1, char="e"), {"forward": columns, "input_grad": implicit}),
]


@pytest.mark.parametrize(("layer", "expected"), RULE)
def test_the_rule(layer: Layer, expected: dict[str, Any]) -> None:
    device = HostCuda()
    assert {direction: device.form_of(layer, direction) for direction in expected} == expected


def test_with_tf32_float32_goes_where_the_matrix_units_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switches, "float32_precision", "high")
    assert HostCuda().form_of(layer_of(256, 256, padding=1), "forward") is columns
    assert HostCuda().form_of(layer_of(256, 256, padding=1, char="d"), "forward") is winograd


class Timed(HostCuda):
    """Whose clock says what it is told, for the forms in order."""

    def __init__(self, *times: float | None) -> None:
        super().__init__()
        self.times: Iterator[float | None] = iter(times)

    def milliseconds_of(self, work: Callable[[], None]) -> float | None:
        work()
        return next(self.times)


@needs_compiler
def test_the_benchmark_keeps_the_fastest_form_of_each_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    x, w, b, _, geometry, _ = problem("padded")
    device = Timed(3.0, 1.0, 2.0, 5.0, 4.0, 3.0)  # winograd, implicit, columns; of the second shape likewise
    monkeypatch.setattr(switches, "benchmark", True)
    for images in (x, x, x[:1], x[:1], x):
        found = device.conv(images, w, b, geometry)
        np.testing.assert_allclose(found, PLAIN.conv(images, w, b, geometry), rtol=1e-10, atol=1e-11)
    assert list(device.measured.values()) == [implicit, columns]
    found = device.conv_relu(x, w, b, geometry)  # in the same form, whose bits it has, without measuring again
    np.testing.assert_array_equal(found, np.maximum(device.conv(x, w, b, geometry), 0))
    assert next(device.times, "none left") == "none left"


@needs_compiler
def test_where_no_time_can_be_told_the_rule_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    x, w, b, _, geometry, layer = problem("padded")
    device = Timed(None)
    monkeypatch.setattr(switches, "benchmark", True)
    device.conv(x, w, b, geometry)
    assert device.measured == {} and device.form_of(layer, "forward") is implicit


@needs_compiler
def test_a_device_measures_by_its_events_but_not_while_a_graph_is_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    fakecupy.register()
    monkeypatch.setattr(switches, "benchmark", True)
    x, w = (mc.as_tensor(a).to("hostcuda") for a in problem("padded")[:2])
    device: Any = backend_of(x.array)
    with monkeypatch.context() as capture:
        capture.setattr(fakecupy.training, "capturing", True)
        mc.nn.functional.conv2d(x, w, padding=1)
        assert device.measured == {}
    y = mc.nn.functional.conv2d(x, w, padding=1)
    assert [found in (implicit, columns, winograd) for found in device.measured.values()] == [True]
    np.testing.assert_allclose(y.cpu().numpy(), PLAIN.conv(*problem("padded")[:2], None, problem("padded")[4]), 1e-10)


def test_nothing_is_measured_unasked() -> None:
    x, w, b, _, geometry, _ = problem("1x1")
    device = Timed()
    device.conv(x, w, b, geometry)
    assert device.measured == {}


CONVOLUTIONS = [case for case in CASES if "conv" in case.id]


@needs_compiler
@pytest.mark.parametrize("form", ["columns", "implicit", "winograd"])
@pytest.mark.parametrize("case", CONVOLUTIONS, ids=ids)
def test_the_tables_cases_in_each_form(case: Case, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fakecupy.register()
    monkeypatch.setattr(conv, "choose", lambda layer, *_: FORMS[form] if FORMS[form].fits(layer) else columns)
    compare(run_minicnn(case, "hostcuda"), run_minicnn(case), 1e-7, 1e-9)


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc here to compile CUDA sources")
@pytest.mark.parametrize(("char", "rows"), [("f", 16), ("f", 32), ("f", 64), ("e", 16), ("d", 16)])
def test_a_tile_fits_the_registers_of_two_blocks(char: str, rows: int, tmp_path: Path) -> None:
    """What does not fit is spilled to memory, and a processor with one block stands still at its barriers."""
    (tmp_path / "implicit.cu").write_text(f"#define ROWS {rows}\n{source('implicit')}", encoding="utf-8")
    options = [f"-D{name}={value}" for name, value in definitions(char, "int").items()]
    made = subprocess.run(["nvcc", "-cubin", "-arch=sm_90", "-Werror", "all-warnings", "--ptxas-options=-v", *options,
                           "implicit.cu"], cwd=tmp_path, capture_output=True, text=True, check=True)  # fmt: skip
    told = made.stdout + made.stderr
    spilled, registers = re.findall(r"(\d+) bytes spill", told), re.findall(r"Used (\d+) registers", told)
    shared = [int(found) for found in re.findall(r"(\d+) bytes smem", told)]
    assert len(registers) == 4 and set(spilled) == {"0"}
    assert max(map(int, registers)) * 256 * 2 <= 65536 and max(shared) <= 48 << 10


def test_tiles_cover_a_matrix() -> None:
    for rows, columns_ in [(1, 1), (16, 256), (17, 128), (64, 65), (65, 64), (200, 1000)]:
        height = next((h for h in implicit.HEIGHTS if h >= rows), 64)
        assert implicit.tiles(rows, columns_) == math.ceil(rows / height) * math.ceil(columns_ / (4096 // height))
