"""Everything that looks inside does so on any device."""

from __future__ import annotations

import pytest

import minicnn as mc
from minicnn import inspect, nn
from minicnn.nn import functional as F


def test_looking_inside_is_the_same_on_any_device(device: str) -> None:
    mc.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.MaxPool2d(2),
                        nn.Flatten(), nn.Linear(27, 4))  # fmt: skip
    x, labels = mc.rand(4, 1, 6, 6), mc.tensor([0, 1, 2, 3])
    found = []
    for place in ("cpu", device):
        net, y = net.to(place), labels.to(place)
        images = x.to(place)
        heats = [inspect.grad_cam(net, images, "0"), inspect.saliency(net, images),
                 inspect.integrated_gradients(net, images, y, steps=2), inspect.occlusion(net, images, size=3),
                 inspect.activation_maximisation(net, (1, 1, 6, 6), steps=2),
                 inspect.measured_field(net, images, "3").influence]  # fmt: skip
        graph = inspect.graph(net, images, loss=lambda out, y=y: F.cross_entropy(out, y))
        explained = inspect.explain(net[0], images, 1, 2, 3, 4)
        around = inspect.loss_landscape(net, lambda m, i=images, y=y: F.cross_entropy(m(i), y), points=3, dimensions=1)
        worst = inspect.worst_mistakes(net, [(images, y)])
        spread = inspect.histograms.histogram(net[0].weight, 4)
        search = inspect.find_learning_rate(net, [(images, y)], mc.optim.SGD(net.parameters(), lr=0.1), steps=3)
        numbers = [v for h in heats for v in h.flatten().tolist()]
        numbers += [explained.value, explained.total, *around.losses, graph.loss, *(m.loss for m in worst), spread.mean]
        layers = graph.nodes[: len(net) + 1]  # the loss is of more operations where nobody waits for the classes
        numbers += [node.gradient or 0 for node in layers] + list(search.losses)
        found.append((numbers, str(inspect.summary(net, images)), [m.index for m in worst], spread.counts,
                      inspect.lint(net, images, y, loader=[(images, y)]).rules))  # fmt: skip
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-5, abs=1e-6)
    assert found[1][1:] == found[0][1:]
    assert found[0][4] == ["bias-before-norm"]
