"""A residual network on images in colour, with the augmentation that CIFAR-10 is trained with.

The images are drawn on the spot, ten shapes in eight colours, so no network is needed; with CIFAR-10 on disk, put
mc.datasets.CIFAR10(root, train=…, download=True, transform=…) in their place.

python examples/residual_shapes.py [EPOCHS]

Chapter: classifying CIFAR-10. Needs Pillow: pip install "minicnn[vision]".
"""

import sys

import minicnn as mc
from minicnn import nn, transforms
from minicnn.data import DataLoader
from minicnn.datasets import ColouredShapes

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 4

train_transform = transforms.Compose([
    transforms.Resize(40),
    transforms.RandomHorizontalFlip(),
    transforms.RandomCrop(32),
    transforms.ToTensor(),
    transforms.Normalize([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
])  # fmt: skip
test_transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])])


def conv3x3(in_channels, out_channels, stride=1):
    """A 3 × 3 convolution that keeps the size, or halves it; batch norm follows, which has the bias."""
    return nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)


class ResidualBlock(nn.Module):
    """relu(x + f(x)); where the shapes differ, a convolution brings x to that of f(x)."""

    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = conv3x3(in_channels, out_channels, stride)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = conv3x3(out_channels, out_channels)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(conv3x3(in_channels, out_channels, stride), nn.BatchNorm2d(out_channels))

    def forward(self, x):
        out = nn.functional.relu(self.bn1(self.conv1(x)))
        return nn.functional.relu(self.shortcut(x) + self.bn2(self.conv2(out)))


mc.manual_seed(0)
model = nn.Sequential(
    conv3x3(3, 16), nn.BatchNorm2d(16), nn.ReLU(),
    ResidualBlock(16, 16),
    ResidualBlock(16, 32, stride=2),
    ResidualBlock(32, 64, stride=2),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
)  # fmt: skip
train_loader = DataLoader(ColouredShapes(train=True, transform=train_transform), 50, shuffle=True)
test_loader = DataLoader(ColouredShapes(train=False, transform=test_transform), 250)
optimizer = mc.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
schedule = mc.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=epochs * len(train_loader))
mc.training.fit(model, train_loader, optimizer, epochs=epochs, scheduler=schedule)
print(f"test accuracy {mc.training.evaluate(model, test_loader).accuracy:.2%}")
