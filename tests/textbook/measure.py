"""What is compared of a network, in minicnn and in PyTorch alike: ``torch`` is either."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import sys
import unittest.mock
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.models.cases import digest, listing, sample

Array = Any

REFERENCE = Path(__file__).parent / "reference.npz"
"""What ``make_reference`` keeps of PyTorch's networks and of what scripts print."""

HAS_TORCH = importlib.util.find_spec("torch") is not None
OUTPUT, GRADIENT = 1e-4, 1e-8
"""How far float32 outputs, and float64 gradients, may be from PyTorch's, relative to the largest of a tensor.

Gradients are compared in float64: in an untrained VGG the values that a pooling window chooses from differ by less than
float32's rounding, so that even PyTorch's own float32 and float64 gradients are 1 % apart.
"""

@dataclass
class Measured:
    """What a network is, and what it computes in training mode.

    Attributes:
        printed: what the script printed, and the network's repr.
        names: names and shapes of its state.
        weights: its initial parameters and buffers.
        output: in float32, of a fixed input; dropout is seeded.
        gradients: of the parameters, or those of a part, in float64.
    """

    printed: str
    names: str
    weights: list[Array]
    output: Array
    gradients: list[Array]


def measure(
    torch: Any, model: Any, shape: tuple[int, ...], printed: str = "", part: Any = None, part_shape: Any = None,
) -> Measured:  # fmt: skip
    """One step forward with ``model``, which is built of ``torch``, and one back, with a part of it where one is given.

    What goes back is in float64 afterwards.
    """
    state = {name: value.detach().numpy().copy() for name, value in model.state_dict().items()}
    printed += str(model)
    torch.manual_seed(3)
    with torch.no_grad():
        output = model(_normal(torch, 1, shape).float()).numpy()
    torch.manual_seed(3)
    back = (model if part is None else part).double()
    again = back(_normal(torch, 1, shape if part is None else part_shape))
    again.backward(_normal(torch, 2, again.shape))
    return Measured(
        printed, listing({name: value.shape for name, value in state.items()}), list(state.values()), output,
        [parameter.grad.numpy() for parameter in back.parameters()],
    )  # fmt: skip


def _normal(torch: Any, seed: int, shape: tuple[int, ...]) -> Any:
    return torch.tensor(np.random.RandomState(seed).standard_normal(shape))


def compare(found: Measured, expected: Measured) -> None:
    """Assert that both networks are the same: to the bit in their weights, to rounding in what they compute."""
    assert found.printed == expected.printed
    assert found.names == expected.names
    for mine, theirs in zip(found.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    close(found.output, expected.output, OUTPUT)
    largest = max(np.abs(gradient).max() for gradient in expected.gradients)
    for mine, theirs in zip(found.gradients, expected.gradients, strict=True):
        # A gradient that is 0 but for rounding, as of a bias before batch norm, is compared with the largest.
        close(mine, theirs, GRADIENT, largest)


def close(found: Array, expected: Array, relative: float, largest: float = 0.0) -> None:
    """Assert that two arrays differ by little beside the second's largest magnitude, or by nothing beside another."""
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= max(relative * np.abs(expected).max(), 1e-12 * largest)


def summary(measured: Measured) -> dict[str, Array]:
    """What is stored of a network for where PyTorch is not installed."""
    return {
        "printed": text(measured.printed),
        "names": text(measured.names),
        "weights": np.stack([digest(weight) for weight in measured.weights]),
        "output": sample(measured.output),
        "gradients": np.array([(g.flat[0], np.abs(g).max()) for g in measured.gradients]),
    }


def text(string: str) -> Array:
    """A string as an array, which can be stored without pickling."""
    return np.frombuffer(string.encode(), np.uint8)


def compare_summaries(found: dict[str, Array], expected: dict[str, Array]) -> None:
    """As ``compare``, of what is stored."""
    for name in ("printed", "names"):
        assert found[name].tobytes().decode() == expected[name].tobytes().decode()
    np.testing.assert_allclose(found["weights"], expected["weights"], rtol=1e-12)
    close(found["output"], expected["output"], OUTPUT)
    largest = np.abs(expected["gradients"]).max()
    for mine, theirs in zip(found["gradients"], expected["gradients"], strict=True):
        close(mine, theirs, GRADIENT, largest)


def stored(key: str) -> dict[str, Array]:
    """The summary that is kept under ``key``."""
    with np.load(REFERENCE) as reference:
        return {name.rpartition("/")[2]: reference[name] for name in reference if name.startswith(f"{key}/")}


def with_torch(source: str, argv: Sequence[str] = ()) -> tuple[dict[str, Any], str]:
    """The names of a script that PyTorch runs, and what it prints."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with captured() as printed, unittest.mock.patch.object(sys, "argv", ["script.py", *argv]):
        exec(compile(source, "script.py", "exec"), names)
    return names, printed()


@contextlib.contextmanager
def captured() -> Iterator[Callable[[], str]]:
    """What is printed meanwhile."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        yield out.getvalue
