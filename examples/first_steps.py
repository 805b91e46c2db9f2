"""The lines of the README: a few steps of LeNet on the packaged digits."""

import minicnn as mc

mc.manual_seed(0)
images, labels = mc.datasets.Digits(train=True).tensors()[:64]
model = mc.models.LeNet()
optimizer = mc.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for step in range(20):
    loss = mc.nn.functional.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.3f}")
