"""Train LeNet on the packaged digits, written out: data, model, loss, optimiser, train, test.

python examples/lenet_digits.py [EPOCHS]
"""

import sys

import minicnn as mc
from minicnn import nn, optim
from minicnn.data import DataLoader
from minicnn.datasets import Digits

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
mc.manual_seed(0)

train_loader = DataLoader(Digits(train=True).tensors(), batch_size=64, shuffle=True)
test_loader = DataLoader(Digits(train=False).tensors(), batch_size=500)
model = mc.models.LeNet()
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.02, total_steps=epochs * len(train_loader))

for epoch in range(1, epochs + 1):
    model.train()
    total = 0.0
    for images, labels in train_loader:
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.item()

    model.eval()
    right = 0
    with mc.no_grad():
        for images, labels in test_loader:
            right += int((model(images).argmax(1) == labels).sum())
    print(f"epoch {epoch}: mean loss {total / len(train_loader):.4f}, test accuracy {right / 10_000:.2%}")
