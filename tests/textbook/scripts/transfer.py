"""A network of torchvision, its head replaced and trained on a folder of images; what it sees, as one picture.

    transfer.py FOLDER PICTURE
"""

import sys

import torch
import torch.nn as nn
import torchvision
from torchvision import datasets, models, transforms
from torchvision.transforms import functional as TF

torch.manual_seed(0)
normalize = transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
augment = transforms.Compose([
    transforms.RandomResizedCrop(32, scale=(0.5, 1.0)), transforms.RandomHorizontalFlip(), transforms.ToTensor(),
    normalize,
])
photographs = datasets.ImageFolder(sys.argv[1], transform=augment)
loader = torch.utils.data.DataLoader(photographs, batch_size=4, shuffle=True, num_workers=2)

model = models.resnet18(weights=None)
for parameter in model.parameters():
    parameter.requires_grad = False
model.fc = nn.Linear(model.fc.in_features, len(photographs.classes))
before = model.conv1.weight.clone()
optimizer = torch.optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=0.01)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
losses = []
for _ in range(4):
    model.train()
    for images, labels in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()

assert torch.equal(model.conv1.weight, before)
torchvision.utils.save_image(images, sys.argv[2], nrow=2, normalize=True)
print(photographs.class_to_idx, scheduler.get_last_lr())
print(TF.to_pil_image(torchvision.utils.make_grid(images[:2], padding=1)).size)
