"""Max, average and adaptive pooling: the windows, what is passed on, and where the gradient goes.

Chapter: pooling.
"""

import minicnn as mc
from minicnn import nn
from minicnn.nn import functional as F

x = mc.tensor([[1.0, 2.0, 1.0, 4.0, 1.0], [5.0, 6.0, 1.0, 2.0, 5.0], [5.0, 0.0, 0.0, 9.0, 6.0]])[None, None]
print("3 × 3 windows, two steps apart, in a 3 × 5 image")
print("  largest:", F.max_pool2d(x, 3, stride=2).flatten().tolist())
print("  average:", [round(v, 3) for v in F.avg_pool2d(x, 3, stride=2).flatten().tolist()])

# Max pooling passes the gradient to the pixel that won, average pooling to all alike.
x.requires_grad_()
for name, pool in [("max", F.max_pool2d), ("average", F.avg_pool2d)]:
    x.grad = None
    pool(x, 3, stride=2).sum().backward()
    print(f"  gradient of {name} pooling:")
    for row in x.grad[0, 0].tolist():
        print("   ", "  ".join(f"{value:5.3f}" for value in row))

# What pooling is for: the answer stays when the object moves a little.
spot = mc.zeros(1, 1, 8, 8)
spot[0, 0, 2, 2] = 1
moved = mc.roll(spot, (1, 1), dims=(2, 3))
same = mc.equal(F.max_pool2d(spot, 4), F.max_pool2d(moved, 4))
print("a spot moved by a pixel gives the same 4 × 4 maxima:", same)

# Adaptive pooling asks for the size of the result, so that one network takes images of any size.
net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d((6, 6)), nn.Flatten(), nn.Linear(8 * 36, 2))
for size in (32, 57, 224):
    print(f"  image {size:3} × {size:3} → scores {tuple(net(mc.zeros(1, 3, size, size)).shape)}")
