"""What the commands' arguments share."""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minicnn.errors import DataError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DATA = "digits, mnist, fashion-mnist, kmnist, cifar10, cifar100, svhn, shapes, or a folder"


def new(commands: Commands, name: str, help: str, description: str, examples: str) -> argparse.ArgumentParser:
    """A command's parser: ``help`` in the list of commands, the rest in its own ``--help``."""
    return commands.add_parser(name, help=help, description=description, epilog=f"Example: {examples}")


def add_data(parser: argparse.ArgumentParser) -> None:
    """``--data`` and where it comes from."""
    group = parser.add_argument_group("data")
    group.add_argument("--data", default="digits", metavar="DATA", help=f"{DATA} with a folder of images for each "
                       "class, as it is or in train and test (default: the %(default)s inside the package)")
    group.add_argument("--root", type=Path, default=Path("data"), metavar="FOLDER",
                       help="where the well-known sets lie (default: %(default)s)")
    group.add_argument("--download", action="store_true", help="get the data where they are not there")
    group.add_argument("--size", type=positive(int), metavar="PIXELS", help="width and height that images are brought "
                       "to (default: their own, where the network takes it)")  # fmt: skip


def add_running(parser: argparse.ArgumentParser, batch: int) -> None:
    """``--batch-size`` and ``--device``."""
    parser.add_argument("--batch-size", type=positive(int), default=batch, metavar="N",
                        help="images at once (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")


def positive(kind: type) -> Callable[[str], Any]:
    """A converter of positive, finite numbers."""

    def convert(text: str) -> Any:
        value = kind(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not positive and finite")
        return value

    convert.__name__ = kind.__name__
    return convert


def fraction(text: str) -> float:
    """A number from 0 up to, but not, 1."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def check_writable(target: Path, option: str = "--save") -> None:
    """Raise where a file could not be saved: before the training, not after it."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=target.parent).close()
    except OSError as error:
        raise DataError(f"{target} cannot be written", got=error.strerror, rule="a folder where you may make files",
                        hint=f"another place after {option}") from None
    if target.is_dir():
        raise DataError(f"{target} cannot be written", got="a folder of that name", rule="the name of a file",
                        hint=f"another place after {option}")
