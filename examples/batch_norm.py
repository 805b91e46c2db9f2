"""Batch normalisation: the formula, its two modes, and what it does to a network whose weights start too small.

Chapter: batch normalisation.
"""

import minicnn as mc
from minicnn import nn

mc.manual_seed(0)
x = 3 * mc.randn(64, 4, 8, 8) + 5
norm = nn.BatchNorm2d(4)

# Training: with the mean and (biased) variance of each channel over the batch and the pixels.
mean = x.mean((0, 2, 3), keepdim=True)
variance = x.var((0, 2, 3), keepdim=True, unbiased=False)
assert mc.allclose(norm(x), (x - mean) / (variance + norm.eps).sqrt(), atol=1e-5)
print(f"before: mean {x.mean():.2f}, deviation {x.std():.2f}")
print(f"after:  mean {norm(x).mean():.2f}, deviation {norm(x).std():.2f}")

# It remembers a running mean, which evaluation uses: then an image's result does not depend on the others.
print("running means after two batches:", [round(m, 2) for m in norm.running_mean.tolist()])
norm.eval()
assert mc.allclose(norm(x)[:1], norm(x[:1]))

images, labels = mc.datasets.Digits(train=True).tensors()[:640]


def losses(normalised):
    """The mean losses of 6 × 20 steps of 32 images of a ten-layer network whose weights start too small."""
    mc.manual_seed(0)
    layers = []
    for i in range(10):
        layers += [nn.Conv2d(1 if i == 0 else 8, 8, 3, padding=1, stride=2 if i in (3, 6) else 1, bias=False)]
        layers += [nn.BatchNorm2d(8)] if normalised else []
        layers += [nn.ReLU()]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(8 * 7 * 7, 10))
    for layer in model:
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.02)
    optimizer = mc.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    found = []
    for _ in range(6):
        total = 0.0
        for start in range(0, len(images), 32):
            loss = nn.functional.cross_entropy(model(images[start : start + 32]), labels[start : start + 32])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / 20
        found.append(total)
    return found


for name, normalised in [("without", False), ("with", True)]:
    print(f"losses {name:7} batch norm:", "  ".join(f"{loss:.3f}" for loss in losses(normalised)))
