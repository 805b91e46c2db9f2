"""torchvision's ways to ask for published weights, and Torch Hub's. The files are small ones, served on the spot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import minicnn as mc
from minicnn.compat import pretrained, repositories
from minicnn.errors import DataError, MissingAttributeError, OptionError, StateError
from tests.web import Server, serving

NAMES = ("googlenet", "inception_v3", "densenet121", "squeezenet1_1", "mobilenet_v2")


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    monkeypatch.setenv("MINICNN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving({}) as server:
        monkeypatch.setattr(pretrained, "ADDRESS", server.url("/"))
        yield server


@pytest.fixture
def publish(web: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A function that serves a network's weights under the name of its first, second, … file."""
    for draw in ("uniform_", "normal_", "trunc_normal_"):
        monkeypatch.setattr(mc.nn.init, draw, lambda tensor, *_, **__: tensor)

    def serve(name: str, state: dict[str, mc.Tensor], version: int = 0) -> None:
        files = [f"{name}_{i}.pth" for i in range(len(pretrained.FILES[name]))]
        monkeypatch.setitem(pretrained.FILES, name, tuple(files))
        mc.save(state, tmp_path / files[version])
        web.files[f"/{files[version]}"] = (tmp_path / files[version]).read_bytes()

    return serve


def filled(model: mc.nn.Module, value: float) -> dict[str, mc.Tensor]:
    return {name: mc.full_like(tensor, value) for name, tensor in model.state_dict().items()}


def test_every_published_network_is_minicnns() -> None:
    assert set(pretrained.FILES) <= set(mc.models.list_models())
    for files in pretrained.FILES.values():
        assert all(mc.hub._HASHED.search(file) for file in files) and len(set(files)) == len(files)


@pytest.mark.parametrize(
    ("weights", "version"),
    [("IMAGENET1K_V1", 0), ("IMAGENET1K_V2", 1), ("DEFAULT", 1), ("enum", 1), (True, 0), ("pretrained", 0)],
)
def test_ways_to_ask_for_weights(weights: object, version: int, publish: Any) -> None:
    publish("mobilenet_v2", filled(mc.models.mobilenet_v2(), 2.0 + version), version)
    pretrained.weights_of.cache_clear()
    if weights == "pretrained":
        with pytest.warns(UserWarning, match="the old way"):
            model = pretrained.mobilenet_v2(pretrained=True)
    elif weights is True:
        with pytest.warns(UserWarning, match="the old way"):
            model = pretrained.mobilenet_v2(True)
    else:
        enum = pretrained.MobileNet_V2_Weights
        model = pretrained.mobilenet_v2(weights=enum.DEFAULT if weights == "enum" else weights)
    assert all((tensor == 2 + version).all() for tensor in model.state_dict().values())


def test_without_weights_nothing_is_fetched(web: Server, publish: Any) -> None:
    for model in (pretrained.squeezenet1_1(), pretrained.squeezenet1_1(False), pretrained.squeezenet1_1(weights=None),
                  pretrained.get_model("squeezenet1_1", num_classes=3)):  # fmt: skip
        assert isinstance(model, mc.models.SqueezeNet)
    assert isinstance(pretrained.get_model("lenet"), mc.models.LeNet) and web.asked == []


@pytest.mark.parametrize(
    ("name", "options", "heads"),
    [("googlenet", {}, False), ("googlenet", {"aux_logits": True}, True), ("inception_v3", {}, True),
     ("inception_v3", {"aux_logits": False}, False)],
)  # fmt: skip
def test_auxiliary_heads_are_as_in_torchvision(name: str, options: Any, heads: bool, publish: Any) -> None:
    publish(name, filled(mc.models.get_model(name), 1.0))
    model = pretrained.builder(name)(weights="DEFAULT", **options)
    assert model.transform_input is True and model.aux_logits is heads
    assert any("aux" in key.lower() for key in model.state_dict()) is heads


def test_the_old_names_of_dense_layers(publish: Any) -> None:
    state = filled(mc.models.densenet121(), 1.0)
    old = {name.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): value for name, value in state.items()}
    assert old.keys() != state.keys()
    publish("densenet121", old)
    assert pretrained.densenet121(weights="DEFAULT").state_dict().keys() == state.keys()


def test_wrong_requests(publish: Any, web: Server) -> None:
    with pytest.raises(OptionError, match=r"(?s)resnet18: unknown weights.*one of IMAGENET1K_V1, DEFAULT"):
        pretrained.resnet18(weights="IMAGENET1K_V2")
    with pytest.raises(OptionError, match="unknown weights"):
        pretrained.resnet18(weights=pretrained.AlexNet_Weights.DEFAULT)
    with pytest.raises(AttributeError):
        pretrained.ResNet19_Weights
    with pytest.raises(DataError, match="404"):
        pretrained.squeezenet1_1(weights="DEFAULT")
    publish("squeezenet1_1", filled(mc.models.squeezenet1_1(), 1.0))
    with pytest.raises(StateError, match=r"classifier\.1\.weight"):
        pretrained.squeezenet1_1(weights="DEFAULT", num_classes=3)


def test_enums_of_weights() -> None:
    enum = pretrained.ResNet50_Weights
    assert [str(member) for member in enum] == ["ResNet50_Weights.IMAGENET1K_V1", "ResNet50_Weights.IMAGENET1K_V2"]
    assert enum.DEFAULT is enum.IMAGENET1K_V2 and enum is pretrained.ResNet50_Weights
    assert enum["IMAGENET1K_V1"].url == "https://download.pytorch.org/models/resnet50-0676ba61.pth"
    with pytest.raises(MissingAttributeError, match="classes are not in minicnn"):
        enum.DEFAULT.meta


@pytest.mark.parametrize(
    ("name", "size", "crop"),
    [("ResNet50_Weights", 232, 224), ("AlexNet_Weights", 256, 224), ("Inception_V3_Weights", 342, 299),
     ("EfficientNet_B0_Weights", 256, 224)],
)  # fmt: skip
def test_what_weights_expect_of_images(name: str, size: int, crop: int) -> None:
    steps = getattr(pretrained, name).DEFAULT.transforms()
    assert repr(steps).count("\n") == 5 and f"Resize(size={size}, interpolation=bi" in repr(steps)
    assert ("bicubic" in repr(steps)) is name.startswith("Eff") and f"CenterCrop(size=({crop}, {crop}))" in repr(steps)
    image = pytest.importorskip("PIL.Image", reason='pip install "minicnn[vision]"').new("RGB", (400, 350), (255, 0, 0))
    x = steps(image)
    assert x.shape == (3, crop, crop)
    assert x[:, 5, 5].tolist() == pytest.approx([(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225], abs=1e-5)


def test_torch_hub(publish: Any, tmp_path: Path) -> None:
    publish("squeezenet1_1", filled(mc.models.squeezenet1_1(), 3.0))
    model = repositories.load("pytorch/vision:v0.10.0", "squeezenet1_1", weights="DEFAULT")
    assert (next(model.parameters()) == 3).all()
    assert repositories.list("pytorch/vision") == sorted(pretrained.FILES)
    with pytest.raises(OptionError, match=r"(?s)no 'resnet_18' of pytorch/vision.*resnet18"):
        repositories.load("pytorch/vision", "resnet_18")
    with pytest.raises(OptionError, match=r"github\.com/owner/name"):
        repositories.load("owner/name", "net")
    (tmp_path / "hubconf.py").write_text("def net(n):\n    from minicnn import nn\n    return nn.Linear(n, 1)\n")
    assert repositories.load(str(tmp_path), "net", 3, source="local").in_features == 3
    assert repositories.list(str(tmp_path)) == ["net"]
    assert repositories.load_url is mc.hub.load_state_dict_from_url
