"""Networks, each family a file that reads like its paper's table.

Parameters have torchvision's names and shapes (timm's for NASNet, PNASNet and MobileNet v1; those of the networks on
PyTorch Hub for U-Net), so that published weights load.

    mc.models.list_models()
    model = mc.models.get_model("resnet18", num_classes=10)
    model = mc.models.resnet18(num_classes=10)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from minicnn.absent import hints
from minicnn.errors import OptionError, nearest
from minicnn.keywords import spell_constructors
from minicnn.models.alexnet import AlexNet, alexnet
from minicnn.models.course import (
    CNN1,
    CNN2,
    CNN4,
    MLP,
    SimpleCNN,
    cnn1,
    cnn2,
    cnn2_bn,
    cnn4_bn,
    mlp_relu,
    mlp_sigmoid,
    mlp_tanh,
)
from minicnn.models.dcgan import Generator, dcgan_generator
from minicnn.models.densenet import DenseNet, densenet121, densenet161, densenet169, densenet201
from minicnn.models.efficientnet import EfficientNet, efficientnet_b0
from minicnn.models.googlenet import GoogLeNet, GoogLeNetOutputs, googlenet
from minicnn.models.inception import Inception3, InceptionOutputs, inception_v3
from minicnn.models.lenet import LeNet, LeNetSigmoid, lenet_sigmoid
from minicnn.models.mobilenet_v1 import MobileNetV1, mobilenet_v1
from minicnn.models.mobilenet_v2 import MobileNetV2, mobilenet_v2
from minicnn.models.mobilenet_v3 import MobileNetV3, mobilenet_v3_large, mobilenet_v3_small
from minicnn.models.nasnet import NASNetALarge, nasnetalarge
from minicnn.models.nin import NiN
from minicnn.models.pnasnet import PNASNet5Large, pnasnet5large
from minicnn.models.registry import MODELS
from minicnn.models.resnet import (
    ResNet,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
    resnext50_32x4d,
    resnext101_32x8d,
    resnext101_64x4d,
    wide_resnet50_2,
    wide_resnet101_2,
)
from minicnn.models.resnet_cifar import CifarResNet, resnet20, resnet32, resnet44, resnet56, resnet110
from minicnn.models.shufflenet_v2 import (
    ShuffleNetV2,
    shufflenet_v2_x0_5,
    shufflenet_v2_x1_0,
    shufflenet_v2_x1_5,
    shufflenet_v2_x2_0,
)
from minicnn.models.squeezenet import SqueezeNet, squeezenet1_0, squeezenet1_1
from minicnn.models.unet import UNet
from minicnn.models.vgg import VGG, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn
from minicnn.nn.module import Module

__all__ = [
    "CNN1", "CNN2", "CNN4", "MLP", "VGG", "AlexNet", "CifarResNet", "DenseNet", "EfficientNet", "Generator",
    "GoogLeNet", "GoogLeNetOutputs", "Inception3", "InceptionOutputs", "LeNet", "LeNetSigmoid", "MobileNetV1",
    "MobileNetV2", "MobileNetV3", "NASNetALarge", "NiN", "PNASNet5Large", "ResNet", "ShuffleNetV2", "SimpleCNN",
    "SqueezeNet", "UNet", "alexnet", "cnn1", "cnn2", "cnn2_bn", "cnn4_bn", "dcgan_generator", "densenet121",
    "densenet161", "densenet169", "densenet201", "efficientnet_b0", "get_model", "googlenet", "inception_v3",
    "lenet_sigmoid", "list_models", "mlp_relu", "mlp_sigmoid", "mlp_tanh", "mobilenet_v1", "mobilenet_v2",
    "mobilenet_v3_large", "mobilenet_v3_small", "nasnetalarge", "pnasnet5large", "resnet18", "resnet20", "resnet32",
    "resnet34", "resnet44", "resnet50", "resnet56", "resnet101", "resnet110", "resnet152", "resnext50_32x4d",
    "resnext101_32x8d", "resnext101_64x4d", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0", "squeezenet1_0", "squeezenet1_1", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16",
    "vgg16_bn", "vgg19", "vgg19_bn", "wide_resnet50_2", "wide_resnet101_2",
]  # fmt: skip


def list_models() -> list[str]:
    """The names that ``get_model`` knows."""
    return sorted(MODELS)


def get_model(name: str, *, weights: str | Path | None = None, **options: Any) -> Module:
    """A new model by its name, with random weights or given ones.

    Args:
        name: one of ``list_models()``.
        weights: a path, an address, or a Hugging Face repository; see ``mc.hub.resolve_weights``.
        options: of the model, such as ``num_classes``.

    Example:
        >>> model = mc.models.get_model("lenet", num_classes=10)
        >>> model = mc.models.get_model("lenet", weights="runs/lenet.npz")
    """
    if name not in MODELS:
        near = nearest(str(name), MODELS)
        raise OptionError(f"there is no model '{name}'", got=repr(name), rule=f"one of {', '.join(list_models())}",
                          hint=" or ".join(near) or None)
    model = MODELS[name](**options)
    if weights is not None:
        from minicnn.hub import load_weights

        load_weights(model, weights)
    return model

# A class that is listed under its own name is found by it, too, where else the file of that name would be found.
globals().update({name: build for name, build in MODELS.items() if isinstance(build, type)})
spell_constructors(globals(), __all__)

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
