"""Transfer learning: load a trained network, replace its head, train the head alone, then the whole at a small rate.

Here the network first learns to tell colours and shapes, 80 classes, from 4,000 images; then 150 images must do to tell
shapes alone. For a network of the hub, put weights="…" (a file, a URL, a Hugging Face repository) in get_model.

Chapter: pretrained models.
"""

import tempfile
from pathlib import Path

import minicnn as mc
from minicnn import nn
from minicnn.data import DataLoader, TensorDataset
from minicnn.datasets import ColouredShapes


def loader(dataset, batch_size, shuffle=False):
    """Batches of the images as float tensors in [−1, 1]."""
    images = mc.tensor(dataset.data).permute(0, 3, 1, 2).float() / 127.5 - 1
    return DataLoader(TensorDataset(images, mc.tensor(dataset.targets)), batch_size, shuffle=shuffle)


def train(model, batches, epochs, lr):
    """Fit the parameters that require a gradient."""
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = mc.optim.Adam(learning, lr=lr)
    mc.training.fit(model, batches, optimizer, epochs=epochs, progress=False)


few = loader(ColouredShapes(size=150, seed=1), 30, shuffle=True)
test = loader(ColouredShapes(train=False, size=500), 250)


def network(num_classes):
    """The documents' four-convolution net, for 32 × 32 images in colour."""
    layers = []
    for inputs, outputs in [(3, 16), (16, 32), (32, 64)]:
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(nn.Sequential(*layers, nn.Flatten()), nn.Linear(64 * 16, num_classes))


with tempfile.TemporaryDirectory() as folder:
    weights = Path(folder) / "pretrained.npz"
    mc.manual_seed(0)
    large = network(80)
    both = ColouredShapes(size=4000, seed=2)
    both.targets = (both.shapes * 8 + both.colours).tolist()
    train(large, loader(both, 50, shuffle=True), epochs=3, lr=2e-3)
    mc.save(large.state_dict(), weights)
    state = mc.load(weights)

model = network(10)
missing, unexpected = model.load_state_dict({k: v for k, v in state.items() if not k.startswith("1.")}, strict=False)
print("weights that stay as they were drawn:", missing)

for parameter in model[0].parameters():
    parameter.requires_grad_(False)
train(model, few, epochs=20, lr=5e-3)
print(f"the head alone, trained on 150 images:  {mc.training.evaluate(model, test).accuracy:.1%}")

for parameter in model.parameters():
    parameter.requires_grad_(True)
train(model, few, epochs=10, lr=2e-4)
print(f"then all of it, at a small rate:        {mc.training.evaluate(model, test).accuracy:.1%}")

mc.manual_seed(0)
fresh = network(10)
train(fresh, few, epochs=30, lr=2e-3)
print(f"from nothing, trained on the same 150:  {mc.training.evaluate(fresh, test).accuracy:.1%}")
