"""The transforms that are compared with torchvision: each is built by ``make(T)`` from either library's module T."""

from __future__ import annotations

import random
from typing import Any

import numpy as np


def pixels(height: int, width: int, channels: int) -> np.ndarray[Any, Any]:
    """(H, W, C) bytes: waves of different lengths, so that no two rows, columns or channels are alike."""
    y, x, c = np.ogrid[:height, :width, :channels]
    return ((x * x * 7 + y * (13 + 8 * c) + x * y * 3 + 29 * c) % 256).astype(np.uint8)


WIDE, TALL = (12, 15), (17, 9)
PIL = ("rgb", "grey", "tall")
TENSORS = ("bytes", "floats", "batch")
BOTH = ("rgb", "tall", "bytes", "floats")


def image(name: str, as_tensor: Any) -> Any:
    """An input by its name."""
    from PIL import Image

    planes = np.ascontiguousarray(pixels(*WIDE, 3).transpose(2, 0, 1))
    made = {
        "rgb": lambda: Image.fromarray(pixels(*WIDE, 3)), "grey": lambda: Image.fromarray(pixels(*WIDE, 1)[:, :, 0]),
        "tall": lambda: Image.fromarray(pixels(*TALL, 3)), "rgba": lambda: Image.fromarray(pixels(*WIDE, 4)),
        "one": lambda: Image.fromarray(pixels(*WIDE, 1)[:, :, 0]).convert("1", dither=Image.Dither.NONE),
        "F": lambda: Image.fromarray(pixels(*WIDE, 1)[:, :, 0].astype(np.float32) / 7),
        "I": lambda: Image.fromarray(pixels(*WIDE, 1)[:, :, 0].astype(np.int32) * 1000),
        "array": lambda: pixels(*WIDE, 3), "plane": lambda: pixels(*WIDE, 1)[:, :, 0],
        "bytes": lambda: as_tensor(planes), "floats": lambda: as_tensor(planes.astype(np.float32) / 255),
        "batch": lambda: as_tensor(np.stack([planes, planes[::-1]]).astype(np.float32) / 255),
        "large": lambda: Image.fromarray(pixels(24, 28, 3)),
        "large_bytes": lambda: as_tensor(np.ascontiguousarray(pixels(24, 28, 3).transpose(2, 0, 1))),
        "one_plane": lambda: as_tensor(planes[:1].copy()),
        "int16": lambda: as_tensor(planes[:1].astype(np.int16) * 100),
    }  # fmt: skip
    return made[name]()


def mode(T: Any, name: str) -> Any:
    return T.InterpolationMode[name]


def whitening(T: Any) -> tuple[Any, Any]:
    """A matrix and a mean for images of 3 × 12 × 15, as tensors of the library of ``T``."""
    size = 3 * WIDE[0] * WIDE[1]
    matrix = np.eye(size, dtype=np.float32) + np.eye(size, k=2, dtype=np.float32) / 4
    as_tensor = T.ToTensor()
    return as_tensor(matrix)[0], as_tensor(np.full((1, size), 0.5, np.float32))[0, 0]


# name: (make, names of inputs, seeds). Sizes are such that no mean of bytes is half-way between two.
CASES: dict[str, tuple[Any, tuple[str, ...], range]] = {
    "resize_short": (lambda T: T.Resize(8), (*BOTH, "grey", "batch"), range(1)),
    "resize_pair": (lambda T: T.Resize((19, 7)), BOTH, range(1)),
    "resize_max": (lambda T: T.Resize(8, max_size=9), BOTH, range(1)),
    "resize_same": (lambda T: T.Resize(12), BOTH, range(1)),
    "resize_bicubic": (lambda T: T.Resize(9, mode(T, "BICUBIC")), BOTH, range(1)),
    "resize_nearest": (lambda T: T.Resize((9, 20), mode(T, "NEAREST")), BOTH, range(1)),
    "resize_number": (lambda T: T.Resize(9, 3), ("rgb",), range(1)),
    "resize_lanczos": (lambda T: T.Resize(9, mode(T, "LANCZOS")), ("rgb",), range(1)),
    "resize_box": (lambda T: T.Resize(5, mode(T, "BOX")), ("rgb",), range(1)),
    "resize_hamming": (lambda T: T.Resize(5, mode(T, "HAMMING")), ("rgb",), range(1)),
    "resize_plain": (lambda T: T.Resize(5, antialias=False), ("floats", "batch"), range(1)),
    "center_crop": (lambda T: T.CenterCrop((8, 7)), (*PIL, *TENSORS), range(1)),
    "center_crop_odd": (lambda T: T.CenterCrop(11), BOTH, range(1)),
    "center_crop_beyond": (lambda T: T.CenterCrop((15, 18)), (*PIL, *TENSORS), range(1)),
    "pad": (lambda T: T.Pad((1, 2, 3, 4), fill=7), (*PIL, *TENSORS), range(1)),
    "pad_colour": (lambda T: T.Pad(2, fill=(9, 99, 199)), ("rgb",), range(1)),
    "pad_crop": (lambda T: T.Pad((-2, 1)), BOTH, range(1)),
    "pad_edge": (lambda T: T.Pad((1, 2), padding_mode="edge"), BOTH, range(1)),
    "pad_reflect": (lambda T: T.Pad((3, -1, 2, 4), padding_mode="reflect"), (*PIL, *TENSORS), range(1)),
    "pad_symmetric": (lambda T: T.Pad((3, -1, 2, 4), padding_mode="symmetric"), (*PIL, *TENSORS), range(1)),
    "five_crop": (lambda T: T.FiveCrop((6, 5)), BOTH, range(1)),
    "ten_crop": (lambda T: T.TenCrop(5), BOTH, range(1)),
    "ten_crop_vertical": (lambda T: T.TenCrop(5, vertical_flip=True), ("rgb",), range(1)),
    "random_crop": (lambda T: T.RandomCrop(8), (*PIL, *TENSORS), range(3)),
    "random_crop_padded": (lambda T: T.RandomCrop(12, padding=4, fill=5), BOTH, range(3)),
    "random_crop_needy": (
        lambda T: T.RandomCrop((16, 17), pad_if_needed=True, padding_mode="reflect"), ("rgb", "floats"), range(3)),
    "random_crop_whole": (lambda T: T.RandomCrop((12, 15)), ("rgb", "bytes"), range(1)),
    "horizontal_flip": (lambda T: T.RandomHorizontalFlip(), BOTH, range(4)),
    "vertical_flip": (lambda T: T.RandomVerticalFlip(0.3), BOTH, range(4)),
    "resized_crop": (lambda T: T.RandomResizedCrop(8), (*PIL, "floats", "batch"), range(4)),
    "resized_crop_narrow": (
        lambda T: T.RandomResizedCrop((6, 9), (0.5, 0.9), (0.3, 5), mode(T, "BICUBIC")), ("rgb", "floats"), range(4)),
    "resized_crop_fallback": (lambda T: T.RandomResizedCrop(8, (1, 1), (0.9, 1)), ("rgb", "tall"), range(1)),
    "resized_crop_too_large": (lambda T: T.RandomResizedCrop(8, (2, 3), (1.3, 1.9)), ("rgb", "tall"), range(1)),
    "rotation": (lambda T: T.RandomRotation(77), (*PIL, *TENSORS), range(3)),
    "rotation_bilinear": (
        lambda T: T.RandomRotation((20, 50), mode(T, "BILINEAR"), fill=99), (*PIL, "floats"), range(2)),
    "rotation_bicubic": (lambda T: T.RandomRotation((20, 50), mode(T, "BICUBIC")), ("rgb",), range(2)),
    "rotation_expand": (lambda T: T.RandomRotation(77, expand=True, fill=(1, 2, 3)), BOTH, range(2)),
    "rotation_centre": (lambda T: T.RandomRotation(77, center=(3, 4)), BOTH, range(2)),
    "jitter": (lambda T: T.ColorJitter(0.3, 0.3, 0.3, 0.2), (*PIL, *TENSORS), range(5)),
    "jitter_brightness": (lambda T: T.ColorJitter(0.9), BOTH, range(2)),
    "jitter_contrast": (lambda T: T.ColorJitter(contrast=(1.5, 3)), BOTH, range(2)),
    "jitter_saturation": (lambda T: T.ColorJitter(saturation=0.9), BOTH, range(2)),
    "jitter_hue": (lambda T: T.ColorJitter(hue=0.5), (*BOTH, "rgba"), range(3)),
    "grayscale": (lambda T: T.Grayscale(), (*PIL, *TENSORS), range(1)),
    "grayscale_3": (lambda T: T.Grayscale(3), (*PIL, *TENSORS), range(1)),
    "random_grayscale": (lambda T: T.RandomGrayscale(0.5), (*PIL, *TENSORS), range(3)),
    "random_invert": (lambda T: T.RandomInvert(), BOTH, range(2)),
    "gamma": (lambda T: lambda x: T.functional.adjust_gamma(x, 1.7, 0.9), BOTH, range(1)),
    "erasing": (lambda T: T.RandomErasing(), TENSORS, range(5)),
    "erasing_noise": (lambda T: T.RandomErasing(1, value="random"), ("floats", "batch"), range(3)),
    "erasing_colour": (lambda T: T.RandomErasing(1, value=(1, 2, 3.5)), TENSORS, range(2)),
    "erasing_nothing_fits": (lambda T: T.RandomErasing(1, scale=(1, 1), ratio=(1, 1)), ("floats",), range(1)),
    "to_tensor": (lambda T: T.ToTensor(), (*PIL, "rgba", "one", "F", "I", "array", "plane"), range(1)),
    "pil_to_tensor": (lambda T: T.PILToTensor(), (*PIL, "rgba", "one", "F", "I"), range(1)),
    "to_pil": (lambda T: T.ToPILImage(), ("bytes", "floats", "one_plane", "int16", "array", "plane"), range(1)),
    "to_pil_hsv": (lambda T: T.ToPILImage("HSV"), ("bytes",), range(1)),
    "normalize": (lambda T: T.Normalize([0.5, 0.4, 0.3], (0.1, 0.2, 0.3)), ("floats", "batch"), range(1)),
    "apply": (lambda T: T.RandomApply([T.RandomCrop(9)], 0.4), ("rgb",), range(4)),
    "choice": (lambda T: T.RandomChoice([T.RandomCrop(9), T.CenterCrop(7)], [0.3, 0.7]), ("rgb",), range(4)),
    "order": (lambda T: T.RandomOrder([T.RandomCrop(9), T.Pad(1), T.RandomHorizontalFlip()]), ("rgb",), range(4)),
    "affine": (lambda T: T.RandomAffine(40), (*PIL, *TENSORS), range(2)),
    "affine_all": (
        lambda T: T.RandomAffine((10, 30), (0.2, 0.3), (0.7, 1.4), 15, mode(T, "BILINEAR"), (1, 2, 3)), BOTH, range(3)),
    "affine_shears": (
        lambda T: T.RandomAffine(0, shear=(-9, 9, 5, 20), fill=9, center=(2, 3)), (*BOTH, "grey"), range(2)),
    "affine_bicubic": (lambda T: T.RandomAffine(30, interpolation=mode(T, "BICUBIC")), ("rgb",), range(1)),
    "perspective": (lambda T: T.RandomPerspective(p=0.8), (*PIL, *TENSORS), range(3)),
    "perspective_fill": (
        lambda T: T.RandomPerspective(0.3, 1, mode(T, "NEAREST"), (9, 99, 199)), BOTH, range(2)),
    "elastic": (lambda T: T.ElasticTransform(20.0, 0.7), BOTH, range(2)),
    "elastic_rough": (
        lambda T: T.ElasticTransform([8.0, 4.0], [0.0, 0.0], mode(T, "NEAREST"), 7), ("rgb", "floats"), range(2)),
    "blur": (lambda T: T.GaussianBlur((5, 3)), (*PIL, *TENSORS), range(2)),
    "blur_pair": (lambda T: T.GaussianBlur((3, 7), 1.3), BOTH, range(1)),
    "blur_function": (lambda T: lambda x: T.functional.gaussian_blur(x, [5, 3]), BOTH, range(1)),
    "sharpness": (lambda T: T.RandomAdjustSharpness(2.5, 1), (*PIL, *TENSORS), range(1)),
    "softness": (lambda T: T.RandomAdjustSharpness(0), BOTH, range(3)),
    "autocontrast": (lambda T: T.RandomAutocontrast(), (*PIL, *TENSORS), range(3)),
    "autocontrast_dark": (
        lambda T: lambda x: T.functional.autocontrast(T.functional.adjust_brightness(x, 0.3)), BOTH, range(1)),
    "autocontrast_plain": (
        lambda T: lambda x: T.functional.autocontrast(T.functional.adjust_brightness(x, 0)), BOTH, range(1)),
    "equalize": (lambda T: T.RandomEqualize(1), (*PIL, "bytes", "large", "large_bytes"), range(1)),
    "equalize_dark": (
        lambda T: lambda x: T.functional.equalize(T.functional.adjust_brightness(x, 0.4)), ("large", "large_bytes"),
        range(1)),
    "posterize": (lambda T: T.RandomPosterize(3), (*PIL, "bytes"), range(3)),
    "posterize_all": (lambda T: lambda x: T.functional.posterize(x, 8), ("rgb", "bytes"), range(1)),
    "posterize_none": (lambda T: lambda x: T.functional.posterize(x, 0), ("bytes",), range(1)),
    "solarize": (lambda T: T.RandomSolarize(100, 0.7), (*PIL, "bytes"), range(3)),
    "solarize_floats": (lambda T: T.RandomSolarize(0.4, 1), ("floats", "batch"), range(1)),
    "whiten": (
        lambda T: T.LinearTransformation(whitening(T)[0], whitening(T)[1]), ("floats", "batch"), range(1)),
    "auto": (lambda T: T.AutoAugment(), ("large", "large_bytes"), range(24)),
    "auto_cifar10": (
        lambda T: T.AutoAugment(T.AutoAugmentPolicy.CIFAR10, mode(T, "BILINEAR"), 99), ("large", "large_bytes"),
        range(24)),
    "auto_svhn": (
        lambda T: T.AutoAugment(T.AutoAugmentPolicy.SVHN, fill=(1, 2, 3)), ("large", "large_bytes"), range(24)),
    "rand": (lambda T: T.RandAugment(), ("large", "large_bytes"), range(12)),
    "rand_strong": (
        lambda T: T.RandAugment(3, 7, 13, mode(T, "BILINEAR"), [50]), ("large",), range(12)),
    "rand_long": (lambda T: T.RandAugment(4, 7, 13, fill=[50]), ("large_bytes",), range(12)),
    "trivial": (lambda T: T.TrivialAugmentWide(), ("large", "large_bytes", "grey"), range(20)),
    "documents": (
        lambda T: T.Compose([T.Resize(20), T.RandomHorizontalFlip(), T.RandomCrop(16), T.ToTensor(),
                             T.Normalize([0.5] * 3, [0.5] * 3)]), ("rgb", "tall"), range(3)),
}  # fmt: skip
CONVERSIONS = [("bytes", "float32"), ("bytes", "float64"), ("bytes", "int16"), ("bytes", "int32"), ("int16", "uint8"),
               ("int16", "float32"), ("floats", "uint8"), ("floats", "int16"), ("floats", "float64")]  # fmt: skip

MIXES = [
    ("MixUp", {"num_classes": 5}), ("MixUp", {"alpha": 0.2, "num_classes": 5}), ("MixUp", {"alpha": 3.5}),
    ("CutMix", {"num_classes": 5}), ("CutMix", {"alpha": 0.4}), ("CutMix", {"alpha": 2.0, "num_classes": 5}),
]  # fmt: skip

REPRS = [
    lambda T: T.Compose([T.Resize(40), T.RandomCrop(32, padding=4), T.ToTensor(), T.Normalize([0.5], (0.5,))]),
    lambda T: T.Resize([5]), lambda T: T.CenterCrop(3), lambda T: T.Pad((1, 2), fill=(1, 2, 3)),
    lambda T: T.Lambda(abs), lambda T: T.RandomApply([T.Grayscale(3)], p=0.3), lambda T: T.RandomChoice([T.ToTensor()]),
    lambda T: T.RandomOrder([T.ToTensor(), T.PILToTensor()]), lambda T: T.RandomHorizontalFlip(),
    lambda T: T.RandomVerticalFlip(0.2), lambda T: T.RandomResizedCrop(8, scale=(0.1, 0.2345678), antialias=None),
    lambda T: T.FiveCrop(3), lambda T: T.TenCrop((3, 4)), lambda T: T.ColorJitter((0.5, 0.6), hue=0.1),
    lambda T: T.RandomRotation(30), lambda T: T.RandomRotation((1, 2), center=(3, 4), fill=5, expand=True),
    lambda T: T.Grayscale(), lambda T: T.RandomGrayscale(), lambda T: T.RandomErasing(value="random"),
    lambda T: T.ToPILImage(), lambda T: T.ToPILImage("RGB"), lambda T: T.RandomInvert(),
    lambda T: T.RandomAffine(5),
    lambda T: T.RandomAffine((1, 2), (0.1, 0.2), (1, 2), 3, mode(T, "BILINEAR"), 4, (5, 6)),
    lambda T: T.RandomPerspective(), lambda T: T.ElasticTransform(), lambda T: T.GaussianBlur(3),
    lambda T: T.RandomAutocontrast(), lambda T: T.RandomEqualize(0.1), lambda T: T.RandomPosterize(3),
    lambda T: T.RandomSolarize(128), lambda T: T.RandomAdjustSharpness(2), lambda T: T.AutoAugment(),
    lambda T: T.RandAugment(), lambda T: T.TrivialAugmentWide(fill=3),
]  # fmt: skip


def run(T: Any, library: Any, name: str, given: str, seed: int) -> tuple[list[Any], float]:
    """The results of a case as arrays, with a PIL image's mode before it, and what the generator draws next."""
    library.manual_seed(seed)
    random.seed(seed)
    result = CASES[name][0](T)(image(given, library.as_tensor))
    several = result if isinstance(result, tuple) else (result,)
    return [plain(each) for each in several], float(library.rand(1).item())


def mix(T: Any, library: Any, number: int, seed: int) -> list[np.ndarray[Any, Any]]:
    """Images, weights of the labels, and what the generator draws next, of a case of MIXES."""
    name, options = MIXES[number]
    images = library.as_tensor(pixels(*WIDE, 12).reshape(*WIDE, 4, 3).transpose(2, 3, 0, 1).astype(np.float32) / 255)
    labels = library.tensor([3, 1, 4, 1])
    if "num_classes" not in options:
        labels = library.nn.functional.one_hot(labels, 5)
    library.manual_seed(seed)
    mixed, weights = getattr(T, name)(**options)(images, labels)
    return [mixed.cpu().numpy(), weights.cpu().numpy(), library.rand(1).cpu().numpy()]


def plain(result: Any) -> tuple[str, np.ndarray[Any, Any]]:
    if hasattr(result, "getbands"):
        return result.mode, np.asarray(result)
    return str(result.dtype).removeprefix("torch."), result.cpu().numpy()
