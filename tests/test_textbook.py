"""Textbook code whose imports are changed, and only its imports."""

from __future__ import annotations

import pytest

import minicnn as torch
import minicnn.nn as nn
import minicnn.nn.functional as F
import minicnn.optim as optim
from minicnn.autograd import Variable
from minicnn.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()  # noqa: UP008
        self.conv1 = nn.Conv2d(1, 4, kernel_size=3)
        self.fc1 = nn.Linear(4 * 3 * 3, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = x.view(x.size(0), -1)
        return F.log_softmax(self.fc1(x), dim=1)


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
        ("nn", "DataParallel", "the model itself"),
        ("nn", "LSTM", "sequences need PyTorch"),
        ("optim", "Adma", "'Adam'"),
        ("autograd", "gradcheck", "mc.testing.gradcheck"),
        ("nn.functional", "crossentropy", "'cross_entropy'"),
        ("utils.data", "Dataloader", "'DataLoader'"),
    ],
)
def test_names_that_are_not_there(room: str, name: str, hint: str) -> None:
    place = torch
    for part in room.split("."):
        place = getattr(place, part)
    with pytest.raises(AttributeError) as caught:
        getattr(place, name)
    assert hint in str(caught.value) and not hasattr(place, name)
