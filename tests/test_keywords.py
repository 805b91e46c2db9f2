"""Arguments by name: as PyTorch's code writes them, as NumPy's users do, and with slips."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn.errors import ArgumentError

X = np.array([[1.0, 2.0, 3.0], [4.0, 6.0, 5.0]])

CALLS = {
    "axis": lambda lib, x: lib.sum(x, axis=1, keepdims=True),
    "axis of a method": lambda lib, x: x.mean(axis=(0, 1)),
    "axis of an index": lambda lib, x: x.argmax(axis=1),
    "axis of two results": lambda lib, x: x.max(axis=1).values,
    "axis of cat": lambda lib, x: lib.cat([x, x], axis=1),
    "axis of stack": lambda lib, x: lib.stack([x, x], axis=2),
    "axis of unsqueeze": lambda lib, x: x.unsqueeze(axis=0),
    "axis of squeeze": lambda lib, x: lib.squeeze(x, axis=0),
    "axis0": lambda lib, x: lib.swapaxes(x, axis0=0, axis1=1),
    "input": lambda lib, x: lib.flatten(input=x, start_dim=0),
    "input and dim": lambda lib, x: lib.softmax(input=x, dim=1),
    "other": lambda lib, x: lib.sub(input=x, other=2.0, alpha=3),
    "other of a method": lambda lib, x: x.mul(other=x),
    "other in place": lambda lib, x: x.clone().div_(other=x + 1),
    "other of where": lambda lib, x: lib.where(x > 2, input=x, other=-x),
    "atan2": lambda lib, x: lib.atan2(input=x, other=x + 1),
    "mat2": lambda lib, x: lib.mm(input=x, mat2=x.t()),
    "vec": lambda lib, x: lib.mv(input=x, vec=x[0]),
    "vec2": lambda lib, x: lib.outer(input=x[0], vec2=x[1]),
    "tensor": lambda lib, x: lib.dot(input=x[0], tensor=x[1]),
    "tensor1": lambda lib, x: lib.addcmul(x, tensor1=x, tensor2=x, value=2),
    "elements": lambda lib, x: lib.isin(elements=x, test_elements=x[0]),
    "pieces": lambda lib, x: lib.split(tensor=x, split_size_or_sections=1)[1],
    "size of broadcast_to": lambda lib, x: lib.broadcast_to(x, size=(2, 2, 3)),
    "size of zeros": lambda lib, x: lib.zeros(size=(2, 3), dtype=lib.float64),
    "size of expand": lambda lib, x: x[:1].expand(size=(4, 3)),
    "size of view": lambda lib, x: x.view(size=(3, 2)),
    "shape": lambda lib, x: lib.reshape(x, shape=(3, -1)),
    "dims": lambda lib, x: x.permute(dims=(1, 0)),
    "repeats": lambda lib, x: x.repeat(repeats=(2, 1)),
}

OLD_CALLS = {
    "add_": lambda lib, x: x.clone().add_(-0.5, x),
    "add": lambda lib, x: lib.add(x, 2, x),
    "sub_": lambda lib, x: x.clone().sub_(2, x),
    "addcmul_": lambda lib, x: x.clone().addcmul_(0.1, x, x),
    "addcdiv": lambda lib, x: lib.addcdiv(x, 0.5, x, x + 1),
}


@pytest.mark.parametrize("name", CALLS)
def test_spellings_mean_what_they_mean_in_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    ours, theirs = CALLS[name](mc, mc.tensor(X)), CALLS[name](torch, torch.tensor(X))
    assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")
    np.testing.assert_allclose(ours.cpu().numpy(), theirs.numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", OLD_CALLS)
def test_the_factor_may_come_first_as_it_once_did(name: str) -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    with pytest.warns(UserWarning, match="the factor comes last now, by name"):
        ours = OLD_CALLS[name](mc, mc.tensor(X))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = OLD_CALLS[name](torch, torch.tensor(X))
    np.testing.assert_allclose(ours.cpu().numpy(), theirs.numpy(), rtol=1e-12)


def test_an_old_training_step() -> None:
    w = mc.ones(2, requires_grad=True)
    (w * w).sum().backward()
    with pytest.warns(UserWarning, match=r"write|alpha=-0.1"):
        w.data.add_(-0.1, w.grad.data)
    assert mc.allclose(w, mc.full((2,), 0.8))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mc.nn.Conv2d(3, 6, kernel=5), "Conv2d: unexpected keyword argument 'kernel'.*try   kernel_size"),
        (lambda: mc.nn.Conv2d(3, 6, 5, strides=2), "'strides'.*try   stride"),
        (lambda: mc.nn.Linear(in_feature=3, out_features=1), "Linear: .*try   in_features"),
        (lambda: mc.nn.functional.relu(mc.ones(1), in_place=True), "relu: .*it takes input, inplace.*try   inplace"),
        (lambda: mc.tensor([1.0], require_grad=True), "tensor: .*try   requires_grad"),
        (lambda: mc.zeros(2, dtyp=mc.float32), r"it takes \*size, dtype.*try   dtype"),
        (lambda: mc.ones(2).clamp(minimum=0), "clamp: .*it takes min, max.*try   min"),
        (lambda: mc.add(mc.ones(2), 1, out=mc.ones(2)), r"try   out.copy_\(…\) of the result"),
        (lambda: mc.optim.SGD([mc.ones(1)], learning_rate=1), "SGD: .*it takes params, lr, .*try   lr"),
        (lambda: mc.optim.SGD([mc.ones(1)], lr=1, momentun=1), "try   momentum"),
        (lambda: mc.optim.lr_scheduler.StepLR(None, step=3), "StepLR: .*try   step_size"),
        (lambda: mc.data.DataLoader([1], shufle=True), "DataLoader: .*try   shuffle"),
        (lambda: mc.models.LeNet(n_classes=3), "LeNet: .*try   num_classes"),
        (lambda: mc.models.get_model("resnet18", num_class=3), "ResNet: .*try   num_classes"),
        (lambda: mc.datasets.MNIST("data", trian=True), "MNIST: .*try   train"),
        (lambda: mc.transforms.RandomCrop(8, pading=2), "RandomCrop: .*try   padding"),
        (lambda: mc.training.fit(None, [], None, epoch=2), "fit: .*try   epochs"),
        (lambda: mc.training.evaluate(None, [], loss_fn=None), "evaluate: .*try   loss_function"),
        (lambda: mc.training.benchmark(None, [], epochs=1, lr=1, batchsize=1), "benchmark: .*try   batch_size"),
        (lambda: mc.nn.Sigmoid(inplace=True), "it takes none"),
        (lambda: mc.nn.Softmax(axis=1), "Softmax: .*it takes dim try   dim"),
        (lambda: mc.nn.functional.softmax(mc.ones(1), axis=0), "softmax: .*try   dim"),
        (lambda: mc.ones(2).mul_(2, mc.ones(2)), "mul_: takes 2 positional arguments but 3 were given"),
        (lambda: mc.nn.functional.relu(mc.ones(1), False, 3), "relu: takes 2 positional arguments but 3 were given"),
        (lambda: mc.nn.Linear(1, 2, True, None, None, 3), "Linear: takes 6 .* it takes in_features"),
    ],
)
def test_slips(call: Any, words: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        call()
    text = " ".join(line.strip() for line in str(caught.value).splitlines())
    assert re.search(words, text), text
    assert isinstance(caught.value, TypeError)
