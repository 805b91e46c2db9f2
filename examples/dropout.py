"""Dropout: random zeros in training, nothing in evaluation, and a network that learns less by heart.

Chapter: dropout.
"""

import minicnn as mc
from minicnn import nn

mc.manual_seed(0)
layer = nn.Dropout(p=0.5)
x = mc.ones(2, 8)
print("training:  ", layer(x).tolist()[0], "- what stays is doubled, so that the mean stays")
print("evaluation:", layer.eval()(x).tolist()[0])
many = nn.functional.dropout(mc.ones(100_000), 0.2)
print(f"with p=0.2: {(many == 0).float().mean():.3f} are zero, the mean is {many.mean():.3f}")

# A network that sees the same 1,000 images again and again learns them by heart, mistakes and all: here three labels in
# ten are drawn by lot. Dropout makes learning by heart harder than learning what the images have in common.
images, labels = mc.datasets.Digits(train=True).tensors()[:1000]
test_images, test_labels = mc.datasets.Digits(train=False).tensors()[:2000]
labels = mc.where(mc.rand(1000) < 0.3, mc.randint(0, 10, (1000,)), labels)


def train(p):
    """Accuracies on the 1,000 images and their labels, and on 2,000 others with the right labels."""
    mc.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 200), nn.ReLU(), nn.Dropout(p), nn.Linear(200, 10))
    optimizer = mc.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    for _ in range(40):
        for start in range(0, 1000, 50):
            loss = nn.functional.cross_entropy(model(images[start : start + 50]), labels[start : start + 50])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    with mc.no_grad():
        return [(model(x).argmax(1) == y).float().mean().item() for x, y in
                [(images, labels), (test_images, test_labels)]]  # fmt: skip


for p in (0.0, 0.5):
    seen, unseen = train(p)
    print(f"p={p}: {seen:.1%} of the labels it saw, {unseen:.1%} of the digits it did not")
