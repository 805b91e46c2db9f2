"""``minicnn models``: what there is to train."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from typing import TYPE_CHECKING

from minicnn.cli.arguments import new

if TYPE_CHECKING:
    from minicnn.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = new(
        commands, "models", "list the networks",
        "List the networks with their parameters (numbers to learn) and the images that they usually take, under the "
        "paper that each comes from.",
        "minicnn models vgg",
    )  # fmt: skip
    parser.add_argument("part", nargs="?", default="", metavar="PART", help="only names with this in them")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the list."""
    from minicnn.cli.catalogue import PARAMETERS, families, input_of

    width = max(20, shutil.get_terminal_size().columns)
    shown = {paper: [name for name in names if options.part in name] for paper, names in families().items()}
    for paper, names in shown.items():
        if names:
            print(textwrap.fill(paper, width))
        for name in names:
            print(f"  {name:<18}  {PARAMETERS[name]:>11,}  {input_of(name)}"[:width])
    if not any(shown.values()):
        print(f"no name has '{options.part}' in it")
