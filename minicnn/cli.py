"""The command line: ``minicnn train lenet``."""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from minicnn.errors import DataError, MinicnnError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status. Errors are shown as their message, without a traceback."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except MinicnnError as error:
        print(f"minicnn: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"minicnn: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nminicnn: interrupted; nothing was saved", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    from minicnn import __version__

    parser = argparse.ArgumentParser("minicnn", description="A CNN engine from scratch, for learning and teaching.")
    parser.add_argument("--version", action="version", version=f"minicnn {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser(
        "train", help="train a model on the packaged digits",
        description="Train a model on the handwritten digits inside the package (10,000 training and 10,000 test "
        "images of MNIST) by SGD with momentum and a one-cycle schedule, then print its test accuracy and save it.",
    )  # fmt: skip
    train.add_argument("model", metavar="MODEL", help="lenet")
    train.add_argument("--epochs", type=_positive(int), default=10, help="passes over the data (default: %(default)s)")
    train.add_argument("--batch-size", type=_positive(int), default=64, help="images a step (default: %(default)s)")
    train.add_argument("--lr", type=_positive(float), default=0.02, help="the highest rate (default: %(default)s)")
    train.add_argument("--seed", type=int, default=0, help="of the weights and the shuffling (default: %(default)s)")
    train.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    train.add_argument("--save", type=Path, help="where to save the weights (default: runs/MODEL.npz)")
    train.set_defaults(run=_train)
    return parser


def _positive(kind: type) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        value = kind(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not positive and finite")
        return value

    convert.__name__ = kind.__name__
    return convert


def _train(options: argparse.Namespace) -> None:
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
