"""A watch is told of every operation, edits in place included, and of the layers that run."""

from __future__ import annotations

from typing import Any

import minicnn as mc
from minicnn import nn
from minicnn.autograd.mode import _Switch, mode
from minicnn.autograd.watch import Watch


class Notes(Watch):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def applied(self, node: Any, inputs: Any, arrays: Any, options: Any, results: Any) -> None:
        self.seen.append((node.name, self.path, len(inputs), options, results[0] is inputs[0]))

    def editing(self, target: mc.Tensor) -> None:
        self.seen.append(("editing", target.tolist()))

    def written(self, target: mc.Tensor, result: mc.Tensor) -> None:
        self.seen.append(("written", target.tolist(), result.tolist()))


def test_operations_are_told_with_their_options_and_layers() -> None:
    notes = Notes()
    network = nn.Sequential(nn.Sequential(nn.Softmax(1)), nn.ReLU(inplace=True))
    with _Switch(watch=notes):
        network(mc.zeros(1, 2))
    assert mode.watch is None
    assert notes.seen == [
        ("Softmax", "0.0", 1, {"dim": 1}, False), ("editing", [[0.5, 0.5]]), ("ReLU", "1", 1, {}, True),
    ]  # fmt: skip
    assert notes.layers == [] and notes.place == "no layer"


def test_edits_that_no_operation_makes_are_told() -> None:
    notes, x = Notes(), mc.tensor([1.0, 4.0])
    with _Switch(watch=notes):
        x.sqrt_()
    assert notes.seen == [("Sqrt", "", 1, {}, False), ("written", [1.0, 2.0], [1.0, 2.0])]
