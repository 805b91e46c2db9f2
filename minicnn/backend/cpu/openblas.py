"""The OpenBLAS that NumPy computes products with: where it is, what it says of itself, and which kernels it uses.

OpenBLAS has kernels for many processors and chooses once, when it is loaded, from a list of processors that it knows.
The one in NumPy 2.4's wheels takes an AMD Zen 5 for a Haswell of 2013: it has kernels for AVX-512 and does not use
them, which halves the speed of every product there (``benchmarks --only products``). ``use_avx512`` lets it choose
again, as the variable OPENBLAS_CORETYPE would have done at the start. Where that variable is set, or the processor
lacks what NumPy itself calls AVX512_SKX, or another library does the products, nothing is changed.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import threading
from typing import Any

from minicnn.backend.cpu.blas import libraries

VARIABLE = "OPENBLAS_CORETYPE"
OLDER, WANTED = ("Haswell", "Zen"), "SkylakeX"  # OpenBLAS's names: for AVX2, and for AVX-512
_AFFIXES = [(prefix, suffix) for prefix in ("scipy_", "") for suffix in ("64_", "")]


def description() -> str | None:
    """What OpenBLAS says of itself: version, options, the processor that its kernels are for; None without one."""
    return _text("openblas_get_config")


def core() -> str | None:
    """The processor that OpenBLAS's kernels are for, by its own name; None without an OpenBLAS."""
    return _text("openblas_get_corename")


def use_avx512() -> None:
    """Let OpenBLAS use its AVX-512 kernels where it has them, the processor can, and nobody said otherwise.

    No product may run meanwhile, as OpenBLAS has no kernels at all for a microsecond. So it happens at import, and not
    if threads that may compute (those that are no daemons) are there already: then the kernels stay as they are.
    """
    if VARIABLE in os.environ or not _has_avx512() or core() not in OLDER or _others_may_compute():
        return
    for library in libraries(ctypes.PyDLL):  # such a call keeps Python's lock
        if hasattr(library, "gotoblas_dynamic_quit") and hasattr(library, "gotoblas_dynamic_init"):
            os.environ[VARIABLE] = WANTED
            try:
                library.gotoblas_dynamic_quit()
                library.gotoblas_dynamic_init()
            finally:
                del os.environ[VARIABLE]
            return


def _has_avx512() -> bool:
    """Whether the processor, as NumPy sees it, has the five parts of AVX-512 that SkylakeX's kernels are made of."""
    features = getattr(importlib.import_module("numpy._core._multiarray_umath"), "__cpu_features__", {})
    return bool(features.get("AVX512_SKX"))


def _others_may_compute() -> bool:
    return any(not thread.daemon for thread in threading.enumerate() if thread is not threading.current_thread())


def _text(name: str) -> str | None:
    """What a function of OpenBLAS returns, whatever this build's prefix and suffix for names are."""
    for library in libraries():
        for prefix, suffix in _AFFIXES:
            function: Any = getattr(library, f"{prefix}{name}{suffix}", None)
            if function is not None:
                function.restype = ctypes.c_char_p
                return str(function().decode())
    return None
