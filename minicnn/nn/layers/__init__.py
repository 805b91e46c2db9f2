"""The layers: Modules that hold options and parameters, and leave the computing to ``nn.functional``."""

from minicnn.arguments import check_all
from minicnn.nn.layers.activation import *
from minicnn.nn.layers.batch_norm import *
from minicnn.nn.layers.construction import refuse_tensors as _refuse_tensors
from minicnn.nn.layers.conv import *
from minicnn.nn.layers.distance import *
from minicnn.nn.layers.dropout import *
from minicnn.nn.layers.embedding import *
from minicnn.nn.layers.lazy import *
from minicnn.nn.layers.linear import *
from minicnn.nn.layers.loss import *
from minicnn.nn.layers.margin_loss import *
from minicnn.nn.layers.norm import *
from minicnn.nn.layers.padding import *
from minicnn.nn.layers.pool import *
from minicnn.nn.layers.resize import *
from minicnn.nn.layers.shape import *

_LAYERS = [name for name, found in globals().items() if isinstance(found, type)]
check_all(globals(), _LAYERS)
for _name in _LAYERS:
    _refuse_tensors(globals()[_name])
