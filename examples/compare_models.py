"""Compare models trained alike: three activations, then one and two convolutions, then batch normalisation.

python examples/compare_models.py [MNIST_FOLDER]

Without a folder it trains for two epochs on 5,000 of the packaged digits; with one (which has the four files of MNIST,
or gets them where there is a network) for three on all 60,000.

Chapter: hyperparameters and comparing models.
"""

import functools
import sys

import minicnn as mc
from minicnn import nn
from minicnn.data import TensorDataset

if len(sys.argv) > 1:
    training, test = (mc.datasets.MNIST(sys.argv[1], train=train, download=True).tensors() for train in (True, False))
    epochs = 3
else:
    training, test = (mc.datasets.Digits(train=train).tensors() for train in (True, False))
    training, epochs = TensorDataset(*training[:5000]), 2


lr = 0.05


def cycle(optimizer, steps):
    """The rate rises to ``lr`` in the first three tenths of the steps, then falls to almost nothing."""
    return mc.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=lr, total_steps=steps)


alike = {"epochs": epochs, "lr": lr, "optimizer": functools.partial(mc.optim.SGD, momentum=0.9), "scheduler": cycle}


class LinearModel(nn.Module):
    """Two linear layers and an activation between them."""

    def __init__(self, activation, hidden=100):
        super().__init__()
        self.l1 = nn.Linear(28 * 28, hidden)
        self.activation = activation()
        self.l2 = nn.Linear(hidden, 10)

    def forward(self, x):
        return self.l2(self.activation(self.l1(x.view(-1, 28 * 28))))


print("The activation:")
activations = {"ReLU": nn.ReLU, "Tanh": nn.Tanh, "Sigmoid": nn.Sigmoid}
models = {name: functools.partial(LinearModel, activation) for name, activation in activations.items()}
mc.training.benchmark((training, test), models, **alike)

print("\nConvolutions in place of the first linear layer, and batch normalisation:")
rows = mc.training.benchmark((training, test), ["cnn1", "cnn2", "cnn2_bn"], **alike)

print("\nThe layers of the last:")
for name, parameter in rows[-1].model.named_parameters():
    print(f"  {name:18} {tuple(parameter.shape)}")
