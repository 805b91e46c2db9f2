"""IDX files: the true ones, small ones, and damaged ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

import minicnn as mc
from minicnn.datasets import Digits, read_idx, write_idx
from minicnn.errors import DataError

FOLDER = Path(mc.__file__).parent / "datasets" / "digits"
MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist"


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "float32", "float64"])
def test_round_trip(tmp_path: Path, dtype: str) -> None:
    array = (np.arange(24).reshape(2, 3, 4) - 5).astype(dtype)
    write_idx(tmp_path / "a.gz", array)
    found = read_idx(tmp_path / "a.gz")
    assert found.dtype == array.dtype and (found == array).all()


def test_the_format_to_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 255]))
    assert read_idx(path).tolist() == [7, 0, 255]


WHOLE = bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 255])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE[:-1], "truncated"),
        (WHOLE + b"\0", "too long"),
        (WHOLE[:6], "truncated"),
        (b"", "no IDX file"),
        (b"PK\3\4aaaa", "no IDX file"),
        (bytes([0, 0, 7, 1]), "no IDX file"),
        (bytes([0, 0, 8, 3]) + b"\xff" * 12, "truncated"),  # a header that promises 10^28 bytes
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_damaged_files_are_named_and_refused(tmp_path: Path, content: bytes, message: str, zipped: bool) -> None:
    path = tmp_path / ("x.gz" if zipped else "x")
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(DataError, match=message) as error:
        read_idx(path)
    assert str(path) in str(error.value)


def test_a_cut_or_altered_gzip_stream_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    whole = gzip.compress(WHOLE * 100)
    for broken in (whole[:-9], whole[:-4] + b"abcd", b"not gzip at all"):
        path.write_bytes(broken)
        with pytest.raises(DataError):
            read_idx(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent does not exist"):
        read_idx(tmp_path / "absent")


def test_the_packaged_digits_are_mnists() -> None:
    train, test = Digits(train=True), Digits(train=False)
    assert (len(train), len(test)) == (10_000, 10_000)
    # Known of MNIST: the first labels of both sets, and the mean pixel of the test set, 33.79.
    assert train.targets[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.targets[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(test.targets.cpu().numpy()).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    image, label = train[0]
    assert image.shape == (1, 28, 28) and image.dtype == mc.float32 and label == 5
    assert float(image.max()) == 1.0


def test_the_packaged_digits_are_made_from_the_whole_mnist(tmp_path: Path) -> None:
    if not MNIST.exists():
        pytest.skip("the whole MNIST is not at hand; the test above covers the packaged part")
    from minicnn.datasets.digits.make import make

    make(MNIST, tmp_path)
    for made in sorted(tmp_path.iterdir()):
        packaged = FOLDER / made.name
        contents = [gzip.decompress(path.read_bytes()) for path in (made, packaged)]  # zlibs differ in how they pack
        assert contents[0] == contents[1], made.name


def test_tensors_are_normalised() -> None:
    images, labels = Digits(train=True).tensors()[:]
    assert images.shape == (10_000, 1, 28, 28) and labels.dtype == mc.int64
    assert abs(float(images.mean())) < 0.02 and abs(float(images.std()) - 1) < 0.02
