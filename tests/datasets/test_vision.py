"""The well-known sets: the whole MNIST, and small files made in the true formats."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import pickletools
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

import minicnn as mc
from minicnn import datasets
from minicnn.datasets import CIFAR10, CIFAR100, EMNIST, KMNIST, MNIST, SVHN, ColouredShapes, FashionMNIST, read_mat
from minicnn.datasets.base import _image_maker
from minicnn.datasets.pickled import read_pickled
from minicnn.datasets.shapes import COLOURS, SHAPES
from minicnn.errors import DataError, OptionError
from minicnn.transforms import Compose, Normalize, RandomCrop, ToTensor
from tests.datasets.test_archive import tar_of
from tests.web import serving

Image = pytest.importorskip("PIL.Image", reason='pip install "minicnn[vision]"')
WHOLE = Path(__file__).parents[3] / "shared" / "data" / "mnist"
rng = np.random.default_rng(0)


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


PIXELS, LABELS = rng.integers(0, 256, (4, 28, 28), np.uint8), np.array([3, 0, 9, 1])


def mnist_files(prefix: str = "train") -> dict[str, bytes]:
    return {f"{prefix}-images-idx3-ubyte": idx(PIXELS), f"{prefix}-labels-idx1-ubyte": idx(LABELS)}


def test_the_whole_mnist() -> None:
    if not WHOLE.exists():
        pytest.skip("the whole MNIST is not at hand; the tests below make small ones")
    train, test = MNIST(WHOLE), MNIST(WHOLE, train=False)
    assert train.data.shape == (60_000, 28, 28) and test.data.shape == (10_000, 28, 28)
    assert train.data.dtype == mc.uint8 and train.targets.dtype == mc.int64
    # Known of MNIST: how often each digit is there, and the mean and deviation of the training pixels.
    assert np.bincount(train.targets.numpy()).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(test.targets.numpy()).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    pixels = train.data.numpy() / 255
    assert round(float(pixels.mean()), 4) == 0.1307 and round(float(pixels.std()), 4) == 0.3081
    image, label = train[0]
    assert (image.mode, image.size, label) == ("L", (28, 28), 5)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("place", ["MNIST/raw", "."])
def test_mnists_files_are_found(tmp_path: Path, zipped: bool, place: str) -> None:
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    for name, content in mnist_files().items():
        (tmp_path / place / (name + ".gz" * zipped)).write_bytes(gzip.compress(content) if zipped else content)
    data = MNIST(tmp_path, transform=ToTensor(), target_transform=lambda label: -label)
    image, label = data[2]
    assert label == -9 and image.tolist() == (mc.as_tensor(PIXELS[2:3]).float() / 255).tolist()
    assert len(data) == 4 and len(list(data)) == 4
    assert repr(data) == f"""Dataset MNIST
    Number of datapoints: 4
    Root location: {tmp_path}
    Split: Train
    StandardTransform
Transform: ToTensor()
Target transform: {data.target_transform!r}"""
    images, labels = data.tensors()[:]
    assert images.shape == (4, 1, 28, 28) and labels.tolist() == LABELS.tolist()
    assert images[1, 0, 2, 3].item() == pytest.approx((PIXELS[1, 2, 3] / 255 - 0.1307) / 0.3081, abs=1e-6)
    with pytest.raises(DataError, match="the data are not there"):
        MNIST(tmp_path, train=False)


def test_a_loader_takes_mnist(tmp_path: Path) -> None:
    for name, content in mnist_files().items():
        (tmp_path / name).write_bytes(content)
    transform = Compose([RandomCrop(28, padding=2), ToTensor(), Normalize((0.5,), (0.5,))])
    images, labels = next(iter(mc.data.DataLoader(MNIST(tmp_path, transform=transform), batch_size=3)))
    assert images.shape == (3, 1, 28, 28) and labels.tolist() == [3, 0, 9]


def test_without_pillow_items_are_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in mnist_files().items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.setitem(sys.modules, "PIL", None)
    _image_maker.cache_clear()
    try:
        data = MNIST(tmp_path)
        assert np.array_equal(data[1][0], PIXELS[1])
        data.transform = ToTensor()
        assert data[1][0].shape == (1, 28, 28)
    finally:
        _image_maker.cache_clear()


def test_damaged_mnists_are_refused(tmp_path: Path) -> None:
    files = mnist_files()
    images, labels = files
    for name, content, message in (
        (images, files[images][:-1], "truncated"), (labels, idx(LABELS[:3]), "does not fit its images"),
        (labels, idx(LABELS + 7), "out of range"), (images, files[labels], "no grey images"),
    ):  # fmt: skip
        for other in files:
            (tmp_path / other).write_bytes(content if other == name else files[other])
        with pytest.raises(DataError, match=message) as error:
            MNIST(tmp_path)
        assert name in str(error.value)


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST, KMNIST])
def test_mnists_are_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[MNIST]) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    zipped = {f"{name}.gz": gzip.compress(content) for name, content in mnist_files("t10k").items()}
    monkeypatch.setattr(kind, "md5", {n.removesuffix(".gz"): hashlib.md5(c).hexdigest() for n, c in zipped.items()})
    with serving({f"/good/{name}": content for name, content in zipped.items()}) as server:
        monkeypatch.setattr(kind, "mirrors", (server.url("/gone/"), server.url("/good/")))
        data = kind(tmp_path, train=False, download=True)
        assert data.targets.tolist() == LABELS.tolist() and len(server.asked) == 4
        assert sorted(p.name for p in (tmp_path / kind.__name__ / "raw").iterdir()) == sorted(zipped)
        kind(tmp_path, train=False, download=True)
        assert len(server.asked) == 4  # nothing was fetched again
        server.files["/good/t10k-images-idx3-ubyte.gz"] = b"tampered"
        with pytest.raises(DataError, match="not the one with the hash md5:"):
            kind(tmp_path / "other", train=False, download=True)
        assert not any((tmp_path / "other" / kind.__name__ / "raw").iterdir())


def test_emnists_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in mnist_files("emnist-letters-train").items():
            archive.writestr(f"gzip/{name}.gz", gzip.compress(content))
    monkeypatch.setattr(EMNIST, "md5", {"gzip.zip": hashlib.md5(buffer.getvalue()).hexdigest()})
    with serving({"/gzip.zip": buffer.getvalue()}) as server:
        monkeypatch.setattr(EMNIST, "mirrors", (server.url("/gzip.zip"),))
        letters = EMNIST(tmp_path, "letters", download=True)
    assert letters.targets.tolist() == LABELS.tolist()
    assert letters.classes[:3] == ["N/A", "a", "b"] and letters.class_to_idx["z"] == 26
    assert [len(EMNIST.splits[s]) for s in ("byclass", "bymerge", "balanced", "digits")] == [62, 47, 47, 10]
    with pytest.raises(OptionError, match="no such split"):
        EMNIST(tmp_path, "words")


COLOUR = rng.integers(0, 256, (6, 3, 32, 32), np.uint8)


def cifar10_records(first: int, count: int) -> bytes:
    return b"".join(bytes([i]) + COLOUR[i].tobytes() for i in range(first, first + count))


def check_cifar(data: CIFAR10, labels: list[int]) -> None:
    assert data.data.shape == (len(labels), 32, 32, 3) and data.targets == labels
    image, label = data[1]
    assert (image.mode, label) == ("RGB", labels[1])
    assert np.array_equal(np.asarray(image), COLOUR[1].transpose(1, 2, 0))
    assert data.tensors()[:][0].shape == (len(labels), 3, 32, 32)


def test_cifar10s_binary_form(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for i in range(5):
        (folder / f"data_batch_{i + 1}.bin").write_bytes(cifar10_records(i, 1))
    (folder / "test_batch.bin").write_bytes(cifar10_records(0, 3))
    check_cifar(CIFAR10(tmp_path), [0, 1, 2, 3, 4])
    check_cifar(CIFAR10(folder, train=False), [0, 1, 2])
    assert CIFAR10(tmp_path).class_to_idx["cat"] == 3
    (folder / "data_batch_3.bin").write_bytes(cifar10_records(2, 1)[:-1])
    with pytest.raises(DataError, match=r"data_batch_3\.bin is truncated"):
        CIFAR10(tmp_path)
    (folder / "data_batch_3.bin").write_bytes(b"\x0a" + cifar10_records(2, 1)[1:])
    with pytest.raises(DataError, match=r"data_batch_3\.bin has labels out of range"):
        CIFAR10(tmp_path)


def test_cifar100s_binary_form(tmp_path: Path) -> None:
    (tmp_path / "train.bin").write_bytes(b"".join(bytes([i, 90 + i]) + COLOUR[i].tobytes() for i in range(6)))
    data = CIFAR100(tmp_path)
    check_cifar(data, [90, 91, 92, 93, 94, 95])
    assert len(data.classes) == 100 and data.classes[-1] == "worm" and data.classes == sorted(data.classes)


def test_a_cifar_that_was_cut_between_two_images_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its binary form has no header, but the number of its images is known."""
    monkeypatch.setattr(CIFAR10, "images_a_file", (10_000, 10_000))
    path = tmp_path / "test_batch.bin"
    path.write_bytes(bytes(10_000 * 3073))
    assert len(CIFAR10(tmp_path, train=False)) == 10_000
    for count in (0, 1, 9_999, 10_001):
        path.write_bytes(bytes(count * 3073))
        with pytest.raises(DataError, match=r"test_batch\.bin is truncated(.|\n)*10000 records"):
            CIFAR10(tmp_path, train=False)


def test_cifar_is_downloaded_and_extracted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    members = {f"cifar-10-batches-bin/data_batch_{i + 1}.bin": cifar10_records(i, 1) for i in range(5)}
    archive = tar_of({**members, "cifar-10-batches-bin/test_batch.bin": cifar10_records(0, 2)})
    monkeypatch.setattr(CIFAR10, "md5", hashlib.md5(archive).hexdigest())
    with serving({"/cifar-10-binary.tar.gz": archive}) as server:
        monkeypatch.setattr(CIFAR10, "urls", (server.url("/cifar-10-binary.tar.gz"),))
        check_cifar(CIFAR10(tmp_path, download=True), [0, 1, 2, 3, 4])
    check_cifar(CIFAR10(tmp_path, train=False), [0, 1])


def python2(held: object) -> bytes:
    """``held`` as Python 2 pickled it, and with it CIFAR's authors: byte strings by the opcodes of Python 2's str."""
    made = bytearray(pickle.dumps(held, 3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    for opcode, _, at in list(pickletools.genops(bytes(made))):
        made[at : at + 1] = {"BINBYTES": b"T", "SHORT_BINBYTES": b"U"}.get(opcode.name, made[at : at + 1])
    made[1] = 2  # the protocol
    return bytes(made)


def test_cifars_pickled_form(tmp_path: Path) -> None:
    held = {b"batch_label": b"testing", b"data": COLOUR.reshape(6, -1), b"labels": list(range(6))}
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for content in (python2(held), pickle.dumps(held, 3), pickle.dumps(held, 4)):
        (folder / "test_batch").write_bytes(content)
        check_cifar(CIFAR10(tmp_path, train=False), list(range(6)))


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("executed"),))


@pytest.mark.parametrize("content", [Evil(), {b"data": Evil()}, {b"data": np.zeros(3)}, {b"data": 3}, [1, 2], b"x"])
def test_a_pickle_executes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: object) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test").write_bytes(pickle.dumps(content, 3))
    with pytest.raises(DataError, match="test is"):
        CIFAR100(tmp_path, train=False)
    assert [p.name for p in tmp_path.iterdir()] == ["test"]
    for broken in (b"", b"\x80\x03}", pickle.dumps(content, 3)[:-2]):
        (tmp_path / "test").write_bytes(broken)
        with pytest.raises(DataError, match="test is"):
            read_pickled(tmp_path / "test")


def element(kind: int, values: bytes) -> bytes:
    return struct.pack("<II", kind, len(values)) + values + bytes(-len(values) % 8)


def matrix(name: str, array: np.ndarray) -> bytes:
    """An array as MATLAB saves it: compressed, column-major, doubles that are small whole numbers as bytes."""
    what, kind = (9, 2) if array.dtype == np.uint8 else (6, 2)
    letters = name.encode()
    small = struct.pack("<HH", 1, len(letters)) + letters.ljust(4, b"\0")
    body = (element(6, struct.pack("<II", what, 0)) + element(5, np.array(array.shape, "<i4").tobytes()) + small
            + element(kind, array.astype(np.uint8).tobytes(order="F")))  # fmt: skip
    squeezed = zlib.compress(element(14, body))
    return struct.pack("<II", 15, len(squeezed)) + squeezed


def mat(**arrays: np.ndarray) -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<HH", 0x0100, 0x4D49) + b"".join(
        matrix(name, array) for name, array in arrays.items())


def test_svhn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    content = mat(X=COLOUR.transpose(2, 3, 1, 0), y=np.array([[1.0], [10], [3], [4], [5], [9]]))
    monkeypatch.setattr(SVHN, "md5", {"test": hashlib.md5(content).hexdigest(), "train": ""})
    with serving({"/test_32x32.mat": content}) as server:
        monkeypatch.setattr(SVHN, "mirrors", (server.url("/"),))
        data = SVHN(tmp_path, "test", download=True)
    assert data.labels.tolist() == [1, 0, 3, 4, 5, 9] and np.array_equal(data.data, COLOUR)
    assert np.array_equal(np.asarray(data[1][0]), COLOUR[1].transpose(1, 2, 0)) and data[1][1] == 0
    assert data.tensors()[:][0].shape == (6, 3, 32, 32)
    with pytest.raises(DataError, match="not there"):
        SVHN(tmp_path, "train")
    with pytest.raises(OptionError, match="no such split"):
        SVHN(tmp_path, "validation")
    for broken, message in (
        (content[:-5], "damaged"), (b"PK" * 100, "no .mat file"), (content[:128], "no colour images"),
        (mat(X=COLOUR[0]), "no colour images"),
    ):  # fmt: skip
        (tmp_path / "test_32x32.mat").write_bytes(broken)
        with pytest.raises(DataError, match=message) as error:
            SVHN(tmp_path, "test")
        assert "test_32x32.mat" in str(error.value)


def test_mat_files_of_scipy(tmp_path: Path) -> None:
    scipy_io = pytest.importorskip("scipy.io", reason="SciPy wrote the format that is read")
    arrays = {"a": rng.normal(size=(2, 3)), "bb": np.arange(24, dtype=np.int16).reshape(2, 3, 4),
              "longer_name": np.array([[1.5]], np.float32), "u": np.arange(5, dtype=np.uint8)[None]}  # fmt: skip
    for compressed in (False, True):
        scipy_io.savemat(tmp_path / "x.mat", {**arrays, "text": "no array of numbers"}, do_compression=compressed)
        found = read_mat(tmp_path / "x.mat")
        assert list(found) == list(arrays)
        for name, array in arrays.items():
            assert found[name].dtype == array.dtype and np.array_equal(found[name], array)


def test_coloured_shapes() -> None:
    data = ColouredShapes(size=400)
    assert data.data.shape == (400, 32, 32, 3) and data.data.dtype == np.uint8
    assert np.bincount(data.targets).tolist() == [40] * 10 and data.classes == list(SHAPES)
    assert np.array_equal(data.data, ColouredShapes(size=400).data)
    for other in (ColouredShapes(size=400, seed=1), ColouredShapes(train=False, size=400)):
        assert not np.array_equal(data.data, other.data)
    assert len(ColouredShapes(train=False)) == 1000
    colours = ColouredShapes(size=400, target="colour", image_size=48)
    assert colours.data.shape == (400, 48, 48, 3) and colours.targets == data.colours.tolist()
    image, label = data[3]
    assert (image.size, label) == ((32, 32), data.shapes[3])
    for options in ({"size": 0}, {"image_size": 4}, {"target": "size"}):
        with pytest.raises(OptionError):
            ColouredShapes(**options)


def test_a_shapes_colour_is_seen() -> None:
    data = ColouredShapes(size=800, target="colour")
    names, palette = list(COLOURS), np.array(list(COLOURS.values())) * 255
    centred = [i for i, shape in enumerate(data.shapes) if list(SHAPES)[shape] in ("circle", "square", "diamond")]
    for i in centred:
        pixels = data.data[i].reshape(-1, 3).astype(float)
        strongest = pixels[np.argsort(np.ptp(pixels, axis=1))[-20:]].mean(axis=0)  # the ground is grey
        assert names[int(np.abs(palette - strongest).sum(axis=1).argmin())] == names[data.targets[i]]


def test_shapes_cover_the_area_that_they_should() -> None:
    at = (np.arange(400) + 0.5) / 200 - 1
    areas = {name: float((outside(at, at[:, None]) < 0).mean()) * 4 for name, outside in SHAPES.items()}
    assert areas["circle"] == pytest.approx(np.pi * 0.81, rel=0.01)
    assert areas["ring"] == pytest.approx(np.pi * (0.92**2 - 0.48**2), rel=0.01)
    assert areas["square"] == pytest.approx(2.25, rel=0.01)
    assert areas["frame"] == pytest.approx(4 * (0.82**2 - 0.42**2), rel=0.02)
    assert areas["triangle"] == pytest.approx(3 * np.sqrt(3) * 0.25, rel=0.01)  # of the inner radius ½: 3√3 r²
    assert areas["diamond"] == pytest.approx(2, rel=0.01)
    assert areas["cross"] == pytest.approx(4 * (2 * 0.28 * 0.95 - 0.28**2), rel=0.02)
    assert areas["star"] == pytest.approx(10 * 0.5 * 0.45 * np.sin(np.pi / 5), rel=0.01)


def test_all_public_names_are_there() -> None:
    assert [name for name in datasets.__all__ if not hasattr(datasets, name)] == []
