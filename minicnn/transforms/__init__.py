"""What is done to an image before a network sees it: what torchvision has in ``torchvision.transforms``.

    transform = mc.transforms.Compose([
        mc.transforms.RandomCrop(32, padding=4),
        mc.transforms.RandomHorizontalFlip(),
        mc.transforms.ToTensor(),
        mc.transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    ])

All but the conversions take PIL images and tensors (…, C, H, W). Pillow (``pip install "minicnn[vision]"``) does the
imaging, and is loaded when the first PIL image is made; tensors need none. The same ``mc.manual_seed`` gives
torchvision's augmentation.
"""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.keywords import spell_constructors
from minicnn.transforms import functional
from minicnn.transforms.augment import (
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomRotation,
    RandomSizedCrop,
    RandomVerticalFlip,
)
from minicnn.transforms.auto import AutoAugment, AutoAugmentPolicy, RandAugment, TrivialAugmentWide
from minicnn.transforms.colour import ColorJitter, Grayscale, RandomGrayscale, RandomInvert
from minicnn.transforms.compose import Compose, Lambda, RandomApply, RandomChoice, RandomOrder
from minicnn.transforms.convert import (
    ConvertImageDtype,
    Denormalize,
    LinearTransformation,
    Normalize,
    PILToTensor,
    ToPILImage,
    ToTensor,
)
from minicnn.transforms.effects import (
    GaussianBlur,
    RandomAdjustSharpness,
    RandomAutocontrast,
    RandomEqualize,
    RandomPosterize,
    RandomSolarize,
)
from minicnn.transforms.geometry import CenterCrop, FiveCrop, Pad, Resize, Scale, TenCrop
from minicnn.transforms.interpolation import InterpolationMode
from minicnn.transforms.mix import CutMix, MixUp
from minicnn.transforms.warp import ElasticTransform, RandomAffine, RandomPerspective

__all__ = [
    "AutoAugment", "AutoAugmentPolicy", "CenterCrop", "ColorJitter", "Compose", "ConvertImageDtype", "CutMix",
    "Denormalize", "ElasticTransform", "FiveCrop", "GaussianBlur", "Grayscale", "InterpolationMode", "Lambda",
    "LinearTransformation", "MixUp", "Normalize", "PILToTensor", "Pad", "RandAugment", "RandomAdjustSharpness",
    "RandomAffine", "RandomApply", "RandomAutocontrast", "RandomChoice", "RandomCrop", "RandomEqualize",
    "RandomErasing", "RandomGrayscale", "RandomHorizontalFlip", "RandomInvert", "RandomOrder", "RandomPerspective",
    "RandomPosterize", "RandomResizedCrop", "RandomRotation", "RandomSizedCrop", "RandomSolarize",
    "RandomVerticalFlip", "Resize", "Scale", "TenCrop", "ToPILImage", "ToTensor", "TrivialAugmentWide", "functional",
]  # fmt: skip

spell_constructors(globals(), __all__)

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
