"""A classifier as it is trained now: AdamW, a schedule, clipping, the best weights kept in a file.

    loop_of_today.py CHECKPOINT [--epochs N]
"""

import argparse

import torch
from torch import nn
from torch.backends import cudnn
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, Dataset, random_split


class Stripes(Dataset):
    """Noisy stripes: upright, level, or slanting."""

    def __init__(self, size):
        self.labels = torch.randint(3, (size,))
        self.noise = torch.randn(size, 1, 12, 12)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        y, x = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
        wave = torch.sin((x, y, x + y)[int(self.labels[i])])
        return wave + 0.5 * self.noise[i], self.labels[i]


@torch.no_grad()
def accuracy(model, loader, device):
    model.eval()
    right = sum((model(x.to(device)).argmax(1) == y.to(device)).sum().item() for x, y in loader)
    return right / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint")
    parser.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args()
    torch.manual_seed(1)
    cudnn.benchmark = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train, test = random_split(Stripes(160), [128, 32], generator=torch.Generator().manual_seed(2))
    loader = DataLoader(train, batch_size=32, shuffle=True, drop_last=True)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding="same", bias=False), nn.BatchNorm2d(8), nn.GELU(), nn.AdaptiveAvgPool2d(3),
        nn.Flatten(), nn.LazyLinear(3),
    ).to(device)
    model(torch.zeros(1, 1, 12, 12, device=device))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=0.01)
    scheduler = OneCycleLR(optimizer, max_lr=0.02, total_steps=args.epochs * len(loader))
    best = 0.0
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for x, y in loader:
            loss = criterion(model(x.to(device)), y.to(device))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            total += loss.item()
        score = accuracy(model, DataLoader(test, batch_size=16), device)
        print(f"epoch {epoch + 1}: loss {total / len(loader):.6f}, accuracy {score:.4f}")
        if score >= best:
            best = score
            torch.save({"epoch": epoch, "state_dict": model.state_dict()}, args.checkpoint)
    saved = torch.load(args.checkpoint, map_location=device)
    model.load_state_dict(saved["state_dict"])
    print(f"best {best:.4f}, again {accuracy(model, DataLoader(test, batch_size=32), device):.4f}")


if __name__ == "__main__":
    main()
