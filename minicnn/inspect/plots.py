"""Figures of matplotlib (the extra "plot"): filters, maps, heat over images, confusion matrices, mistakes, curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minicnn.errors import MissingPackageError, OptionError, ShapeError
from minicnn.inspect.maps import filters
from minicnn.tensor import Tensor

if TYPE_CHECKING:
    from minicnn.inspect.mistakes import Mistake
    from minicnn.training.evaluation import Evaluation

Figure = Any


def new_figure(name: str, size: tuple[float, float]) -> Figure:
    """An empty figure. Errors: MissingPackageError."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingPackageError(f"{name}: matplotlib is not installed", rule="it draws the figure",
                                  hint='pip install "minicnn[plot]"') from None
    return Figure(figsize=size, layout="constrained")


def draw_filters(layer: Any, columns: int = 8) -> Figure:
    """The filters of a convolution: in colour where they have three channels, else each channel by itself.

    Args:
        layer: a Conv2d or ConvTranspose2d.
        columns: pictures in a row.
    """
    weight = filters(layer)
    pictures = weight if weight.shape[1] == 3 else weight.flatten(0, 1).unsqueeze(1)
    return _gallery("draw_filters", pictures, [str(i) for i in range(len(pictures))], columns)


def draw_maps(maps: Tensor, columns: int = 8) -> Figure:
    """The channels of one image's maps (C, H, W), each in its own range of grey."""
    if not isinstance(maps, Tensor) or maps.ndim != 3:
        raise ShapeError("draw_maps: these are no maps of one image", got=maps, rule="(C, H, W)", hint="maps[0]")
    return _gallery("draw_maps", maps.unsqueeze(1), [str(i) for i in range(len(maps))], columns)


def draw_heat(images: Tensor, heat: Tensor, columns: int = 4) -> Figure:
    """Images (N, C, H, W) with heat (N, h, w), such as ``grad_cam``'s, over them."""
    if images.ndim != 4 or heat.ndim != 3 or len(images) != len(heat):
        raise ShapeError("draw_heat: the heat does not fit the images",
                         got=f"{tuple(images.shape)}, {tuple(heat.shape)}",
                         rule="images (N, C, H, W) and heat (N, h, w)")
    figure = _gallery("draw_heat", images, [""] * len(images), columns)
    H, W = images.shape[2:]
    for axes, one in zip(figure.axes, heat, strict=False):
        axes.imshow(_plain(one), cmap="inferno", alpha=0.5, extent=(-0.5, W - 0.5, H - 0.5, -0.5))
    return figure


def draw_confusion(evaluation: Evaluation) -> Figure:
    """The confusion matrix of ``mc.training.evaluate``: true classes in rows, predicted ones in columns."""
    if evaluation.confusion is None:
        raise OptionError("draw_confusion: there is no confusion matrix", rule="an evaluation of classes")
    counts = evaluation.confusion.tolist()
    names = evaluation.classes if len(evaluation.classes) == len(counts) else [str(i) for i in range(len(counts))]
    figure = new_figure("draw_confusion", (1.5 + 0.45 * len(counts),) * 2)
    axes = figure.subplots()
    axes.imshow([[n / max(sum(row), 1) for n in row] for row in counts], cmap="Blues", vmin=0, vmax=1)
    for i, row in enumerate(counts):
        for j, n in enumerate(row):
            if n:
                axes.text(j, i, n, ha="center", va="center", color="white" if n > sum(row) / 2 else "black", fontsize=8)
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    return figure


def draw_mistakes(mistakes: Sequence[Mistake], columns: int = 4) -> Figure:
    """What ``worst_mistakes`` found: true class, predicted class and its probability above each image."""
    from minicnn.ops.join import stack

    if not mistakes:
        raise OptionError("draw_mistakes: there are none", rule="at least one mistake")
    titles = [f"{m.target}, not {m.predicted} ({m.probability:.0%})" for m in mistakes]
    return _gallery("draw_mistakes", stack([m.image for m in mistakes]), titles, columns)


def _gallery(name: str, images: Tensor, titles: Sequence[str], columns: int) -> Figure:
    """Images (N, 1 or 3, H, W) in rows, each stretched to its own range."""
    if columns < 1:
        raise OptionError(f"{name}: there are no columns", got=columns, rule="columns >= 1")
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    figure = new_figure(name, (1.4 * columns, 1.5 * rows))
    for number, (image, title) in enumerate(zip(images, titles, strict=True), 1):
        axes = figure.add_subplot(rows, columns, number)
        axes.imshow(_picture(image), cmap="gray")
        axes.set_title(title, fontsize=7)
        axes.set_axis_off()
    return figure


def _picture(image: Tensor) -> Any:
    """An image (C, H, W) as matplotlib wants it: grey, or colours from 0 to 1."""
    low, high = image.min(), image.max()
    stretched = (image - low) / (high - low + 1e-12)
    return _plain(stretched.permute(1, 2, 0) if image.shape[0] == 3 else stretched.mean(0))


def _plain(x: Tensor) -> Any:
    return x.detach().cpu().numpy()
