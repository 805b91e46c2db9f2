"""The CUDA kernels, built for the host, give what the portable backend gives; and nvcc takes them for a GPU."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn.backend.cuda as cuda
from minicnn.backend.cuda.launch import definitions, source
from minicnn.shapes.conv import conv_geometry
from minicnn.shapes.pool import PoolGeometry
from tests.backend.hostcuda import COMPILER, KERNEL, HostCuda, Plain

FAMILIES = sorted(path.stem for path in (Path(cuda.__file__).parent / "kernels").glob("*.cu") if path.stem != "common")
KERNELS = {name for family in FAMILIES for _, name in KERNEL.findall(source(family))}
PLAIN = Plain()

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler here to build the kernels for the host")


@pytest.fixture(params=["one thread", "four threads", "the last thread first", "wide indices"])
def host(request: pytest.FixtureRequest) -> HostCuda:
    return {"one thread": HostCuda(), "four threads": HostCuda(4), "wide indices": HostCuda(most_of_int=1),
            "the last thread first": HostCuda(256, backwards=True)}[request.param]  # fmt: skip


def numbers(*shape: int, seed: int = 0, dtype: Any = "float64") -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def same(found: Any, expected: Any, tolerance: float = 1e-12) -> None:
    for f, e in zip(_tuple(found), _tuple(expected), strict=True):
        assert (f is None) == (e is None)
        if e is not None:
            assert (f.dtype, f.shape) == (e.dtype, e.shape)
            np.testing.assert_allclose(f, e, rtol=tolerance, atol=tolerance)


def _tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


CONVOLUTIONS = {
    "plain": ((2, 3, 7, 6), 4, (3, 3), {}),
    "strided groups": ((2, 4, 7, 6), 4, (3, 3), {"stride": 2, "padding": 1, "groups": 2}),
    "same, even": ((1, 2, 5, 6), 3, (2, 4), {"padding": "same"}),
    "dilated depthwise": ((2, 4, 7, 6), 8, (3, 2), {"padding": (1, 2), "groups": 4, "dilation": 2}),
    "strided depthwise": ((2, 3, 7, 6), 3, (3, 3), {"padding": 1, "groups": 3, "stride": (2, 1)}),
    "1x1": ((3, 4, 5, 6), 8, (1, 1), {}),
    "1x1 groups": ((3, 4, 5, 6), 8, (1, 1), {"groups": 2}),
    "1x1 strided": ((3, 4, 5, 6), 8, (1, 1), {"stride": 2}),
}


@needs_compiler
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(host: HostCuda, name: str) -> None:
    shape, out, kernel, options = CONVOLUTIONS[name]
    geometry = conv_geometry(**options, kernel=kernel)
    x, w, b = numbers(*shape), numbers(out, shape[1] // geometry.groups, *kernel, seed=1), numbers(out, seed=2)
    y = PLAIN.conv(x, w, b, geometry)
    g = numbers(*y.shape, seed=3)
    same(host.conv(x, w, b, geometry), y)
    same(host.conv(np.asfortranarray(x), w, None, geometry), PLAIN.conv(x, w, None, geometry))
    same(host.conv_input_grad(g, w, geometry, shape[2:]), PLAIN.conv_input_grad(g, w, geometry, shape[2:]))
    same(host.conv_weight_grad(x, g, geometry, kernel), PLAIN.conv_weight_grad(x, g, geometry, kernel))


@needs_compiler
def test_a_batch_in_groups_of_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minicnn.backend.cuda.forms.columns.WORKSPACE", 3 * 9 * 20 * 8 * 2)  # the columns of two images
    test_convolutions(HostCuda(), "plain")
    x, w, geometry = numbers(5, 3, 6, 7), numbers(2, 3, 3, 3), conv_geometry()
    g = numbers(5, 2, 4, 5)
    same(HostCuda().conv(x, w, None, geometry), PLAIN.conv(x, w, None, geometry))
    same(HostCuda().conv_input_grad(g, w, geometry, (6, 7)), PLAIN.conv_input_grad(g, w, geometry, (6, 7)))
    same(HostCuda().conv_weight_grad(x, g, geometry, (3, 3)), PLAIN.conv_weight_grad(x, g, geometry, (3, 3)))


WINDOWS = {
    "2x2": PoolGeometry((2, 2), (2, 2)),
    "overlapping": PoolGeometry((3, 3), (2, 2), (1, 1)),
    "ceil": PoolGeometry((3, 2), (1, 2), (1, 0), ceil_mode=True),
    "gaps": PoolGeometry((2, 2), (3, 3), (1, 1)),
    "dilated": PoolGeometry((2, 3), (1, 1), (1, 1), (2, 2)),
}


@needs_compiler
@pytest.mark.parametrize("name", WINDOWS)
def test_max_pooling(host: HostCuda, name: str) -> None:
    geometry, x = WINDOWS[name], np.round(numbers(2, 3, 7, 8))  # many ties
    x[0, 0, 1, 1] = x[0, 0, 2, 1] = np.nan
    x[1, 1] = -np.inf
    y, winners = PLAIN.max_pool(x, geometry)
    g = numbers(*y.shape)
    same(host.max_pool(x, geometry), (y, winners))
    same(host.max_pool_values(x, geometry), y)
    same(host.pool_scatter(g, winners, (7, 8), geometry), PLAIN.pool_scatter(g, winners, (7, 8)))
    same(host.pool_scatter(g, winners, (7, 8)), PLAIN.pool_scatter(g, winners, (7, 8)))


@needs_compiler
@pytest.mark.parametrize("divisor", [None, 5])
@pytest.mark.parametrize("pad", [True, False])
@pytest.mark.parametrize("name", [name for name in WINDOWS if name != "dilated"])
def test_average_pooling(host: HostCuda, name: str, pad: bool, divisor: int | None) -> None:
    geometry, x = WINDOWS[name], numbers(2, 3, 7, 8)
    y = PLAIN.avg_pool(x, geometry, pad, divisor)
    same(host.avg_pool(x, geometry, pad, divisor), y)
    expected = PLAIN.avg_pool_grad(y, geometry, (7, 8), pad, divisor)
    same(host.avg_pool_grad(y, geometry, (7, 8), pad, divisor), expected)


@needs_compiler
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (9, 8), (7, 1)])
def test_adaptive_pooling(host: HostCuda, size: tuple[int, int]) -> None:
    x = np.round(numbers(2, 3, 7, 8), 1)
    y = PLAIN.adaptive_avg_pool(x, size)
    same(host.adaptive_avg_pool(x, size), y)
    same(host.adaptive_avg_pool_grad(y, (7, 8)), PLAIN.adaptive_avg_pool_grad(y, (7, 8)))
    same(host.adaptive_max_pool(x, size), PLAIN.adaptive_max_pool(x, size))


NORMS: dict[str, tuple[tuple[int, ...], int | None, tuple[int, ...] | None]] = {
    "batch": ((0, 2, 3), None, (6, 1, 1)),
    "batch without weights": ((0, 2, 3), None, None),
    "instance": ((2, 3), None, (6, 1, 1)),
    "layer": ((1, 2, 3), None, (6, 5, 3)),
    "last axis": ((3,), None, (3,)),
    "group": ((2, 3), 2, (6, 1, 1)),
    "everything": ((0, 1, 2, 3), None, None),
    "every other axis": ((1, 3), None, None),
}


@needs_compiler
@pytest.mark.parametrize("name", NORMS)
def test_norms(host: HostCuda, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minicnn.backend.cuda.norm.PART", 7)  # sums in several parts
    axes, groups, shape = NORMS[name]
    x, g = numbers(4, 6, 5, 3) + 1000, numbers(4, 6, 5, 3, seed=1)
    weight, bias = (None, None) if shape is None else (numbers(*shape, seed=2), numbers(*shape, seed=3))
    y, mean, var = PLAIN.normalise(x, weight, bias, axes, 1e-5, groups)
    same(host.normalise(x, weight, bias, axes, 1e-5, groups), (y, mean, var), 1e-9)
    expected = PLAIN.normalise_grad(g, x, weight, mean, var, axes, 1e-5, groups)
    same(host.normalise_grad(g, x, weight, mean, var, axes, 1e-5, groups), expected, 1e-9)


@needs_compiler
def test_statistics_do_not_cancel_where_the_mean_is_large() -> None:
    x = (numbers(4, 2, 8, 8) * 1e-2 + 1e3).astype("float32")
    _, mean, var = HostCuda().normalise(x, None, None, (0, 2, 3), 1e-5)
    exact = x.astype("float64")
    np.testing.assert_allclose(mean.ravel(), exact.mean((0, 2, 3)), rtol=1e-7)
    np.testing.assert_allclose(var.ravel(), exact.var((0, 2, 3)), rtol=1e-6)


@needs_compiler
@pytest.mark.parametrize("shape", [(5, 4), (3, 4, 2, 2), (2, 300)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_cross_entropy(host: HostCuda, shape: tuple[int, ...], weighted: bool, masked: bool) -> None:
    random = np.random.default_rng(0)
    x, rows = numbers(*shape) * 30, (shape[0], *shape[2:])
    target, weight = random.integers(0, shape[1], rows), random.random(rows) if weighted else None
    kept = random.random(rows) < 0.5 if masked else None
    losses, probabilities = PLAIN.softmax_nll(x, target, weight, kept)
    same(host.softmax_nll(x, target, weight, kept), (losses, probabilities))
    g = numbers(*rows)
    expected = PLAIN.softmax_nll_grad(g, probabilities, target, weight, kept)
    same(host.softmax_nll_grad(g, probabilities, target, weight, kept), expected)


@needs_compiler
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 3e-6), ("float16", 3e-3)])
def test_shorter_numbers_are_as_near_to_float64_as_their_own_rounding(dtype: str, tolerance: float) -> None:
    x, w, host = numbers(2, 4, 8, 8, dtype=dtype), numbers(4, 4, 3, 3, seed=1, dtype=dtype), HostCuda()
    wide, geometry, windows = x.astype("float64"), conv_geometry(padding=1), WINDOWS["overlapping"]
    found = [host.conv(x, w, None, geometry), host.avg_pool(x, windows), host.max_pool_values(x, windows),
             host.normalise(x, None, None, (0, 2, 3), 1e-5)[0], host.adaptive_avg_pool(x, (3, 3))]  # fmt: skip
    expected = [PLAIN.conv(wide, w.astype("float64"), None, geometry), PLAIN.avg_pool(wide, windows),
                PLAIN.max_pool_values(wide, windows), PLAIN.normalise(wide, None, None, (0, 2, 3), 1e-5)[0],
                PLAIN.adaptive_avg_pool(wide, (3, 3))]  # fmt: skip
    for f, e in zip(found, expected, strict=True):
        assert f.dtype == dtype
        np.testing.assert_allclose(f, e, rtol=tolerance, atol=tolerance * np.abs(e).max())


NEIGHBOUR = """
extern "C" __global__ void neighbour(Index count, STORE *x)
{
    __shared__ STORE shared[THREADS];
    shared[threadIdx.x] = x[threadIdx.x];
    %s
    x[threadIdx.x] = shared[(threadIdx.x + 1) %% blockDim.x];
}
"""


def are_neighbours(barrier: str, *, backwards: bool) -> bool:
    x = 1 + np.random.default_rng().random(256)  # new ones each time: shared memory still holds the last ones
    right = np.roll(x, -1)
    HostCuda(256, backwards=backwards).launch_source(source() + NEIGHBOUR % barrier, "neighbour", x, 1, (x,))
    return bool((x == right).all())


@needs_compiler
@pytest.mark.parametrize("backwards", [False, True])
def test_a_block_on_the_host_waits_at_barriers_and_only_there(backwards: bool) -> None:
    assert are_neighbours("__syncthreads();", backwards=backwards)
    assert not are_neighbours("", backwards=backwards)
    with pytest.raises(AssertionError, match="some threads ended while others waited"):
        are_neighbours("if (threadIdx.x < 4) __syncthreads();", backwards=backwards)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_kernel_adds_in_the_order_of_arrival(family: str) -> None:
    assert not re.search(r"atomic[A-Z]", source(family))


def test_every_kernel_is_started_from_here() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in Path(cuda.__file__).parent.rglob("*.py"))
    assert {name for name in KERNELS if f'"{name}"' not in text} == set()


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc here to compile CUDA sources")
@pytest.mark.parametrize(("char", "index"), [("e", "int"), ("f", "int"), ("d", "long long")])
def test_nvcc_compiles_every_kernel_without_a_warning(char: str, index: str, tmp_path: Path) -> None:
    """As C++11, which is what CuPy asks NVRTC for."""
    (tmp_path / "all.cu").write_text(source(*FAMILIES), encoding="utf-8")
    options = [f"-D{name}={value}" for name, value in definitions(char, index).items()]
    made = subprocess.run(["nvcc", "-cubin", "-std=c++11", "-arch=sm_90", "-Werror", "all-warnings", *options,
                           "all.cu"], cwd=tmp_path, capture_output=True, text=True, check=False)  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr


def _nvrtc() -> Any:
    for name in ("libnvrtc.so.13", "libnvrtc.so.12"):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


@pytest.mark.skipif(_nvrtc() is None, reason="no NVRTC here, with which CuPy compiles")
@pytest.mark.parametrize("char", ["f", "d"])
@pytest.mark.parametrize("family", FAMILIES)
def test_nvrtc_compiles_every_kernel_without_a_word(family: str, char: str) -> None:
    """With the options that CuPy gives it, and without any header; so not float16, which has one."""
    nvrtc, program, size = _nvrtc(), ctypes.c_void_p(), ctypes.c_size_t()
    given = [f"-D{name}={value}" for name, value in definitions(char, "int").items()]
    options = [option.encode() for option in (*given, "-std=c++11", "--gpu-architecture=sm_90")]
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), source(family).encode(), None, 0, None, None) == 0
    failed = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    told = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, told)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    assert (failed, told.value.decode().strip()) == (0, "")
