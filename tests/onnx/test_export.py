"""What an exported file is called, holds and leaves behind; sizes that are free; what cannot be exported, in words."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.autograd import Function
from minicnn.autograd.mode import mode
from minicnn.backend import backend_of
from minicnn.errors import MissingPackageError, OptionError
from minicnn.nn import functional as F
from minicnn.onnx.table import CONVERTERS
from tests.onnx.runtime import assert_same, kinds, outputs, run

onnx = pytest.importorskip("onnx", reason='pip install "minicnn[onnx]"')


class Of(nn.Module):
    """A network of one function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: mc.Tensor, *others: Any, **options: Any) -> Any:
        return self.function(x, *others, **options)


class Scores(NamedTuple):
    best: mc.Tensor
    all: mc.Tensor


class Small(nn.Module):
    """A convolution, and a block that is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.block = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.Dropout(0.5))
        self.head = nn.Linear(4, 2)

    def forward(self, image: mc.Tensor) -> mc.Tensor:
        x = self.stem(image)
        x = x + self.block(self.block(x))
        return self.head(x.mean((2, 3)))


@pytest.fixture
def small() -> Small:
    mc.manual_seed(0)
    return Small()


def images(*shape: int) -> mc.Tensor:
    return mc.tensor(np.random.RandomState(sum(shape)).standard_normal(shape).astype("float32"))


def dims(entries: Any) -> list[list[int | str]]:
    return [[d.dim_param or d.dim_value for d in entry.type.tensor_type.shape.dim] for entry in entries]


def test_the_file_holds_what_the_function_returns(small: Small, tmp_path: Path) -> None:
    path = tmp_path / "new" / "small.onnx"
    exported = mc.onnx.export(small, images(1, 3, 8, 8), path)
    assert onnx.load(path) == exported
    assert [p.name for p in path.parent.iterdir()] == ["small.onnx"]
    onnx.checker.check_model(str(path), full_check=True)


def test_a_failure_leaves_the_old_file(small: Small, tmp_path: Path) -> None:
    path = tmp_path / "small.onnx"
    path.write_text("old")
    with pytest.raises(OptionError):
        mc.onnx.export(Of(lambda x: x.median()), images(2, 3), path)
    assert path.read_text() == "old" and len([*tmp_path.iterdir()]) == 1


def test_names_are_those_of_the_network(small: Small) -> None:
    exported = mc.onnx.export(small, images(1, 3, 8, 8))
    graph = exported.graph
    assert (graph.name, exported.producer_name, exported.opset_import[0].version) == ("Small", "minicnn", 18)
    assert [node.name for node in graph.node] == [
        "stem.0/Conv", "stem.1/BatchNormalization", "stem.2/Relu", "block.0/Conv", "block.0/Conv_1", "Add",
        "ReduceMean", "head/Gemm",
    ]  # fmt: skip
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for name, tensor in small.state_dict().items():
        if name != "stem.1.num_batches_tracked":
            np.testing.assert_array_equal(stored.pop(name), tensor.cpu().numpy())
    assert [a.tolist() for a in stored.values()] == [[2, 3]]  # the axes of the mean
    assert [entry.name for entry in (*graph.input, *graph.output)] == ["image", "output"]


def test_inputs_and_outputs_have_the_given_names(small: Small) -> None:
    exported = mc.onnx.export(small, images(2, 3, 8, 8), input_names=["pixels"], output_names=["scores"],
                              dynamic_axes={"pixels": {0: "N"}, "scores": {0: "M"}})
    assert [entry.name for entry in (*exported.graph.input, *exported.graph.output)] == ["pixels", "scores"]
    assert dims(exported.graph.input) == [["N", 3, 8, 8]] and dims(exported.graph.output) == [["M", 2]]


@pytest.mark.parametrize(("made", "names"), [
    (lambda x: (x + 1, x + 2), ["output_0", "output_1"]),
    (lambda x: Scores(x.amax(1), x + 1), ["best", "all"]),
    (lambda x: {"a": x + 1, "b": x + 2}, ["a", "b"]),
])
def test_several_outputs(made: Any, names: list[str]) -> None:
    exported = mc.onnx.export(Of(made), images(2, 3))
    assert [entry.name for entry in exported.graph.output] == names


def test_an_output_that_is_an_input_a_constant_or_another_output() -> None:
    def made(x: mc.Tensor) -> Any:
        y = x * 2
        return x, y, y, mc.ones(3)

    exported = mc.onnx.export(Of(made), images(2, 3), dynamic_axes="batch")
    x = images(4, 3)
    assert_same(run(exported, x), [t.cpu().numpy() for t in made(x)])


def test_several_inputs_and_arguments_by_name() -> None:
    network = Of(lambda x, y, power, *, scale: (x + y) ** power * scale)
    exported = mc.onnx.export(network, (images(2, 3), images(2, 1), 3), kwargs={"scale": images(1, 3)},
                              input_names=["a", "b", "c"], dynamic_axes={"a": [0], "b": {0: "a_dynamic_axes_1"}})
    tensors = images(5, 3), images(5, 1), images(1, 3)
    assert_same(run(exported, *tensors), [((tensors[0] + tensors[1]) ** 3 * tensors[2]).cpu().numpy()])
    assert dims(exported.graph.input) == [["a_dynamic_axes_1", 3], ["a_dynamic_axes_1", 1], [1, 3]]


def test_sizes_are_fixed_unless_they_are_named(small: Small) -> None:
    exported = mc.onnx.export(small, images(1, 3, 8, 8))
    assert dims(exported.graph.input) == [[1, 3, 8, 8]] and dims(exported.graph.output) == [[1, 2]]
    assert_same(run(exported, images(1, 3, 8, 8)), outputs(small, images(1, 3, 8, 8)))


def test_heights_and_widths_may_be_free() -> None:
    mc.manual_seed(0)
    network = mc.models.get_model("unet")
    free = {0: "batch", 2: "height", 3: "width"}
    exported = mc.onnx.export(network, images(1, 3, 16, 16), dynamic_axes={"x": free})
    assert dims(exported.graph.output) == [["batch", 1, "height", "width"]]
    assert_same(run(exported, images(2, 3, 48, 32)), outputs(network, images(2, 3, 48, 32)))


@pytest.mark.parametrize("function", [
    lambda x: F.interpolate(x, scale_factor=2, mode="bilinear").flatten(2),
    lambda x: F.interpolate(F.pad(x, (1, 2, 0, 1), mode="reflect"), size=(5, 6), mode="bilinear"),
    lambda x: F.pixel_shuffle(x, 2),
    lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True)[:, :, 1:-1],
    lambda x: F.adaptive_avg_pool2d(F.conv2d(x, mc.ones(2, 4, 3, 3), stride=2), 1),
    lambda x: F.group_norm(x, 2) + x.mean((2, 3), keepdim=True).expand_as(x),
])
def test_what_depends_on_free_sizes(function: Any) -> None:
    network = Of(function)
    exported = mc.onnx.export(network, images(1, 4, 10, 10), dynamic_axes={"x": {0: "n", 2: "h", 3: "w"}})
    assert_same(run(exported, images(3, 4, 14, 8)), outputs(network, images(3, 4, 14, 8)), 1e-5)


def test_a_size_that_follows_from_free_ones_is_named_after_its_place() -> None:
    exported = mc.onnx.export(nn.Conv2d(3, 2, 3), images(1, 3, 8, 8), dynamic_axes={"input": {2: "h"}})
    assert dims(exported.graph.output) == [[1, 2, "output_2", 6]]


def test_the_network_is_left_as_it_was(small: Small) -> None:
    small.train()
    small.stem.eval()
    before = {name: tensor.clone() for name, tensor in small.state_dict().items()}
    mc.onnx.export(small, images(2, 3, 8, 8))
    mc.onnx.export(small.stem, images(2, 3, 8, 8), training=True)
    assert small.training and not small.stem.training and small.head.training and not small.stem[1].training
    assert all(mc.equal(tensor, before[name]) for name, tensor in small.state_dict().items())
    assert mode.watch is None and mc.is_grad_enabled()


def test_training_mode_normalises_by_the_batch() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    exported = mc.onnx.export(network, images(2, 3, 8, 8), training=True, dynamic_axes="batch")
    x = images(5, 3, 8, 8)
    with mc.no_grad():
        assert_same(run(exported, x), [network.train()(x).cpu().numpy()])


def test_half_precision(small: Small) -> None:
    network, x = small.half(), images(2, 3, 8, 8).half()
    assert_same(run(mc.onnx.export(network, x), x), outputs(network, x), 5e-3)


def test_double_precision() -> None:
    network = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Softmax(1)).double()
    x = images(2, 6).double()
    assert_same(run(mc.onnx.export(network, x), x), outputs(network, x), 1e-10)


def test_shared_weights_are_stored_once() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    network[1].weight = network[0].weight
    exported = mc.onnx.export(network, images(2, 3))
    assert [t.name for t in exported.graph.initializer] == ["0.weight", "0.bias", "1.bias"]


def test_operations_that_no_output_needs_are_left_out() -> None:
    def function(x: mc.Tensor) -> mc.Tensor:
        if bool((x > 100).any()):
            raise ValueError
        x.sort()
        return x + 1

    assert kinds(mc.onnx.export(Of(function), images(2, 3))) == ["Add"]


def test_edits_in_place_are_seen_through_views_that_were_taken_before() -> None:
    def function(x: mc.Tensor) -> Any:
        y = x * 2
        part, alias = y[:, 1:], y.detach()
        y.add_(1)
        return part + alias[:, :1], y

    x = images(4, 3)
    assert_same(run(mc.onnx.export(Of(function), images(2, 3), dynamic_axes="batch"), x),
                [t.cpu().numpy() for t in function(x)])


def test_constants_are_those_from_before_an_edit() -> None:
    x = images(2, 3)
    exported = mc.onnx.export(Of(lambda x: mc.ones(2, 3).add_(x).mul_(mc.full((3,), 2.0))), x)
    assert_same(run(exported, x), [((x + 1) * 2).cpu().numpy()])


class Swish(Function):
    def forward(self, x: Any) -> Any:
        return x / (1 + backend_of(x).xp.exp(-x))


def test_operations_of_users_get_converters() -> None:
    network = nn.Sequential(nn.Linear(3, 3), Of(Swish.apply))
    with pytest.raises(OptionError, match=r"Swish in layer 1 \(Of\) has no counterpart(.|\n)*converter\(Swish\)"):
        mc.onnx.export(network, images(2, 3))

    @mc.onnx.converter(Swish)
    def swish(g: Any, x: Any) -> Any:
        return g.op("Mul", x, g.op("Sigmoid", x))

    try:
        exported = mc.onnx.export(network, images(2, 3))
    finally:
        del CONVERTERS[Swish]
    assert [node.name for node in exported.graph.node][1:] == ["1/Sigmoid", "1/Mul"]
    assert_same(run(exported, images(2, 3)), outputs(network, images(2, 3)))


def test_functions_in_pytorchs_form_are_exported_by_what_they_apply() -> None:
    class Double(Function):
        @staticmethod
        def forward(ctx: Any, x: mc.Tensor) -> mc.Tensor:
            return x * 2

    assert kinds(mc.onnx.export(Of(Double.apply), images(2, 3))) == ["Mul"]


def edit_a_part(x: mc.Tensor) -> mc.Tensor:
    y = x * 1
    y[:, 0] = 0
    return y


@pytest.mark.parametrize(("function", "message"), [
    (lambda x: x.median(), r"Median in layer Of has no counterpart"),
    (lambda x: x.sort().values, r"Reorder in layer Of uses a tensor that is no constant"),
    (lambda x: x.argsort(), r"an output uses a tensor that is no constant"),
    (lambda x: x + mc.tensor(x.cpu().numpy().copy()), r"Add in layer Of uses a tensor that is no constant"),
    (lambda x: x + mc.randn(2, 3), r"no constant(.|\n)*noise is not exported"),
    (lambda x: F.dropout(x, training=True), r"no constant"),
    (lambda x: x + 1 if x.mean() > 0.375 else x - 1, r"Add in layer Of, then Sub in layer Of"),
    (lambda x: x * float(x.sum()), r"Mul in layer Of computes with a number that is another(.|\n)*instead of item"),
    (edit_a_part, r"layer Of edits a part of a tensor in place(.|\n)*masked_fill"),
    (lambda x: x[x > 0], r"Index in layer Of picks by several tensors, or by a mask"),
    (lambda x: "text", r"returns what is no tensor"),
    (lambda x: (x, 3), r"returns what is no tensor"),
])
def test_what_cannot_be_exported(function: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        mc.onnx.export(Of(function), mc.tensor([[1.0, 2.0, -1.0], [3.0, 0.5, 1.5]]))
    assert mode.watch is None


@pytest.mark.parametrize(("function", "message"), [
    (lambda x: x / x.shape[0], r"Div in layer Of computes with a number(.|\n)*got   2 or 4"),
    (lambda x: F.interpolate(x[None, None], size=4), r"Resize in layer Of depends on a size that is free"),
    (lambda x: F.adaptive_avg_pool1d(x.T, 2), r"AdaptiveAvgPool in layer Of depends on a size that is free"),
    (lambda x: x.roll(1, 0), r"Roll in layer Of depends on a size that is free"),
    (lambda x: x.reshape(x.shape[0] // 2, 2, 3), None),
    (lambda x: mc.cat([x] * x.shape[0]), r"does not compute the same"),
    (lambda x: x.std(0), r"Std in layer Of is over a size that is free"),
    (lambda x: x + mc.arange(float(x.shape[0])).unsqueeze(1), r"no constant"),
])
def test_what_a_free_batch_does_not_allow(function: Any, message: str | None) -> None:
    if message is None:
        exported = mc.onnx.export(Of(function), images(2, 3), dynamic_axes="batch")
        assert_same(run(exported, images(6, 3)), outputs(Of(function), images(6, 3)))
        return
    with pytest.raises(OptionError, match=message):
        mc.onnx.export(Of(function), images(2, 3), dynamic_axes="batch")
    assert kinds(mc.onnx.export(Of(function), images(2, 3)))


@pytest.mark.parametrize(("options", "message"), [
    ({"model": len}, r"the model is no Module"),
    ({"args": 3}, r"there is no input"),
    ({"opset_version": 11}, r"opset 11 is not written(.|\n)*17 to 21"),
    ({"input_names": ["a", "b"]}, r"the names do not fit 1 inputs"),
    ({"output_names": ["a", "b"]}, r"2 names for 1 outputs(.|\n)*output_names=\['output'\]"),
    ({"dynamic_axes": {"y": {0: "n"}}, "output_names": ["z"]}, r"names of inputs \(input\) or outputs"),
    ({"dynamic_axes": {"input": {2: "n"}}}, r"axes of input, which has 2"),
    ({"dynamic_axes": ["batch"]}, r"a name for the first axis of all inputs, or a dictionary"),
])
def test_wrong_arguments(options: dict[str, Any], message: str) -> None:
    given = {"model": nn.Linear(3, 2), "args": images(2, 3), **options}
    with pytest.raises(OptionError, match=message):
        mc.onnx.export(**given)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"pip install .minicnn\[onnx\]"):
        mc.onnx.export(nn.Linear(3, 2), images(2, 3))


def test_a_network_on_another_device(small: Small, device: str) -> None:
    x = images(2, 3, 8, 8)
    expected = mc.onnx.export(small, x, dynamic_axes="batch")
    assert mc.onnx.export(small.to(device), x.to(device), dynamic_axes="batch") == expected


@pytest.mark.host("two devices at once")
def test_a_number_in_a_cpu_tensor_is_a_constant(device: str) -> None:
    x, scale = mc.randn(4, 6), mc.tensor(3.0)
    expected = mc.onnx.export(Of(lambda x: x * scale), x)
    assert mc.onnx.export(Of(lambda x: x * scale), x.to(device)) == expected


def test_indices_on_another_device_are_seen(device: str) -> None:
    model = nn.Sequential(Of(lambda x: (x > 0).long()), nn.Embedding(2, 3)).to(device)
    data = mc.onnx.export(model, mc.randn(4, 6).to(device))
    x = mc.randn(4, 6).to(device)
    (found,) = run(data, x)
    assert found.tolist() == model(x).tolist()
