"""``minicnn predict``: what is in an image."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minicnn.cli.arguments import new, positive
from minicnn.errors import DataError, OptionError

if TYPE_CHECKING:
    from minicnn.cli.arguments import Commands
    from minicnn.cli.network import About


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = new(
        commands, "predict", "say what is in an image",
        "Show the classes that a trained network gives the highest probabilities, for each image. What minicnn train "
        "saved beside the weights (a .json file) says which network it is and what its classes are called; for "
        "other weights name the --model.",
        "minicnn predict digit.png --weights runs/lenet.npz --top 3",
    )  # fmt: skip
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="a file that Pillow reads")
    parser.add_argument("--weights", required=True, metavar="FROM", help="a file, an address, or a Hugging Face "
                        "repository")
    parser.add_argument("--model", metavar="MODEL", help="a name of minicnn models (default: what was trained)")
    parser.add_argument("--classes", type=Path, metavar="FILE", help="the classes' names, one a line (default: those "
                        "of the training)")
    parser.add_argument("--top", type=positive(int), default=3, metavar="N",
                        help="how many classes to show (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the most probable classes of each image."""
    import minicnn as mc
    from minicnn.cli.network import build
    from minicnn.datasets.folder import load_image
    from minicnn.hub import resolve_weights

    weights = resolve_weights(options.weights)
    use = _about(weights, options.model, _names(options.classes))
    model = build(use, str(weights), options.device).eval()
    transform = _transform(use)
    for path in options.images:
        if not path.is_file():
            raise DataError(f"there is no image {path}", got="a folder" if path.is_dir() else None,
                            rule="a file that Pillow reads")
        image = transform(load_image(str(path))).unsqueeze(0).to(options.device)
        with mc.no_grad():
            scores = model(image)[0]
        probabilities, classes = scores.softmax(0).topk(min(options.top, len(scores)))
        if len(options.images) > 1:
            print(f"{path}:")
        for probability, number in zip(probabilities.tolist(), classes.tolist(), strict=True):
            print(f"{probability:7.2%}  {use.classes[number] if use.classes else f'class {number}'}")


def _about(weights: Path, model: str | None, names: list[str]) -> About:
    """What is known of the weights, or what is usual where nothing is."""
    from minicnn.cli.catalogue import entry
    from minicnn.cli.data import IMAGENET
    from minicnn.cli.network import About, described
    from minicnn.datasets.packaged import MEAN, STD

    known = described(weights, model)
    if known is not None:
        return replace(known, classes=names or known.classes)
    if model is None:
        raise OptionError(f"predict: of what network are the weights {weights}?", got=f"no {About.path(weights)}",
                          rule="a file that minicnn train writes", hint="--model NAME")
    row = entry(model)
    mean, std = ((MEAN,), (STD,)) if row.channels == 1 else IMAGENET
    return About(model, names, row.channels, mean, std, row.usual)


def _names(path: Path | None) -> list[str]:
    """The lines of a file; none without one."""
    try:
        return [] if path is None else path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise DataError(f"{path} is no text", rule="a name a line, in UTF-8") from None


def _transform(use: About) -> Any:
    from minicnn import transforms

    grey = [transforms.Grayscale()] if use.channels == 1 else []
    return transforms.Compose([
        *grey, transforms.Resize(use.size), transforms.CenterCrop(use.size), transforms.ToTensor(),
        transforms.Normalize(use.mean, use.std),
    ])  # fmt: skip
