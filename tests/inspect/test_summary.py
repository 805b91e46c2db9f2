"""summary: published totals, hand-counted layers, shared layers once, and its forms."""

from __future__ import annotations

import os

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.errors import DtypeError, OptionError
from minicnn.inspect import Row, summary
from minicnn.nn import functional as F

# Parameters and multiply-adds (in 10⁹, three decimals) as torchvision's documentation lists them with its weights
# ("num_params" and "GFLOPS", which are multiply-adds); of mobilenet_v1 as in its paper, table 8 (569 million, 4.2 M).
PUBLISHED = {
    "alexnet": (61_100_840, 0.714),
    "resnet18": (11_689_512, 1.814),
    "squeezenet1_0": (1_248_424, 0.819),
    "squeezenet1_1": (1_235_496, 0.349),
    "mobilenet_v1": (4_231_976, 0.569),
    "mobilenet_v2": (3_504_872, 0.301),
    "mobilenet_v3_large": (5_483_032, 0.217),
    "mobilenet_v3_small": (2_542_856, 0.057),
    "shufflenet_v2_x1_0": (2_278_604, 0.145),
    "efficientnet_b0": (5_288_548, 0.386),
    "densenet121": (7_978_856, 2.834),
}


# Of the same source, for MINICNN_LONG=1: they take minutes.
LARGE = {
    "vgg11": (132_863_336, 7.609),
    "vgg11_bn": (132_868_840, 7.609),
    "vgg13": (133_047_848, 11.308),
    "vgg16": (138_357_544, 15.470),
    "vgg19": (143_667_240, 19.632),
    "resnet34": (21_797_672, 3.664),
    "resnet50": (25_557_032, 4.089),
    "resnet101": (44_549_160, 7.801),
    "resnet152": (60_192_808, 11.514),
    "resnext50_32x4d": (25_028_904, 4.230),
    "resnext101_32x8d": (88_791_336, 16.414),
    "resnext101_64x4d": (83_455_272, 15.460),
    "wide_resnet50_2": (68_883_240, 11.398),
    "wide_resnet101_2": (126_886_696, 22.753),
    "densenet161": (28_681_000, 7.728),
    "densenet169": (14_149_480, 3.360),
    "densenet201": (20_013_928, 4.291),
    "shufflenet_v2_x0_5": (1_366_792, 0.040),
    "shufflenet_v2_x1_5": (3_503_624, 0.296),
    "shufflenet_v2_x2_0": (7_393_996, 0.583),
}


@pytest.mark.skipif(not os.environ.get("MINICNN_LONG"), reason="it takes minutes; MINICNN_LONG=1 runs it")
@pytest.mark.parametrize("name", LARGE)
def test_totals_of_large_networks_are_the_published_ones(name: str) -> None:
    found = summary(mc.models.get_model(name), (1, 3, 224, 224), depth=1)
    assert (found.parameters, round(found.multiply_adds / 1e9, 3)) == LARGE[name]


@pytest.mark.skipif(not os.environ.get("MINICNN_LONG"), reason="it takes minutes; MINICNN_LONG=1 runs it")
def test_totals_of_inception_are_the_published_ones() -> None:
    found = summary(mc.models.inception_v3(), (1, 3, 299, 299), depth=1)
    assert (found.parameters, round(found.multiply_adds / 1e9, 3)) == (27_161_264, 5.713)


@pytest.mark.parametrize("name", PUBLISHED)
def test_totals_are_the_published_ones(name: str) -> None:
    parameters, multiply_adds = PUBLISHED[name]
    found = summary(mc.models.get_model(name), (1, 3, 224, 224), depth=1)
    assert found.parameters == found.trainable == parameters == sum(row.parameters for row in found.rows)
    assert round(found.multiply_adds / 1e9, 3) == multiply_adds
    assert found.idle == 0


def test_auxiliary_heads_do_not_run_and_are_said_to_be_idle() -> None:
    """GoogLeNet: 6,624,904 parameters and 1.498 · 10⁹ multiply-adds are published, without the training's heads."""
    found = summary(mc.models.googlenet(), (1, 3, 224, 224), depth=1)
    assert found.parameters - found.idle == 6_624_904
    assert round(found.multiply_adds / 1e9, 3) == 1.498


def test_the_layers_of_lenet_by_hand() -> None:
    found = summary(mc.models.get_model("lenet"), mc.zeros(2, 1, 28, 28))
    assert [(row.name, row.output, row.parameters, row.multiply_adds, row.memory, str(row.field))
            for row in found.rows] == [
        ("layer1.conv1", (2, 6, 28, 28), 6 * 9 + 6, 2 * 6 * 784 * 9, 2 * 6 * 784 * 4, "3"),
        ("layer1.pool1", (2, 6, 14, 14), 0, 0, 2 * 6 * 196 * 4, "4"),
        ("layer2.conv2", (2, 16, 10, 10), 16 * 150 + 16, 2 * 1600 * 150, 2 * 1600 * 4, "12"),
        ("layer2.pool2", (2, 16, 5, 5), 0, 0, 2 * 400 * 4, "14"),
        ("layer3.fc1", (2, 120), 400 * 120 + 120, 2 * 400 * 120, 2 * 120 * 4, "all"),
        ("layer3.fc2", (2, 84), 120 * 84 + 84, 2 * 120 * 84, 2 * 84 * 4, "all"),
        ("layer3.fc3", (2, 10), 84 * 10 + 10, 2 * 84 * 10, 2 * 10 * 4, "all"),
    ]  # fmt: skip
    assert found.memory == sum(row.memory for row in found.rows)
    assert found.parameter_memory == 61_610 * 4


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.spare = nn.Linear(5, 2)

    def forward(self, x: mc.Tensor) -> mc.Tensor:
        y = F.relu(self.bn(self.conv(self.conv(x))))
        return F.max_pool2d(x + y, 2).flatten(1)


def test_a_shared_layer_is_counted_once_and_runs_twice() -> None:
    found = summary(Shared(), (1, 4, 8, 8))
    own = 4 * 4 * 9 + 4
    assert [(row.name, row.kind, row.parameters, row.shared) for row in found.rows] == [
        ("conv", "Conv2d", own, False), ("conv", "Conv2d", 0, True), ("bn", "BatchNorm2d", 8, False),
        ("", "relu", 0, False), ("", "add", 0, False), ("", "maxpool", 0, False),
    ]  # fmt: skip
    assert (found.parameters, found.idle, found.buffers) == (own + 8 + 12, 12, 9)
    assert found.multiply_adds == 2 * 4 * 64 * 36
    assert "(shared)" in str(found)


def test_tied_weights_are_counted_once() -> None:
    net = nn.Sequential(nn.Linear(6, 6, bias=False), nn.ReLU(), nn.Linear(6, 6, bias=False))
    net[2].weight = net[0].weight
    assert [row.parameters for row in summary(net, (3, 6)).rows] == [36, 0, 0]
    assert summary(net, (3, 6)).parameters == 36


def test_folding_keeps_the_totals_and_memory_in_place_costs_nothing() -> None:
    block = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Dropout(), nn.Flatten())
    net = nn.Sequential(block, nn.Linear(4 * 36, 2))
    whole, folded = summary(net, (1, 3, 8, 8)), summary(net, (1, 3, 8, 8), depth=1)
    assert [row.memory for row in whole.rows] == [4 * 36 * 4, 0, 0, 0, 8]
    assert [(row.name, row.kind, row.output) for row in folded.rows] == [
        ("0", "Sequential", (1, 144)), ("1", "Linear", (1, 2))]
    assert (folded.parameters, folded.multiply_adds, folded.memory) == (
        whole.parameters, whole.multiply_adds, whole.memory)  # fmt: skip


def test_a_transposed_convolution_multiplies_each_input_by_its_kernels() -> None:
    (row,) = summary(nn.ConvTranspose2d(3, 5, 4, stride=2, padding=1), (1, 3, 8, 8)).rows
    assert (row.output, row.multiply_adds) == ((1, 5, 16, 16), 3 * 64 * 5 * 16)


def test_the_model_is_left_as_it_was() -> None:
    net = Shared().train()
    net.bn.eval()
    state = mc.get_rng_state()
    summary(net, (2, 4, 8, 8))
    assert (net.training, net.bn.training, net.bn.num_batches_tracked.item()) == (True, False, 0)
    assert (mc.get_rng_state() == state).all()
    assert all(p.grad is None for p in net.parameters())


def test_text_markdown_and_html() -> None:
    found = summary(nn.Conv2d(1, 2, 3), (1, 1, 5, 5))
    assert str(found).splitlines()[0].split() == [
        "layer", "kind", "output", "parameters", "multiply-adds", "memory", "field"]
    assert "Conv2d  1 × 2 × 3 × 3          20            162    72 B      3" in str(found)
    assert "|  | Conv2d | 1 × 2 × 3 × 3 | 20 | 162 | 72 B | 3 |" in found.markdown()
    assert "<td>Conv2d</td><td>1 × 2 × 3 × 3</td><td>20</td><td>162</td><td>72 B</td><td>3</td>" in found.html()
    assert found._repr_html_() == found.html()


def test_show_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    summary(nn.Conv2d(1, 2, 3), (1, 1, 5, 5)).show()
    assert "multiply-adds: 162" in capsys.readouterr().out


def test_rows_are_told_of_sequences_too() -> None:
    found = summary(nn.Sequential(nn.Conv1d(2, 3, 5), nn.ReLU(), nn.MaxPool1d(2)), (1, 2, 20))
    assert [row.output for row in found.rows] == [(1, 3, 16), (1, 3, 16), (1, 3, 8)]
    assert [str(row.field) for row in found.rows] == ["1×5", "1×5", "1×6"]
    assert found.multiply_adds == 3 * 16 * 2 * 5


def test_what_cannot_be_summed_up_is_said() -> None:
    with pytest.raises(DtypeError, match="no model"):
        summary(nn.Linear, (1, 3))  # type: ignore[arg-type]  # what is wrong is the point
    with pytest.raises(OptionError, match="no input"):
        summary(nn.Linear(3, 2))
    with pytest.raises(OptionError, match="no depth"):
        summary(nn.Linear(3, 2), (1, 3), depth=-1)


def test_a_row_is_a_record() -> None:
    row = Row("a", "Linear", (1, 2), 3, False, 4, 5, None)
    assert row.cells() == ("a", "Linear", "1 × 2", "3", "4", "5 B", "-")
