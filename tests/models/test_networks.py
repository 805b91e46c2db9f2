"""Every network: published parameter counts, names and shapes; the reference's outputs and initial weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.errors import OptionError
from minicnn.models.registry import MODELS
from tests.models.cases import INPUTS, REFERENCE, SEED, SEEDED, Array, digest, fill_all, listing, make_input, sample

# As published with torchvision, timm and the others; those of the documents' networks, counted by hand.
PARAMETERS = {
    "mlp_relu": 784 * 100 + 100 + 100 * 10 + 10,
    "cnn1": 25 * 16 + 16 + 3136 * 10 + 10,
    "cnn2": 25 * 16 + 16 + 16 * 25 * 32 + 32 + 1568 * 10 + 10,
    "cnn2_bn": 25 * 16 + 16 + 16 * 25 * 32 + 32 + 1568 * 10 + 10 + 2 * (16 + 32),
    "lenet": (6 * 9 + 6) + (16 * 6 * 25 + 16) + (400 * 120 + 120) + (120 * 84 + 84) + (84 * 10 + 10),
    "lenet_sigmoid": 61_706,
    "nin": 1_992_166,
    "unet": 7_763_041,
    "dcgan_generator": 3_576_704,
    "alexnet": 61_100_840,
    "vgg11": 132_863_336,
    "vgg11_bn": 132_868_840,
    "vgg13": 133_047_848,
    "vgg13_bn": 133_053_736,
    "vgg16": 138_357_544,
    "vgg16_bn": 138_365_992,
    "vgg19": 143_667_240,
    "vgg19_bn": 143_678_248,
    "inception_v3": 27_161_264,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "resnext50_32x4d": 25_028_904,
    "resnext101_32x8d": 88_791_336,
    "resnext101_64x4d": 83_455_272,
    "wide_resnet50_2": 68_883_240,
    "wide_resnet101_2": 126_886_696,
    "densenet121": 7_978_856,
    "densenet161": 28_681_000,
    "densenet169": 14_149_480,
    "densenet201": 20_013_928,
    "squeezenet1_0": 1_248_424,
    "squeezenet1_1": 1_235_496,
    "mobilenet_v1": 4_231_976,
    "mobilenet_v2": 3_504_872,
    "mobilenet_v3_large": 5_483_032,
    "mobilenet_v3_small": 2_542_856,
    "shufflenet_v2_x0_5": 1_366_792,
    "shufflenet_v2_x1_0": 2_278_604,
    "shufflenet_v2_x1_5": 3_503_624,
    "shufflenet_v2_x2_0": 7_393_996,
    "efficientnet_b0": 5_288_548,
    "nasnetalarge": 88_753_150,
    "pnasnet5large": 86_057_668,
}


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.fixture(scope="module")
def reference() -> dict[str, Array]:
    with np.load(REFERENCE) as stored:
        return dict(stored)


@pytest.fixture(scope="module", params=INPUTS)
def named(request: pytest.FixtureRequest) -> Iterator[tuple[str, nn.Module]]:
    """A network whose initial values are not drawn: they are overwritten anyway, and some networks have many."""
    with pytest.MonkeyPatch.context() as patch:
        for draw in ("uniform_", "normal_", "trunc_normal_"):
            patch.setattr(nn.init, draw, lambda tensor, *_, **__: tensor)
        network = mc.models.get_model(request.param)
    yield request.param, network


def test_parameters_have_the_published_names_and_shapes(
    named: tuple[str, nn.Module], reference: dict[str, Array],
) -> None:  # fmt: skip
    name, network = named
    expected = reference[f"{name}/listing"].tobytes().decode().splitlines()
    assert listing({k: v.shape for k, v in network.state_dict().items()}).splitlines() == expected
    if name in PARAMETERS:
        assert count(network) == PARAMETERS[name]


def test_outputs_equal_the_reference(named: tuple[str, nn.Module], reference: dict[str, Array]) -> None:
    name, network = named
    fill_all(network)
    for mode in ("eval", "train"):
        mc.manual_seed(SEED)
        with mc.no_grad():
            outputs = network.train(mode == "train")(mc.tensor(make_input(name)))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        expected = np.split(reference[f"{name}/{mode}"], len(outputs))
        for output, numbers in zip(outputs, expected, strict=True):
            assert np.abs(sample(output.cpu().numpy()) - numbers).max() <= 1e-4 * numbers[-1], mode


@pytest.mark.parametrize("name", SEEDED)
def test_the_same_seed_gives_the_same_initial_weights(name: str, reference: dict[str, Array]) -> None:
    mc.manual_seed(SEED)
    network = mc.models.get_model(name)
    found = np.stack([digest(parameter.detach().cpu().numpy()) for parameter in network.parameters()])
    np.testing.assert_allclose(found, reference[f"{name}/init"], rtol=1e-5, atol=1e-7)


def test_every_network_is_compared() -> None:
    assert mc.models.list_models() == sorted(INPUTS)


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_cifar_resnets_have_the_papers_sizes(depth: int, millions: float) -> None:
    found = count(mc.models.get_model(f"resnet{depth}")) / 1e6
    assert round(found, 2 if depth < 110 else 1) == millions


def test_a_cifar_resnet_with_convolutions_as_shortcuts() -> None:
    network = mc.models.resnet20(shortcut="B")
    # Two 1 × 1 convolutions with batch norm more than option A.
    assert count(network) - count(mc.models.resnet20()) == 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    assert network(mc.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_googlenet_with_and_without_heads() -> None:
    assert count(mc.models.googlenet(init_weights=False)) == 13_004_888
    assert count(mc.models.googlenet(init_weights=False, aux_logits=False)) == 6_624_904


def test_training_googlenet_gives_the_scores_of_its_heads() -> None:
    network = mc.models.googlenet(num_classes=5, init_weights=False)
    outputs = network(mc.randn(2, 3, 64, 64))
    assert outputs.logits.shape == outputs.aux_logits1.shape == outputs.aux_logits2.shape == (2, 5)
    sum(outputs).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert network.eval()(mc.randn(1, 3, 64, 64)).shape == (1, 5)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_images_normalised_for_imagenet_are_normalised_anew(name: str) -> None:
    mc.manual_seed(0)
    network = mc.models.get_model(name, num_classes=3, transform_input=True, init_weights=False).eval()
    x = mc.rand(1, 3, 75, 75)
    mean, std = (mc.tensor(v).reshape(1, 3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    given = network((x - mean) / std)
    network.transform_input = False
    assert mc.allclose(given, network((x - 0.5) / 0.5), atol=1e-5)


@pytest.mark.parametrize("name", ["vgg11", "resnet18", "densenet121", "mobilenet_v2", "inception_v3", "nin", "lenet"])
def test_another_number_of_classes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for draw in ("uniform_", "normal_", "trunc_normal_"):
        monkeypatch.setattr(nn.init, draw, lambda tensor, *_, **__: tensor)
    head = list(mc.models.get_model(name, num_classes=7).parameters())[-1]
    assert head.shape == (7,)


def test_every_network_is_found_by_its_name_in_the_room() -> None:
    for name in mc.models.list_models():
        assert getattr(mc.models, name) is MODELS[name]
    assert isinstance(mc.models.lenet(), mc.models.LeNet)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(OptionError, match=r"no model 'resnet_18'(.|\n)*try   resnet18"):
        mc.models.get_model("resnet_18")


@pytest.mark.parametrize(("options", "message"), [({"shortcut": "C"}, "shortcut"), ({"num_class": 3}, "num_class")])
def test_wrong_options(options: dict[str, object], message: str) -> None:
    with pytest.raises((OptionError, TypeError), match=message):
        mc.models.get_model("resnet20", **options)
