"""Textbook code whose imports are changed, and only its imports."""

from __future__ import annotations

import math

import pytest

import minicnn as torch
import minicnn.nn as nn
import minicnn.nn.functional as F
import minicnn.optim as optim
from minicnn.absent import INSTEAD
from minicnn.autograd import Variable
from minicnn.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()  # noqa: UP008 (as textbooks write it)
        self.conv1 = nn.Conv2d(1, 4, kernel_size=3)
        self.fc1 = nn.Linear(4 * 3 * 3, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = x.view(x.size(0), -1)
        return F.log_softmax(self.fc1(x), dim=1)


@pytest.mark.host("scripts for PyTorch mean the CPU where they name no device, and print none")
def test_a_loop_of_2018() -> None:
    torch.manual_seed(0)
    images, labels = torch.randn(12, 1, 8, 8).type(torch.FloatTensor), torch.LongTensor([0, 1, 2] * 4)
    loader = torch.utils.data.DataLoader(TensorDataset(images, labels), batch_size=6, shuffle=True, num_workers=0)
    assert DataLoader is torch.utils.data.DataLoader
    model = Net()
    for m in model.modules():
        if isinstance(m, nn.Conv2d):
            m.weight.data.normal_(0, 0.1)
            m.bias.data.zero_()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _epoch in range(8):
        model.train()
        running_loss, correct = 0.0, 0
        for _i, (images_of_batch, labels_of_batch) in enumerate(loader):
            inputs, targets = Variable(images_of_batch), Variable(labels_of_batch)
            optimizer.zero_grad()
            outputs = model(inputs)
            loss = F.nll_loss(outputs, targets)
            loss.backward()
            optimizer.step()
            running_loss += loss.item() * inputs.size(0)
            _, predicted = torch.max(outputs.data, 1)
            correct += (predicted == targets).sum().item()
        losses.append(running_loss / len(loader.dataset))
    assert losses[-1] < losses[0] and 0 <= correct <= 12
    assert optimizer.param_groups[0]["lr"] == 0.1
    model.eval()
    with torch.no_grad():
        assert model(images).argmax(1).eq(labels.view(-1)).float().mean().item() > 1 / 3


def test_a_variable_is_a_tensor_on_the_same_memory() -> None:
    data = torch.ones(2)
    w = Variable(data, requires_grad=True)
    (w * w).sum().backward()
    assert w.grad.tolist() == [2.0, 2.0] and w.data_ptr() == data.data_ptr() and not data.requires_grad
    with pytest.warns(UserWarning, match="no_grad"):
        Variable(data, volatile=True)
    with pytest.raises(torch.errors.DtypeError, match="data is no tensor"):
        Variable([1.0, 2.0])


@pytest.mark.parametrize(
    ("room", "name", "hint"),
    [
        ("nn", "Conv2D", "'Conv2d'"),
        ("nn", "conv2d", "'Conv2d' or mc.nn.functional.conv2d"),
        ("nn", "DropOut", "'Dropout'"),
        ("nn", "cross_entropy", "mc.nn.functional.cross_entropy"),
        ("nn.functional", "Relu", "'relu'"),
        ("nn.functional", "MaxPool2d", "'max_pool2d' or mc.nn.MaxPool2d"),
        ("nn.init", "xavier_normal__", "'xavier_normal_'"),
        ("nn.utils", "spectral_norm", "register_forward_pre_hook"),
        ("nn", "DataParallel", "the model itself"),
        ("nn", "LSTM", "sequences need PyTorch"),
        ("optim", "Adma", "'Adam'"),
        ("optim", "Sgd", "'SGD'"),
        ("optim", "StepLR", "mc.optim.lr_scheduler.StepLR"),
        ("optim.lr_scheduler", "StepLr", "'StepLR'"),
        ("autograd", "forward_ad", "no transforms of functions"),
        ("nn.functional", "crossentropy", "'cross_entropy'"),
        ("utils.data", "Dataloader", "'DataLoader'"),
        ("utils", "Data", "'data'"),
        ("data", "Tensordataset", "'TensorDataset'"),
        ("datasets", "Cifar10", "'CIFAR10'"),
        ("models", "ResNet_18", "'resnet18'"),
        ("transforms", "Totensor", "'ToTensor'"),
        ("transforms.functional", "toTensor", "'to_tensor'"),
        ("training", "Fit", "'fit'"),
        ("io", "laod", "'load'"),
        ("hub", "loadWeights", "'load_weights'"),
        ("testing", "grad_check", "'gradcheck'"),
        ("random", "manualseed", "'manual_seed'"),
        ("cuda", "isavailable", "'is_available'"),
        ("cuda", "max_memory_reserved", "memory_reserved"),
        ("cuda", "bfloat16", "float16, which NumPy has"),
        ("backends", "openmp", "leave it out"),
        ("accelerator", "devicecount", "'device_count'"),
        ("Tensor", "siza", "'size'"),
    ],
)
def test_names_that_are_not_there(room: str, name: str, hint: str) -> None:
    place = torch
    for part in room.split("."):
        place = getattr(place, part)
    place = place([1.0]) if place is torch.Tensor else place
    with pytest.raises(AttributeError) as caught:
        getattr(place, name)
    assert hint in str(caught.value) and not hasattr(place, name)


@pytest.mark.parametrize(
    ("ask", "hint"),
    [
        (lambda: torch.Conv2d, "mc.nn.Conv2d"),
        (lambda: torch.DataLoader, "mc.data.DataLoader"),
        (lambda: torch.batch_norm, "mc.nn.functional.batch_norm, whose arguments"),
        (lambda: torch.sigmoid_, "x.sigmoid_(…)"),
        (lambda: torch.ones(2).cat, "mc.cat"),
        (lambda: torch.ones(2).cross_entropy, "mc.nn.functional.cross_entropy"),
        (lambda: torch.ones(2).storage(), "x.numpy()"),
        (lambda: nn.Linear(2, 3).wieght, "'weight'"),
        (lambda: nn.Linear(2, 3).compile(), "leave it out"),
        (lambda: nn.Linear(2, 3).stream, "dir(Linear)"),  # a user's own word, not PyTorch's
        (lambda: torch.zzzz, "dir(minicnn)"),
    ],
)
def test_names_that_are_elsewhere(ask, hint: str) -> None:
    with pytest.raises(AttributeError) as caught:
        ask()
    assert hint in str(caught.value)


def test_no_hint_is_for_a_name_that_exists() -> None:
    rooms = [torch, nn, F, nn.utils, optim, torch.autograd, torch.cuda, torch.data]
    assert [name for name in INSTEAD if "." not in name and any(hasattr(room, name) for room in rooms)] == []
    for name in INSTEAD:
        owner, _, last = name.rpartition(".")
        if owner in ("Tensor", "Module"):
            assert not hasattr(torch.Tensor if owner == "Tensor" else nn.Module, last), name


def test_functions_that_pytorch_has_twice_are_the_same_here() -> None:
    real = pytest.importorskip("torch", reason="compares with PyTorch live")
    twice = [name for name in F.__all__ if getattr(real, name, 0) is getattr(real.nn.functional, name, 1)]
    assert len(twice) > 15
    for name in [*twice, "max_pool1d", "max_pool2d", "layer_norm", "group_norm", "rms_norm", "rrelu", "selu", "celu"]:
        assert callable(getattr(torch, name)), name
    assert torch.conv2d is F.conv2d
    x = torch.arange(16.0).view(1, 1, 4, 4)
    assert torch.max_pool2d(torch.conv2d(x, torch.ones(1, 1, 1, 1)), 2).tolist() == [[[[5.0, 7.0], [13.0, 15.0]]]]


def test_constants() -> None:
    assert (torch.pi, torch.e, torch.inf) == (math.pi, math.e, math.inf) and math.isnan(torch.nan)
    assert torch.ones(2)[:, torch.newaxis].shape == (2, 1)


def test_switches_of_libraries_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("benchmark", True), ("deterministic", False), ("enabled", False)):
        monkeypatch.setattr(torch.backends.cudnn, name, value)
    assert torch.backends.cudnn.benchmark and not torch.backends.cudnn.is_available()
    assert torch.backends.cudnn.version() is None and not torch.backends.mps.is_available()
    assert not torch.backends.cuda.matmul.allow_tf32


def test_devices_as_new_scripts_choose_them() -> None:
    device = (
        torch.accelerator.current_accelerator().type if torch.accelerator.is_available()
        else "mps" if torch.backends.mps.is_available() else "cuda" if torch.cuda.is_available() else "cpu"
    )  # fmt: skip
    assert torch.ones(1, device=device).device.type == device
    assert torch.accelerator.is_available() == torch.cuda.is_available() == torch.backends.cuda.is_built()
    torch.cuda.empty_cache()
    if not torch.cuda.is_available():
        assert torch.accelerator.current_accelerator() is None
        for ask in (torch.cuda.get_device_name, torch.cuda.current_device, lambda: torch.cuda.get_device_name(0)):
            with pytest.raises(torch.errors.DeviceError, match="CuPy"):
                ask()
    with pytest.raises(torch.errors.DeviceError, match="cpu is no CUDA device"):
        torch.cuda.get_device_name("cpu")
