"""Make the small checkpoints of PyTorch that the tests read without it: python tests/reference/make_checkpoints.py."""

from pathlib import Path

import torch

HERE = Path(__file__).parent


def state() -> dict:
    """A model, an optimiser after a step, and a value of every kind that is read."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    model(torch.linspace(-1, 1, 25).view(1, 1, 5, 5)).square().sum().backward()
    optimizer.step()
    shared = torch.arange(12.0).reshape(3, 4)
    kinds = ("float16", "bfloat16", "float64", "uint8", "int8", "int16", "int32", "int64")
    return {
        "model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "loss": 0.25, "done": None,
        "views": [shared, shared.t()[1:], shared[::2, 1], shared[0, 0], torch.ones(1).expand(2, 3)],
        "kinds": {kind: torch.arange(3).to(getattr(torch, kind)) for kind in kinds},
        "bool": torch.tensor([True, False]), "empty": torch.empty(0, 3), "parameter": torch.nn.Parameter(torch.ones(2)),
        "plain": (1, -2, 2**40, "ä", True, (), [1.5, [2]], {"k": {}}), "size": torch.Size([3, 4]),
        "device": torch.device("cuda", 1), "dtype": torch.float32,
        "set": {1, 2}, "frozen": frozenset("a"), "bytes": b"\xff",
    }  # fmt: skip


if __name__ == "__main__":
    torch.save(state(), HERE / "checkpoint.pt")
    torch.save(state(), HERE / "checkpoint_protocol4.pt", pickle_protocol=4)
    torch.save(state(), HERE / "checkpoint_before_1.6.pt", _use_new_zipfile_serialization=False)
