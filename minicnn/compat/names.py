"""Which names of PyTorch mean what: for each module, the modules of minicnn in which its names are looked up.

In them only what is no module itself is found: a module of PyTorch that is not in this table is not there.
"""

from __future__ import annotations

_COMPAT = "minicnn.compat"

MODULES: dict[str, tuple[str, ...]] = {
    "torch": (f"{_COMPAT}.extras", f"{_COMPAT}.files", "minicnn"),
    "torch.serialization": (f"{_COMPAT}.files",),
    "torch.accelerator": ("minicnn.accelerator",),
    "torch.autograd": ("minicnn.autograd",),
    "torch.autograd.function": ("minicnn.autograd",),
    "torch.autograd.functional": ("minicnn.autograd.functional",),
    "torch.autograd.variable": ("minicnn.autograd",),
    "torch.backends": ("minicnn.backends",),
    **{f"torch.backends.{name}": (f"minicnn.backends.{name}",) for name in ("cuda", "cudnn", "mps")},
    "torch.amp": ("minicnn.amp",),
    "torch.cuda": ("minicnn.cuda",),
    "torch.cuda.amp": ("minicnn.cuda.amp",),
    "torch.hub": (f"{_COMPAT}.repositories", "minicnn.hub"),
    "torch.distributed": (f"{_COMPAT}.distributed",),
    "torch.multiprocessing": ("multiprocessing",),
    "torch.nn": (f"{_COMPAT}.parallel", "minicnn.nn"),
    "torch.nn.functional": ("minicnn.nn.functional",),
    "torch.nn.init": ("minicnn.nn.init",),
    "torch.nn.parallel": (f"{_COMPAT}.parallel",),
    "torch.nn.parameter": ("minicnn.nn.parameter",),
    "torch.nn.utils": ("minicnn.nn.utils",),
    "torch.nn.modules": ("minicnn.nn",),
    **{f"torch.nn.modules.{name}": ("minicnn.nn",) for name in (
        "activation", "container", "dropout", "flatten", "linear", "module", "normalization", "padding", "pooling",
        "upsampling",
    )},
    **{f"torch.nn.modules.{name}": (f"minicnn.nn.layers.{here}", "minicnn.nn") for name, here in (
        ("batchnorm", "batch_norm"), ("conv", "conv"), ("loss", "loss"),
    )},
    "torch.nn.modules.utils": (f"{_COMPAT}.private",),
    "torch.onnx": ("minicnn.onnx",),
    "torch.optim": ("minicnn.optim",),
    "torch.optim.lr_scheduler": (f"{_COMPAT}.private", "minicnn.optim.lr_scheduler"),
    **{f"torch.optim.{name}": ("minicnn.optim",) for name in ("adam", "adamw", "optimizer", "rmsprop", "sgd")},
    "torch.random": ("minicnn.random",),
    "torch.testing": ("minicnn.testing",),
    "torch.utils": ("minicnn.utils",),
    "torch.utils.data": ("minicnn.data",),
    **{f"torch.utils.data.{name}": ("minicnn.data",) for name in ("dataloader", "dataset", "sampler")},
    "torch.utils.data.distributed": ("minicnn.distributed",),
    "torch.utils.model_zoo": (f"{_COMPAT}.repositories",),
    "torch.utils.tensorboard": (f"{_COMPAT}.tensorboard",),
    "torchvision": (),
    "torchvision.datasets": ("minicnn.datasets",),
    **{f"torchvision.datasets.{name}": ("minicnn.datasets",) for name in ("cifar", "folder", "mnist", "svhn")},
    "torchvision.models": (f"{_COMPAT}.pretrained", "minicnn.models"),
    **{f"torchvision.models.{name}": (f"{_COMPAT}.pretrained", f"minicnn.models.{here}") for name, here in (
        ("alexnet", "alexnet"), ("densenet", "densenet"), ("efficientnet", "efficientnet"), ("googlenet", "googlenet"),
        ("inception", "inception"), ("mobilenetv2", "mobilenet_v2"), ("mobilenetv3", "mobilenet_v3"),
        ("resnet", "resnet"), ("shufflenetv2", "shufflenet_v2"), ("squeezenet", "squeezenet"), ("vgg", "vgg"),
    )},
    "torchvision.models.utils": ("minicnn.hub",),
    "torchvision.transforms": ("minicnn.transforms",),
    "torchvision.transforms.functional": ("minicnn.transforms.functional",),
    "torchvision.transforms.transforms": ("minicnn.transforms",),
    "torchvision.utils": ("minicnn.utils",),
    "d2l": (f"{_COMPAT}.d2l",),
    "d2l.torch": (f"{_COMPAT}.d2l",),
}  # fmt: skip

ROOTS = frozenset(name.partition(".")[0] for name in MODULES)

PYTORCH, TORCHVISION = "2.13.0", "0.28.0"
"""The versions whose behaviour minicnn has; a script that asks sees them, followed by minicnn's own."""
