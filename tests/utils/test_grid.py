"""Grids of images: torchvision's numbers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.utils import make_grid, save_image

IMAGES = np.random.default_rng(0).standard_normal((5, 3, 4, 6)).astype(np.float32)


def test_images_are_laid_out_by_rows() -> None:
    grid = make_grid(mc.as_tensor(IMAGES), nrow=3, padding=1, pad_value=0.5)
    assert grid.shape == (3, 2 * 5 + 1, 3 * 7 + 1)
    expected = np.full(grid.shape, 0.5, np.float32)
    for k, image in enumerate(IMAGES):
        top, left = 1 + 5 * (k // 3), 1 + 7 * (k % 3)
        expected[:, top : top + 4, left : left + 6] = image
    np.testing.assert_array_equal(grid.cpu().numpy(), expected)


@pytest.mark.parametrize(
    ("shape", "options", "expected"),
    [
        ((10, 1, 3, 3), {}, (3, 2 * 5 + 2, 8 * 5 + 2)), ((2, 3, 3, 3), {"padding": 0}, (3, 3, 6)),
        ((1, 4, 5), {}, (3, 4, 5)), ((3, 4, 5), {}, (3, 4, 5)), ((4, 5), {}, (3, 4, 5)),
        ((1, 3, 4, 5), {"padding": 9}, (3, 4, 5)), ((2, 2, 3, 3), {}, (2, 7, 12)),
    ],
)  # fmt: skip
def test_shapes(shape: tuple[int, ...], options: Any, expected: tuple[int, ...]) -> None:
    assert make_grid(mc.ones(shape), **options).shape == expected


def test_a_list_of_images_is_a_batch() -> None:
    images = list(mc.as_tensor(IMAGES))
    assert mc.equal(make_grid(images), make_grid(mc.as_tensor(IMAGES)))
    assert make_grid(mc.zeros(2, 3, 2, 2, dtype=mc.uint8)).dtype == mc.uint8


@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("value_range", [None, (-0.5, 0.5)])
def test_values_are_stretched(each: bool, value_range: tuple[float, float] | None) -> None:
    before = mc.as_tensor(IMAGES.copy())
    grid = make_grid(before, normalize=True, scale_each=each, value_range=value_range, padding=0)
    low, high = value_range or (IMAGES.min(), IMAGES.max())
    if each and value_range is None:
        low, high = (f(IMAGES, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
    expected = (np.clip(IMAGES, low, high) - low) / (high - low)
    np.testing.assert_allclose(grid.cpu().numpy(), np.concatenate(expected, axis=2), rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(before.cpu().numpy(), IMAGES)


def test_one_grey_is_stretched_to_black() -> None:
    assert make_grid(mc.full((1, 2, 2), 7.0), normalize=True).abs().max() == 0


def test_pictures_are_saved(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason='pip install "minicnn[vision]"')
    values = mc.tensor([[0.0, 0.25, 0.5, 0.999, 1.0, 2.0, -1.0]], requires_grad=True)
    save_image(values, tmp_path / "row.png")
    with image.open(tmp_path / "row.png") as saved:
        assert [saved.getpixel((i, 0)) for i in range(7)] == [(v,) * 3 for v in (0, 64, 128, 255, 255, 255, 0)]
    file = io.BytesIO()
    save_image(mc.rand(4, 3, 5, 5), file, format="png", nrow=2)
    assert image.open(file).size == (16, 16)


@pytest.mark.parametrize(
    ("images", "options", "error"),
    [
        ("text", {}, DtypeError), ([], {}, DtypeError), ([1, 2], {}, DtypeError), (mc.zeros(3), {}, ShapeError),
        (mc.zeros(1, 1, 1, 1, 1), {}, ShapeError), (mc.zeros(0, 3, 2, 2), {}, ShapeError),
        (mc.zeros(2, 3, 2, 2), {"nrow": 0}, OptionError), (mc.zeros(2, 3, 2, 2), {"padding": -1}, OptionError),
        ([mc.zeros(1, 2, 2), mc.zeros(1, 3, 3)], {}, ShapeError),
    ],
)  # fmt: skip
def test_no_images(images: Any, options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        make_grid(images, **options)
