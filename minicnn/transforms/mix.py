"""Batches whose images are mixed with their neighbours, and the labels with them; after the loader, not in it."""

from __future__ import annotations

import math
from typing import Any

from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.nn.functional import one_hot
from minicnn.tensor import Tensor
from minicnn.transforms import draws
from minicnn.transforms.base import Transform


class _Mix(Transform):
    """What both share: the weights of the labels."""

    shown = ("alpha", "num_classes")

    def __init__(self, *, alpha: float = 1.0, num_classes: int | None = None) -> None:
        super().__init__()
        if not alpha > 0:
            raise OptionError(f"{type(self).__name__}: alpha is not positive", got=alpha, rule="alpha > 0")
        self.alpha, self.num_classes = float(alpha), num_classes

    def checked(self, images: Any, labels: Any) -> Tensor:
        """The labels as weights of the classes, (N, K)."""
        name = type(self).__name__
        if not isinstance(images, Tensor) or not isinstance(labels, Tensor):
            raise DtypeError(f"{name}: this is no batch", got=f"{type(images).__name__}, {type(labels).__name__}",
                             rule="tensors (N, C, H, W) and (N,)", hint="call it on the batches of a DataLoader")
        if images.ndim != 4 or labels.ndim not in (1, 2) or images.shape[0] != labels.shape[0]:
            raise ShapeError(f"{name}: these are no images and their labels",
                             got=f"{tuple(images.shape)} and {tuple(labels.shape)}",
                             rule="(N, C, H, W), and (N,) or (N, classes)")
        if labels.ndim == 2:
            return labels.float()
        if self.num_classes is None:
            raise OptionError(f"{name}: how many classes are there?", got="num_classes None, labels (N,)",
                              rule="num_classes is needed where labels are numbers", hint=f"{name}(num_classes=10)")
        return one_hot(labels, self.num_classes).float()

    def mixed(self, x: Tensor, share: float) -> Tensor:
        """``share`` of each row, and the rest of the row before it."""
        return x.roll(1, 0) * (1 - share) + x * share


class MixUp(_Mix):
    """Each image a mixture of two, and its label the same mixture. For losses that take probabilities.

    Args:
        alpha: the share is drawn from Beta(alpha, alpha): nearly 0 or 1 for small ones, uniform for 1.
        num_classes: how many there are, where labels are numbers.

    Shapes: images (N, C, H, W), labels (N,) or (N, K) → (N, C, H, W), (N, K).

    Source: H. Zhang et al., "mixup: beyond empirical risk minimization", 2017.

    Example:
        >>> images, labels = mc.transforms.MixUp(num_classes=10)(mc.rand(4, 3, 8, 8), mc.tensor([3, 1, 4, 1]))
        >>> labels.sum(1)
        tensor([1., 1., 1., 1.])
    """

    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        weights, share = self.checked(images, labels), draws.beta(self.alpha)
        return self.mixed(images, share), self.mixed(weights, share)


class CutMix(_Mix):
    """Each image with a rectangle of another one in it, and its label mixed in proportion. Arguments as of ``MixUp``.

    Source: S. Yun et al., "CutMix: regularization strategy to train strong classifiers with localizable features",
        2019.
    """

    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        weights = self.checked(images, labels)
        height, width = images.shape[-2:]
        half = 0.5 * math.sqrt(1 - draws.beta(self.alpha))
        x, y = draws.integer(0, width), draws.integer(0, height)
        left, right = max(x - int(half * width), 0), min(x + int(half * width), width)
        top, bottom = max(y - int(half * height), 0), min(y + int(half * height), height)
        mixed = images.clone()
        mixed[..., top:bottom, left:right] = images.roll(1, 0)[..., top:bottom, left:right]
        return mixed, self.mixed(weights, 1 - (right - left) * (bottom - top) / (width * height))
