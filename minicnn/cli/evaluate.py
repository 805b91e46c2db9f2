"""``minicnn eval``: how good trained weights are, class by class."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from minicnn.cli.arguments import add_data, add_running, new

if TYPE_CHECKING:
    from minicnn.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = new(
        commands, "eval", "test trained weights, class by class",
        "Test a trained network: loss, accuracy, top-5 accuracy (is the class among the five highest scores?), and for "
        "each class the precision (how many of the images that it calls so are), the recall (how many of those that "
        "are it calls so), and F1, which is high when both are.",
        "minicnn eval lenet --weights runs/lenet.npz --confusion",
    )  # fmt: skip
    parser.add_argument("model", metavar="MODEL", help="a name of minicnn models, such as lenet")
    parser.add_argument("--weights", required=True, metavar="FROM", help="a file, an address, or a Hugging Face "
                        "repository")
    add_data(parser)
    parser.add_argument("--confusion", action="store_true", help="show which classes are taken for which")
    add_running(parser, 500)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Test, and print the tables."""
    import minicnn as mc
    from minicnn.cli.catalogue import entry
    from minicnn.cli.data import load
    from minicnn.cli.network import about, announce, build, described
    from minicnn.hub import resolve_weights
    from minicnn.training import tables
    from minicnn.training.evaluation import HEADERS

    entry(options.model)  # a wrong name is said before data and weights are looked for
    data = load(options)
    weights = resolve_weights(options.weights)
    known = described(weights, options.model)
    use = about(options.model, data, options.size or (known.size if known is not None else None))
    model = build(use, str(weights), options.device)
    announce(use, data, options)
    if known is not None and list(known.classes) != list(data.classes):
        print(f"the weights are of a training with other classes: {', '.join(known.classes)[:200]}")
    loader = mc.data.DataLoader(data.images(False, use.size, device=options.device), options.batch_size)
    result = mc.training.evaluate(model, loader, classes=data.classes)
    print(result.summary())
    print()
    tables.show(HEADERS, result.rows())
    if options.confusion and result.confusion is not None:
        print("\nrows: the class; columns: what it was taken for")
        rows = [(name, *map(str, row)) for name, row in zip(data.classes, result.confusion.tolist(), strict=True)]
        tables.show(("", *data.classes), rows)
