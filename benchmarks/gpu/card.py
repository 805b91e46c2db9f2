"""The card that is measured on: whether there is one, what it is, and whether PyTorch can use it."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np

import minicnn
from benchmarks.case import Settings
from minicnn.backend import backend_for
from minicnn.errors import DeviceError

OURS = THEIRS = "cuda"
"""The devices' names in either library."""


def why_not() -> str | None:
    """Why nothing can be measured, in one sentence; None where there is a card."""
    try:
        backend_for(OURS)
    except DeviceError as error:
        hint = next((line.split(None, 1)[1] for line in str(error).splitlines() if line.startswith("  try ")), "")
        return f"There is no CUDA device to measure on ({error.what}; {hint})."
    return None


def why_no_torch() -> str | None:
    """Why PyTorch is not measured beside minicnn; None where it can be."""
    try:
        import torch
    except ImportError:
        return "PyTorch is not installed"
    if not torch.backends.cuda.is_built():
        return f"PyTorch {torch.__version__} is built for the CPU alone"
    if not torch.cuda.is_available():
        return f"PyTorch {torch.__version__} finds no CUDA device"
    return None


def about(settings: Settings) -> dict[str, str]:
    """Versions, card, and how it was measured."""
    import cupy

    found = _properties(cupy)
    runtime, driver = (_version(f()) for f in (cupy.cuda.runtime.runtimeGetVersion, cupy.cuda.runtime.driverGetVersion))
    card = (f"{found['name'].decode()}, {found['multiProcessorCount']} multiprocessors, "
            f"{found['totalGlobalMem'] / 2**30:.0f} GiB, cache of {found['l2CacheSize'] / 2**20:.0f} MiB")  # fmt: skip
    return {"card": card, "CUDA": f"{runtime}, driver for {driver}", "minicnn": minicnn.__version__,
            "CuPy": cupy.__version__, "NumPy": np.__version__, "PyTorch": why_no_torch() or _torch(),
            "Python": platform.python_version(), "system": f"{platform.machine()} {platform.system()}",
            "run": "a quick look, with few repetitions" if settings.quick else "whole"}  # fmt: skip


def cache_bytes() -> int:
    """The size of the card's second-level cache."""
    import cupy

    return int(_properties(cupy)["l2CacheSize"])


def _properties(cupy: Any) -> Any:
    return cupy.cuda.runtime.getDeviceProperties(0)


def _version(number: int) -> str:
    """CUDA's 12040 is 12.4."""
    return f"{number // 1000}.{number % 1000 // 10}"


def _torch() -> str:
    import torch

    return f"{torch.__version__}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
