"""``minicnn benchmark``: several networks, trained alike."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from minicnn.cli.arguments import add_data, add_running, check_writable, new, positive

if TYPE_CHECKING:
    from minicnn.cli.arguments import Commands

FIRST = ("mlp_relu", "mlp_tanh", "mlp_sigmoid", "cnn1", "cnn2", "cnn2_bn")
"""The comparison that courses begin with: activations, then convolutions, then batch norm."""


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = new(
        commands, "benchmark", "train several networks alike and compare them",
        "Train several networks alike (same epochs and rate, same order of images, plain SGD) and compare accuracy, "
        "time and number of parameters. Without --models: perceptrons with three activations, one and two "
        "convolutions, and two with batch norm.",
        "minicnn benchmark --data mnist --download --models mlp_relu cnn1 cnn2_bn --epochs 3 --lr 0.1",
    )  # fmt: skip
    parser.add_argument("--models", nargs="+", default=FIRST, metavar="MODEL", help="names of minicnn models")
    add_data(parser)
    parser.add_argument("--epochs", type=positive(int), default=3, metavar="N",
                        help="passes over the data (default: %(default)s)")
    parser.add_argument("--lr", type=positive(float), default=0.1, metavar="RATE",
                        help="the rate (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and order (default: %(default)s)")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the table there, in Markdown")
    add_running(parser, 100)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train all, and print the table."""
    import minicnn as mc
    from minicnn.cli.data import load
    from minicnn.cli.network import about, announce, build

    if options.save is not None:
        check_writable(options.save)
    data = load(options)
    uses = [about(name, data, options.size) for name in dict.fromkeys(options.models)]
    for use in uses:
        announce(use, data, options)
    size = max(use.size for use in uses)
    halves = tuple(data.images(train, size, device=options.device) for train in (True, False))
    rows = mc.training.benchmark(
        halves, {use.model: partial(build, use, None, options.device) for use in uses}, options.epochs, options.lr,
        batch_size=options.batch_size, seed=options.seed,
    )  # fmt: skip
    if options.save is not None:
        options.save.write_text(rows.markdown() + "\n", encoding="utf-8")
        print(f"saved {options.save}")
