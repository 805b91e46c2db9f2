"""Transforms against torchvision's results (kept in reference/transforms.npz), against Pillow, and by hand."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import minicnn as mc
from minicnn import transforms as T
from minicnn.errors import DtypeError, MissingPackageError, OptionError, ShapeError
from minicnn.transforms import functional as F

pytest.importorskip("PIL", reason='pip install "minicnn[vision]"')
from PIL import Image
from PIL import __version__ as pillow_version

from tests.transforms.cases import CASES, CONVERSIONS, MIXES, REPRS, image, mix, pixels, plain, run

with np.load(Path(__file__).parents[1] / "reference" / "transforms.npz") as stored:
    REFERENCE = dict(stored)
FACTS = json.loads(REFERENCE.pop("json").tobytes())
ROUNDING = {"elastic": 4e-6}  # of float32: its blurred moves, each good to 1e-7, are multiplied by alpha = 20
"""Of float32 sums in another order, over values up to a few units."""


ON_CPU = pytest.mark.host("ToTensor, which makes the transform's matrix, makes CPU tensors")

SINCE_13 = pytest.mark.skipif(int(pillow_version.partition(".")[0]) < 13, reason=(
    "Pillow 13 shrinks a tall image's height first, which rounds otherwise; the stored results are made with it"))
MARKS = {"whiten": ON_CPU, "resized_crop_narrow": SINCE_13}


@pytest.mark.parametrize("name", [pytest.param(n, marks=MARKS[n]) if n in MARKS else n for n in CASES])
def test_results_are_torchvisions(name: str) -> None:
    _, inputs, seeds = CASES[name]
    for given in inputs:
        for seed in seeds:
            key = f"{name}.{given}.{seed}"
            results, after = run(T, mc, name, given, seed)
            assert [kind for kind, _ in results] == FACTS[key]["kinds"], key
            for i, (_, found) in enumerate(results):
                expected = REFERENCE[f"{key}.{i}"]
                assert found.shape == expected.shape and found.dtype == expected.dtype, key
                if expected.dtype.kind == "f":
                    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING.get(name, 2e-6), err_msg=key)
                else:
                    np.testing.assert_array_equal(found, expected, err_msg=key)
            assert after == FACTS[key]["after"], f"{key} drew another number of random numbers"


@pytest.mark.parametrize(("given", "dtype"), CONVERSIONS)
def test_dtypes_convert_as_torchvisions(given: str, dtype: str) -> None:
    found = plain(T.ConvertImageDtype(getattr(mc, dtype))(image(given, mc.from_numpy)))
    expected = REFERENCE[f"convert.{given}.{dtype}"]
    assert found[0] == dtype == str(expected.dtype)
    np.testing.assert_array_equal(found[1], expected)


@pytest.mark.parametrize("number", range(len(MIXES)))
def test_mixtures_are_torchvisions(number: int) -> None:
    for seed in range(4):
        for i, found in enumerate(mix(T, mc, number, seed)):
            expected = REFERENCE[f"mix.{number}.{seed}.{i}"]
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6, err_msg=f"seed {seed}")


def test_reprs_are_torchvisions() -> None:
    assert [repr(make(T)) for make in REPRS] == FACTS["reprs"]


def rgb() -> Image.Image:
    return Image.fromarray(pixels(12, 15, 3))


def test_resize_is_pillows() -> None:
    assert np.array_equal(T.Resize((7, 9))(rgb()), rgb().resize((9, 7), Image.Resampling.BILINEAR))
    assert F.resize(rgb(), 6).size == (7, 6)  # ⌊6 · 15 / 12⌋
    assert F.resize(rgb(), 6, max_size=7).size == (7, 6)
    assert F.resize(rgb(), 12) is not None and F.resize(rgb(), (12, 15)).size == (15, 12)


def test_to_tensor_by_hand() -> None:
    small = Image.fromarray(np.array([[[255, 0, 51]], [[0, 102, 0]]], np.uint8))
    x = T.ToTensor()(small)
    assert x.dtype == mc.float32
    assert x.tolist() == mc.tensor([[[1.0], [0.0]], [[0.0], [0.4]], [[0.2], [0.0]]]).tolist()
    assert T.PILToTensor()(small).tolist() == [[[255], [0]], [[0], [102]], [[51], [0]]]


def test_normalising_there_and_back() -> None:
    x = mc.tensor([[[0.0, 0.5]], [[1.0, 0.25]]])
    y = T.Normalize((0.5, 0.25), (0.5, 0.25))(x)
    assert y.tolist() == [[[-1.0, 0.0]], [[3.0, 0.0]]]
    assert T.Denormalize((0.5, 0.25), (0.5, 0.25))(y).tolist() == x.tolist()
    assert F.normalize(x, [0.5, 0.25], [0.5, 0.25], inplace=True) is x and x.tolist() == y.tolist()


def test_the_corners_and_the_centre() -> None:
    x = mc.arange(12.0).reshape(1, 3, 4)
    corners = [c.tolist() for c in T.FiveCrop(1)(x)]
    assert corners == [[[[0.0]]], [[[3.0]]], [[[8.0]]], [[[11.0]]], [[[6.0]]]]
    assert len(T.TenCrop(2)(x)) == 10 and T.TenCrop(2)(x)[5].tolist() == [[[3.0, 2.0], [7.0, 6.0]]]


def test_three_grey_channels_of_a_grey_tensor() -> None:
    assert T.Grayscale(3)(mc.ones(1, 2, 2)).shape == (3, 2, 2)  # torchvision returns one here, against its own word


def test_erasing_takes_the_share_it_was_told() -> None:
    mc.manual_seed(0)
    x = mc.ones(3, 32, 32)
    shares = [1 - float(T.RandomErasing(1, scale=(0.2, 0.3))(x).mean()) for _ in range(30)]
    assert 0.17 < min(shares) < max(shares) < 0.33
    assert float(x.min()) == 1.0  # not in place
    assert T.RandomErasing(0)(x) is x


def test_gradients_flow_through_tensors() -> None:
    x = mc.rand(1, 3, 6, 6, requires_grad=True)
    T.Normalize(0.5, 2.0)(F.rotate(F.pad(F.resize(F.crop(x, 1, 1, 4, 4), 8), 1), 90)).sum().backward()
    assert x.grad is not None
    # Every pixel of the crop counts, the rim does not; 64 pixels from 16, halved.
    assert float(x.grad.sum()) == pytest.approx(3 * 64 / 2, rel=1e-5) and float(x.grad[..., 0, :].abs().sum()) == 0


def test_tensors_stay_on_their_device(device: str) -> None:
    x = mc.rand(2, 3, 8, 8, device=device)
    compose = T.Compose([T.RandomCrop(8, padding=1), T.RandomHorizontalFlip(1), T.Resize(6),
                         T.ColorJitter(0.1, 0.1, 0.1, 0.1), T.RandomRotation(30), T.Pad(1, padding_mode="symmetric"),
                         T.RandomErasing(1, value="random"),
                         T.RandomAffine(9, (0.1, 0.1), (0.9, 1.1), 3), T.RandomPerspective(p=1), T.GaussianBlur(3),
                         T.ElasticTransform(2.0, 0.5), T.RandomAutocontrast(1), T.RandomSolarize(0.5, 1),
                         T.RandomAdjustSharpness(2, 1), T.Grayscale(3), T.Normalize([0.5] * 3, [0.5] * 3)])  # fmt: skip
    assert compose(x).device == x.device and compose(x).shape == (2, 3, 8, 8)
    bytes_ = (x * 255).to(mc.uint8)
    for seed in range(8):
        mc.manual_seed(seed)
        for auto in (T.AutoAugment(), T.RandAugment(), T.TrivialAugmentWide(), T.RandomEqualize(1)):
            assert auto(bytes_).device == x.device and auto(bytes_).dtype == mc.uint8
    images, weights = T.CutMix(num_classes=4)(x, mc.tensor([0, 3], device=device))
    assert images.device == weights.device == x.device


def test_transforms_are_modules_and_can_be_copied_to_processes() -> None:
    import pickle

    layers = mc.nn.Sequential(T.RandomCrop(4), T.RandomHorizontalFlip())
    assert layers(mc.rand(3, 6, 6)).shape == (3, 4, 4)
    assert repr(pickle.loads(pickle.dumps(T.Compose([T.RandomCrop(4), T.ToTensor()])))).startswith("Compose(")


def test_old_names_warn_and_work() -> None:
    with pytest.warns(UserWarning, match="old name"):
        assert T.Scale(6)(rgb()).size == (7, 6)
    with pytest.warns(UserWarning, match="old name"):
        assert T.RandomSizedCrop(5)(rgb()).size == (5, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        T.Resize(6)


WRONG = [
    (lambda: T.Resize((1, 2, 3)), OptionError),
    (lambda: T.Resize("a"), DtypeError),
    (lambda: T.Resize(3, "bilinear"), DtypeError),
    (lambda: T.Resize(3, 9), OptionError),
    (lambda: T.Resize(30, max_size=10)(rgb()), OptionError),
    (lambda: T.Resize((3, 4), max_size=10)(rgb()), OptionError),
    (lambda: T.Resize(0)(rgb()), OptionError),
    (lambda: T.Resize(3)(np.zeros((4, 4))), DtypeError),
    (lambda: F.resize(mc.zeros(1, 4, 4), 3, T.InterpolationMode.BOX), OptionError),
    (lambda: T.CenterCrop((1, 2, 3)), OptionError),
    (lambda: T.Pad((1, 2, 3)), OptionError),
    (lambda: T.Pad("x"), DtypeError),
    (lambda: T.Pad(1, fill="red"), DtypeError),
    (lambda: T.Pad(1, (1, 2))(rgb()), OptionError),
    (lambda: T.Pad(1, (1, 2, 3))(mc.zeros(3, 2, 2)), DtypeError),
    (lambda: T.Pad(1, padding_mode="wrap")(rgb()), OptionError),
    (lambda: T.RandomCrop(20)(rgb()), OptionError),
    (lambda: T.FiveCrop(20)(rgb()), OptionError),
    (lambda: T.RandomRotation(-3), OptionError),
    (lambda: T.RandomRotation((1, 2, 3)), OptionError),
    (lambda: F.rotate(mc.zeros(3, 4, 4), 10, fill=(1, 2)), OptionError),
    (lambda: T.ColorJitter(hue=0.6), OptionError),
    (lambda: T.ColorJitter(-1), OptionError),
    (lambda: T.ColorJitter((3, 1)), OptionError),
    (lambda: T.ColorJitter("a"), DtypeError),
    (lambda: F.adjust_hue(rgb(), 0.7), OptionError),
    (lambda: F.adjust_contrast(rgb(), -1), OptionError),
    (lambda: F.adjust_contrast(mc.zeros(2, 4, 4), 1), DtypeError),
    (lambda: T.Grayscale(2)(rgb()), OptionError),
    (lambda: T.RandomErasing(2), OptionError),
    (lambda: T.RandomErasing(value="x"), OptionError),
    (lambda: T.RandomErasing(1, value=(1, 2))(mc.zeros(3, 4, 4)), OptionError),
    (lambda: T.RandomErasing(1)(rgb()), DtypeError),
    (lambda: T.RandomResizedCrop(3, scale=(1, 0.5)), OptionError),
    (lambda: T.Lambda(3), DtypeError),
    (lambda: T.RandomApply(3), DtypeError),
    (lambda: T.ToTensor()(mc.zeros(3, 4, 4)), DtypeError),
    (lambda: T.ToTensor()(np.zeros(3)), ShapeError),
    (lambda: T.ToPILImage()(mc.zeros(5, 4, 4)), ShapeError),
    (lambda: T.ToPILImage()(mc.zeros(1, 3, 4, 4)), ShapeError),
    (lambda: T.ToPILImage("L")(mc.zeros(3, 4, 4)), OptionError),
    (lambda: T.ToPILImage()(rgb()), DtypeError),
    (lambda: T.ToPILImage()(mc.zeros(3, 4, 4, dtype=mc.int64)), DtypeError),
    (lambda: T.Normalize([0.5], [0])(mc.zeros(1, 2, 2)), OptionError),
    (lambda: T.Normalize([0.5], [1])(rgb()), DtypeError),
    (lambda: T.Normalize([0.5], [1])(mc.zeros(1, 2, 2, dtype=mc.uint8)), DtypeError),
    (lambda: T.Normalize([0.5, 1], [1, 1])(mc.zeros(3, 2, 2)), ShapeError),
    (lambda: T.Normalize([0.5], [1])(mc.zeros(2, 2)), ShapeError),
    (lambda: T.ConvertImageDtype(mc.int64)(mc.zeros(1, 2, 2)), DtypeError),
    (lambda: T.RandomAffine(-1), OptionError),
    (lambda: T.RandomAffine("x"), DtypeError),
    (lambda: T.RandomAffine(1, translate=(0.1, 2)), OptionError),
    (lambda: T.RandomAffine(1, scale=(0, 2)), OptionError),
    (lambda: T.RandomAffine(1, shear=(1, 2, 3)), OptionError),
    (lambda: T.RandomAffine(1, fill="red"), DtypeError),
    (lambda: T.RandomAffine(1, center=(1, 2, 3)), OptionError),
    (lambda: F.affine(mc.zeros(3, 4, 4), 0, (0, 0), 0, 0), OptionError),
    (lambda: F.affine(mc.zeros(3, 4, 4), 0, (0, 0, 1), 1, 0), OptionError),
    (lambda: F.affine(mc.zeros(3, 4, 4), 0, (0, 0), 1, 0, T.InterpolationMode.BICUBIC), OptionError),
    (lambda: F.affine(mc.zeros(3, 4, 4), 0, (0, 0), 1, 0, fill=(1, 2)), OptionError),
    (lambda: F.perspective(rgb(), [[0, 0]] * 4, [[0, 0]] * 4), OptionError),
    (lambda: F.perspective(rgb(), [[0, 0]] * 3, [[0, 0]] * 4), OptionError),
    (lambda: F.elastic_transform(mc.zeros(1, 4, 4), mc.zeros(1, 4, 5, 2)), ShapeError),
    (lambda: T.ElasticTransform((1.0, 2.0, 3.0)), OptionError),
    (lambda: T.GaussianBlur(4), OptionError),
    (lambda: T.GaussianBlur((3, 0)), OptionError),
    (lambda: T.GaussianBlur(3, 0), OptionError),
    (lambda: T.GaussianBlur(3, (2, 1)), OptionError),
    (lambda: F.gaussian_blur(mc.zeros(1, 4, 4), 3, -1), OptionError),
    (lambda: T.RandomPosterize(9, 1)(rgb()), OptionError),
    (lambda: F.posterize(rgb(), 0), OptionError),
    (lambda: F.posterize(mc.zeros(1, 4, 4), 3), DtypeError),
    (lambda: F.equalize(mc.zeros(1, 4, 4)), DtypeError),
    (lambda: F.solarize(mc.zeros(1, 4, 4), 2), OptionError),
    (lambda: F.autocontrast(mc.zeros(2, 4, 4)), DtypeError),
    (lambda: F.adjust_sharpness(rgb(), -1), OptionError),
    (lambda: T.AutoAugment("mnist"), OptionError),
    (lambda: T.RandAugment(magnitude=31), OptionError),
    (lambda: T.LinearTransformation(mc.eye(3), mc.ones(4)), ShapeError),
    (lambda: T.LinearTransformation(mc.eye(3), mc.ones(3, dtype=mc.float64)), DtypeError),
    (lambda: T.LinearTransformation(mc.eye(3), mc.ones(3))(mc.ones(1, 2, 2)), ShapeError),
    (lambda: T.MixUp()(mc.ones(2, 3, 4, 4), mc.tensor([0, 1])), OptionError),
    (lambda: T.MixUp(num_classes=3)(mc.ones(2, 3, 4), mc.tensor([0, 1])), ShapeError),
    (lambda: T.CutMix(num_classes=3)(mc.ones(2, 3, 4, 4), [0, 1]), DtypeError),
    (lambda: T.CutMix(alpha=0), OptionError),
]


@pytest.mark.parametrize(("call", "kind"), WRONG)
def test_mistakes_are_explained(call, kind) -> None:
    with pytest.raises(kind) as error:
        call()
    assert len(str(error.value).splitlines()) > 1  # what was got, or the rule


def test_pillow_is_loaded_when_an_image_is_made() -> None:
    code = """
import sys
import minicnn as mc
x = mc.transforms.Compose([mc.transforms.RandomCrop(2), mc.transforms.ColorJitter(0.1)])(mc.rand(3, 4, 4))
print("PIL" in sys.modules)
mc.transforms.ToPILImage()(x)
print("PIL" in sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "True"]


def test_a_missing_pillow_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingPackageError, match=r'pip install "minicnn\[vision\]"'):
        T.ToPILImage()(mc.zeros(3, 2, 2))
