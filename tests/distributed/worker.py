"""What each rank does in the tests: ``mpiexec -n 2 python -m tests.distributed.worker NAME``; rank 0 prints JSON."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

import minicnn as mc
from minicnn import distributed
from minicnn.nn import functional as F

STEPS, BATCH = 5, 64


def small(norm: bool) -> mc.nn.Module:
    """A convolutional network in float64, with or without batch norm."""
    norms = [mc.nn.BatchNorm2d(4)] if norm else []
    return mc.nn.Sequential(mc.nn.Conv2d(1, 4, 3), *norms, mc.nn.ReLU(), mc.nn.MaxPool2d(2), mc.nn.Flatten(),
                            mc.nn.Linear(4 * 13 * 13, 10)).double()  # fmt: skip


def data() -> mc.data.TensorDataset:
    images, labels = mc.datasets.Digits(train=True).tensors()[: STEPS * BATCH]
    return mc.data.TensorDataset(images.double(), labels)


def trained(*, norm: bool = False, sync: bool = False, bucket_bytes: int = 4 << 20, parts: int = 1) -> dict[str, Any]:
    """Train on this rank's share (the whole batch, alone), and give losses and weights."""
    ranks = distributed.get_world_size()
    mc.manual_seed(distributed.get_rank())  # rank 0's weights count
    model: Any = small(norm)
    if sync:
        model = distributed.SyncBatchNorm.convert_sync_batchnorm(model)
    if distributed.is_initialized():
        model = distributed.DataParallel(model, bucket_bytes=bucket_bytes)
    optimizer = mc.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    dataset = data()
    sampler = distributed.DistributedSampler(dataset, seed=3)
    losses = []
    for images, labels in mc.data.DataLoader(dataset, batch_size=BATCH // ranks, sampler=sampler):
        optimizer.zero_grad()
        halves = list(zip(images.chunk(parts), labels.chunk(parts), strict=True))
        for part, targets in halves[:-1]:
            with model.no_sync():
                (F.cross_entropy(model(part), targets) / parts).backward()
        part, targets = halves[-1]
        loss = F.cross_entropy(model(part), targets) / parts
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    weights = {name: value.double().flatten().tolist() for name, value in model.state_dict().items()}
    return {"losses": losses, "weights": weights}


def same_on_all_ranks() -> dict[str, Any]:
    """The largest difference between this rank's weights and the mean of all ranks'."""
    found = trained()["weights"]
    mine = mc.tensor([value for values in found.values() for value in values], dtype=mc.float64)
    mean = distributed.all_reduce(mine.clone(), "mean")
    return {"difference": distributed.all_reduce((mean - mine).abs().max().reshape(1)).item()}


def unused_parameters() -> dict[str, Any]:
    """Each rank uses another branch, one parameter nobody."""
    rank = distributed.get_rank()
    model = mc.nn.ModuleList([mc.nn.Linear(2, 1, bias=False) for _ in range(3)])
    for layer in model:
        mc.nn.init.ones_(layer.weight)
    parallel = distributed.DataParallel(model, bucket_bytes=1)
    (model[rank](mc.ones(1, 2)) * (rank + 1)).sum().backward()
    return {"grads": [None if p.grad is None else p.grad.tolist() for p in parallel.parameters()]}


def per_rank_statistics() -> dict[str, Any]:
    """Running statistics are rank 0's on every rank, after the next forward pass."""
    model = distributed.DataParallel(mc.nn.BatchNorm1d(1))
    for _ in range(2):
        model(mc.full((2, 1), float(distributed.get_rank())) + mc.tensor([[0.0], [2.0]]))
    return {"mean": model.module.running_mean.item()}


def messages() -> dict[str, Any]:
    """Sums, means and copies of several dtypes and orders."""
    rank = distributed.get_rank()
    turned = mc.arange(6, dtype=mc.float32).reshape(2, 3).T + rank
    half = distributed.all_reduce(mc.tensor([1.0 + rank], dtype=mc.float16))
    return {"sum": distributed.all_reduce(mc.tensor([rank, 1])).tolist(),
            "mean": distributed.all_reduce(mc.tensor([float(rank)]), "mean").item(),
            "turned": distributed.all_reduce(turned).tolist(), "half": [str(half.dtype), half.item()],
            "broadcast": distributed.broadcast(mc.tensor([rank]), src=1).item()}  # fmt: skip


class _Stop(mc.training.Callback):
    """Ends a training after some steps, on every rank."""

    def __init__(self, after: int) -> None:
        self.after = after

    def on_step_end(self, run: Any) -> None:
        if run.step == self.after:
            raise KeyboardInterrupt


def fitted(folder: str = "", stop: int = 0) -> dict[str, Any]:
    """Two epochs by ``fit``, resumed from ``folder`` if there is one, and stopped after a step if that is asked."""
    mc.manual_seed(0)
    model: Any = small(False)
    if distributed.is_initialized():
        model = distributed.DataParallel(model)
    dataset = data()
    loader = mc.data.DataLoader(dataset, BATCH // distributed.get_world_size(),
                                sampler=distributed.DistributedSampler(dataset, seed=3))  # fmt: skip
    optimizer = mc.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    keep = mc.training.Checkpoint(folder, every_steps=1) if folder else None
    try:
        history = mc.training.fit(model, loader, optimizer, epochs=2, checkpoint=keep, resume=bool(folder),
                                  callbacks=[_Stop(stop)], progress=False)  # fmt: skip
    except KeyboardInterrupt:
        return {"stopped": stop}
    weights = {name: value.flatten().tolist() for name, value in model.state_dict().items()}
    return {"weights": weights, "losses": [epoch.loss for epoch in history],
            "accuracies": [epoch.accuracy for epoch in history]}  # fmt: skip


def skipping() -> dict[str, Any]:
    """A batch with a NaN in one rank's part is left out by all."""
    mc.manual_seed(0)
    dataset = data()
    dataset.tensors[0][BATCH + 1] = float("nan")
    loader = mc.data.DataLoader(dataset, BATCH)
    model = distributed.DataParallel(small(False))
    optimizer = mc.optim.SGD(model.parameters(), lr=0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = mc.training.fit(model, loader, optimizer, epochs=1, on_nan="skip", progress=False)
    finite = all(bool(p.isfinite().all()) for p in model.parameters())
    return {"images": round(distributed.all_reduce(mc.tensor([float(finite)]))[0].item()), "loss": history[0].loss}


def dies() -> dict[str, Any]:
    """Rank 1 raises in the second step, where rank 0 waits for its gradients."""
    model = distributed.DataParallel(small(False))
    for step in range(3):
        if distributed.get_rank() == 1 and step == 1:
            raise ValueError("a bad image")
        model(mc.ones(1, 1, 28, 28).double()).sum().backward()
    return {}


TASKS: dict[str, Callable[[], dict[str, Any]]] = {
    "plain": trained,
    "small buckets": lambda: trained(bucket_bytes=1),
    "accumulated": lambda: trained(parts=2),
    "batch norm": lambda: trained(norm=True),
    "sync": lambda: trained(norm=True, sync=True),
    "same": same_on_all_ranks,
    "unused": unused_parameters,
    "statistics": per_rank_statistics,
    "messages": messages,
    "skipping": skipping,
    "dies": dies,
}

if __name__ == "__main__":
    distributed.init()
    result = fitted(sys.argv[2], int(sys.argv[3])) if sys.argv[1] == "fit" else TASKS[sys.argv[1]]()
    if distributed.get_rank() == 0:
        print(json.dumps(result))
