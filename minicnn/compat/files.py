"""``torch.save`` and ``torch.load``, which take any suffix, and open files, where minicnn goes by the suffix."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from minicnn import io
from minicnn.io.checkpoint import load_checkpoint
from minicnn.io.checkpoint_writer import save_checkpoint

__all__ = ["load", "save"]


def save(obj: Any, f: Any, *options: Any, **named: Any) -> None:  # noqa: ARG001 (PyTorch's signature)
    """Write tensors, and plain values around them, in PyTorch's format.

    Args:
        obj: a state dict, or dictionaries, lists and numbers with tensors in them.
        f: a path, or a file open for writing.
        options: PyTorch's, of how to pickle.

    Raises:
        OptionError: anything else, such as a whole module.
    """
    if not hasattr(f, "write"):
        save_checkpoint(obj, Path(f))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.pt"
        save_checkpoint(obj, path)
        with path.open("rb") as written:
            shutil.copyfileobj(written, f)


def load(f: Any, map_location: Any = None, *options: Any, **named: Any) -> Any:  # noqa: ARG001 (PyTorch's signature)
    """Read a checkpoint of PyTorch's, or another file that ``mc.load`` reads; nothing in it is executed.

    Args:
        f: a path, or a file open for reading.
        map_location: a device. A function, or a table of devices, means the CPU, to where all such idioms lead.
        options: PyTorch's, of how to unpickle.

    Raises:
        DataError: a missing or damaged file, or one that holds anything but tensors and plain values.
    """
    to_cpu = map_location is None or callable(map_location) or isinstance(map_location, dict)
    device = "cpu" if to_cpu else map_location
    if not hasattr(f, "read"):
        path = Path(f)
        return io.load(path, device) if path.suffix in io.SUFFIXES else load_checkpoint(path, device)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.pt"
        with path.open("wb") as copy:
            shutil.copyfileobj(f, copy)
        return load_checkpoint(path, device)
