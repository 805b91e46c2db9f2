"""minicnn: a CNN engine from scratch on NumPy and CuPy, with PyTorch's names and numbers.

    import minicnn as mc

    x = mc.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    x.grad                                  # tensor([2., 4.])
"""

from __future__ import annotations

import importlib
from typing import Any

from minicnn.autograd import (
    enable_grad,
    grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from minicnn.backend import Device as device
from minicnn.backend import register_backend
from minicnn.backend import default_device as get_default_device
from minicnn.backend import set_default_device
from minicnn.dtypes import (
    Dtype as dtype,
    float16,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    set_default_dtype,
    uint8,
)
from minicnn.ops import table as _table
from minicnn.tensor import Size, Tensor

__version__ = "0.1.0"

half, float, double, short, int, long = float16, float32, float64, int16, int32, int64
from minicnn.dtypes import bool_ as bool

for _family in _table.FAMILIES:
    for _name in getattr(_family, "__all__", ()):
        globals()[_name] = getattr(_family, _name)

_ROOMS = ("autograd", "backend", "data", "datasets", "nn", "optim", "random", "testing", "training")


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"minicnn.{name}")
    if name in ("manual_seed", "Generator", "initial_seed", "get_rng_state", "set_rng_state", "default_generator", "seed"):
        return getattr(importlib.import_module("minicnn.random"), name)
    raise AttributeError(f"module 'minicnn' has no attribute {name!r}")
