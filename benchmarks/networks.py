"""Networks written once for either library: ``t`` is minicnn or torch."""

from __future__ import annotations

from typing import Any


def conv_bn(t: Any, c: int, o: int, kernel: int = 3, stride: int = 1, groups: int = 1, act: Any = None) -> list[Any]:
    """Convolution, batch norm and, unless ``act`` is False, an activation (ReLU)."""
    nn = t.nn
    conv = nn.Conv2d(c, o, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(o)] + ([] if act is False else [(act or nn.ReLU)(inplace=True)])


def lenet(t: Any) -> Any:
    """LeCun et al. 1998, with ReLU and max-pooling, for 1×28×28."""
    nn = t.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def two_convolutions(t: Any) -> Any:
    """Two 5×5 convolutions with batch norm, and a linear layer, for 1×28×28."""
    nn, layers = t.nn, []
    for c, o in [(1, 16), (16, 32)]:
        layers += [nn.Conv2d(c, o, 5, padding=2), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 7 * 7, 10))


def four_convolutions(t: Any) -> Any:
    """Four convolutions with batch norm, for 1×28×28."""
    nn = t.nn

    def block(c: int, o: int) -> list[Any]:
        return [nn.Conv2d(c, o, 3), nn.BatchNorm2d(o), nn.ReLU(inplace=True)]

    return nn.Sequential(
        *block(1, 16), *block(16, 32), nn.MaxPool2d(2), *block(32, 64), *block(64, 128), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(2048, 1024), nn.ReLU(inplace=True), nn.Linear(1024, 128), nn.ReLU(inplace=True), nn.Linear(128, 10),
    )  # fmt: skip


def simple_cnn(t: Any) -> Any:
    """Three convolutions and three linear layers, for 3×32×32."""
    nn = t.nn
    layers = []
    for c, o in [(3, 32), (32, 64), (64, 128)]:
        layers += [nn.Conv2d(c, o, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(2048, 512), nn.ReLU(True), nn.Linear(512, 64),
                         nn.ReLU(True), nn.Linear(64, 10))


def alexnet(t: Any) -> Any:
    """Krizhevsky 2014 (one tower), for 3×224×224."""
    nn = t.nn
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(True), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(True),
        nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(True), nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(True), nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(3, 2), nn.AdaptiveAvgPool2d(6),
        nn.Flatten(), nn.Dropout(), nn.Linear(9216, 4096), nn.ReLU(True), nn.Dropout(), nn.Linear(4096, 4096),
        nn.ReLU(True), nn.Linear(4096, 1000),
    )  # fmt: skip


def vgg11(t: Any) -> Any:
    """Simonyan and Zisserman 2014, configuration A, for 3×224×224."""
    nn, layers, c = t.nn, [], 3
    for o in (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0):
        layers += [nn.Conv2d(c, o, 3, padding=1), nn.ReLU(True)] if o else [nn.MaxPool2d(2)]
        c = o or c
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(25088, 4096), nn.ReLU(True),
                         nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(), nn.Linear(4096, 1000))


def _residual(t: Any) -> Any:
    class Residual(t.nn.Module):
        """relu(layers(x) + shortcut(x))."""

        def __init__(self, layers: list[Any], shortcut: list[Any]) -> None:
            super().__init__()
            self.layers, self.shortcut = t.nn.Sequential(*layers), t.nn.Sequential(*shortcut)
            self.relu = t.nn.ReLU(inplace=True)

        def forward(self, x: Any) -> Any:
            return self.relu(self.layers(x) + self.shortcut(x))

    return Residual


def _resnet(t: Any, stem: list[Any], c: int, stages: list[tuple[int, int, int]], bottleneck: bool, classes: int) -> Any:
    layers, block, nn = [*stem], _residual(t), t.nn
    for width, count, first_stride in stages:
        o = width * (4 if bottleneck else 1)
        for i in range(count):
            stride = first_stride if i == 0 else 1
            if bottleneck:
                path = conv_bn(t, c, width, 1) + conv_bn(t, width, width, 3, stride)
                path += conv_bn(t, width, o, 1, act=False)
            else:
                path = conv_bn(t, c, o, 3, stride) + conv_bn(t, o, o, act=False)
            layers.append(block(path, conv_bn(t, c, o, 1, stride, act=False) if stride != 1 or c != o else []))
            c = o
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, classes))


def resnet20(t: Any) -> Any:
    """He et al. 2015 for 3×32×32."""
    return _resnet(t, conv_bn(t, 3, 16), 16, [(16, 3, 1), (32, 3, 2), (64, 3, 2)], False, 10)


def _imagenet_stem(t: Any) -> list[Any]:
    return [*conv_bn(t, 3, 64, 7, 2), t.nn.MaxPool2d(3, 2, 1)]


def resnet18(t: Any) -> Any:
    """He et al. 2015 for 3×224×224."""
    return _resnet(t, _imagenet_stem(t), 64, [(64, 2, 1), (128, 2, 2), (256, 2, 2), (512, 2, 2)], False, 1000)


def resnet50(t: Any) -> Any:
    """He et al. 2015 for 3×224×224."""
    return _resnet(t, _imagenet_stem(t), 64, [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)], True, 1000)


def mobilenet_v2(t: Any) -> Any:
    """Sandler et al. 2018 for 3×224×224."""
    nn = t.nn

    class Inverted(nn.Module):
        """Expand, filter channel by channel, project; and the input, where the shape is the same."""

        def __init__(self, c: int, o: int, stride: int, expand: int) -> None:
            super().__init__()
            wide, self.same = c * expand, stride == 1 and c == o
            first = conv_bn(t, c, wide, 1, act=nn.ReLU6) if expand != 1 else []
            depthwise = conv_bn(t, wide, wide, 3, stride, wide, nn.ReLU6)
            self.layers = nn.Sequential(*first, *depthwise, *conv_bn(t, wide, o, 1, act=False))

        def forward(self, x: Any) -> Any:
            return x + self.layers(x) if self.same else self.layers(x)

    layers, c = conv_bn(t, 3, 32, 3, 2, act=nn.ReLU6), 32
    for expand, o, count, stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                     (6, 160, 3, 2), (6, 320, 1, 1)]:
        for i in range(count):
            layers.append(Inverted(c, o, stride if i == 0 else 1, expand))
            c = o
    layers += conv_bn(t, c, 1280, 1, act=nn.ReLU6)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1280, 1000))


def dense_block(t: Any) -> Any:
    """Huang et al. 2016: six layers that each see all before them, growth 32, for 64×28×28."""
    nn = t.nn

    class Dense(nn.Module):
        """x, and 32 new channels made of it."""

        def __init__(self, c: int) -> None:
            super().__init__()
            self.layers = nn.Sequential(
                nn.BatchNorm2d(c), nn.ReLU(inplace=True), nn.Conv2d(c, 128, 1, bias=False), nn.BatchNorm2d(128),
                nn.ReLU(inplace=True), nn.Conv2d(128, 32, 3, padding=1, bias=False),
            )  # fmt: skip

        def forward(self, x: Any) -> Any:
            return t.cat([x, self.layers(x)], 1)

    return nn.Sequential(*(Dense(64 + 32 * i) for i in range(6)), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(256, 10))


def stack(t: Any, depth: int, width: int = 32) -> Any:
    """``depth`` convolutions with batch norm and ReLU, for 3×H×W."""
    nn, layers = t.nn, conv_bn(t, 3, width)
    for _ in range(depth - 1):
        layers += conv_bn(t, width, width)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))
