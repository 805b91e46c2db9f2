"""Small networks in the idioms of textbooks, old and new: NETWORKS gives for each how it is built, and its input."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn import init


class Named(nn.Module):
    """Layers by add_module, two chains."""

    def __init__(self):
        super(Named, self).__init__()  # noqa: UP008 (as textbooks write it)
        features = nn.Sequential()
        features.add_module("conv", nn.Conv2d(3, 8, 3, 1, padding=1))
        features.add_module("act", nn.ReLU(True))
        features.add_module("pool", nn.MaxPool2d(2, 2))
        self.features = features
        head = nn.Sequential()
        head.add_module("hidden", nn.Linear(128, 12))
        head.add_module("tanh", nn.Tanh())
        head.add_module("scores", nn.Linear(12, 5))
        self.head = head

    def forward(self, x):
        x = self.features(x)
        x = x.view(x.size(0), -1)
        return self.head(x)


def first_chain_of_named():
    return nn.Sequential(*list(Named().children())[:1])


def initialised():
    model = Named()
    for m in model.modules():
        if isinstance(m, nn.Conv2d):
            init.xavier_normal_(m.weight.data)
            m.bias.data.fill_(0.5)
        elif isinstance(m, nn.Linear):
            m.weight.data.normal_(0, 0.1)
    return model


class Functional(nn.Module):
    """Layers without parameters are functions."""

    def __init__(self, classes=4):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.drop = nn.Dropout2d(0.3)
        self.fc = nn.Linear(6 * 6 * 6, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.drop(self.conv1(x))), 2)
        x = F.dropout(x.view(-1, 216), 0.2, training=self.training)
        return F.log_softmax(self.fc(x), dim=1)


class Branches(nn.Module):
    """Four paths, joined in the channels."""

    def __init__(self, channels, **options):
        super().__init__(**options)
        self.one = nn.Conv2d(channels, 2, kernel_size=1)
        self.three = nn.Sequential(nn.Conv2d(channels, 3, 1, bias=False), nn.BatchNorm2d(3, eps=0.001), nn.ReLU(),
                                   nn.Conv2d(3, 4, 3, padding=1))
        self.pooled = nn.Conv2d(channels, 2, 1)

    def forward(self, x):
        averaged = F.avg_pool2d(x, kernel_size=3, stride=1, padding=1)
        largest = F.max_pool2d(x, 3, 1, 1)
        return torch.cat((self.one(x), self.three(x), self.pooled(averaged), largest), 1)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride=1, shortcut=None):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = shortcut

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.shortcut is None else self.shortcut(x)
        return self.relu(out)


class Residual(nn.Module):
    """Layers made in a loop, a shortcut with a stride, in-place additions."""

    def __init__(self, block, layers, classes=10):
        super().__init__()
        self.channels = 4
        self.conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.layer1 = self.make_layer(block, 4, layers[0])
        self.layer2 = self.make_layer(block, 8, layers[1], 2)
        self.pool = nn.AvgPool2d(4)
        self.fc = nn.Linear(8, classes)

    def make_layer(self, block, channels, blocks, stride=1):
        shortcut = None
        if stride != 1 or self.channels != channels:
            shortcut = nn.Sequential(nn.Conv2d(self.channels, channels, 1, stride), nn.BatchNorm2d(channels))
        layers = [block(self.channels, channels, stride, shortcut)]
        self.channels = channels
        layers += [block(channels, channels) for _ in range(1, blocks)]
        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.pool(self.layer2(self.layer1(self.conv(x))))
        return self.fc(x.view(x.size(0), -1))


class Dense(nn.Module):
    """Each layer sees all before it."""

    def __init__(self, layers, inputs, growth):
        super().__init__()
        widths = [inputs + growth * i for i in range(layers)]
        self.net = nn.ModuleList([
            nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, growth, 3, 1, 1)) for width in widths
        ])

    def forward(self, x):
        for layer in self.net:
            x = torch.cat((x, layer(x)), dim=1)
        return x


def in_network():
    """1 × 1 convolutions, and the mean over the image instead of a linear layer."""
    return nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=5, stride=2), nn.ReLU(), nn.Conv2d(6, 6, kernel_size=1), nn.ReLU(),
        nn.MaxPool2d(3, stride=2), nn.Dropout(0.5), nn.Conv2d(6, 10, 3, 1, 1), nn.AdaptiveAvgPool2d((1, 1)),
        nn.Flatten(),
    )


def generator():
    """The inverse of convolution."""
    return nn.Sequential(
        nn.ConvTranspose2d(7, 6, 4, 1, 0, bias=False), nn.BatchNorm2d(6), nn.LeakyReLU(0.2, inplace=True),
        nn.ConvTranspose2d(6, 3, 4, 2, 1), nn.Tanh(),
    )


NETWORKS = {
    "named": (Named, (2, 3, 8, 8)),
    "first chain of named": (first_chain_of_named, (2, 3, 8, 8)),
    "initialised": (initialised, (2, 3, 8, 8)),
    "functional": (Functional, (3, 1, 16, 16)),
    "branches": (lambda: Branches(5), (2, 5, 6, 6)),
    "residual": (lambda: Residual(Block, [2, 2]), (2, 3, 8, 8)),
    "dense": (lambda: Dense(3, 2, 4), (2, 2, 5, 5)),
    "in network": (in_network, (2, 1, 20, 20)),
    "generator": (generator, (4, 7, 1, 1)),
}
