"""Linear networks and convolutions on MNIST, trained alike and compared in a table.

    compare_models.py FOLDER IMAGES
"""

import sys
import time

import torch
import torch.nn as nn
import torchvision.transforms as transforms
from torch.autograd import Variable
from torch.utils.data import DataLoader, Subset
from torchvision import datasets

folder, images = sys.argv[1], int(sys.argv[2])
to_tensor = transforms.ToTensor()
train_set = datasets.MNIST(root=folder, train=True, transform=to_tensor, download=True)
test_set = datasets.MNIST(root=folder, train=False, transform=to_tensor)
train_loader = DataLoader(dataset=Subset(train_set, range(images)), batch_size=50, shuffle=True)
test_loader = DataLoader(dataset=Subset(test_set, range(images // 2)), batch_size=100, shuffle=False)


class Linear(nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.fc1, self.activation, self.fc2 = nn.Linear(28 * 28, 100), activation, nn.Linear(100, 10)

    def forward(self, x):
        return self.fc2(self.activation(self.fc1(x.view(-1, 28 * 28))))


class OneLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, kernel_size=5, stride=1, padding=2)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(16 * 14 * 14, 10)

    def forward(self, x):
        out = self.pool(torch.relu(self.conv(x)))
        return self.fc(out.view(out.size(0), -1))


class TwoLayers(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.layer1 = nn.Sequential(nn.Conv2d(1, 16, 5, padding=2), norm(16), nn.ReLU(), nn.MaxPool2d(2))
        self.layer2 = nn.Sequential(nn.Conv2d(16, 32, 5, padding=2), norm(32), nn.ReLU(), nn.MaxPool2d(2))
        self.fc = nn.Linear(32 * 7 * 7, 10)

    def forward(self, x):
        out = self.layer2(self.layer1(x))
        return self.fc(out.view(out.size(0), -1))


def accuracy(model):
    model.eval()
    correct = 0
    for x, y in test_loader:
        _, predicted = torch.max(model(Variable(x)).data, 1)
        correct += (predicted == y).sum()
    return 100.0 * correct / len(test_loader.dataset)


def benchmark(model, epochs=2, rate=0.05):
    start, criterion = time.time(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    for _ in range(epochs):
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(Variable(x)), Variable(y))
            loss.backward()
            optimizer.step()
    return accuracy(model), time.time() - start


torch.manual_seed(0)
results = {}
for name, model in [
    ("ReLU", Linear(nn.ReLU())), ("Tanh", Linear(nn.Tanh())), ("Sigmoid", Linear(nn.Sigmoid())),
    ("one layer", OneLayer()), ("two layers", TwoLayers(nn.Identity)), ("two with BN", TwoLayers(nn.BatchNorm2d)),
]:
    results[name], seconds = benchmark(model)
    print(f"{name:<12} {results[name]:6.2f} % {seconds:6.1f} s")
