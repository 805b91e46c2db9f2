"""``minicnn train``: train a network, test it, save it."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minicnn.cli.arguments import add_data, add_running, check_writable, fraction, new, positive
from minicnn.cli.recipe import Recipe, add_recipe
from minicnn.errors import NotFiniteError, OptionError
from minicnn.training.recipe import ON_NAN

if TYPE_CHECKING:
    from minicnn.cli.arguments import Commands
    from minicnn.cli.data import Data
    from minicnn.cli.network import About
    from minicnn.data import Dataset
    from minicnn.training import Checkpoint, History


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = new(
        commands, "train", "train a network, test it and save its weights",
        "Train a network, print its accuracy on images that it has not seen, and save its weights. Without options: on "
        "the handwritten digits inside the package (10,000 training and 10,000 test images of MNIST), by SGD with "
        "momentum and a rate that rises and falls once (one cycle). Images are given the size and the channels that "
        "the network takes.",
        "minicnn train resnet20 --data cifar10 --download --augment --epochs 30 --checkpoint runs/resnet20",
    )  # fmt: skip
    parser.add_argument("model", metavar="MODEL", help="a name of minicnn models, such as lenet")
    add_data(parser)
    parser.add_argument("--augment", action="store_true", help="shift the training images at random, and mirror them "
                        "where that leaves their class")
    parser.add_argument("--epochs", type=positive(int), default=10, metavar="N",
                        help="passes over the data (default: %(default)s)")
    add_running(parser, 64)
    add_recipe(parser)
    parser.add_argument("--seed", type=int, default=0, help="of weights, order, augmentation (default: %(default)s)")
    parser.add_argument("--weights", metavar="FROM", help="weights to start from: a file, an address, or a Hugging "
                        "Face repository")
    parser.add_argument("--distributed", action="store_true", help="train on all processes that mpirun started, each "
                        "with its part of the batch (mpirun -n 4 minicnn train …)")
    parser.add_argument("--sync-batch-norm", action="store_true", help="with --distributed: statistics of the whole "
                        "batch, not of each process's part")
    _add_results(parser)
    parser.set_defaults(run=run)


def _add_results(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("results")
    group.add_argument("--save", type=Path, metavar="FILE", help="where to save the weights: .npz, .safetensors, .pt "
                       "(default: runs/MODEL.npz)")
    group.add_argument("--checkpoint", type=Path, metavar="FOLDER", help="keep best.pt and last.pt there after each "
                       "epoch; the best has the lowest validation loss, or training loss without --validation")
    group.add_argument("--checkpoint-every", type=positive(float), default=60.0, metavar="SECONDS", help="keep last.pt "
                       "within an epoch, too, so often (default: %(default)g)")
    group.add_argument("--resume", action="store_true", help="go on with the training whose --checkpoint this is, to "
                       "the same weights as if it had not been stopped; begin it where nothing is there")
    group.add_argument("--validation", type=fraction, default=0.0, metavar="PART", help="the part of the training "
                       "images that is kept out of the training, to validate each epoch on (default: %(default)g)")
    group.add_argument("--patience", type=positive(int), metavar="N", help="stop when N epochs brought no lower loss")
    group.add_argument("--on-nan", choices=ON_NAN, default="stop", help="what to do about a loss that is no number "
                       "(default: %(default)s)")
    group.add_argument("--log-csv", type=Path, metavar="FILE", help="a table with a line for each epoch")
    group.add_argument("--log-tensorboard", type=Path, metavar="FOLDER", help="for tensorboard --logdir FOLDER")


def run(options: argparse.Namespace) -> None:
    """Train, test, save."""
    import minicnn as mc
    from minicnn.cli.data import load
    from minicnn.cli.network import about, announce, build
    from minicnn.cli.ranks import first, join, ranked
    from minicnn.io import check_path

    started = time.perf_counter()
    join(options)
    target = check_path(options.save or Path("runs") / f"{options.model}.npz")
    data = load(options)
    use = about(options.model, data, options.size)
    mc.manual_seed(options.seed)
    model = ranked(build(use, options.weights, options.device), options)
    check_writable(target)
    if first():
        announce(use, data, options)
    test = data.images(False, use.size, device=options.device)  # if it is not there, this says so before the training
    try:
        history = _fit(model, data, use, options)
    except NotFiniteError as error:
        raise NotFiniteError(f"{error.what}; nothing was saved", got=error.got, rule=error.rule,
                             hint='a tenth of the --lr, or --on-nan skip where single images are at fault') from None
    _check(history)
    if not first():
        return
    result = mc.training.evaluate(model, mc.data.DataLoader(test, 500))
    print(f"test accuracy {result.accuracy:.2%} on {result.images:,} images")
    print(f"time          {time.perf_counter() - started:.1f} s")
    mc.save(model.state_dict(), target)
    use.save(target)
    print(f"saved         {target}")


def _fit(model: Any, data: Data, use: About, options: argparse.Namespace) -> History:
    import minicnn as mc

    train, validation = _halves(data, use, options)
    loader = mc.data.DataLoader(train, options.batch_size, shuffle=True)
    recipe = Recipe(options)
    optimizer = recipe.optimizer(model.parameters(), recipe.lr)
    return mc.training.fit(
        model, loader, optimizer, epochs=options.epochs, loss_function=mc.training.auxiliary_loss(),
        validation=None if validation is None else mc.data.DataLoader(validation, 500, generator=mc.Generator()),
        scheduler=recipe.scheduler(optimizer, options.epochs * len(loader)), early_stopping=options.patience,
        checkpoint=_checkpoint(use, options), resume=options.resume, on_nan=options.on_nan, log_csv=options.log_csv,
        log_tensorboard=options.log_tensorboard,
    )  # fmt: skip


def _checkpoint(use: About, options: argparse.Namespace) -> Checkpoint | None:
    """The checkpoint that the options ask for, its folder made, with the network's description in it."""
    from minicnn.cli.network import described
    from minicnn.training import Checkpoint

    folder = options.checkpoint
    if folder is None:
        if options.resume:
            raise OptionError("train: which training goes on?", got="--resume without --checkpoint",
                              rule="the folder of the training that was stopped", hint="--checkpoint FOLDER")
        return None
    check_writable(folder / "last.pt", "--checkpoint")
    if options.resume and (known := described(folder / "last.pt", options.model)) and not known.same_as(use):
        raise OptionError(f"train: {folder} is of a training on other images", got=f"--data {options.data}",
                          rule="a training goes on as it began", hint="another --checkpoint, or without --resume")
    for name in ("best.pt", "last.pt", "previous.pt"):
        use.save(folder / name)
    return Checkpoint(folder, every_seconds=options.checkpoint_every)


def _halves(data: Data, use: About, options: argparse.Namespace) -> tuple[Dataset[Any], Dataset[Any] | None]:
    """The images to train with, and those held out of them, which are not augmented."""
    import minicnn as mc

    train = data.images(True, use.size, options.augment, options.device)
    if not options.validation:
        return train, None
    plain = data.images(True, use.size, False, options.device) if options.augment else train
    order = mc.randperm(len(train), generator=mc.Generator().manual_seed(options.seed)).tolist()  # type: ignore[arg-type]  # manual_seed gives the generator back
    kept = max(1, round(options.validation * len(order)))
    if kept == len(order):
        raise OptionError("train: nothing is left to train with", got=f"--validation {options.validation:g}",
                          rule=f"fewer than all {len(order)} images")
    return mc.data.Subset(train, order[kept:]), mc.data.Subset(plain, order[:kept])


def _check(history: History) -> None:
    last = history[-1]
    if not math.isfinite(last.loss):
        raise OptionError("train: the loss is no number any more; nothing was saved",
                          got=f"loss {last.loss} in epoch {last.epoch}", rule="a rate at which the loss falls",
                          hint="a tenth of the --lr")
