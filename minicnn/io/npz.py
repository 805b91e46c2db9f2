"""State dicts in NumPy's .npz: named arrays, no pickle."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from minicnn.backend import Device, backend_of
from minicnn.errors import DataError, OptionError
from minicnn.tensor import Tensor, place


def save(state: Mapping[str, Tensor], path: str | Path) -> None:
    """Write named tensors to an ``.npz`` file: aside first, then renamed, so that a half-written file never has its name.

    Example:
        >>> mc.save(model.state_dict(), "model.npz")
    """
    path = check_path(path)
    wrong = [name for name, value in state.items() if not isinstance(value, Tensor)]
    if wrong:
        raise OptionError(f"save: '{wrong[0]}' is no tensor", got=type(state[wrong[0]]).__name__,
                          rule="a state dict: names and tensors", hint="mc.save(model.state_dict(), path)")
    arrays = {name: backend_of(t.array).to_numpy(t.array) for name, t in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        os.unlink(aside)
        raise


def load(path: str | Path, map_location: Device | str | None = "cpu") -> dict[str, Tensor]:
    """Read named tensors from an ``.npz`` file onto a device. Nothing in the file is executed.

    Raises:
        DataError: a missing or damaged file, or one that holds anything but plain arrays.

    Example:
        >>> model.load_state_dict(mc.load("model.npz"))
    """
    path = check_path(path)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: place(stored[name], map_location) for name in stored.files}
    except FileNotFoundError:
        raise DataError(f"{path} does not exist", rule="a file that mc.save wrote") from None
    except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
        raise DataError(f"{path} is damaged, or no .npz of plain arrays", got=str(error).splitlines()[0],
                        rule="a file that mc.save wrote") from None


def check_path(path: str | Path) -> Path:
    """``path``, whose suffix must be a format that ``save`` writes."""
    path = Path(path)
    if path.suffix != ".npz":
        raise OptionError(f"{path.name}: unknown format", got=path.suffix or "no suffix", rule="the suffix says the format",
                          hint=f"{path.stem}.npz")
    return path
