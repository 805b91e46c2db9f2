"""Tensors to files and back; the suffix says the format. Nothing in a file is ever executed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minicnn.absent import hints
from minicnn.backend import Device
from minicnn.errors import OptionError
from minicnn.io.checkpoint import load_checkpoint
from minicnn.io.checkpoint_writer import save_checkpoint
from minicnn.io.npz import load_npz, save_npz
from minicnn.io.safetensors import find_library, load_safetensors, save_safetensors

__all__ = ["check_path", "load", "save"]

_SAVERS: dict[str, Callable[[Any, Path], None]] = {
    ".npz": save_npz, ".safetensors": save_safetensors, ".pt": save_checkpoint, ".pth": save_checkpoint,
}  # fmt: skip
_LOADERS: dict[str, Callable[[Path, Device | str | None], Any]] = {
    ".npz": load_npz, ".safetensors": load_safetensors,
    **dict.fromkeys((".pt", ".pth", ".bin", ".ckpt", ".tar"), load_checkpoint),
}  # fmt: skip
SUFFIXES = tuple(_LOADERS)
"""What ``load`` reads."""


def save(state: Any, path: str | Path) -> None:
    """Write tensors to a file: aside first, then renamed, so that a half-written file never has its name.

    Args:
        state: a state dict. A .pt or .pth file also holds dictionaries, lists, tuples, numbers and strings around the
            tensors, such as an optimiser's state.
        path: its suffix says the format: ``.npz`` (NumPy's), ``.safetensors`` (the extra "weights"), ``.pt`` or
            ``.pth`` (PyTorch's; ``torch.load`` reads it).

    Raises:
        OptionError: another suffix, or values that the format does not hold.
        DataError: a place where no file can be made.
        MissingPackageError: the library of a format is not installed.

    Example:
        >>> mc.save(model.state_dict(), "model.npz")
        >>> mc.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}, "last.pt")
    """
    path = check_path(path)
    _SAVERS[path.suffix](state, path)


def load(path: str | Path, map_location: Device | str | None = "cpu", *, weights_only: bool = True) -> Any:  # noqa: ARG001 (nothing else is ever loaded)
    """Read what ``save``, NumPy, safetensors or PyTorch wrote, onto a device.

    Files of PyTorch (.pt, .pth, .bin, .ckpt, .tar) give what was saved: tensors in dictionaries, lists and tuples,
    numbers and strings. They are read without PyTorch, and nothing that they name is imported or called; a file with
    anything else in it is refused. bfloat16 becomes float32, exactly.

    Args:
        path: a file; its suffix says the format.
        map_location: the device of the tensors, wherever they were saved from; None is the default device.
        weights_only: PyTorch's; nothing else is ever read, so it changes nothing.

    Raises:
        DataError: a missing or damaged file, or one that holds anything but tensors and plain values.
        OptionError: another suffix.

    Example:
        >>> model.load_state_dict(mc.load("model.npz"))
    """
    path = Path(path)
    if path.suffix not in _LOADERS:
        raise _unknown(path, list(_LOADERS))
    return _LOADERS[path.suffix](path, map_location)


def check_path(path: str | Path) -> Path:
    """``path``, whose suffix must be a format that ``save`` writes, with the library that it needs for that."""
    path = Path(path)
    if path.suffix not in _SAVERS:
        raise _unknown(path, list(_SAVERS))
    if path.suffix == ".safetensors":
        find_library()
    return path


def _unknown(path: Path, suffixes: list[str]) -> OptionError:
    return OptionError(f"{path.name}: unknown format", got=path.suffix or "no suffix",
                       rule=f"the suffix says the format: {', '.join(suffixes)}", hint=f"{path.stem}.npz")

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
