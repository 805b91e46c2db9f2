"""How large the output is: padding, stride, dilation, several channels, and the 1 × 1 convolution.

Chapter: padding, stride and channels.
"""

import minicnn as mc
from minicnn import nn


def formula(size, kernel, stride=1, padding=0, dilation=1):
    """⌊(size + 2 padding − dilation (kernel − 1) − 1) / stride⌋ + 1."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


print("size of the image, layer → formula, what the layer gives")
for size, options in [
    (28, {"kernel_size": 5}),
    (28, {"kernel_size": 5, "padding": 2}),
    (224, {"kernel_size": 11, "stride": 4, "padding": 2}),
    (224, {"kernel_size": 7, "stride": 2, "padding": 3}),
    (32, {"kernel_size": 3, "padding": 2, "dilation": 2}),
    (27, {"kernel_size": 3, "stride": 2}),
]:
    layer = nn.Conv2d(1, 1, **options)
    expected = formula(size, options["kernel_size"], *(options.get(k, d) for k, d in
                       [("stride", 1), ("padding", 0), ("dilation", 1)]))  # fmt: skip
    height, width = layer(mc.zeros(1, 1, size, size)).shape[2:]
    assert height == width == expected
    print(f"  {size}, {layer} → {expected}, {height} × {width}")

# A filter has as many layers as its input has channels; each filter gives one output channel.
colour = nn.Conv2d(3, 16, kernel_size=5, padding=2)
print("filters of Conv2d(3, 16, 5):", tuple(colour.weight.shape), "and", tuple(colour.bias.shape), "for the biases")
print("weights and biases:", sum(p.numel() for p in colour.parameters()), "= 16 × (3 × 5 × 5 + 1)")

# 1 × 1: at each pixel a linear layer over the channels. It changes their number and mixes nothing else.
mc.manual_seed(0)
mix, x = nn.Conv2d(64, 16, kernel_size=1), mc.randn(2, 64, 7, 7)
as_linear = nn.functional.linear(x.permute(0, 2, 3, 1), mix.weight.flatten(1), mix.bias).permute(0, 3, 1, 2)
assert mc.allclose(mix(x), as_linear, atol=1e-5)
print("1 × 1 convolution:", tuple(x.shape), "→", tuple(mix(x).shape), "- a linear layer at each pixel")

# The other direction: a transposed convolution has the sizes of a convolution exchanged.
down, up = nn.Conv2d(8, 8, 4, stride=2, padding=1), nn.ConvTranspose2d(8, 8, 4, stride=2, padding=1)
small = down(mc.zeros(1, 8, 32, 32))
print("there and back:", "32 × 32 →", "{} × {}".format(*small.shape[2:]), "→", "{} × {}".format(*up(small).shape[2:]))
