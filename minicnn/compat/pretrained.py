"""``torchvision.models``: the networks with ``weights=`` and the old ``pretrained=True``, and the enums of weights.

Files come from download.pytorch.org, once; each one's name carries the hash that it is checked against.
"""

from __future__ import annotations

import functools
import warnings
from enum import Enum
from typing import TYPE_CHECKING, Any

from minicnn import hub, models, transforms
from minicnn.errors import MissingAttributeError, OptionError
from minicnn.nn.module import Module

ADDRESS = "https://download.pytorch.org/models/"

FILES: dict[str, tuple[str, ...]] = {
    "alexnet": ("alexnet-owt-7be5be79.pth",),
    "densenet121": ("densenet121-a639ec97.pth",),
    "densenet161": ("densenet161-8d451a50.pth",),
    "densenet169": ("densenet169-b2777c0a.pth",),
    "densenet201": ("densenet201-c1103571.pth",),
    "efficientnet_b0": ("efficientnet_b0_rwightman-7f5810bc.pth",),
    "googlenet": ("googlenet-1378be20.pth",),
    "inception_v3": ("inception_v3_google-0cc3c7bd.pth",),
    "mobilenet_v2": ("mobilenet_v2-b0353104.pth", "mobilenet_v2-7ebf99e0.pth"),
    "mobilenet_v3_large": ("mobilenet_v3_large-8738ca79.pth", "mobilenet_v3_large-5c1a4163.pth"),
    "mobilenet_v3_small": ("mobilenet_v3_small-047dcff4.pth",),
    "resnet18": ("resnet18-f37072fd.pth",),
    "resnet34": ("resnet34-b627a593.pth",),
    "resnet50": ("resnet50-0676ba61.pth", "resnet50-11ad3fa6.pth"),
    "resnet101": ("resnet101-63fe2227.pth", "resnet101-cd907fc2.pth"),
    "resnet152": ("resnet152-394f9c45.pth", "resnet152-f82ba261.pth"),
    "resnext50_32x4d": ("resnext50_32x4d-7cdf4587.pth", "resnext50_32x4d-1a0047aa.pth"),
    "resnext101_32x8d": ("resnext101_32x8d-8ba56ff5.pth", "resnext101_32x8d-110c445d.pth"),
    "resnext101_64x4d": ("resnext101_64x4d-173b62eb.pth",),
    "shufflenet_v2_x0_5": ("shufflenetv2_x0.5-f707e7126e.pth",),
    "shufflenet_v2_x1_0": ("shufflenetv2_x1-5666bf0f80.pth",),
    "shufflenet_v2_x1_5": ("shufflenetv2_x1_5-3c479a10.pth",),
    "shufflenet_v2_x2_0": ("shufflenetv2_x2_0-8be3c8ee.pth",),
    "squeezenet1_0": ("squeezenet1_0-b66bff10.pth",),
    "squeezenet1_1": ("squeezenet1_1-b8a52dc0.pth",),
    "vgg11": ("vgg11-8a719046.pth",),
    "vgg11_bn": ("vgg11_bn-6002323d.pth",),
    "vgg13": ("vgg13-19584684.pth",),
    "vgg13_bn": ("vgg13_bn-abd245e5.pth",),
    "vgg16": ("vgg16-397923af.pth",),
    "vgg16_bn": ("vgg16_bn-6c64b313.pth",),
    "vgg19": ("vgg19-dcbb9e9d.pth",),
    "vgg19_bn": ("vgg19_bn-c79401a0.pth",),
    "wide_resnet50_2": ("wide_resnet50_2-95faca4d.pth", "wide_resnet50_2-9ba9bcbe.pth"),
    "wide_resnet101_2": ("wide_resnet101_2-32ee1156.pth", "wide_resnet101_2-d733dc28.pth"),
}
"""The published files of each network, the older first."""

_RESIZED_TO_232 = ("resnext101_64x4d-", "shufflenetv2_x1_5-", "shufflenetv2_x2_0-")


class WeightsEnum(Enum):
    """Published weights; a network's own enum is ``weights_of(network)``, in torchvision ``ResNet18_Weights``."""

    @property
    def url(self) -> str:
        """Where the file is."""
        return ADDRESS + str(self.value)

    @property
    def meta(self) -> dict[str, Any]:
        """Not here.

        Raises:
            MissingAttributeError: always.
        """
        raise MissingAttributeError(f"{self} has no meta: the names of ImageNet's classes are not in minicnn",
                                    hint="https://github.com/pytorch/vision/blob/main/torchvision/models/_meta.py")

    def get_state_dict(self, progress: bool = True, check_hash: bool = True) -> Any:  # noqa: ARG002 (PyTorch's signature)
        """The weights, downloaded once; the hash is always checked.

        Raises:
            DataError: the file cannot be had, or is not what its hash says.
        """
        return hub.load_state_dict_from_url(self.url, progress=progress)

    def transforms(self) -> transforms.Compose:
        """What these weights expect to be done to an image."""
        file = str(self.value)
        later = FILES[_network_of(file)].index(file) > 0
        inception = file.startswith("inception")
        size, crop = (342, 299) if inception else (232 if later or file.startswith(_RESIZED_TO_232) else 256, 224)
        cubic = file.startswith("efficientnet")
        mode = transforms.InterpolationMode.BICUBIC if cubic else transforms.InterpolationMode.BILINEAR
        return transforms.Compose([
            transforms.Resize(size, interpolation=mode), transforms.CenterCrop(crop), transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ])  # fmt: skip


def _network_of(file: str) -> str:
    return next(network for network, files in FILES.items() if file in files)


def _versions(network: str) -> dict[str, str]:
    """The names of a network's weights; DEFAULT is the latest."""
    files = FILES[network]
    return {**{f"IMAGENET1K_V{i}": file for i, file in enumerate(files, 1)}, "DEFAULT": files[-1]}


@functools.cache
def weights_of(network: str, name: str) -> Any:
    """The enum of a network's weights, with ``name`` as torchvision writes it."""
    enum: Any = WeightsEnum
    return enum(name, _versions(network))


@functools.cache
def builder(network: str) -> Any:
    """torchvision's function of that name, which also loads weights."""

    def build(weights: Any = None, progress: bool = True, *, pretrained: bool = False, **options: Any) -> Module:
        file = _chosen(network, True if pretrained else weights)
        if file is None:
            return models.get_model(network, **options)
        return _load(network, ADDRESS + file, progress, options)

    build.__name__ = build.__qualname__ = network
    build.__doc__ = f"{network}, with random weights, or those published with torchvision."
    return build


def get_model(name: str, **options: Any) -> Module:
    """A network by its name; ``weights`` are those published with torchvision."""
    return builder(name)(**options) if name in FILES else models.get_model(name, **options)


def _chosen(network: str, weights: Any) -> str | None:
    """The file that ``weights`` means: an enum's member, its name, or the True of ``pretrained=True``."""
    if weights is None or weights is False:
        return None
    if weights is True:
        warnings.warn("pretrained=True is the old way to write weights='IMAGENET1K_V1'", stacklevel=3)
        return FILES[network][0]
    versions = _versions(network)
    if isinstance(weights, WeightsEnum) and weights.value in versions.values():
        return str(weights.value)
    if isinstance(weights, str) and weights in versions:
        return versions[weights]
    raise OptionError(f"{network}: unknown weights", got=str(weights), rule=f"one of {', '.join(versions)}",
                      hint="mc.models.get_model(name, weights=…) takes paths and addresses")


def _load(network: str, url: str, progress: bool, options: dict[str, Any]) -> Module:
    """The network with the weights at ``url``, built as torchvision builds it."""
    heads = {"googlenet": False, "inception_v3": True}
    if network not in heads:
        model = models.get_model(network, **options)
    else:
        wanted = options.pop("aux_logits", heads[network])
        model = models.get_model(network, **{"transform_input": True, "init_weights": False, **options})
    model.load_state_dict(hub.load_state_dict_from_url(url, progress=progress))
    if network in heads and not wanted:
        model.aux_logits = False
        for head in ("aux1", "aux2", "AuxLogits"):
            if hasattr(model, head):
                setattr(model, head, None)
    return model


globals().update({network: builder(network) for network in FILES})  # scripts look into models.__dict__
__all__ = ["get_model", *FILES]  # noqa: PLE0604 (made from FILES, above)

if not TYPE_CHECKING:

    def __getattr__(name):
        network = name.removesuffix("_Weights").lower()
        if name.endswith("_Weights") and network in FILES:
            return weights_of(network, name)
        raise AttributeError(name)
