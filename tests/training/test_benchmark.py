"""benchmark: models trained alike."""

from __future__ import annotations

from typing import Any

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.data import DataLoader, Subset
from minicnn.errors import OptionError
from minicnn.training import benchmark, evaluate, fit


@pytest.fixture(scope="module")
def digits() -> Any:
    return tuple(Subset(mc.datasets.Digits(train=train).tensors(), range(400)) for train in (True, False))


def figures(rows: Any) -> list[tuple[Any, ...]]:
    return [(row.name, row.accuracy, row.loss, row.parameters, row.history.column("loss")) for row in rows]


def test_it_is_deterministic_and_the_order_of_the_models_is_nothing(digits: Any) -> None:
    rows = benchmark(digits, ["mlp_relu", "cnn1"], epochs=2, lr=0.1, progress=False)
    again = benchmark(digits, ["cnn1", "mlp_relu"], epochs=2, lr=0.1, progress=False)
    assert figures(rows) == figures(again)[::-1]
    assert figures(benchmark(digits, "cnn1", epochs=2, lr=0.1, seed=1, progress=False)) != figures(rows[1:])


def test_a_row_is_the_training_written_out(digits: Any) -> None:
    (row,) = benchmark(digits, "mlp_tanh", epochs=2, lr=0.1, batch_size=50, seed=4, progress=False)
    mc.manual_seed(4)
    model = mc.models.mlp_tanh()
    loader = DataLoader(digits[0], 50, shuffle=True, generator=mc.Generator().manual_seed(4))
    history = fit(model, loader, mc.optim.SGD(model.parameters(), 0.1), epochs=2, progress=False)
    result = evaluate(model, DataLoader(digits[1], 500))
    assert row.history.column("loss") == history.column("loss")
    assert (row.accuracy, row.loss) == (result.accuracy, result.loss)
    assert row.parameters == 784 * 100 + 100 + 100 * 10 + 10
    assert row.seconds == sum(row.history.column("seconds"))
    assert row.images_per_second == pytest.approx(800 / row.seconds)
    assert evaluate(row.model, DataLoader(digits[1], 500)).accuracy == row.accuracy


def test_modules_are_copied_and_functions_called(digits: Any) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    before = module[1].weight.tolist()
    models = {"module": module, "function": lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), "name": "mlp_relu"}
    first, second = (benchmark(digits, models, epochs=1, progress=False) for _ in range(2))
    assert figures(first) == figures(second) and module[1].weight.tolist() == before
    assert [row.name for row in first] == ["module", "function", "name"]
    assert [row.name for row in benchmark(digits, [mc.models.LeNet], epochs=1, progress=False)] == ["LeNet"]


def test_one_dataset_is_split(digits: Any) -> None:
    (row,) = benchmark(digits[0], mc.models.MLP(), epochs=1, lr=0.1, progress=False)
    assert row.name == "MLP"
    test = Subset(digits[0], range(4, 400, 5))
    assert evaluate(row.model, DataLoader(test, 500)).accuracy == row.accuracy


def test_the_table(digits: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rows = benchmark(digits, ["mlp_relu", "mlp_sigmoid"], epochs=1)
    out = capsys.readouterr().out
    assert out.endswith(f"{rows}\n") and "mlp_sigmoid:\nepoch 1/1" in out
    first = rows.markdown().splitlines()[2]
    assert first == (f"| mlp_relu | {rows[0].accuracy:.2%} | {rows[0].loss:.4f} | {rows[0].seconds:.1f} s | "
                     f"{rows[0].images_per_second:,.0f} | 79,510 |")  # fmt: skip


@pytest.mark.parametrize(
    ("models", "message"),
    [([], "no models"), (["lenet", "lenet"], "two models have one name"), ("lenot", "no model 'lenot'"),
     ({"a": lambda: 3}, "makes no model")],
)  # fmt: skip
def test_wrong_models(digits: Any, models: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        benchmark(digits, models, epochs=1, progress=False)
