"""CUDA kernels on the host: the same sources, built by a C++ compiler, on NumPy arrays.

A block's threads are contexts on one processor. Each runs until a barrier, ``__syncthreads``, and hands over to the
next; when all have come there they go on. They take turns in order or in reverse: where a barrier is missing, a thread
reads what another has not written yet, in one order or in the other.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.backend.cuda import CudaBackend
from minicnn.backend.cuda.launch import THREADS, definitions
from minicnn.backend.cuda.products import COMPUTE_32F_FAST_TF32, COMPUTE_64F, TYPES
from minicnn.backend.numpy import NumpyBackend
from minicnn.backend.portable import Backend

COMPILER = shutil.which("g++")

SHIM = """
#include <cmath>
#include <cstring>
#include <algorithm>
#include <functional>
#include <utility>
#include <immintrin.h>
#include <ucontext.h>
using std::min; using std::max; using std::exp; using std::log; using std::sqrt; using std::fabs;
struct Dim3 { unsigned x; };
static Dim3 blockIdx, threadIdx, blockDim, gridDim;
static float __int_as_float(int bits) { float value; memcpy(&value, &bits, 4); return value; }
struct __half {
    unsigned short bits;
    __half() {}
    __half(float value) : bits(_cvtss_sh(value, 0)) {}
    operator float() const { return _cvtsh_ss(bits); }
};
#define __global__
#define __device__
#define __noinline__
#define __launch_bounds__(threads, blocks)
#define __align__(bytes) alignas(bytes)
#define __shared__ static

static const unsigned MOST = 256;
static char stacks[MOST][1 << 16];
static ucontext_t contexts[MOST], between;
static bool finished[MOST];
static std::function<void()> body;
static void enter() { body(); finished[threadIdx.x] = true; }
static void __syncthreads() { if (blockDim.x > 1) swapcontext(&contexts[threadIdx.x], &between); }

// The threads of a block from barrier to barrier. False: some ended while others wait for them.
static bool run_block(bool backwards) {
    for (unsigned t = 0; t < blockDim.x; t++) {
        getcontext(&contexts[t]);
        contexts[t].uc_stack.ss_sp = stacks[t];
        contexts[t].uc_stack.ss_size = sizeof stacks[t];
        contexts[t].uc_link = &between;
        makecontext(&contexts[t], enter, 0);
        finished[t] = false;
    }
    for (unsigned ended = 0; ended == 0;) {
        for (unsigned i = 0; i < blockDim.x; i++) {
            threadIdx.x = backwards ? blockDim.x - 1 - i : i;
            swapcontext(&between, &contexts[threadIdx.x]);
            ended += finished[threadIdx.x];
        }
        if (ended != 0 && ended != blockDim.x) return false;
    }
    return true;
}

template <class... A, size_t... I>
static void call(void (*kernel)(A...), void **arguments, std::index_sequence<I...>) { kernel(*(A *)arguments[I]...); }

template <class... A>
static bool run_grid(void (*kernel)(A...), void **arguments, unsigned blocks, unsigned threads, bool backwards) {
    body = [=] { call(kernel, arguments, std::index_sequence_for<A...>()); };
    gridDim.x = blocks; blockDim.x = threads; threadIdx.x = 0;
    for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++) {
        if (threads == 1) body();
        else if (!run_block(backwards)) return false;
    }
    return true;
}
"""
LAUNCHER = """
extern "C" bool launch_{0}(void **arguments, unsigned blocks, unsigned threads, bool backwards) {{
    return run_grid({0}, arguments, blocks, threads, backwards);
}}
"""
KERNEL = re.compile(r"__global__ void (__launch_bounds__\(THREADS, 2\) )?(\w+)\(")
"""A kernel's name; before it, whether it must be run by all threads that a block was meant to have."""

ALONE = threading.Lock()


class OnNumPy:
    """Where arrays are NumPy's, whatever computes on them."""

    device_type = "cpu"
    array_type = np.ndarray
    xp = np
    from_numpy = NumpyBackend.from_numpy
    to_numpy = NumpyBackend.to_numpy
    quiet = NumpyBackend.quiet


class Plain(OnNumPy, Backend):  # type: ignore[misc]  # the methods of one backend are those of another
    """The portable kernels: what the CUDA ones are compared with."""


class HostCuda(OnNumPy, CudaBackend):  # type: ignore[misc]  # as above
    """The CUDA backend with launches on the host, by so many threads, one after the other or the last one first."""

    def __init__(self, threads: int = 1, most_of_int: int = 1 << 31, *, backwards: bool = False) -> None:
        super().__init__()
        self.threads, self.most_of_int, self.backwards = threads, most_of_int, backwards
        self.launched: set[str] = set()
        self.computes: list[int] = []

    def address(self, array: Any) -> int:
        return int(array.ctypes.data)

    def blas(self, *arguments: Any) -> None:
        self.computes.append(arguments[-2])
        gemm_strided_batched_ex(*arguments)

    def compiled(self, text: str, name: str, char: str, index: str) -> Callable[..., None]:
        library = _library(text, char, index)

        def run(blocks: int, threads: int, arguments: tuple[Any, ...]) -> None:
            assert threads == THREADS
            self.launched.add(name)
            start(library, name, blocks, self.threads, arguments, backwards=self.backwards)

        return run


def gemm_strided_batched_ex(
    turn_a: int, turn_b: int, m: int, n: int, k: int, alpha: int, a: int, a_type: int, lda: int, step_a: int,
    b: int, b_type: int, ldb: int, step_b: int, beta: int, c: int, c_type: int, ldc: int, step_c: int,
    count: int, compute: int, algorithm: int,
) -> None:  # fmt: skip
    """cuBLAS's function of that name, on the host's memory: C = A·B + beta·C, of matrices stored by columns."""
    real: Any = np.float64 if compute == COMPUTE_64F else np.float32
    assert algorithm == -1 and count > 0 and _memory(alpha, 1, np.dtype(real))[0] == 1
    x = _matrices(a, a_type, lda, step_a, (count, m, k), turned=turn_a)
    y = _matrices(b, b_type, ldb, step_b, (count, k, n), turned=turn_b)
    z = _matrices(c, c_type, ldc, step_c, (count, m, n), turned=0)
    x, y = (_rounded(f.astype(real)) if compute == COMPUTE_32F_FAST_TF32 else f.astype(real) for f in (x, y))
    with np.errstate(all="ignore"):
        z[...] = x @ y + (z if _memory(beta, 1, np.dtype(real))[0] else 0)


def _rounded(x: Any) -> Any:
    """float32 with TF32's 10 bits behind the point."""
    return ((x.view(np.int32) + 0x1000) & ~0x1FFF).view(np.float32)


def _matrices(address: int, kind: int, pitch: int, step: int, shape: tuple[int, int, int], *, turned: int) -> Any:
    count, rows, columns = shape
    height, width = (columns, rows) if turned else (rows, columns)
    assert pitch >= height, "columns would overlap"
    dtype = np.dtype({number: char for char, number in TYPES.items()}[kind])
    flat = _memory(address, (count - 1) * step + (width - 1) * pitch + height, dtype)
    strides = (step * dtype.itemsize, pitch * dtype.itemsize, dtype.itemsize)
    stored = np.lib.stride_tricks.as_strided(flat, (count, width, height), strides)
    return stored if turned else stored.transpose(0, 2, 1)


def _memory(address: int, length: int, dtype: Any) -> Any:
    return np.frombuffer((ctypes.c_char * (length * dtype.itemsize)).from_address(address), dtype)


def _argument(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        assert value.flags.c_contiguous, "a kernel was given an array that is not in C order"
        return ctypes.c_void_p(value.ctypes.data)
    return {np.int32: ctypes.c_int32, np.int64: ctypes.c_int64, np.float64: ctypes.c_double}[type(value)](value)


def start(
    library: Any, name: str, blocks: int, threads: int, arguments: tuple[Any, ...], *, backwards: bool = False
) -> None:
    """Run a kernel with at most three blocks: it must be right for any number of them."""
    values = [_argument(a) for a in arguments]
    addresses = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
    launch = getattr(library, f"launch_{name}")
    launch.restype = ctypes.c_bool
    with ALONE:
        met = launch(addresses, min(blocks, 3), THREADS if name in library.whole else threads, backwards)
    assert met, f"{name}: some threads ended while others waited for them"


def _library(text: str, char: str, index: str) -> Any:
    return built(text, tuple(f"-D{name}={value}" for name, value in definitions(char, index).items()))


@functools.cache
def built(code: str, options: tuple[str, ...]) -> Any:
    """CUDA source as a shared library for the host, kept between runs by the hash of its text."""
    kernels = KERNEL.findall(code)
    launchers = "".join(LAUNCHER.format(name) for _, name in kernels)
    text = SHIM + code.replace("#include <cuda_fp16.h>", "") + launchers
    key = hashlib.sha256("".join([text, *options]).encode()).hexdigest()[:24]
    folder = Path(tempfile.gettempdir()) / f"minicnn-host-kernels-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    library = folder / f"{key}.so"
    if not library.exists():
        assert COMPILER is not None
        with tempfile.TemporaryDirectory(dir=folder) as work:
            (Path(work) / "code.cpp").write_text(text, encoding="utf-8")
            subprocess.run([COMPILER, "-O1", "-ffp-contract=off", "-mf16c", "-std=c++17", "-shared", "-fPIC", *options,
                            "code.cpp", "-o", "code.so"], check=True, cwd=work)  # fmt: skip
            (Path(work) / "code.so").replace(library)
    loaded = ctypes.CDLL(str(library))
    loaded.whole = {name for whole, name in kernels if whole}  # type: ignore[attr-defined]  # kept beside the functions
    return loaded
