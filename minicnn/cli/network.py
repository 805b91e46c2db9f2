"""Networks as the commands need them: fitted to the data, and described in a file beside their weights."""

from __future__ import annotations

import argparse
import inspect
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from minicnn.cli.catalogue import entry
from minicnn.cli.data import Data
from minicnn.errors import DataError, OptionError
from minicnn.io.files import written_aside
from minicnn.models.registry import MODELS
from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.tensor import Tensor


@dataclass(frozen=True)
class About:
    """What must be known beside its weights to use a network; kept as JSON in a file of the weights' name.

    Attributes:
        model: its name.
        classes: their names, in the order of its scores; none where they are not known.
        channels, mean, std: of the images of its data, as ``Data`` has them.
        size: of the images that it gets.
    """

    model: str
    classes: Sequence[str]
    channels: int
    mean: Sequence[float]
    std: Sequence[float]
    size: int

    @staticmethod
    def path(weights: Path) -> Path:
        """The file's name."""
        return weights.with_suffix(".json")

    def save(self, weights: Path) -> None:
        """Write the file beside the weights."""
        with written_aside(self.path(weights)) as file:
            file.write(json.dumps(asdict(self), indent=2, ensure_ascii=False).encode() + b"\n")

    def same_as(self, other: About) -> bool:
        """Whether both say the same."""
        return json.dumps(asdict(self)) == json.dumps(asdict(other))  # in which lists and tuples are one

    def checked(self) -> About:
        """Itself. Errors: ValueError, TypeError for what no data and no network have."""
        row = entry(self.model)
        numbers = [*self.mean, *self.std]
        for name, fits in (
            ("classes", isinstance(self.classes, list) and all(isinstance(name, str) for name in self.classes)),
            ("channels", self.channels in (1, 3)),
            ("mean, std", len(self.mean) == len(self.std) == self.channels
             and all(isinstance(x, int | float) for x in numbers) and all(self.std)),
            ("size", isinstance(self.size, int) and self.size >= row.least),
        ):  # fmt: skip
            if not fits:
                raise ValueError(f"{name}: {', '.join(str(getattr(self, part)) for part in name.split(', '))}")
        return self

    @classmethod
    def load(cls, weights: Path) -> About | None:
        """Read the file beside the weights; None where there is none. Errors: DataError for another content."""
        path = cls.path(weights)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            names = {field.name for field in fields(cls)}
            return cls(**{name: value for name, value in content.items() if name in names}).checked()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise DataError(f"{path} does not describe weights", got=str(error).splitlines()[0][:200],
                            rule="what minicnn train wrote beside them", hint="delete it, or train again") from None


def about(name: str, data: Data, size: int | None) -> About:
    """How network ``name`` is used on ``data``. Errors: OptionError for a size that it does not take."""
    row = entry(name)
    chosen = size or row.size_for(data.size)
    if chosen < row.least or (row.exact and chosen != row.usual):
        raise OptionError(f"{name} takes no images of {chosen} × {chosen}", got=f"--size {chosen}",
                          rule=f"{row.least} × {row.least}" + ("" if row.exact else " or larger"),
                          hint=f"--size {row.usual}")
    return About(name, data.classes, data.channels, data.mean, data.std, chosen)


def described(weights: Path, model: str | None) -> About | None:
    """What the file beside the weights says. Errors: DataError, and OptionError where it names another network."""
    known = About.load(weights)
    if known is not None and model not in (None, known.model):
        raise OptionError("these are weights of another network", got=model,
                          rule=f"{About.path(weights)} says {known.model}", hint=known.model)
    return known


def build(use: About, weights: str | None = None, device: Any = None) -> Module:
    """A new network for the data, with an adapter of its images where they need one, on a device."""
    channels = entry(use.model).channels
    options = {"num_classes": len(use.classes)} if use.classes else {}
    if "in_channels" in inspect.signature(MODELS[use.model]).parameters:
        options["in_channels"] = channels = use.channels
    network = MODELS[use.model](**options)
    if weights is not None:
        from minicnn.hub import load_weights

        load_weights(network, weights)
    network.register_forward_pre_hook(Adapt(use.size, channels))
    return network.to(device)


class Adapt:
    """A hook before a network's forward: gives images the size and the number of channels that it takes."""

    def __init__(self, size: int, channels: int) -> None:
        self.size, self.channels = (size, size), channels

    def __call__(self, network: Module, inputs: tuple[Tensor]) -> tuple[Tensor]:  # noqa: ARG002 (a hook's form)
        (x,) = inputs
        if x.shape[1] != self.channels:
            x = x.mean(1, keepdim=True) if self.channels == 1 else x[:, :1].expand(-1, self.channels, -1, -1)
        if x.shape[2:] != self.size:
            shrinks = x.shape[2] > self.size[0] or x.shape[3] > self.size[1]
            x = F.interpolate(x, self.size, mode="bilinear", antialias=shrinks)
        return (x,)


def announce(use: About, data: Data, options: argparse.Namespace) -> None:
    """Say where images are changed to suit the network."""
    if data.size not in (use.size, None) and not options.size:
        print(f"{use.model} takes images of {use.size} × {use.size}: those of {data.name}, {data.size} × {data.size}, "
              "are scaled")
