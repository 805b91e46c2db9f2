"""minicnn: a CNN engine from scratch on NumPy and CuPy, with PyTorch's names and numbers.

    import minicnn as mc

    x = mc.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    x.grad                                  # tensor([2., 4.])

Operations are here (``mc.matmul``); layers in ``mc.nn``, optimisers in ``mc.optim``, data in ``mc.data`` and
``mc.datasets``, loops in ``mc.training``, checks in ``mc.testing``. Those rooms are opened on first use.
"""

import importlib as _importlib
from typing import TYPE_CHECKING
from typing import Any as _Any

from minicnn import errors
from minicnn.autograd import (
    enable_grad,
    grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from minicnn.backend import Device as device
from minicnn.backend import default_device as get_default_device
from minicnn.backend import register_backend, set_default_device
from minicnn.dtypes import Dtype as dtype
from minicnn.dtypes import bool_ as bool
from minicnn.dtypes import (
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
from minicnn.dtypes import float16 as half
from minicnn.dtypes import float32 as float
from minicnn.dtypes import float64 as double
from minicnn.dtypes import int16 as short
from minicnn.dtypes import int32 as int
from minicnn.dtypes import int64 as long
from minicnn.ops.activation import *
from minicnn.ops.arithmetic import *
from minicnn.ops.compare import *
from minicnn.ops.convert import *
from minicnn.ops.creation import *
from minicnn.ops.cumulate import *
from minicnn.ops.diagonal import *
from minicnn.ops.dropout import *
from minicnn.ops.einsum import *
from minicnn.ops.extrema import *
from minicnn.ops.fill import *
from minicnn.ops.index import *
from minicnn.ops.join import *
from minicnn.ops.linalg import *
from minicnn.ops.pointwise import *
from minicnn.ops.query import *
from minicnn.ops.rearrange import *
from minicnn.ops.reduce import *
from minicnn.ops.rounding import *
from minicnn.ops.sampling import *
from minicnn.ops.scatter import *
from minicnn.ops.shape import *
from minicnn.ops.softmax import *
from minicnn.ops.sorting import *
from minicnn.ops.statistics import *
from minicnn.ops.steps import *
from minicnn.ops.trigonometry import *
from minicnn.ops.unary import *
from minicnn.printing import *
from minicnn.random import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from minicnn.tensor import Size, Tensor

if TYPE_CHECKING:
    from minicnn import autograd, backend, data, datasets, io, models, nn, optim, random, testing, training
    from minicnn.io import load, save

__version__ = "0.1.0"

_ROOMS = ("autograd", "backend", "data", "datasets", "io", "models", "nn", "optim", "random", "testing", "training")


def __getattr__(name: str) -> _Any:
    if name in _ROOMS:
        return _importlib.import_module(f"minicnn.{name}")
    if name in ("load", "save"):
        return getattr(_importlib.import_module("minicnn.io"), name)
    raise errors.UnknownNameError("minicnn", name, lambda: (*globals(), *_ROOMS))
