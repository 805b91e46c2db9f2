"""Receptive fields: by hand, as published, and the same by gradients."""

from __future__ import annotations

import math

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.errors import OptionError, OutOfRangeError
from minicnn.inspect import measured_field, receptive_field

# Sizes at the last map. AlexNet, Inception v3 and MobileNet v1 as in table 1 of Araujo, Norris and Sim, "Computing
# receptive fields of convolutional neural networks", Distill, 2019; VGG-11 and ResNet-18 by hand:
# VGG-11: 1 +2 +1 +4 +2 +8+8 +4 +16+16 +8 +32+32 +16 = 150.
# ResNet-18: 7, pool 11, then 4 · 8 = 43, 8 + 3 · 16 = 99, 16 + 3 · 32 = 211, 32 + 3 · 64 = 435.
PUBLISHED = {
    "alexnet": ("features", 195),
    "inception_v3": ("Mixed_7c", 1311),
    "mobilenet_v1": ("blocks", 315),
    "resnet18": ("layer4", 435),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_fields_of_networks_are_the_published_ones(name: str) -> None:
    layer, size = PUBLISHED[name]
    assert receptive_field(mc.models.get_model(name), (1, 3, 96, 96), layer).size == (size, size)


def test_a_chain_by_hand() -> None:
    """7 at stride 2: size 7, jump 2; pool 3 at 2: 7 + 2·2 = 11, jump 4; 3 dilated by 2: 11 + 4·4 = 27."""
    net = nn.Sequential(nn.Conv2d(3, 4, 7, 2, 3), nn.MaxPool2d(3, 2, 1), nn.Conv2d(4, 4, 3, padding=2, dilation=2))
    fields = [receptive_field(net, (1, 3, 64, 64), layer) for layer in ("0", "1", "2")]
    assert [(field.size, field.jump) for field in fields] == [
        ((7, 7), (2, 2)), ((11, 11), (4, 4)), ((27, 27), (4, 4))]
    assert fields[2].region(5, 0, (64, 64)) == ((20 - 5 - 8, 20 + 5 + 8), (0, 13))


def test_fields_that_take_turns() -> None:
    """Doubled by copying, then 3 taps: an even position reads pixels i − 1 and i, an odd one i and i + 1; with 5 taps,
    3 pixels. Behind a halving pool (jump 2, size 2), 3 taps of the doubled map see 2 + 2 pixels."""
    double = nn.Upsample(scale_factor=2)
    assert receptive_field(nn.Sequential(double, nn.Conv2d(1, 1, 3, padding=1)), (1, 1, 8, 8)).size == (2, 2)
    five = receptive_field(nn.Sequential(double, nn.Conv2d(1, 1, 5, padding=2)), (1, 1, 8, 8))
    assert (five.size, five.jump) == ((3, 3), (0.5, 0.5))
    assert [five.rows.at(i) for i in range(4)] == [(-1, 1), (-1, 1), (0, 2), (0, 2)]
    down = nn.Sequential(nn.AvgPool2d(2), nn.ConvTranspose2d(1, 1, 2, stride=2), nn.Conv2d(1, 1, 3))
    assert receptive_field(down, (1, 1, 8, 8)).size == (4, 4)


def test_the_u_net_by_hand() -> None:
    """Down: 5, pool 6, 14, 16, 32, 36, 68, 76, and 140 at jump 16. Up: what is doubled and then met by two 3 × 3 reads
    3 positions, and 4 neighbours in pairs do so alike; that makes 3, 4, 5 and 5 positions of the 140, 16 apart."""
    assert receptive_field(mc.models.get_model("unet"), (1, 3, 32, 32)).size == (140 + 4 * 16,) * 2


def test_what_mixes_everything_sees_everything() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3))
    field = receptive_field(net, (1, 1, 9, 8))
    assert field.size == (math.inf, math.inf)
    assert str(field) == "all"
    assert field.region(0, 0, (9, 8)) == ((0, 8), (0, 7))


WINDOWS = {
    "conv": nn.Conv2d(2, 2, (3, 5), stride=(2, 1), padding=(1, 3), dilation=(2, 1)),
    "even": nn.Conv2d(2, 2, 4, padding="same"),
    "transposed": nn.ConvTranspose2d(2, 2, 4, stride=2, padding=1),
    "transposed 3": nn.Sequential(nn.Conv2d(2, 2, 3, 2), nn.ConvTranspose2d(2, 2, 3, stride=2, output_padding=1)),
    "average": nn.Sequential(nn.AvgPool2d(3, 2, 1), nn.Conv2d(2, 2, 3)),
    "adaptive": nn.AdaptiveAvgPool2d((4, 5)),
    "bilinear": nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(2, 2, 3)),
    "down and up": nn.Sequential(nn.AvgPool2d(2), nn.AvgPool2d(2), nn.ConvTranspose2d(2, 2, 2, 2),
                                 nn.Conv2d(2, 2, 3, padding=1), nn.Upsample(scale_factor=2),
                                 nn.Conv2d(2, 2, 3, padding=1)),
    "reflect": nn.Sequential(nn.ZeroPad2d((1, 2, 3, 4)), nn.Conv2d(2, 2, 3)),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_gradients_fill_what_theory_allows(name: str) -> None:
    """Without ReLUs and maxima everything inside of a field has an influence."""
    mc.manual_seed(0)
    layer, shape = WINDOWS[name], (1, 2, 16, 20)
    field = receptive_field(layer, shape)
    height, width = layer(mc.zeros(*shape)).shape[2:]
    for i, j in ((height // 2, width // 2), (height // 2 - 1, width // 2 + 1)):
        measured = measured_field(layer, shape, position=(i, j))
        assert (measured.rows, measured.columns) == field.region(i, j, shape[2:])


def test_branches_are_united() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.near, self.far = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 5, padding=2)

        def forward(self, x: mc.Tensor) -> mc.Tensor:
            return mc.cat([self.near(x), self.far(x) + x[:, :, :, :]], 1)

    assert receptive_field(Two(), (1, 1, 9, 9)).size == (5, 5)
    assert receptive_field(Two(), (1, 1, 9, 9), "near").size == (1, 1)


def test_a_crop_moves_the_field() -> None:
    class Crop(nn.Module):
        def forward(self, x: mc.Tensor) -> mc.Tensor:
            return x[:, :, 2:, 1::3]

    assert receptive_field(Crop(), (1, 1, 9, 9)).region(0, 2, (9, 9)) == ((2, 2), (7, 7))


def test_influence_is_the_gradient() -> None:
    conv = nn.Conv2d(1, 1, 3, bias=False)
    with mc.no_grad():
        conv.weight.copy_(mc.arange(-4.0, 5.0).reshape(1, 1, 3, 3))
    found = measured_field(conv, (1, 1, 5, 5), position=(0, 2))
    assert found.influence.tolist() == [[0, 0, 4, 3, 2], [0, 0, 1, 0, 1], [0, 0, 2, 3, 4], [0] * 5, [0] * 5]
    assert (found.rows, found.columns, found.size) == ((0, 2), (2, 4), (3, 3))


def test_what_has_no_field_is_said() -> None:
    with pytest.raises(OptionError, match="no image"):
        receptive_field(nn.Linear(3, 2), (4, 3))
    with pytest.raises(OptionError, match="no map"):
        measured_field(nn.Sequential(nn.Flatten(), nn.Linear(9, 2)), (1, 1, 3, 3))
    with pytest.raises(OutOfRangeError, match="outside"):
        measured_field(nn.Conv2d(1, 1, 3), (1, 1, 5, 5), position=(3, 0))
    with pytest.raises(OptionError, match="not in the model"):
        receptive_field(nn.Conv2d(1, 1, 3), (1, 1, 5, 5), nn.ReLU())
    dead = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Threshold(1e9, 0.0))
    with pytest.raises(OptionError, match="zero everywhere"):
        measured_field(dead, (1, 1, 5, 5))
