"""``minicnn playground``: draw a digit in the browser and see what every layer makes of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from minicnn.cli.arguments import new
from minicnn.errors import OptionError

if TYPE_CHECKING:
    from minicnn.cli.arguments import Commands
    from minicnn.inspect.playground import Playground


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = new(
        commands, "playground", "draw a digit and see every layer's maps, on a page of this machine",
        "Open a page on which a digit that you draw goes through a network as you draw it, and on which a window's "
        "stride, padding and kernel can be moved. Without --weights LeNet is trained for a few seconds first.",
        "minicnn playground --weights runs/lenet.npz",
    )  # fmt: skip
    parser.add_argument("--weights", type=Path, metavar="FILE", help="what minicnn train saved, of grey images")
    parser.add_argument("--port", type=int, default=8765, metavar="N", help="0 for any that is free "
                        "(default: %(default)s)")
    parser.add_argument("--no-browser", action="store_true", help="only say the address")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Serve the page until Ctrl-C."""
    import webbrowser

    from minicnn.inspect.playground import HOST, serve

    if not 0 <= options.port < 65536:
        raise OptionError("playground: there is no such port", got=options.port, rule="0 to 65535")
    playground = _trained() if options.weights is None else _loaded(options.weights)
    with serve(playground, options.port) as server:
        address = f"http://{HOST}:{server.server_port}/"
        print(f"the playground is at {address}; Ctrl-C ends it", flush=True)
        if not options.no_browser:
            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


def _trained() -> Playground:
    """LeNet after an epoch of the digits inside the package."""
    import minicnn as mc
    from minicnn.datasets.packaged import MEAN, STD
    from minicnn.inspect.playground import Playground

    print("training LeNet for a few seconds …", flush=True)
    digits = mc.datasets.Digits(train=True)
    images = ((digits.data.unsqueeze(1).float() / 255) - MEAN) / STD
    loader = mc.data.DataLoader(mc.data.TensorDataset(images, digits.targets), batch_size=50, shuffle=True)
    model = mc.models.LeNet()
    optimizer = mc.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    mc.training.fit(model, loader, optimizer, epochs=1, progress=False)
    return Playground(model, digits.classes, mean=MEAN, std=STD)


def _loaded(weights: Path) -> Playground:
    """The network that ``minicnn train`` saved."""
    from minicnn.cli.network import About, build
    from minicnn.inspect.playground import Playground

    use = About.load(weights)
    if use is None or use.channels != 1:
        raise OptionError(f"playground: {weights} is of no network of grey images",
                          got="no description beside it" if use is None else f"{use.channels} channels",
                          rule="weights that minicnn train wrote, with their .json", hint="minicnn train lenet")
    model = build(use, str(weights), "cpu")
    return Playground(model, use.classes, size=use.size, mean=use.mean[0], std=use.std[0])
