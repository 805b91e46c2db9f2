"""Neural networks: ``Module`` and its containers, the layers, ``functional``, ``init`` and ``utils``."""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.nn import functional as functional
from minicnn.nn import init as init
from minicnn.nn import utils as utils
from minicnn.nn.containers import *
from minicnn.nn.layers import *
from minicnn.nn.lazy import *
from minicnn.nn.module import *
from minicnn.nn.parameter import *
from minicnn.nn.parameter_containers import *

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
