"""The command line: ``minicnn train lenet``. Each command is a module with ``add(commands)``, listed in COMMANDS."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from minicnn.cli import benchmark, evaluate, grade, models, playground, predict, run, train
from minicnn.errors import MinicnnError

COMMANDS = (train, evaluate, benchmark, models, predict, playground, run, grade)
"""In the order of ``minicnn --help``. ``add(commands)`` makes the command's parser and says which function runs it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status. Errors are shown as their message, without a traceback."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except BrokenPipeError:  # the reader of a pipe has seen enough, as head has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left must not fail at the exit
        return 141
    except (MinicnnError, OSError) as error:
        print(f"minicnn: {error}", file=sys.stderr)
        return 1
    except MemoryError as error:
        print(f"minicnn: the memory is too small\n  got   {error}\n  try   a smaller --batch-size, or a smaller --size",
              file=sys.stderr)  # fmt: skip
        return 1
    except KeyboardInterrupt as error:
        print(f"\nminicnn: interrupted; {_kept(error, getattr(options, 'checkpoint', None))}", file=sys.stderr)
        return 130
    return 0


def _kept(error: KeyboardInterrupt, folder: Path | None) -> str:
    """What is left of a training after Ctrl-C, and how it goes on."""
    if folder is None or not (folder / "last.pt").exists():
        return "nothing was saved"
    what = str(error).partition("\n")[0] or f"what {folder} holds is of an earlier step"
    return f"{what}\n  try   the same command with --resume"


def _parser() -> argparse.ArgumentParser:
    from minicnn import __version__

    parser = argparse.ArgumentParser("minicnn", description="A CNN engine from scratch, for learning and teaching.")
    parser.add_argument("--version", action="version", version=f"minicnn {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser
