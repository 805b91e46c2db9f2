"""evaluate and its tables, against counts made by hand."""

from __future__ import annotations

from typing import Any

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.data import DataLoader, Subset, TensorDataset
from minicnn.training import evaluate, tables

TRUE = [0, 0, 0, 0, 1, 1, 2, 2, 2, 2]
TAKEN = [0, 0, 0, 1, 1, 0, 2, 2, 1, 1]
CONFUSION = [[3, 1, 0, 0], [1, 1, 0, 0], [0, 2, 2, 0], [0, 0, 0, 0]]


class Echo(nn.Module):
    """Its scores are its inputs."""

    def forward(self, x: Any) -> Any:
        return x


def loader(true: list[int], taken: list[int], classes: int, batch: int = 3) -> DataLoader[Any]:
    scores = mc.zeros(len(taken), classes)
    for row, column in enumerate(taken):
        scores[row, column] = 5.0
    return DataLoader(TensorDataset(scores, mc.tensor(true)), batch)


def test_confusion_and_scores_by_hand() -> None:
    result = evaluate(Echo(), loader(TRUE, TAKEN, 4), classes=["cat", "dog", "cow", "emu"])
    assert result.confusion is not None and result.confusion.tolist() == CONFUSION
    assert result.confusion.dtype == mc.int64
    assert result.accuracy == 0.6 and result.images == 10 and result.top5 is None
    cat, dog, cow, emu = result.per_class
    assert (cat.precision, cat.recall, cat.f1, cat.support) == (3 / 4, 3 / 4, 3 / 4, 4)
    assert (dog.precision, dog.recall, dog.support) == (1 / 4, 1 / 2, 2)
    assert dog.f1 == pytest.approx(2 * (1 / 4) * (1 / 2) / (1 / 4 + 1 / 2))
    assert (cow.precision, cow.recall, cow.support) == (1.0, 1 / 2, 4)
    assert (emu.precision, emu.recall, emu.f1, emu.support) == (None, None, None, 0)
    assert result.report() == "\n".join([
        "class  precision  recall      F1  images",
        "cat       75.00%  75.00%  75.00%       4",
        "dog       25.00%  50.00%  33.33%       2",
        "cow      100.00%  50.00%  66.67%       4",
        "emu            -       -       -       0",
        "mean      66.67%  58.33%  58.33%      10",
    ])  # fmt: skip
    assert result.summary().startswith("loss ") and "accuracy 60.00%  10 images" in result.summary()
    assert str(result) == f"{result.summary()}\n\n{result.report()}"


def test_the_loss_is_the_mean_over_images_not_over_batches() -> None:
    batches = loader(TRUE, TAKEN, 4)
    scores, classes = batches.dataset[:]
    expected = nn.functional.cross_entropy(scores, classes).item()
    assert evaluate(Echo(), batches).loss == pytest.approx(expected, rel=1e-6)


def test_top_5() -> None:
    scores = mc.arange(7.0).repeat(7, 1)  # of each image the five highest scores are those of the classes 2 to 6
    result = evaluate(Echo(), DataLoader(TensorDataset(scores, mc.arange(7)), 2))
    assert result.top5 == 5 / 7 and result.accuracy == 1 / 7


def test_classes_of_pixels_and_those_to_ignore() -> None:
    scores = mc.zeros(1, 2, 2, 2)
    scores[0, 1, 0] = 1.0  # the upper row is taken for class 1
    result = evaluate(Echo(), [(scores, mc.tensor([[[1, 0], [0, 255]]]))],
                      loss_function=nn.CrossEntropyLoss(ignore_index=255))  # fmt: skip
    assert result.confusion is not None and result.confusion.tolist() == [[1, 1], [0, 1]]
    assert result.accuracy == 2 / 3


def test_names_are_found_in_the_dataset() -> None:
    digits = mc.datasets.Digits(train=False)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    assert evaluate(model, DataLoader(Subset(digits, range(20)), 10)).classes == tuple("0123456789")
    assert evaluate(Echo(), loader(TRUE, TAKEN, 4)).per_class[2].name == "2"


def test_the_mode_is_restored_also_after_an_error() -> None:
    class Fails(nn.Module):
        def forward(self, x: Any) -> Any:
            assert not self.training and not mc.is_grad_enabled()
            raise ZeroDivisionError

    for mode in (True, False):
        model = Fails().train(mode)
        with pytest.raises(ZeroDivisionError):
            evaluate(model, loader(TRUE, TAKEN, 4))
        assert model.training is mode


def test_tables() -> None:
    headers, rows = ("name", "size"), [("a|b", "1"), ("long name", "1,000")]
    assert tables.markdown(headers, rows) == "| name | size |\n| :-- | --: |\n| a\\|b | 1 |\n| long name | 1,000 |"
    assert tables.text(headers, rows) == "name        size\na|b            1\nlong name  1,000"


def test_shown_tables_fold_in_no_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show(("name", "size"), [("x" * 100 + "[bold]", "1")])
    assert "x" * 100 + "[bold]" in capsys.readouterr().out


def test_numbers_never_fold_in_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    tables.show(("a long header", "another", "images"), [("a name that folds", "100.00%", "12,345,678")])
    out = capsys.readouterr().out
    assert "100.00%" in out and "12,345,678" in out and "a name" in out and "folds" in out
