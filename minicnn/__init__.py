"""minicnn: a CNN engine from scratch on NumPy and CuPy, with PyTorch's names and numbers.

    import minicnn as mc

    x = mc.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    x.grad                                  # tensor([2., 4.])

Operations are here (``mc.matmul``); layers in ``mc.nn``, optimisers in ``mc.optim``, data in ``mc.data`` and
``mc.datasets``, loops in ``mc.training``, checks in ``mc.testing``. Those rooms are opened on first use.
"""

import importlib as _importlib
from math import e as e
from math import inf as inf
from math import nan as nan
from math import pi as pi
from typing import TYPE_CHECKING
from typing import Any as _Any

from minicnn import dtypes as _dtypes
from minicnn import errors as errors
from minicnn.absent import missing as _missing
from minicnn.autograd import enable_grad as enable_grad
from minicnn.autograd import grad as grad
from minicnn.autograd import inference_mode as inference_mode
from minicnn.autograd import is_grad_enabled as is_grad_enabled
from minicnn.autograd import is_inference_mode_enabled as is_inference_mode_enabled
from minicnn.autograd import no_grad as no_grad
from minicnn.autograd import set_grad_enabled as set_grad_enabled
from minicnn.backend import Device as _Device
from minicnn.backend import default_device as _default_device
from minicnn.backend import get_num_threads as get_num_threads
from minicnn.backend import register_backend as register_backend
from minicnn.backend import set_default_device as set_default_device
from minicnn.backend import set_num_threads as set_num_threads
from minicnn.dtypes import finfo as finfo
from minicnn.dtypes import float16 as float16
from minicnn.dtypes import float32 as float32
from minicnn.dtypes import float64 as float64
from minicnn.dtypes import get_default_dtype as get_default_dtype
from minicnn.dtypes import iinfo as iinfo
from minicnn.dtypes import int8 as int8
from minicnn.dtypes import int16 as int16
from minicnn.dtypes import int32 as int32
from minicnn.dtypes import int64 as int64
from minicnn.dtypes import set_default_dtype as set_default_dtype
from minicnn.dtypes import uint8 as uint8
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
from minicnn.ops.legacy import *
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
from minicnn.random import Generator as Generator
from minicnn.random import default_generator as default_generator
from minicnn.random import get_rng_state as get_rng_state
from minicnn.random import initial_seed as initial_seed
from minicnn.random import manual_seed as manual_seed
from minicnn.random import seed as seed
from minicnn.random import set_rng_state as set_rng_state
from minicnn.tensor import Size as Size
from minicnn.tensor import Tensor as Tensor

if TYPE_CHECKING:
    from minicnn import accelerator as accelerator
    from minicnn import amp as amp
    from minicnn import autograd as autograd
    from minicnn import backend as backend
    from minicnn import backends as backends
    from minicnn import compat as compat
    from minicnn import cuda as cuda
    from minicnn import data as data
    from minicnn import datasets as datasets
    from minicnn import distributed as distributed
    from minicnn import exercises as exercises
    from minicnn import hub as hub
    from minicnn import inspect as inspect
    from minicnn import io as io
    from minicnn import models as models
    from minicnn import nn as nn
    from minicnn import onnx as onnx
    from minicnn import optim as optim
    from minicnn import random as random
    from minicnn import testing as testing
    from minicnn import training as training
    from minicnn import transforms as transforms
    from minicnn import utils as utils
    from minicnn.amp import autocast as autocast
    from minicnn.amp import get_autocast_dtype as get_autocast_dtype
    from minicnn.amp import is_autocast_enabled as is_autocast_enabled
    from minicnn.backends.cuda import get_float32_matmul_precision as get_float32_matmul_precision
    from minicnn.backends.cuda import set_float32_matmul_precision as set_float32_matmul_precision
    from minicnn.io import load as load
    from minicnn.io import save as save
    from minicnn.nn.functional import adaptive_avg_pool1d as adaptive_avg_pool1d
    from minicnn.nn.functional import avg_pool1d as avg_pool1d
    from minicnn.nn.functional import bilinear as bilinear
    from minicnn.nn.functional import celu as celu
    from minicnn.nn.functional import celu_ as celu_
    from minicnn.nn.functional import channel_shuffle as channel_shuffle
    from minicnn.nn.functional import conv1d as conv1d
    from minicnn.nn.functional import conv2d as conv2d
    from minicnn.nn.functional import conv_transpose1d as conv_transpose1d
    from minicnn.nn.functional import conv_transpose2d as conv_transpose2d
    from minicnn.nn.functional import cosine_similarity as cosine_similarity
    from minicnn.nn.functional import group_norm as group_norm
    from minicnn.nn.functional import layer_norm as layer_norm
    from minicnn.nn.functional import max_pool1d as max_pool1d
    from minicnn.nn.functional import max_pool2d as max_pool2d
    from minicnn.nn.functional import native_channel_shuffle as native_channel_shuffle
    from minicnn.nn.functional import pairwise_distance as pairwise_distance
    from minicnn.nn.functional import pixel_shuffle as pixel_shuffle
    from minicnn.nn.functional import pixel_unshuffle as pixel_unshuffle
    from minicnn.nn.functional import rms_norm as rms_norm
    from minicnn.nn.functional import rrelu as rrelu
    from minicnn.nn.functional import rrelu_ as rrelu_
    from minicnn.nn.functional import selu as selu
    from minicnn.nn.functional import selu_ as selu_
    from minicnn.nn.functional import threshold as threshold
    from minicnn.nn.functional import threshold_ as threshold_
    from minicnn.testing import use as use

__version__ = "0.1.0"

device, get_default_device = _Device, _default_device
dtype, bool = _dtypes.Dtype, _dtypes.bool_
half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
newaxis = None

_ROOMS = (
    "accelerator", "amp", "autograd", "backend", "backends", "compat", "cuda", "data", "datasets", "distributed",
    "exercises", "hub", "inspect", "io", "models", "nn", "onnx", "optim", "random", "testing", "training", "transforms",
    "utils",
)  # fmt: skip
_LATER = {
    **dict.fromkeys(("load", "save"), "io"),
    "use": "testing",
    **dict.fromkeys(("autocast", "get_autocast_dtype", "is_autocast_enabled"), "amp"),
    **dict.fromkeys(("get_float32_matmul_precision", "set_float32_matmul_precision"), "backends.cuda"),
    **dict.fromkeys((
        "adaptive_avg_pool1d", "avg_pool1d", "bilinear", "celu", "celu_", "channel_shuffle", "conv1d", "conv2d",
        "conv_transpose1d", "conv_transpose2d", "cosine_similarity", "group_norm", "layer_norm", "max_pool1d",
        "max_pool2d", "native_channel_shuffle", "pairwise_distance", "pixel_shuffle", "pixel_unshuffle", "rms_norm",
        "rrelu", "rrelu_", "selu", "selu_", "threshold", "threshold_",
    ), "nn.functional"),
}  # fmt: skip
"""Names of other rooms that are also here, as in PyTorch; the room is opened when one is asked for."""


def __getattr__(name: str) -> _Any:
    if name in _ROOMS:
        return _importlib.import_module(f"minicnn.{name}")
    if name in _LATER:
        return getattr(_importlib.import_module(f"minicnn.{_LATER[name]}"), name)
    raise _missing("minicnn", name, {*globals(), *_ROOMS, *_LATER})
