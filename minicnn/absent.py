"""Names that PyTorch code may ask for and minicnn does not have, and what to do without them."""

from __future__ import annotations

from collections.abc import Iterable

from minicnn.errors import MissingAttributeError, UnknownNameError

_SEQUENCES = "minicnn is for convolutional networks; sequences need PyTorch itself"
_VOLUMES = "minicnn has 1-D and 2-D layers; volumes need PyTorch itself"
_NOTHING = "leave it out: there is nothing to set, and results are the same bits each run"

INSTEAD = {
    "amp": "model.half(), or float32 as it is",
    "autocast": "model.half(), or float32 as it is",
    "backends": _NOTHING,
    "compile": "the model itself: nothing is compiled",
    "DataParallel": "the model itself: it runs on one device",
    "DistributedDataParallel": "the model itself: it runs on one device",
    "gradcheck": "mc.testing.gradcheck",
    "gradgradcheck": "mc.testing.gradgradcheck",
    "hub": "mc.models",
    "jit": "the model itself: nothing is compiled",
    "parallel": "the model itself: it runs on one device",
    "range": "mc.arange, which leaves the end out",
    "set_detect_anomaly": "with mc.autograd.detect_anomaly(): …",
    "use_deterministic_algorithms": _NOTHING,
    "LBFGS": "SGD or Adam",
    **dict.fromkeys(("GRU", "LSTM", "MultiheadAttention", "RNN", "Transformer", "TransformerEncoderLayer"), _SEQUENCES),
    **{name: f"mc.nn.functional.{name}" for name in ("conv1d", "conv2d", "conv_transpose2d", "max_pool2d")},
    **dict.fromkeys(("AvgPool3d", "BatchNorm3d", "Conv3d", "ConvTranspose3d", "MaxPool3d"), _VOLUMES),
}


def missing(owner: str, name: str, names: Iterable[str]) -> MissingAttributeError:
    """The error for an attribute ``name`` that the module ``owner``, which has ``names``, does not have."""
    if name in INSTEAD:
        return MissingAttributeError(f"{owner} has no '{name}', which PyTorch has", hint=INSTEAD[name])
    known = tuple(names)
    return UnknownNameError(owner, name, lambda: known)
