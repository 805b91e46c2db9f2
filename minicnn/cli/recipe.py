"""How the commands train: optimiser, rate and schedule."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from minicnn.cli.arguments import positive

if TYPE_CHECKING:
    from minicnn.optim import Optimizer
    from minicnn.optim.lr_scheduler import LRScheduler

RATES = {"sgd": 0.02, "adam": 0.001, "adamw": 0.001}
"""The optimisers, and the highest rate that usually works."""


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """``--lr``, ``--optimizer`` and ``--schedule``."""
    parser.add_argument("--lr", type=positive(float), metavar="RATE",
                        help="the highest rate (default: 0.02 for sgd, 0.001 for the others)")
    parser.add_argument("--optimizer", choices=RATES, default="sgd", help="default: %(default)s, with momentum")
    parser.add_argument("--schedule", choices=("one-cycle", "none"), default="one-cycle",
                        help="how the rate goes (default: %(default)s)")


class Recipe:
    """What the options say of the training."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.name, self.schedule = options.optimizer, options.schedule
        self.lr: float = options.lr or RATES[options.optimizer]

    def optimizer(self, parameters: Iterable[Any], lr: float) -> Optimizer:
        """The optimiser of the parameters."""
        from minicnn import optim

        if self.name == "sgd":
            return optim.SGD(parameters, lr, momentum=0.9, weight_decay=5e-4)
        return {"adam": optim.Adam, "adamw": optim.AdamW}[self.name](parameters, lr)

    def scheduler(self, optimizer: Optimizer, steps: int) -> LRScheduler | None:
        """The schedule of so many steps; None for a constant rate."""
        from minicnn.optim.lr_scheduler import OneCycleLR

        return OneCycleLR(optimizer, self.lr, total_steps=steps) if self.schedule == "one-cycle" else None
