"""Three networks of the documents, written once for either library: ``t`` is minicnn or torch."""

from __future__ import annotations

from typing import Any


def simple_cnn(t: Any) -> Any:
    """Three convolutions and three linear layers for 3 × 32 × 32 images."""
    nn = t.nn

    class SimpleCNN(nn.Module):
        def __init__(self):
            super().__init__()
            layer1 = nn.Sequential()
            layer1.add_module("conv1", nn.Conv2d(3, 32, 3, 1, padding=1))
            layer1.add_module("relu1", nn.ReLU(True))
            layer1.add_module("pool1", nn.MaxPool2d(2, 2))
            self.layer1 = layer1
            layer2 = nn.Sequential()
            layer2.add_module("conv2", nn.Conv2d(32, 64, 3, 1, padding=1))
            layer2.add_module("relu2", nn.ReLU(True))
            layer2.add_module("pool2", nn.MaxPool2d(2, 2))
            self.layer2 = layer2
            layer3 = nn.Sequential()
            layer3.add_module("conv3", nn.Conv2d(64, 128, 3, 1, padding=1))
            layer3.add_module("relu3", nn.ReLU(True))
            layer3.add_module("pool3", nn.MaxPool2d(2, 2))
            self.layer3 = layer3
            layer4 = nn.Sequential()
            layer4.add_module("fc1", nn.Linear(2048, 512))
            layer4.add_module("fc_relu1", nn.ReLU(True))
            layer4.add_module("fc2", nn.Linear(512, 64))
            layer4.add_module("fc_relu2", nn.ReLU(True))
            layer4.add_module("fc3", nn.Linear(64, 10))
            self.layer4 = layer4

        def forward(self, x):
            conv3 = self.layer3(self.layer2(self.layer1(x)))
            return self.layer4(conv3.view(conv3.size(0), -1))

    return SimpleCNN()


def four_convolutions(t: Any) -> Any:
    """Four convolutions with batch normalisation for 1 × 28 × 28 images."""
    nn = t.nn

    class CNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer1 = nn.Sequential(nn.Conv2d(1, 16, kernel_size=3), nn.BatchNorm2d(16), nn.ReLU(inplace=True))
            self.layer2 = nn.Sequential(
                nn.Conv2d(16, 32, kernel_size=3), nn.BatchNorm2d(32), nn.ReLU(inplace=True),
                nn.MaxPool2d(kernel_size=2, stride=2),
            )  # fmt: skip
            self.layer3 = nn.Sequential(nn.Conv2d(32, 64, kernel_size=3), nn.BatchNorm2d(64), nn.ReLU(inplace=True))
            self.layer4 = nn.Sequential(
                nn.Conv2d(64, 128, kernel_size=3), nn.BatchNorm2d(128), nn.ReLU(inplace=True),
                nn.MaxPool2d(kernel_size=2, stride=2),
            )  # fmt: skip
            self.fc = nn.Sequential(
                nn.Linear(128 * 4 * 4, 1024), nn.ReLU(inplace=True), nn.Linear(1024, 128), nn.ReLU(inplace=True),
                nn.Linear(128, 10),
            )  # fmt: skip

        def forward(self, x):
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(x.view(x.size(0), -1))

    return CNN()


def residual(t: Any) -> Any:
    """The documents' residual network for 3 × 32 × 32 images, one block a stage, with dropout before its last layer."""
    nn = t.nn

    def conv3x3(in_channels, out_channels, stride=1):
        return nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)

    class ResidualBlock(nn.Module):
        def __init__(self, in_channels, out_channels, stride=1, downsample=None):
            super().__init__()
            self.conv1 = conv3x3(in_channels, out_channels, stride)
            self.bn1 = nn.BatchNorm2d(out_channels)
            self.relu = nn.ReLU(inplace=True)
            self.conv2 = conv3x3(out_channels, out_channels)
            self.bn2 = nn.BatchNorm2d(out_channels)
            self.downsample = downsample

        def forward(self, x):
            residual = x
            out = self.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            if self.downsample:
                residual = self.downsample(x)
            out += residual
            return self.relu(out)

    class ResNet(nn.Module):
        def __init__(self, block, num_classes=10):
            super().__init__()
            self.in_channels = 16
            self.conv = conv3x3(3, 16)
            self.bn = nn.BatchNorm2d(16)
            self.relu = nn.ReLU(inplace=True)
            self.layer1 = self.make_layer(block, 16)
            self.layer2 = self.make_layer(block, 32, 2)
            self.layer3 = self.make_layer(block, 64, 2)
            self.avg_pool = nn.AvgPool2d(8)
            self.dropout = nn.Dropout(0.25)
            self.fc = nn.Linear(64, num_classes)

        def make_layer(self, block, out_channels, stride=1):
            downsample = None
            if (stride != 1) or (self.in_channels != out_channels):
                downsample = nn.Sequential(
                    conv3x3(self.in_channels, out_channels, stride=stride), nn.BatchNorm2d(out_channels)
                )
            layers = [block(self.in_channels, out_channels, stride, downsample)]
            self.in_channels = out_channels
            return nn.Sequential(*layers)

        def forward(self, x):
            out = self.relu(self.bn(self.conv(x)))
            out = self.layer3(self.layer2(self.layer1(out)))
            out = self.avg_pool(out)
            out = out.view(out.size(0), -1)
            return self.fc(self.dropout(out))

    return ResNet(ResidualBlock)


NETWORKS = {"SimpleCNN": (simple_cnn, (3, 32, 32)), "four convolutions": (four_convolutions, (1, 28, 28)),
            "residual": (residual, (3, 32, 32))}  # fmt: skip
