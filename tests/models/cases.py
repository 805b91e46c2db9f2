"""The networks that are compared with reference definitions: their inputs and weights, made alike in both libraries."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np

Array = Any

REFERENCE = Path(__file__).parent / "reference.npz"
"""What ``make_reference`` keeps of a network: names and shapes, outputs in both modes, seeded initial weights."""

SEED = 7
"""Of the dropout in training mode, and of the initial weights."""

# Small images, but large enough for sixteen values a channel in the last batch norm: fewer are ill-conditioned.
INPUTS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("mlp_relu", "mlp_tanh", "mlp_sigmoid", "cnn1", "cnn2", "cnn2_bn", "cnn4_bn"), (4, 1, 28, 28)),
    **dict.fromkeys(("lenet", "lenet_sigmoid"), (4, 1, 28, 28)),
    "simplecnn": (4, 3, 32, 32),
    "alexnet": (2, 3, 64, 64),
    **dict.fromkeys((f"vgg{n}{bn}" for n in (11, 13, 16, 19) for bn in ("", "_bn")), (4, 3, 32, 32)),
    "nin": (2, 1, 80, 80),
    "googlenet": (4, 3, 64, 64),
    "inception_v3": (4, 3, 299, 299),
    **dict.fromkeys(("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"), (4, 3, 64, 64)),
    **dict.fromkeys(("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"), (4, 3, 64, 64)),
    **dict.fromkeys(("wide_resnet50_2", "wide_resnet101_2"), (4, 3, 64, 64)),
    **dict.fromkeys(("resnet20", "resnet32", "resnet44", "resnet56", "resnet110"), (4, 3, 32, 32)),
    **dict.fromkeys(("densenet121", "densenet161", "densenet169", "densenet201"), (4, 3, 64, 64)),
    **dict.fromkeys(("squeezenet1_0", "squeezenet1_1"), (2, 3, 64, 64)),
    **dict.fromkeys(("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"), (4, 3, 64, 64)),
    **dict.fromkeys((f"shufflenet_v2_x{w}" for w in ("0_5", "1_0", "1_5", "2_0")), (4, 3, 64, 64)),
    "efficientnet_b0": (4, 3, 64, 64),
    **dict.fromkeys(("nasnetalarge", "pnasnet5large"), (4, 3, 96, 96)),
    "unet": (2, 3, 32, 32),
    "dcgan_generator": (4, 100, 1, 1),
}

SEEDED = (
    "alexnet", "resnet18", "densenet121", "squeezenet1_1", "googlenet", "inception_v3", "mobilenet_v2",
    "mobilenet_v3_small", "shufflenet_v2_x0_5", "efficientnet_b0", "wide_resnet50_2",
)  # fmt: skip
"""Networks whose initial weights are compared; one a family, and not the largest."""

_stream = np.random.RandomState(0)
_NORMAL = _stream.standard_normal(2**20 + 7).astype(np.float32)
_UNIFORM = _stream.uniform(0.5, 1.5, 2**14 + 3).astype(np.float32)


def make_input(name: str) -> Array:
    """The network's input."""
    return np.random.RandomState(1).standard_normal(INPUTS[name]).astype(np.float32)


def fill(key: str, array: Array) -> None:
    """Fill a parameter or buffer in place with numbers that depend on its name and shape alone."""
    if key.endswith("num_batches_tracked"):
        array[...] = 0
    elif key.endswith("running_var") or (key.endswith("weight") and array.ndim == 1):
        # Small residual branches, as trained bottlenecks have. With branches as large as what they are added to, 152
        # layers in training mode are so ill-conditioned that PyTorch's own float32 and float64 differ by 7e-4.
        _tile(array, _UNIFORM, key, 0.25 if key.endswith("bn3.weight") else 1.0)
    else:
        _tile(array, _NORMAL, key, (2.0 / array[0].size) ** 0.5 if array.ndim > 1 else 0.1)


def fill_all(network: Any) -> None:
    """Fill all parameters and buffers of a network of minicnn, on any device."""
    import minicnn as mc

    for key, tensor in network.state_dict().items():
        values = tensor.cpu().numpy()
        fill(key, values)
        tensor.copy_(mc.as_tensor(values))


def _tile(array: Array, pool: Array, key: str, scale: float) -> None:
    flat = array.reshape(-1)
    assert np.shares_memory(flat, array)
    done, start = 0, zlib.crc32(key.encode()) % pool.size
    while done < flat.size:
        part = pool[start : start + flat.size - done]
        np.multiply(part, np.float32(scale), out=flat[done : done + part.size])
        done, start = done + part.size, 0


def listing(shapes: dict[str, tuple[int, ...]]) -> str:
    """Names and shapes, one a line."""
    return "\n".join(f"{key} {tuple(shape)}" for key, shape in shapes.items())


def sample(output: Array) -> Array:
    """At most 16 numbers of an output, spread over it, and its largest magnitude."""
    flat = np.asarray(output, dtype=np.float32).reshape(-1)
    return np.append(flat[:: -(-flat.size // 16)], np.abs(flat).max())


def digest(array: Array) -> Array:
    """Two numbers that tell a parameter's initial values: its first value, and the mean magnitude."""
    flat = np.asarray(array, dtype=np.float64).reshape(-1)
    return np.array([flat[0], np.abs(flat).mean()])
