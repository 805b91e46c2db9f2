"""What scripts ask of ``torch.backends.cudnn`` and its neighbours, and set there.

A switch that a script sets has no effect: results are the same bits in each run, and nothing is tuned.
"""

from __future__ import annotations

from types import SimpleNamespace

enabled = deterministic = True
benchmark = allow_tf32 = False
matmul = SimpleNamespace(allow_tf32=False)


def is_available() -> bool:
    """False: minicnn does not compute with this library, or on this device."""
    return False


is_built = is_available


def version() -> None:
    """None, PyTorch's answer where the library is not there."""
