"""``torch.utils.tensorboard``: the SummaryWriter of tensorboardX, which takes minicnn's tensors."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from minicnn.absent import hints
from minicnn.errors import MissingPackageError
from minicnn.tensor import Tensor

__all__ = ["SummaryWriter"]


class SummaryWriter:
    """tensorboardX's SummaryWriter, with its options and methods; tensors are handed to it as NumPy arrays.

    Raises:
        MissingPackageError: tensorboardX is not installed.
    """

    def __init__(self, *options: Any, **named: Any) -> None:
        try:
            import tensorboardX
        except ImportError:
            raise MissingPackageError("SummaryWriter: tensorboardX is not installed",
                                      hint='pip install "minicnn[tensorboard]"') from None
        self._writer = tensorboardX.SummaryWriter(*options, **named)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._writer, name)
        if not callable(found):
            return found

        @functools.wraps(found)
        def write(*values: Any, **named: Any) -> Any:
            return found(*map(_plain, values), **{key: _plain(value) for key, value in named.items()})

        return write

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.close()


def _plain(value: Any) -> Any:
    """``value`` with arrays instead of tensors; those of ``add_scalars`` come in a dict."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else value


if not TYPE_CHECKING:
    __getattr__ = hints(globals())
