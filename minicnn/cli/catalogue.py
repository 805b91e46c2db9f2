"""What the commands know of the networks without building them: some have a hundred million parameters."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass

from minicnn.errors import OptionError
from minicnn.models.registry import MODELS

PARAMETERS = {
    "alexnet": 61_100_840, "mlp_relu": 79_510, "mlp_tanh": 79_510, "mlp_sigmoid": 79_510, "cnn1": 31_786,
    "cnn2": 28_938, "cnn2_bn": 29_034, "simplecnn": 1_175_818, "cnn4_bn": 2_328_298, "dcgan_generator": 3_576_704,
    "densenet121": 7_978_856, "densenet161": 28_681_000, "densenet169": 14_149_480, "densenet201": 20_013_928,
    "efficientnet_b0": 5_288_548, "googlenet": 13_004_888, "inception_v3": 27_161_264, "lenet": 61_610,
    "lenet_sigmoid": 61_706, "mobilenet_v1": 4_231_976, "mobilenet_v2": 3_504_872, "mobilenet_v3_large": 5_483_032,
    "mobilenet_v3_small": 2_542_856, "nasnetalarge": 88_753_150, "nin": 1_992_166, "pnasnet5large": 86_057_668,
    "resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032, "resnet101": 44_549_160,
    "resnet152": 60_192_808, "resnext50_32x4d": 25_028_904, "resnext101_32x8d": 88_791_336,
    "resnext101_64x4d": 83_455_272, "wide_resnet50_2": 68_883_240, "wide_resnet101_2": 126_886_696,
    "resnet20": 269_722, "resnet32": 464_154, "resnet44": 658_586, "resnet56": 853_018, "resnet110": 1_727_962,
    "shufflenet_v2_x0_5": 1_366_792, "shufflenet_v2_x1_0": 2_278_604, "shufflenet_v2_x1_5": 3_503_624,
    "shufflenet_v2_x2_0": 7_393_996, "squeezenet1_0": 1_248_424, "squeezenet1_1": 1_235_496, "unet": 7_763_041,
    "vgg11": 132_863_336, "vgg13": 133_047_848, "vgg16": 138_357_544, "vgg19": 143_667_240, "vgg11_bn": 132_868_840,
    "vgg13_bn": 133_053_736, "vgg16_bn": 138_365_992, "vgg19_bn": 143_678_248,
}  # fmt: skip
"""Of each network, with the numbers of classes that it has by default."""

_GREY = frozenset({
    "lenet", "lenet_sigmoid", "mlp_relu", "mlp_tanh", "mlp_sigmoid", "cnn1", "cnn2", "cnn2_bn", "cnn4_bn", "nin",
})  # fmt: skip
_SIZES = {
    **dict.fromkeys(_GREY - {"nin"}, (28, 28)), "simplecnn": (32, 32), "alexnet": (64, 224), "nin": (72, 224),
    "inception_v3": (299, 299), "nasnetalarge": (32, 331), "pnasnet5large": (32, 331),
    **dict.fromkeys(("resnet20", "resnet32", "resnet44", "resnet56", "resnet110"), (8, 32)),
}  # fmt: skip
_OTHERS = {"unet": "gives an image for an image", "dcgan_generator": "makes images out of noise"}


@dataclass(frozen=True)
class Entry:
    """A network's row: the images it takes are ``least`` pixels wide and high, ``usual`` in its paper, or larger."""

    name: str
    parameters: int
    channels: int
    least: int
    usual: int

    @property
    def exact(self) -> bool:
        """Whether it takes images of one size only."""
        return self.least == self.usual

    def size_for(self, size: int | None) -> int:
        """The size to train at on images of ``size`` (None: of any size)."""
        return self.usual if self.exact or size is None else max(size, self.least)


def entry(name: str) -> Entry:
    """The row of a network that classifies. Errors: OptionError."""
    if name in _OTHERS:
        raise OptionError(f"{name} has no classes", got=f"it {_OTHERS[name]}", rule="a network that classifies images",
                          hint="minicnn models")
    if name not in MODELS:
        from minicnn.models import get_model

        get_model(name)  # raises, and names the nearest
    least, usual = _SIZES.get(name, (32, 224))
    return Entry(name, PARAMETERS[name], 1 if name in _GREY else 3, least, usual)


def families() -> dict[str, list[str]]:
    """The networks' names under what their files say of them: the paper."""
    found: dict[str, list[str]] = {}
    for name, build in MODELS.items():
        found.setdefault(_paper(build.__module__), []).append(name)
    return found


def input_of(name: str) -> str:
    """The shape of what a network usually takes."""
    if name == "dcgan_generator":
        return "100 × 1 × 1"
    if name == "unet":
        return "3 × 256 × 256"
    row = entry(name)
    return f"{row.channels} × {row.usual} × {row.usual}"


def _paper(module: str) -> str:
    """The first paragraph of a file, without what follows the year."""
    paragraph = " ".join((inspect.getdoc(sys.modules[module]) or "").split("\n\n")[0].split())
    return paragraph.rstrip(".")
