"""PyTorch's names inside ``torch_names()``: what they mean, what is not there, and that nothing stays behind."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from types import ModuleType

import pytest

import minicnn as mc
from minicnn.compat import torch_names
from minicnn.compat.names import MODULES, ROOTS
from minicnn.errors import MissingAttributeError, MissingModuleError


def below_roots() -> dict[str, ModuleType]:
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] in ROOTS}


def test_names_mean_minicnns() -> None:
    with torch_names() as torch:
        import torch as again
        import torch.nn as nn
        import torch.nn.functional as F
        import torchvision.models
        from torch.autograd import Variable
        from torch.nn.modules.conv import Conv2d
        from torch.optim.lr_scheduler import StepLR
        from torch.utils.data.sampler import SubsetRandomSampler
        from torchvision.datasets.mnist import MNIST
        from torchvision.models.alexnet import AlexNet
        from torchvision.models.resnet import BasicBlock
    assert again is torch and nn is torch.nn and F is nn.functional
    assert Conv2d is nn.Conv2d is mc.nn.Conv2d and F.relu is mc.nn.functional.relu and torch.matmul is mc.matmul
    assert Variable is mc.autograd.Variable and StepLR is mc.optim.lr_scheduler.StepLR
    assert SubsetRandomSampler is mc.data.SubsetRandomSampler and MNIST is mc.datasets.MNIST
    assert AlexNet is mc.models.AlexNet and issubclass(BasicBlock, mc.nn.Module)
    assert callable(torchvision.models.alexnet)  # the function, not the module of that name
    assert torch.__version__.startswith("2.13.0+minicnn") and repr(nn) == "<module 'torch.nn' (minicnn)>"


@pytest.mark.parametrize("name", MODULES)
def test_every_module_of_the_table_is_there(name: str) -> None:
    with torch_names():
        module = importlib.import_module(name)
        assert module.__name__ == name and set(module.__all__) <= set(dir(module))
        for public in module.__all__:
            getattr(module, public)
        parent, _, last = name.rpartition(".")
        if parent and not callable(getattr(sys.modules[parent], last)):
            assert getattr(sys.modules[parent], last) is module


def test_everything_is_imported_by_a_star() -> None:
    names: dict[str, object] = {}
    with torch_names():
        exec("from torch.nn import *\nfrom torch.nn.functional import *", names)
    assert names["Conv2d"] is mc.nn.Conv2d and names["relu"] is mc.nn.functional.relu


def test_sys_modules_is_as_before() -> None:
    importlib.import_module("colorsys")
    before, path = dict(sys.modules), list(sys.meta_path)
    with torch_names(), torch_names():
        import torch.nn
        import torchvision
    assert torch.nn and torchvision and sys.meta_path == path and below_roots().keys() == {
        name for name in before if name.partition(".")[0] in ROOTS}  # fmt: skip
    assert all(sys.modules[name] is module for name, module in before.items())


def test_an_installed_pytorch_is_back_afterwards() -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    before = below_roots()
    with pytest.raises(KeyError, match="x"), torch_names() as inside:
        assert inside is not torch and sys.modules["torch"] is inside
        raise KeyError("x")
    assert below_roots() == before and importlib.import_module("torch") is torch
    assert isinstance(torch.nn.Linear(1, 1)(torch.zeros(1, 1)), torch.Tensor)


def test_modules_imported_inside_are_forgotten_if_they_hold_minicnns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.syspath_prepend(tmp_path)
    sources = {
        "holds_torch": "import torch", "holds_a_class": "from torch.nn import Linear",
        "holds_a_holder": "import holds_torch", "holds_nothing": "import math",
    }  # fmt: skip
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source)
    with torch_names():
        for name in sources:
            importlib.import_module(name)
    try:
        assert [name for name in sources if name in sys.modules] == ["holds_nothing"]
    finally:
        del sys.modules["holds_nothing"]


def test_what_a_script_sets_stays_with_it() -> None:
    with torch_names() as torch:
        from torch.backends import cudnn

        cudnn.benchmark = True
        torch.of_the_script = 3
        assert torch.backends.cudnn.benchmark is True and torch.of_the_script == 3
    assert not hasattr(mc, "of_the_script")
    with torch_names() as torch:
        assert torch.backends.cudnn.benchmark is False
        assert not torch.backends.mps.is_available() and torch.backends.cudnn.version() is None
        assert not torch.backends.cuda.matmul.allow_tf32


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("from torch.nn import Conv2D", r"minicnn\.nn has no attribute 'Conv2D'\n  try   'Conv2d'"),
        ("from torch.nn import LSTM", "sequences need PyTorch"),
        ("from torch.nn import SyncBatchNorm", "mc.distributed.SyncBatchNorm"),
        ("from torch.nn.parallel import DistributedDataParallel", "the model itself"),
        ("from torch.distributed import init_process_group", "init_process_group"),
        ("import torch.jit", "nothing is compiled"),
        ("import torch.distributed.rpc", "rpc"),
        ("from torchvision import ops", "torchvision has no attribute 'ops'"),
        ("from torchvision.transforms import v2", r"minicnn\.transforms has no attribute 'v2'"),
        ("import torch.nn.layers", "'layers'"),
        ("from d2l.torch import train_ch6", "only the import is understood"),
    ],
)
def test_imports_of_what_is_not_there(code: str, message: str) -> None:
    with torch_names(), pytest.raises(MissingModuleError, match=message) as caught:
        exec(code)
    assert isinstance(caught.value, ImportError)


@pytest.mark.parametrize(
    ("room", "name", "message"),
    [
        ("torch", "jit", "nothing is compiled"), ("torch", "backend", "'backends'"), ("torch.nn", "Conv2D", "'Conv2d'"),
        ("torch.utils.data", "Dataloader", "'DataLoader'"),
        ("torchvision.models", "resnet_18", "'resnet18'"), ("torchvision", "model", "'models'"),
        ("d2l.torch", "train_ch6", "mc.training.fit"),
    ],
)  # fmt: skip
def test_attributes_that_are_not_there(room: str, name: str, message: str) -> None:
    with torch_names():
        module = importlib.import_module(room)
        assert not hasattr(module, name)
        with pytest.raises(MissingAttributeError) as caught:
            getattr(module, name)
    assert message in str(caught.value)


def test_optional_imports_of_scripts() -> None:
    with torch_names():
        for name in ("torch.cuda.nvtx", "torch._dynamo", "torchvision.ops"):
            with pytest.raises(ModuleNotFoundError):
                importlib.import_module(name)
        with pytest.raises(ModuleNotFoundError, match="No module named 'nothing_of_ours'"):
            importlib.import_module("nothing_of_ours")


def test_mixed_precision_and_the_ranks_sampler() -> None:
    with torch_names():
        from torch.amp import autocast
        from torch.cuda.amp import GradScaler
        from torch.utils.data.distributed import DistributedSampler
    assert autocast is mc.amp.autocast and GradScaler is mc.amp.GradScaler
    assert DistributedSampler is mc.distributed.DistributedSampler


def test_names_with_an_underscore_that_scripts_import() -> None:
    with torch_names():
        from torch.nn.modules.batchnorm import _BatchNorm
        from torch.nn.modules.conv import _ConvNd
        from torch.nn.modules.utils import _pair, _single, _triple
        from torch.optim.lr_scheduler import _LRScheduler
    assert issubclass(mc.nn.BatchNorm2d, _BatchNorm) and issubclass(mc.nn.Conv2d, _ConvNd)
    assert (_single(2), _pair(2), _triple(2), _pair([3, 4])) == ((2,), (2, 2), (2, 2, 2), (3, 4))
    assert _LRScheduler is mc.optim.lr_scheduler.LRScheduler


def test_networks_are_found_in_the_dict_of_models() -> None:
    with torch_names():
        from torchvision import models
    names = {n for n, v in vars(models).items() if n.islower() and not n.startswith("_") and callable(v)}
    assert names >= {"alexnet", "resnet18", "vgg16_bn", "resnet20"} and "builder" not in names
    assert vars(models)["resnet18"](num_classes=2).fc.out_features == 2


def test_tools_that_look_at_all_modules_are_not_disturbed() -> None:
    with torch_names():
        import torch.nn.functional

        assert inspect.getmodule(test_names_mean_minicnns) is sys.modules[__name__]
        assert not hasattr(torch.nn.functional, "__file__") and not hasattr(torch, "__wrapped__")


def test_one_device_is_all_devices() -> None:
    with torch_names() as torch:
        import torch.distributed as dist
        import torch.multiprocessing as mp
        import torch.nn.parallel
    model = torch.nn.Linear(3, 2)
    wrapped, x = torch.nn.DataParallel(model, device_ids=[0]), torch.ones(4, 3)
    assert torch.equal(wrapped(x), model(x)) and wrapped.module is model
    assert torch.equal(torch.nn.parallel.data_parallel(model, x, range(1)), model(x))
    assert list(wrapped.state_dict()) == ["module.weight", "module.bias"]
    assert not dist.is_available() and not dist.is_initialized() and mp.get_context("spawn")


def test_a_writer_for_tensorboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboardX", reason='pip install "minicnn[tensorboard]"')
    with torch_names() as torch:
        from torch.utils.tensorboard import SummaryWriter
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("loss", torch.tensor(0.5, requires_grad=True) * 1, 3)
        writer.add_scalars("both", {"a": torch.tensor(1.0), "b": 2.0}, 3)
        writer.add_histogram("weights", torch.nn.Linear(3, 2).weight, 3)
        writer.add_image("grid", torch.rand(3, 5, 5))
        assert writer.logdir == str(tmp_path)
    assert list(tmp_path.glob("events.*")) and b"loss" in next(tmp_path.glob("events.*")).read_bytes()
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match="tensorboardX is not installed"):
        SummaryWriter()


def test_calls_that_change_nothing() -> None:
    with torch_names() as torch:
        model = torch.nn.Linear(2, 1)
        assert torch.compile(model) is model and torch.compile(mode="max-autotune")(model) is model
        torch.use_deterministic_algorithms(True)
        torch.cuda.empty_cache()
        assert torch.are_deterministic_algorithms_enabled() and torch.version.cuda is None
        assert torch.cuda.is_available() is mc.cuda.is_available()
