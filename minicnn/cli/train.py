"""``minicnn train``."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from minicnn.cli.arguments import positive
from minicnn.errors import DataError

if TYPE_CHECKING:
    from minicnn.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    train = commands.add_parser(
        "train", help="train a model on the packaged digits",
        description="Train a model on the handwritten digits inside the package (10,000 training and 10,000 test "
        "images of MNIST) by SGD with momentum and a one-cycle schedule, then print its test accuracy and save it.",
    )  # fmt: skip
    train.add_argument("model", metavar="MODEL", help="lenet")
    train.add_argument("--epochs", type=positive(int), default=10, help="passes over the data (default: %(default)s)")
    train.add_argument("--batch-size", type=positive(int), default=64, help="images a step (default: %(default)s)")
    train.add_argument("--lr", type=positive(float), default=0.02, help="the highest rate (default: %(default)s)")
    train.add_argument("--seed", type=int, default=0, help="of the weights and the shuffling (default: %(default)s)")
    train.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    train.add_argument("--save", type=Path, help="where to save the weights (default: runs/MODEL.npz)")
    train.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train, test, save."""
    import minicnn as mc
    from minicnn.datasets import Digits
    from minicnn.io import check_path

    started = time.perf_counter()
    target = check_path(options.save or Path("runs") / f"{options.model}.npz")
    mc.manual_seed(options.seed)
    model = mc.models.get_model(options.model).to(options.device)
    _check_writable(target)
    train, test = (Digits(train=train).tensors(options.device) for train in (True, False))
    loader = mc.data.DataLoader(train, options.batch_size, shuffle=True)
    optimizer = mc.optim.SGD(model.parameters(), options.lr, momentum=0.9, weight_decay=5e-4)
    steps = options.epochs * len(loader)
    scheduler = mc.optim.lr_scheduler.OneCycleLR(optimizer, options.lr, total_steps=steps)
    mc.training.fit(model, loader, optimizer, epochs=options.epochs, scheduler=scheduler)
    result = mc.training.evaluate(model, mc.data.DataLoader(test, 500))
    print(f"test accuracy {result.accuracy:.2%} on {len(test):,} images")
    print(f"time          {time.perf_counter() - started:.1f} s")
    mc.save(model.state_dict(), target)
    print(f"saved         {target}")


def _check_writable(target: Path) -> None:
    """Raise where the weights could not be saved: before the training, not after it."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=target.parent).close()
    except OSError as error:
        raise DataError(f"{target} cannot be written", got=error.strerror, rule="a folder where you may make files",
                        hint="--save elsewhere.npz") from None
    if target.is_dir():
        raise DataError(f"{target} cannot be written", got="a folder of that name", rule="the name of a file",
                        hint=f"--save {target / 'weights.npz'}")
