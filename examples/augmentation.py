"""Augmentation: what each transform does to an image, and that a network needs it where images are few.

Chapter: image augmentation. Needs Pillow: pip install "minicnn[vision]".
"""

import minicnn as mc
from minicnn import nn, transforms
from minicnn.data import DataLoader

image, label = mc.datasets.ColouredShapes(size=20)[3]
print("an image:", image.size, image.mode)
mc.manual_seed(0)
for transform in [
    transforms.Resize(40),
    transforms.CenterCrop(24),
    transforms.RandomCrop(32, padding=4),
    transforms.RandomHorizontalFlip(),
    transforms.RandomResizedCrop(32),
    transforms.Pad(4),
    transforms.RandomRotation(30),
    transforms.ColorJitter(brightness=0.5),
]:
    print(f"  {transform} → {transform(image).size}")

plain = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)])
augmented = transforms.Compose([
    transforms.RandomHorizontalFlip(), transforms.RandomRotation(20), transforms.RandomCrop(32, padding=4),
    transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3),
])  # fmt: skip
test_loader = DataLoader(mc.datasets.ColouredShapes(train=False, transform=plain, size=500), 250)


def train(transform):
    """Test accuracy after 20 passes over 200 images."""
    mc.manual_seed(0)
    loader = DataLoader(mc.datasets.ColouredShapes(transform=transform, size=200), 20, shuffle=True)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveMaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip
    optimizer = mc.optim.Adam(model.parameters(), lr=2e-3)
    mc.training.fit(model, loader, optimizer, epochs=20, progress=False)
    return mc.training.evaluate(model, test_loader).accuracy


for name, transform in [("as they are", plain), ("augmented", augmented)]:
    print(f"200 images {name}: {train(transform):.1%} of 500 others")
