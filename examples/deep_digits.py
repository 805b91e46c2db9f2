"""Four convolutions with batch normalisation on handwritten digits.

python examples/deep_digits.py [MNIST_FOLDER]

Without a folder it trains on 5,000 of the packaged digits; with one (which has the four files of MNIST, or gets them
where there is a network) on all 60,000.

Chapter: MNIST with a deeper network.
"""

import sys

import minicnn as mc
from minicnn.data import DataLoader

if len(sys.argv) > 1:
    training, test = (mc.datasets.MNIST(sys.argv[1], train=train, download=True) for train in (True, False))
else:
    training, test = (mc.datasets.Digits(train=train) for train in (True, False))
images, labels = training.tensors()[:] if len(sys.argv) > 1 else training.tensors()[:5000]

mc.manual_seed(0)
model = mc.models.cnn4_bn()
print(model)
loader = DataLoader(mc.data.TensorDataset(images, labels), batch_size=64, shuffle=True)
optimizer = mc.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
epochs = 1
schedule = mc.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.05, total_steps=epochs * len(loader))
mc.training.fit(model, loader, optimizer, epochs=epochs, scheduler=schedule)
print(f"test accuracy {mc.training.evaluate(model, DataLoader(test.tensors(), 500)).accuracy:.2%}")
