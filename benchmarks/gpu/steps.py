"""Training steps, eager and as CUDA graphs, and inference, on all sides."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import steps
from benchmarks.case import Row, Settings
from benchmarks.gpu import comparison
from benchmarks.gpu.comparison import Contest
from benchmarks.gpu.sides import (
    CPU,
    MINICNN,
    MINICNN_GRAPH,
    TORCH,
    TORCH_GRAPH,
    TORCH_LAST,
    precision,
    sides,
)
from benchmarks.steps import Network, Shape, inference_of

NETWORKS: dict[str, tuple[Network, Shape]] = {
    name.rsplit(" ", 1)[0]: (network, shape[1:]) for name, (network, shape) in steps.TRAINED.items()
}
"""The networks of the CPU's training steps, and the shape of one of their images."""

SMALL = ("LeNet", "SimpleCNN", "ResNet-20")
"""What a graph has a goal for; and what the CPU is waited for where there is no PyTorch to compare with."""

BATCHES, INFERRED = (128, 512), (1, 32)
TOLERANCES = {False: (3e-5, 1e-1), True: (1e-3, 5e-1)}
"""Of a step's loss and gradient, without and with TF32.

Ten times the CPU's without: cuDNN may convolve in larger Winograd tiles, whose sums lose digits. With TF32 by what
rounding the factors of all products to its 11 bits does on a CPU: over six steps up to 2e-5 of the loss and .23 of
ResNet-20's first gradient, where ReLUs decide otherwise. A wrong gradient moves the loss by more than either allows.
"""

Wanted = Callable[[str, str], bool]


def cases(settings: Settings, *, small: bool = False) -> Iterator[tuple[str, Network, Shape]]:
    """Each network with each batch; with ``small`` those alone."""
    for name, (network, image) in NETWORKS.items():
        for batch in BATCHES[:1] if settings.quick else BATCHES:
            if not small or name in SMALL:
                yield f"{name} b{batch}", without_dropout(network), (batch, *image)


def without_dropout(network: Network) -> Network:
    """The network with its dropout at rest: on a GPU PyTorch draws other masks than minicnn, and than itself on a
    CPU, so losses could not be compared."""

    def made(t: Any) -> Any:
        model = network(t)
        for module in model.modules():
            if type(module).__name__ == "Dropout":
                module.eval()
        return model

    return made


def training_steps(settings: Settings, wanted: Wanted) -> Iterator[Row]:
    """minicnn's eager step beside PyTorch's; where there is no PyTorch for the card, beside its own on the CPU."""
    if TORCH in sides():
        yield from _steps("steps", (TORCH, TORCH_LAST, MINICNN), cases(settings), settings, wanted)
    else:
        yield from _steps("steps", (CPU, MINICNN), cases(settings, small=True), settings, wanted)


def graphs(settings: Settings, wanted: Wanted) -> Iterator[Row]:
    """Steps as CUDA graphs beside eager ones."""
    names = (TORCH, TORCH_GRAPH, MINICNN, MINICNN_GRAPH) if TORCH in sides() else (MINICNN, MINICNN_GRAPH)
    yield from _steps("graphs", names, cases(settings, small=True), settings, wanted)


def _steps(
    suite: str, names: tuple[str, ...], found: Iterator[tuple[str, Network, Shape]], settings: Settings, wanted: Wanted
) -> Iterator[Row]:
    for case, network, shape in found:
        for tf32 in (False, True) if wanted(suite, f"step {case}") else ():
            with precision(tf32):
                made = {name: (side.t, functools.partial(side.make, network, shape))
                        for name, side in sides().items() if name in names}  # fmt: skip
                contest = Contest(f"step {case}", tf32, {name: made[name] for name in names}, TOLERANCES[tf32])
                yield from comparison.rows(contest, 0.5 if settings.quick else 5.0, settings)


def inference(settings: Settings, wanted: Wanted) -> Iterator[Row]:
    """A forward pass in eval mode, at batch 1 and 32."""
    found = sides()
    names = [name for name in (TORCH, MINICNN) if name in found]
    for network_name, network in steps.INFERRED.items():
        for batch in INFERRED:
            case = f"inference {network_name} b{batch}"
            for tf32 in (False, True) if wanted("inference", case) else ():
                with precision(tf32):
                    made = {name: (found[name].t, functools.partial(inference_of, found[name].t, network, batch))
                            for name in names}  # fmt: skip
                    contest = Contest(case, tf32, made, 5e-2 if tf32 else 1e-3)
                    yield from comparison.rows(contest, 0.5 if settings.quick else 3.0, settings)
