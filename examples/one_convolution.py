"""What one filter does: the sums by hand, a 2 × 2 filter on a 4 × 4 image, and filters that find edges.

Chapter: a single convolution.
"""

import minicnn as mc
from minicnn.nn import functional as F

image = mc.tensor([[10, 11, 9, 3], [2, 123, 4, 0], [45, 237, 23, 99], [20, 67, 22, 255]]).float()
kernel = mc.tensor([[1.0, 0.0], [1.0, 0.0]])

print("Each output is a sum of products of the filter with the part of the image under it (stride 2):")
by_hand = mc.zeros(2, 2)
for row in range(2):
    for column in range(2):
        patch = image[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        by_hand[row, column] = (patch * kernel).sum()
        terms = " + ".join(f"{p:g} × {k:g}" for p, k in zip(patch.flatten(), kernel.flatten(), strict=True))
        print(f"  output[{row}, {column}] = {terms} = {by_hand[row, column]:g}")

# conv2d takes batches of images with channels, (N, C, H, W), and as many filters as it has output channels.
by_engine = F.conv2d(image[None, None], kernel[None, None], stride=2)
assert by_engine[0, 0].tolist() == by_hand.tolist()
print("conv2d gives the same:", by_engine[0, 0].tolist())

# The gradient of the filter says how much each of its weights contributes: it is a convolution, too.
kernel.requires_grad_()
F.conv2d(image[None, None], kernel[None, None], stride=2).sum().backward()
print("gradient of their sum in the filter:", kernel.grad.tolist())

# Filters that answer to edges: white (1) on black (0), a frame of 6 × 6.
frame = mc.zeros(1, 1, 8, 8)
frame[..., 1:7, 1:7] = 1
frame[..., 2:6, 2:6] = 0
edges = mc.tensor([[[-1.0, -1.0, -1.0], [2.0, 2.0, 2.0], [-1.0, -1.0, -1.0]], [[-1.0, 2.0, -1.0]] * 3])[:, None]
maps = F.relu(F.conv2d(frame, edges, padding=1))[0]
for name, found in zip(["horizontal", "vertical"], maps, strict=True):
    print(f"{name} lines:")
    for line in found.tolist():
        print("  " + "".join("#" if value > 2 else "." for value in line))
