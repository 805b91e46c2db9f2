"""What networks look at: attributions that can be computed by hand, with ReLUs in place and not."""

from __future__ import annotations

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.errors import OptionError, ShapeError
from minicnn.inspect import activation_maximisation, grad_cam, integrated_gradients, occlusion, saliency
from minicnn.nn import functional as F


def linear(weights: list[list[float]], channels: int = 1) -> nn.Sequential:
    """Scores that are weighted sums of the pixels."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(len(weights[0]), len(weights)))
    net[1].load_state_dict({"weight": mc.tensor(weights), "bias": mc.zeros(len(weights))})
    return net


def test_saliency_is_the_largest_slope_over_the_channels() -> None:
    net = linear([[1.0, -2, 3, -4, 0, 5, -6, 7], [1.0] * 8])
    x = mc.zeros(2, 2, 2, 2)
    assert saliency(net, x, 0).tolist() == [[[1, 5], [6, 7]]] * 2
    assert saliency(net, x, mc.tensor([0, 1])).tolist() == [[[1, 5], [6, 7]], [[1, 1], [1, 1]]]


def test_the_predicted_class_is_the_default() -> None:
    net = linear([[1.0, 0, 0, 0], [0, 3.0, 0, 0]])
    x = mc.tensor([[[[5.0, 1], [0, 0]]], [[[1.0, 5], [0, 0]]]])
    assert saliency(net, x).tolist() == [[[1, 0], [0, 0]], [[0, 3], [0, 0]]]


def test_integrated_gradients_of_a_square() -> None:
    """Σ x²: the slope on the way is 2tx, its mean x, the parts x²; midpoints are exact for what is linear in t."""

    class Square(nn.Module):
        def forward(self, x: mc.Tensor) -> mc.Tensor:
            return (x * x).flatten(1).sum(1, keepdim=True)

    x = mc.tensor([[[[1.0, -2], [3, 0]]]])
    assert integrated_gradients(Square(), x, 0, steps=4).tolist() == [[[[1, 4], [9, 0]]]]
    base = mc.ones(1, 1, 1, 1)
    assert integrated_gradients(Square(), x, 0, baseline=base, steps=4).tolist() == [[[[0, 3], [8, -1]]]]


def test_integrated_gradients_sum_to_what_the_score_gains() -> None:
    mc.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Softplus(), nn.Flatten(), nn.Linear(3 * 16, 4)).double()
    x = mc.randn(2, 1, 6, 6, dtype=mc.float64)
    parts = integrated_gradients(net, x, 2, steps=200).sum((1, 2, 3))
    gained = (net(x) - net(mc.zeros_like(x)))[:, 2]
    assert parts.tolist() == pytest.approx(gained.tolist(), abs=1e-6)


def test_occlusion_is_the_weight_that_is_covered() -> None:
    net = linear([[float(i) for i in range(16)]])
    falls = occlusion(net, mc.ones(1, 1, 4, 4), 0, size=2)
    assert falls.tolist() == [[[0 + 1 + 4 + 5, 2 + 3 + 6 + 7], [8 + 9 + 12 + 13, 10 + 11 + 14 + 15]]]
    sliding = occlusion(net, mc.ones(1, 1, 4, 4), 0, size=(4, 1), stride=(1, 2), value=2.0)
    assert sliding.tolist() == [[[-(0 + 4 + 8 + 12), -(2 + 6 + 10 + 14)]]]


class Net(nn.Module):
    """Two maps, x and −x, whose means are weighed: class 0 likes the first, class 1 the second."""

    def __init__(self, relu: str) -> None:
        super().__init__()
        self.conv, self.act, self.kind = nn.Conv2d(1, 2, 1, bias=False), nn.ReLU(inplace=relu == "in place"), relu
        self.conv.load_state_dict({"weight": mc.tensor([1.0, -1]).reshape(2, 1, 1, 1)})

    def forward(self, x: mc.Tensor) -> mc.Tensor:
        y = self.conv(x)
        y = F.relu(y) if self.kind == "function" else F.relu_(y) if self.kind == "function in place" else self.act(y)
        return y.mean((2, 3))


@pytest.mark.parametrize("relu", ["layer", "in place", "function", "function in place"])
def test_grad_cam_is_right_however_the_relu_works(relu: str) -> None:
    """Maps x and −x at 4, −2, 0, 8 of four pixels; class 0's slope at the convolution is ¼ where x > 0, mean ⅛."""
    x = mc.tensor([[[[4.0, -2], [0, 8]]]])
    net = Net(relu)
    assert grad_cam(net, x, "conv", 0, resize=False).tolist() == [[[0.5, 0], [0, 1]]]
    assert grad_cam(net, x, net.conv, 1, resize=False).tolist() == [[[0, 2 / 16], [0, 0]]]
    assert grad_cam(net, x, "conv", 0).shape == (1, 2, 2)
    assert net.conv.weight.grad is None


def test_grad_cam_grows_to_the_size_of_the_image() -> None:
    mc.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    x = mc.rand(2, 3, 9, 9)
    heat, small = grad_cam(net, x, "0"), grad_cam(net, x, "0", resize=False)
    assert small.shape == (2, 4, 4)
    large = F.interpolate(small.unsqueeze(1), size=(9, 9), mode="bilinear", align_corners=False).squeeze(1)
    assert heat.tolist() == large.tolist()


def test_the_best_image_of_a_linear_channel_is_its_weights() -> None:
    """The slope is w everywhere, so with decay 1 − a the image becomes a multiple of w / rms(w)."""
    net = linear([[1.0, -1, 1, 1]])
    found = activation_maximisation(net, (1, 1, 2, 2), steps=3, lr=0.5, decay=0.5, start=mc.zeros(1, 1, 2, 2))
    value = 0.5 * (1 + 0.5 + 0.25)
    assert found.flatten().tolist() == pytest.approx([value, -value, value, value])
    assert activation_maximisation(net, (1, 1, 2, 2), steps=1, each=lambda x: x * 0).abs().sum().item() == 0
    conv = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.Flatten())
    up = activation_maximisation(conv, (1, 1, 2, 2), "0", 1, steps=20)
    assert (up * conv[0].weight[1].item()).mean().item() > 0.5 * abs(conv[0].weight[1].item())


def test_the_mode_is_restored_and_nothing_is_drawn() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(4, 2)).train()
    state = mc.get_rng_state()
    first, second = saliency(net, mc.ones(1, 1, 2, 2), 0), saliency(net, mc.ones(1, 1, 2, 2), 0)
    activation_maximisation(net, (1, 1, 2, 2), steps=1)
    assert net[1].training
    assert first.tolist() == second.tolist()
    assert (mc.get_rng_state() == state).all()


def test_what_cannot_be_attributed_is_said() -> None:
    net, x = linear([[1.0] * 4]), mc.zeros(1, 1, 2, 2)
    with pytest.raises(ShapeError, match="no images"):
        saliency(net, mc.zeros(2, 2))
    with pytest.raises(OptionError, match="no such class"):
        saliency(net, x, 1)
    with pytest.raises(ShapeError, match="no scores"):
        saliency(nn.Conv2d(1, 1, 1), x)
    with pytest.raises(ShapeError, match="patch"):
        occlusion(net, x, size=3)
    with pytest.raises(OptionError, match="no map"):
        grad_cam(net, x, "1")
    with pytest.raises(OptionError, match="steps"):
        integrated_gradients(net, x, steps=0)
