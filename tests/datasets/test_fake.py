"""Images of noise: torchvision's."""

from __future__ import annotations

import numpy as np
import pytest

import minicnn as mc
from minicnn.datasets import FakeData
from minicnn.errors import OutOfRangeError
from minicnn.transforms import PILToTensor

pytest.importorskip("PIL.Image", reason='pip install "minicnn[vision]"')


def test_an_item_depends_on_its_index_alone() -> None:
    data = FakeData(5, (3, 4, 6), num_classes=7, transform=PILToTensor(), random_offset=10)
    mc.manual_seed(0)
    before = mc.get_rng_state()
    items = [data[i] for i in (2, 4, 2)]
    np.testing.assert_array_equal(mc.get_rng_state(), before)
    assert mc.equal(items[0][0], items[2][0]) and not mc.equal(items[0][0], items[1][0])
    mc.manual_seed(12)
    # 255 times normal noise, each number cut to a byte, is what a PIL image is made of.
    noise, label = mc.randn(3, 4, 6), mc.randint(0, 7, (1,))
    assert items[0][1] == label.item() and items[0][0].shape == (3, 4, 6)
    expected = (noise.cpu().numpy() * np.float32(255)).astype(np.int64).astype(np.uint8)
    np.testing.assert_array_equal(items[0][0].cpu().numpy(), expected)


def test_lengths_labels_and_ends() -> None:
    data = FakeData(3, (1, 2, 2), 4, target_transform=lambda label: label + 100)
    assert len(data) == 3 and len(list(data)) == 3 and all(100 <= label < 104 for _, label in data)
    with pytest.raises(OutOfRangeError, match="below 3"):
        data[3]
    assert repr(data).startswith("Dataset FakeData\n    Number of datapoints: 3")
