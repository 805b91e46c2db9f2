"""``minicnn run``."""

from __future__ import annotations

import argparse
import sys
import traceback
from typing import TYPE_CHECKING

from minicnn.cli.arguments import new

if TYPE_CHECKING:
    from minicnn.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = new(
        commands, "run", "run a PyTorch script as it stands",
        "Run a Python script in which torch and torchvision mean minicnn's, without changing it and "
        "without PyTorch: its imports, networks, optimisers, datasets and loops work as written. A name that minicnn "
        "lacks is named, with the script's line and the nearest thing there is.",
        "minicnn run train.py --epochs 3",
    )  # fmt: skip
    parser.add_argument("--traceback", action="store_true", help="show minicnn's own lines in tracebacks, too")
    parser.add_argument("script", metavar="SCRIPT", help="a Python file")
    parser.add_argument("arguments", metavar="…", nargs=argparse.REMAINDER, help="what the script finds in sys.argv")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the script; exits with 1 after an error in it, shown as Python shows it."""
    from minicnn.compat import format_error, read_script, run_script

    read_script(options.script)  # whose error is not the script's
    try:
        run_script(options.script, options.arguments)
    except (Exception, KeyboardInterrupt) as error:
        sys.stdout.flush()
        shown = "".join(traceback.format_exception(error)) if options.traceback else format_error(error, options.script)
        print(shown, end="", file=sys.stderr)
        raise SystemExit(130 if isinstance(error, KeyboardInterrupt) else 1) from None
