"""Make reference.npz, from PyTorch and the sources of torchvision and timm.

    python -m tests.models.make_reference --torchvision FOLDER --timm FOLDER

The folders hold the packages torchvision (an unpacked wheel will do: its compiled part is not needed) and timm. Only
the definitions of networks are loaded from them; what these import for weights and images is replaced by nothing.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.models.cases import INPUTS, REFERENCE, SEED, SEEDED, digest, fill, listing, make_input, sample
from tests.models.definitions import DEFINITIONS, Weights

FILES = {
    "alexnet": "alexnet", "vgg": "vgg", "googlenet": "googlenet", "inception": "inception", "res": "resnet",
    "wide": "resnet", "densenet": "densenet", "squeezenet": "squeezenet", "mobilenet_v2": "mobilenetv2",
    "mobilenet_v3": "mobilenetv3", "shufflenet": "shufflenetv2", "efficientnet": "efficientnet",
}  # fmt: skip


def stub(name: str, path: Path | None = None, **names: Any) -> types.ModuleType:
    """A module that holds only ``names``; with a path, its submodules are found there."""
    module = types.ModuleType(name)
    if path is not None:
        module.__path__ = [str(path)]
    vars(module).update(names)
    sys.modules[name] = module
    return module


def prepare(torchvision: Path, timm: Path) -> None:
    """Make the networks' files importable without their packages' ``__init__``."""
    for root, package in ((torchvision, "torchvision"), (timm, "timm")):
        stub(package, root / package)
        stub(f"{package}.models", root / package / "models")
    ops = stub("torchvision.ops", torchvision / "torchvision" / "ops")
    stub("torchvision.transforms")
    stub("torchvision.transforms._presets", ImageClassification=object,
         InterpolationMode=types.SimpleNamespace(BICUBIC=None, BILINEAR=None))
    stub("torchvision._internally_replaced_utils", load_state_dict_from_url=None)
    ops.StochasticDepth = importlib.import_module("torchvision.ops.stochastic_depth").StochasticDepth
    stub("timm.models._builder", build_model_with_cfg=lambda model, *_, feature_cfg, **options: model(**options))
    stub("timm.models._registry", register_model=lambda f: f, generate_default_cfgs=lambda d: d)


def build(name: str) -> torch.nn.Module:
    """A published definition."""
    if name.endswith("large") and "nasnet" in name:
        module = "timm.models." + ("pnasnet" if name.startswith("p") else "nasnet")
    else:
        module = "torchvision.models." + next(file for start, file in FILES.items() if name.startswith(start))
    return getattr(importlib.import_module(module), name)()


def run(network: Any, name: str) -> Any:
    """A sample of the outputs (all of them, where there are several)."""
    torch.manual_seed(SEED)
    with torch.no_grad():
        outputs = network(torch.from_numpy(make_input(name)))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return np.concatenate([sample(y.numpy()) for y in outputs])


def of_definition(name: str) -> dict[str, Any]:
    """What is kept of a network from ``definitions``."""
    kept = {}
    for mode in ("eval", "train"):
        weights = Weights(training=mode == "train")
        kept[mode] = run(lambda x, weights=weights: DEFINITIONS[name](weights, x), name)
    kept["listing"] = np.frombuffer(listing({k: v.shape for k, v in weights.state.items()}).encode(), np.uint8)
    return kept


def of_published(name: str) -> dict[str, Any]:
    """What is kept of a network of torchvision or timm."""
    torch.manual_seed(SEED)
    network = build(name)
    state = network.state_dict()
    kept = {"listing": np.frombuffer(listing({k: v.shape for k, v in state.items()}).encode(), np.uint8)}
    if name in SEEDED:
        kept["init"] = np.stack([digest(p.detach().numpy()) for p in network.parameters()])
    for key, tensor in state.items():
        fill(key, tensor.numpy())
    for mode in ("eval", "train"):
        kept[mode] = run(network.train(mode == "train"), name)
    return kept


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--torchvision", type=Path, required=True)
    parser.add_argument("--timm", type=Path, required=True)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    prepare(options.torchvision, options.timm)
    arrays = {}
    for name in INPUTS:
        kept = of_definition(name) if name in DEFINITIONS else of_published(name)
        arrays.update({f"{name}/{part}": array for part, array in kept.items()})
        print(name, kept["eval"][-1], kept["train"][-1], flush=True)
    np.savez_compressed(REFERENCE, **arrays)


if __name__ == "__main__":
    main()
