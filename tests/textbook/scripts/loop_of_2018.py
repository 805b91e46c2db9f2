"""A classifier as books of 2018 train it."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.autograd import Variable
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
if torch.cuda.is_available():
    torch.cuda.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()  # noqa: UP008 (as textbooks write it)
        self.conv1 = nn.Conv2d(1, 4, kernel_size=3)
        self.fc1 = nn.Linear(4 * 3 * 3, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = x.view(x.size(0), -1)
        return F.log_softmax(self.fc1(x), dim=1)


images = torch.randn(12, 1, 8, 8).type(torch.FloatTensor)
labels = torch.LongTensor([0, 1, 2] * 4)
loader = DataLoader(TensorDataset(images, labels), batch_size=6, shuffle=True, num_workers=0)
model = Net()
for m in model.modules():
    if isinstance(m, nn.Conv2d):
        m.weight.data.normal_(0, 0.1)
        m.bias.data.zero_()
if torch.cuda.is_available():
    model.cuda()
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

for epoch in range(8):
    model.train()
    running_loss, correct = 0.0, 0
    for data, target in loader:
        inputs, targets = Variable(data), Variable(target)
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = F.nll_loss(outputs, targets)
        loss.backward()
        optimizer.step()
        running_loss += loss.item() * inputs.size(0)
        _, predicted = torch.max(outputs.data, 1)
        correct += (predicted == targets).sum().item()
    print(f"epoch {epoch + 1}: loss {running_loss / len(loader.dataset):.6f}, {correct} right")

model.eval()
print(model)
print(F.softmax(Variable(model(images).data), dim=1).cpu().numpy().shape)
