"""``minicnn benchmark``: several networks, trained alike."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from minicnn.cli.arguments import add_data, add_running, check_writable, new, positive
from minicnn.cli.recipe import Recipe, add_recipe

if TYPE_CHECKING:
    from minicnn.cli.arguments import Commands

FIRST = ("mlp_relu", "mlp_tanh", "mlp_sigmoid", "cnn1", "cnn2", "cnn2_bn")
"""The comparison that courses begin with: activations, then convolutions, then batch norm."""


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = new(
        commands, "benchmark", "train several networks alike and compare them",
        "Train several networks alike (same epochs and rate, same order of images) and compare accuracy, "
        "time and number of parameters. Without --models: perceptrons with three activations, one and two "
        "convolutions, and two with batch norm.",
        "minicnn benchmark --data mnist --download --models mlp_relu cnn1 cnn2_bn --epochs 3",
    )  # fmt: skip
    parser.add_argument("--models", nargs="+", default=FIRST, metavar="MODEL", help="names of minicnn models")
    add_data(parser)
    parser.add_argument("--epochs", type=positive(int), default=3, metavar="N",
                        help="passes over the data (default: %(default)s)")
    add_recipe(parser)
    parser.add_argument("--seed", type=int, default=0, help="of weights and order (default: %(default)s)")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the table there, in Markdown")
    add_running(parser, 100)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train all, and print the table."""
    import minicnn as mc
    from minicnn.cli.data import load
    from minicnn.cli.network import about, announce, build
    from minicnn.io.files import written_aside

    if options.save is not None:
        check_writable(options.save)
    data = load(options)
    uses = [about(name, data, options.size) for name in dict.fromkeys(options.models)]
    for use in uses:
        announce(use, data, options)
    recipe, size = Recipe(options), max(use.size for use in uses)
    halves = tuple(data.images(train, size, device=options.device) for train in (True, False))
    rows = mc.training.benchmark(
        halves, {use.model: partial(build, use, None, options.device) for use in uses}, options.epochs, recipe.lr,
        batch_size=options.batch_size, seed=options.seed, optimizer=recipe.optimizer, scheduler=recipe.scheduler,
    )  # fmt: skip
    if options.save is not None:
        with written_aside(options.save) as file:
            file.write(f"{rows.markdown()}\n".encode())
        print(f"saved {options.save}")
