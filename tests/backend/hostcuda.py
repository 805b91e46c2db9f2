"""CUDA kernels on the host: the same sources, built by a C++ compiler, on NumPy arrays.

A launch calls the compiled function once for each block. With more than one thread, as many Python threads call it at
once (ctypes lets go of the lock), and ``__syncthreads`` is a barrier between them: slow, but every line is executed as
a GPU would.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.backend.cuda import CudaBackend
from minicnn.backend.cuda.launch import definitions
from minicnn.backend.numpy import NumpyBackend
from minicnn.backend.portable import Backend

COMPILER = shutil.which("g++")

SHIM = """
#include <cmath>
#include <cstring>
#include <algorithm>
#include <immintrin.h>
#include <pthread.h>
using std::min; using std::max; using std::exp; using std::log; using std::sqrt;
struct Place { unsigned x; };
static thread_local Place blockIdx, threadIdx, blockDim, gridDim;
static pthread_barrier_t barrier;
static int threads_of_barrier = 0;
extern "C" void prepare(unsigned threads) {
    if (threads_of_barrier) pthread_barrier_destroy(&barrier);
    pthread_barrier_init(&barrier, nullptr, threads_of_barrier = threads);
}
extern "C" void place(unsigned block, unsigned blocks, unsigned thread, unsigned threads) {
    blockIdx.x = block; gridDim.x = blocks; threadIdx.x = thread; blockDim.x = threads;
}
static void __syncthreads() { if (blockDim.x > 1) pthread_barrier_wait(&barrier); }
static float __int_as_float(int bits) { float value; memcpy(&value, &bits, 4); return value; }
struct __half {
    unsigned short bits;
    __half() {}
    __half(float value) : bits(_cvtss_sh(value, 0)) {}
    operator float() const { return _cvtsh_ss(bits); }
};
#define __global__
#define __device__
#define __shared__ static
"""


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
    """The CUDA backend with launches on the host; ``threads`` of a block run at once."""

    def __init__(self, threads: int = 1, most_of_int: int = 1 << 31) -> None:
        super().__init__()
        self.threads, self.most_of_int = threads, most_of_int
        self.launched: set[str] = set()

    def compiled(self, text: str, name: str, char: str, index: str) -> Callable[..., None]:
        library = _library(text, char, index)

        def run(blocks: int, threads: int, arguments: tuple[Any, ...]) -> None:
            assert threads == 256
            self.launched.add(name)
            start(library, name, blocks, self.threads, arguments)

        return run


def _argument(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        assert value.flags.c_contiguous, "a kernel was given an array that is not in C order"
        return ctypes.c_void_p(value.ctypes.data)
    return {np.int32: ctypes.c_int32, np.int64: ctypes.c_int64, np.float64: ctypes.c_double}[type(value)](value)


def start(library: Any, name: str, blocks: int, threads: int, arguments: tuple[Any, ...]) -> None:
    """Run a kernel with at most three blocks: it must be right for any number of them."""
    kernel, values, blocks = getattr(library, name), [_argument(a) for a in arguments], min(blocks, 3)
    kernel.restype = None
    if threads == 1:
        for block in range(blocks):
            library.place(block, blocks, 0, 1)
            kernel(*values)
        return
    library.prepare(threads)

    def thread(number: int, block: int) -> None:
        library.place(block, blocks, number, threads)
        kernel(*values)

    with ThreadPoolExecutor(threads) as pool:
        for block in range(blocks):
            list(pool.map(lambda number, block=block: thread(number, block), range(threads)))


def _library(text: str, char: str, index: str) -> Any:
    return built(text, tuple(f"-D{name}={value}" for name, value in definitions(char, index).items()))


@functools.cache
def built(code: str, options: tuple[str, ...]) -> Any:
    """CUDA source as a shared library for the host, kept between runs by the hash of its text."""
    text = SHIM + code.replace("#include <cuda_fp16.h>", "")
    key = hashlib.sha256("".join([text, *options]).encode()).hexdigest()[:24]
    folder = Path(tempfile.gettempdir()) / f"minicnn-host-kernels-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    library = folder / f"{key}.so"
    if not library.exists():
        assert COMPILER is not None
        with tempfile.TemporaryDirectory(dir=folder) as work:
            (Path(work) / "code.cpp").write_text(text, encoding="utf-8")
            subprocess.run([COMPILER, "-O1", "-ffp-contract=off", "-mf16c", "-shared", "-fPIC", "-pthread", *options,
                            "code.cpp", "-o", "code.so"], check=True, cwd=work)  # fmt: skip
            (Path(work) / "code.so").replace(library)
    return ctypes.CDLL(str(library))
