"""train on all kinds of data, eval, benchmark, models and predict, as a user meets them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.cli import COMMANDS, main
from minicnn.cli.catalogue import PARAMETERS, entry
from minicnn.cli.data import SETS
from minicnn.cli.network import About, build
from minicnn.models.registry import MODELS

Image = pytest.importorskip("PIL.Image", reason='pip install "minicnn[vision]"')
rng = np.random.default_rng(0)


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small files in the forms of MNIST and CIFAR-10; a folder of photographs, as it is and in halves."""
    place = tmp_path_factory.mktemp("data")
    for half, count in (("train", 40), ("t10k", 20)):
        labels = np.arange(count) % 10
        images = rng.integers(0, 60, (count, 28, 28)) + 15 * labels[:, None, None]
        (place / f"{half}-images-idx3-ubyte").write_bytes(idx(images))
        (place / f"{half}-labels-idx1-ubyte").write_bytes(idx(labels))
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        records = rng.integers(0, 256, (10, 3073), np.uint8)
        records[:, 0] = np.arange(10)
        (place / f"{name}.bin").write_bytes(records.tobytes())
    for folder, count in (("whole", 10), ("halves/train", 6), ("halves/val", 2)):
        for name, colour in (("blue", (20, 30, 200)), ("red", (200, 30, 20))):
            (place / folder / name).mkdir(parents=True)
            for i in range(count):
                Image.new("RGB", (30 + i, 24), colour).save(place / folder / name / f"{i}.png")
    return place


def run(*arguments: object) -> int:
    return main([str(a) for a in arguments])


@pytest.mark.parametrize("data", ["mnist", "fashion-mnist", "kmnist", "cifar10"])
@pytest.mark.parametrize("augment", [False, True])
def test_train_on_the_well_known_sets(
    data: str, augment: bool, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(mc.datasets.CIFAR10, "images_a_file", None)  # a set of ten images here
    target = tmp_path / "lenet.npz"
    assert run("train", "lenet", "--data", data, "--root", root, "--epochs", 1, "--batch-size", 10, "--save", target,
               *["--augment"] * augment) == 0  # fmt: skip
    out = capsys.readouterr().out
    assert f"on {10 if data == 'cifar10' else 20} images" in out
    assert ("lenet takes images of 28 × 28: those of cifar10, 32 × 32, are scaled" in out) is (data == "cifar10")
    about = json.loads((tmp_path / "lenet.json").read_text(encoding="utf-8"))
    assert about["model"] == "lenet" and about["classes"] == list(SETS[data].kind.classes) and about["size"] == 28


@pytest.mark.parametrize(("folder", "tested"), [("whole", 4), ("halves", 4)])
def test_train_on_a_folder_then_eval_and_predict(
    folder: str, tested: int, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "net.npz"
    data = ("--data", root / folder, "--size", 32)
    assert run("train", "simplecnn", *data, "--epochs", 15, "--batch-size", 4, "--optimizer", "adam", "--lr", "0.003",
               "--save", target) == 0  # fmt: skip
    assert f"test accuracy 100.00% on {tested} images" in capsys.readouterr().out
    assert run("eval", "simplecnn", *data[:2], "--weights", target, "--confusion") == 0
    out = capsys.readouterr().out
    assert "accuracy 100.00%" in out and re.search(r"^red +100\.00% +100\.00% +100\.00% +2$", out, re.MULTILINE)
    assert re.search(r"^red +0 +2$", out, re.MULTILINE)
    red, blue = (root / "whole" / name / "3.png" for name in ("red", "blue"))
    assert run("predict", red, blue, "--weights", target, "--top", 1) == 0
    first, answer, second, other = capsys.readouterr().out.splitlines()
    assert (first, second) == (f"{red}:", f"{blue}:")
    assert answer.split()[1] == "red" and other.split()[1] == "blue" and float(answer.split("%")[0]) > 50


def test_a_run_with_all_its_results(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorboardX", reason='pip install "minicnn[tensorboard]"')
    pytest.importorskip("safetensors", reason='pip install "minicnn[weights]"')
    kept = tmp_path / "kept"
    common = ("train", "mlp_relu", "--data", "mnist", "--root", root, "--save", tmp_path / "net.safetensors")
    assert run(*common, "--epochs", 3, "--checkpoint", kept, "--validation", "0.25", "--patience", 3,
               "--log-csv", tmp_path / "log.csv", "--log-tensorboard", tmp_path / "tb", "--schedule", "none") == 0
    assert sorted({p.stem for p in kept.iterdir()}) == ["best", "last", "previous"] and len(list(kept.iterdir())) == 6
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4 and any((tmp_path / "tb").iterdir())
    assert "validation loss" in capsys.readouterr().out
    digit = tmp_path / "digit.png"
    Image.fromarray(rng.integers(0, 255, (28, 28), np.uint8)).save(digit)
    assert run("predict", digit, "--weights", kept / "best.pt", "--top", 2) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and " - " in lines[0]  # MNIST's classes are called "3 - three"
    assert run(*common, "--epochs", 1, "--weights", kept / "last.pt", "--lr", "1e-9") == 0
    before, after = mc.load(kept / "last.pt")["model"], mc.load(tmp_path / "net.safetensors")
    assert all(float((before[name] - after[name]).abs().max()) < 1e-6 for name in after)


def test_checkpoints_and_logs_do_not_change_the_training(root: Path, tmp_path: Path) -> None:
    states = []
    for name, options in (("a", ()), ("b", ("--checkpoint", tmp_path / "kept", "--log-csv", tmp_path / "log.csv"))):
        run("train", "mlp_relu", "--data", "mnist", "--root", root, "--epochs", 2, "--save", tmp_path / f"{name}.npz",
            *options)  # fmt: skip
        states.append(mc.load(tmp_path / f"{name}.npz"))
    assert all(states[0][name].tolist() == states[1][name].tolist() for name in states[0])


def test_benchmark_prints_and_keeps_the_table(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    arguments = ("benchmark", "--data", "mnist", "--root", root, "--models", "mlp_relu", "simplecnn", "--epochs", 1,
                 "--batch-size", 10, "--save", tmp_path / "table.md")  # fmt: skip
    tables = []
    for _ in range(2):
        assert run(*arguments) == 0
        tables.append([line.split(" | ")[:3] for line in (tmp_path / "table.md").read_text().splitlines()])
    assert tables[0] == tables[1] and [row[0] for row in tables[0][2:]] == ["| mlp_relu", "| simplecnn"]
    out = capsys.readouterr().out
    assert "simplecnn takes images of 32 × 32" in out and re.search(r"^mlp_relu +[\d.]+% ", out, re.MULTILINE)


def test_models_are_listed_with_parameters_and_paper(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("models") == 0
    out = capsys.readouterr().out
    names = re.findall(r"^  (\w+) +[\d,]+  \d+ × \d+ × \d+$", out, re.MULTILINE)
    assert sorted(names) == mc.models.list_models()
    assert 'VGG of Simonyan and Zisserman, "Very deep convolutional networks' in " ".join(out.split())
    assert run("models", "vgg16") == 0
    assert re.findall(r"^  \w+", capsys.readouterr().out, re.MULTILINE) == ["  vgg16", "  vgg16_bn"]
    assert run("models", "vgg17") == 0 and "no name has 'vgg17' in it" in capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "24")
    run("models")
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 24


@pytest.fixture
def undrawn() -> Iterator[None]:
    """Networks whose initial values are not drawn: some have many."""
    with pytest.MonkeyPatch.context() as patch:
        for draw in ("uniform_", "normal_", "trunc_normal_"):
            patch.setattr(nn.init, draw, lambda tensor, *_, **__: tensor)
        yield


def test_the_catalogue_is_true_of_every_network(undrawn: None) -> None:
    assert list(PARAMETERS) == list(MODELS)
    for name in MODELS:
        network = MODELS[name]()
        assert sum(p.numel() for p in network.parameters()) == PARAMETERS[name], name
        convolution = next((m for m in network.modules() if isinstance(m, nn.Conv2d)), None)
        if convolution is not None and name != "dcgan_generator":
            assert name == "unet" or convolution.in_channels == entry(name).channels, name


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["lenet", "simplecnn", "nin", "alexnet", "resnet18", "squeezenet1_0", "densenet121",
                                  "googlenet", "shufflenet_v2_x0_5", "resnet20"])  # fmt: skip
def test_networks_train_at_their_least_size_on_any_images(name: str, channels: int, undrawn: None) -> None:
    row = entry(name)
    use = About(name, ["a", "b", "c"], channels, [0.5], [0.5], row.least)
    network = build(use).train()
    with mc.no_grad():
        outputs = network(mc.zeros(2, channels, 28, 28))
    assert (outputs if isinstance(outputs, mc.Tensor) else outputs[0]).shape == (2, 3)
    assert row.exact or row.size_for(row.least - 1) == row.least


def test_grey_images_are_repeated_and_colours_averaged() -> None:
    use = About("simplecnn", ["a", "b"], 1, [0.5], [0.5], 32)
    network, x = build(use).eval(), mc.rand(2, 1, 32, 32)
    assert network(x).tolist() == network(x.repeat(1, 3, 1, 1)).tolist()
    use = About("lenet", ["a", "b"], 3, [0.5], [0.5], 28)
    network, x = build(use).eval(), mc.rand(2, 3, 28, 28)
    assert network(x).tolist() == network(x.mean(1, keepdim=True)).tolist()


def test_predict_of_published_weights_takes_the_model_and_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    weights, image, names = tmp_path / "w.npz", tmp_path / "i.png", tmp_path / "names.txt"
    mc.save(mc.models.resnet20().state_dict(), weights)
    Image.new("RGB", (50, 40)).save(image)
    names.write_text("\n".join(f"thing {i}" for i in range(10)))
    assert run("predict", image, "--weights", weights, "--model", "resnet20") == 0
    assert re.match(r" *[\d.]+%  class \d\n", capsys.readouterr().out)
    assert run("predict", image, "--weights", weights, "--model", "resnet20", "--classes", names, "--top", 99) == 0
    assert re.findall(r"thing \d", capsys.readouterr().out) != sorted(names.read_text().splitlines())
    assert run("predict", image, "--weights", weights) == 1
    assert "of what network are the weights" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("train lenet --data mnist --root nowhere", "--download, or --root FOLDER"),
        ("train lenet --data nowhere", "there are no data 'nowhere'"),
        ("train unet", "unet has no classes"), ("train inception_v3 --size 75", "takes no images of 75 × 75"),
        ("train lenet --weights absent.npz", "absent.npz"), ("eval lenet --weights absent.npz", "absent.npz"),
        ("eval lenot --weights absent.npz", "no model 'lenot'"), ("benchmark --models lenet dcgan_generator", "noise"),
        ("predict a.png --weights absent.npz", "absent.npz"), ("train lenet --device tpu", "tpu"),
        ("train lenet --validation 0.99999", "nothing is left to train with"),
    ],
)  # fmt: skip
def test_errors_have_no_traceback(arguments: str, message: str, capsys: pytest.CaptureFixture[str],
                                  tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(arguments.split()) == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


def test_the_size_of_the_training_is_that_of_the_test(root: Path, tmp_path: Path) -> None:
    data, target = ("--data", root / "whole"), tmp_path / "net.npz"
    run("train", "resnet20", *data, "--size", 24, "--epochs", 1, "--save", target)
    sizes: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minicnn.training.evaluate", lambda model, loader, **_: sizes.append(next(iter(loader))[0].shape))
        for more in ((), ("--size", 40)):
            with pytest.raises(AttributeError):  # there is no result to print
                run("eval", "resnet20", *data, "--weights", target, *more)
    assert sizes == [(4, 3, 24, 24), (4, 3, 40, 40)]


@pytest.mark.parametrize("option", ["--save", "--checkpoint", "--log-csv"])
def test_places_that_cannot_be_written(
    option: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    (tmp_path / "file").touch()
    options = {"--save": tmp_path / "net.npz", option: tmp_path / "file" / "below.npz"}
    flat = [str(part) for pair in options.items() for part in pair]
    assert run("train", "mlp_relu", "--data", "mnist", "--root", root, "--epochs", 1, *flat) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_images_for_the_test_are_missed_before_the_training(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("minicnn.training.fit", lambda *_, **__: pytest.fail("trained for nothing"))
    for name in ("cat", "dog"):
        (tmp_path / "few" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "few" / name / "1.png")
    for name in ("images-idx3", "labels-idx1"):
        (tmp_path / f"train-{name}-ubyte").write_bytes((root / f"train-{name}-ubyte").read_bytes())
    for data, message in (("mnist", "the data are not there"), (tmp_path / "few", "too few images")):
        assert run("train", "lenet", "--data", data, "--root", tmp_path, "--save", tmp_path / "net.npz") == 1
        assert message in capsys.readouterr().err


def test_more_errors_of_predict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights, text = tmp_path / "lenet.npz", tmp_path / "text.png"
    mc.save(mc.models.LeNet().state_dict(), weights)
    About("lenet", list("0123456789"), 1, [0.1], [0.3], 28).save(weights)
    text.write_text("no image")
    for arguments, message in (
        (("predict", text, "--weights", weights), "no whole image"),
        (("predict", tmp_path / "none.png", "--weights", weights), "there is no image"),
        (("predict", tmp_path, "--weights", weights), "got   a folder"),
        (("eval", "resnet20", "--weights", weights), "lenet.json says lenet"),
        (("predict", text, "--weights", weights, "--model", "alexnet"), "weights of another network"),
    ):
        assert run(*arguments) == 1
        assert message in capsys.readouterr().err
    right = json.loads((tmp_path / "lenet.json").read_text(encoding="utf-8"))
    lies = {"model": "lenot", "classes": 3, "channels": 2, "mean": [0.1, 0.2], "std": [0], "size": -1}
    for content in ("[1", "[]", "{}", *(json.dumps({**right, name: lie}) for name, lie in lies.items())):
        (tmp_path / "lenet.json").write_text(content, encoding="utf-8")
        assert run("predict", text, "--weights", weights) == 1, content
        assert "does not describe weights" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (["cat"], "has one class only"), (["train", "car"], None),
        (["train/cat", "tests/cat"], "the name test or val or valid"), (["val/cat"], "the name train or training"),
    ],
)  # fmt: skip
def test_folders_that_are_laid_out_wrong(
    places: list[str], message: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    for place in places:
        (tmp_path / "data" / place).mkdir(parents=True)
        for i in range(6):
            Image.new("RGB", (32, 32)).save(tmp_path / "data" / place / f"{i}.png")
    status = run("train", "lenet", "--data", tmp_path / "data", "--epochs", 1, "--save", tmp_path / "a.npz")
    assert status == (message is not None) and (message or "") in capsys.readouterr().err


def test_too_little_memory_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    def full(*args: object, **kwargs: object) -> None:
        raise MemoryError("Unable to allocate 3 TiB")

    monkeypatch.setattr("minicnn.training.fit", full)
    assert run("train", "lenet", "--save", tmp_path / "a.npz") == 1
    assert "3 TiB\n  try   a smaller --batch-size" in capsys.readouterr().err


def test_eval_says_if_the_classes_are_others(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    weights = tmp_path / "lenet.npz"
    mc.save(mc.models.LeNet().state_dict(), weights)
    command = ("eval", "lenet", "--weights", weights, "--data", "mnist", "--root", root)
    for classes, said in ((SETS["mnist"].kind.classes, False), (SETS["fashion-mnist"].kind.classes, True)):
        About("lenet", classes, 1, [0.1], [0.3], 28).save(weights)
        assert run(*command) == 0
        assert ("other classes: T-shirt/top, Trouser" in capsys.readouterr().out) is said


def test_a_loss_that_is_no_number_is_an_error_and_nothing_is_saved(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    with np.errstate(all="ignore"):
        assert run("train", "lenet", "--data", "mnist", "--root", root, "--epochs", 3, "--lr", "1e30", "--batch-size",
                   5, "--save", tmp_path / "net.npz") == 1  # fmt: skip
    assert "a tenth of the --lr" in capsys.readouterr().err and not (tmp_path / "net.npz").exists()


def test_ctrl_c_says_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("minicnn.training.fit", interrupted)
    command = ("train", "lenet", "--save", tmp_path / "a.npz", "--checkpoint", tmp_path / "kept")
    assert run(*command) == 130
    assert "nothing was saved" in capsys.readouterr().err
    (tmp_path / "kept" / "last.pt").touch()
    assert run(*command) == 130
    assert f"what {tmp_path / 'kept'} holds" in capsys.readouterr().err


@pytest.mark.parametrize("columns", ["20", "80"])
def test_every_command_has_help_with_an_example(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for command in ("train", "eval", "benchmark", "models", "predict"):
        with pytest.raises(SystemExit) as stopped:
            main([command, "--help"])
        text = " ".join(capsys.readouterr().out.split())
        assert stopped.value.code == 0 and f"Example: minicnn {command}" in text
    assert len(COMMANDS) >= 5


@pytest.mark.parametrize("command", ["train", "eval", "benchmark", "models", "predict"])
def test_the_examples_are_commands_that_there_are(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    from minicnn.cli import _parser

    with pytest.raises(SystemExit):
        main([command, "--help"])
    example = " ".join(capsys.readouterr().out.split()).split("Example: minicnn ")[1]
    options: Any = _parser().parse_args(example.split())
    assert options.run.__module__.startswith("minicnn.cli.")


def test_a_closed_pipe_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def closed(options: object) -> None:
        raise BrokenPipeError

    with (tmp_path / "out").open("w") as file:
        monkeypatch.setattr("minicnn.cli.models.run", closed)
        monkeypatch.setattr(sys, "stdout", file)
        assert main(["models"]) == 141


def test_commands_run_on_a_device(device: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, data = tmp_path / "net.npz", ("--data", "mnist", "--root", root, "--device", device)
    assert run("train", "simplecnn", *data, "--epochs", 1, "--batch-size", 20, "--save", target, "--augment",
               "--validation", "0.2") == 0  # fmt: skip
    assert run("eval", "simplecnn", *data, "--weights", target) == 0
    assert run("benchmark", *data, "--models", "mlp_relu", "cnn1", "--epochs", 1) == 0
    Image.new("L", (28, 28)).save(tmp_path / "digit.png")
    assert run("predict", tmp_path / "digit.png", "--weights", target, "--device", device) == 0
    assert "%  " in capsys.readouterr().out.splitlines()[-1]
