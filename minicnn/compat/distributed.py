"""``torch.distributed`` as it is where PyTorch is built without it: it can be asked, and does nothing more."""

from typing import TYPE_CHECKING

from minicnn.absent import hints

__all__ = ["is_available", "is_initialized"]


def is_available() -> bool:
    """False: minicnn computes in one process."""
    return False


is_initialized = is_available

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
