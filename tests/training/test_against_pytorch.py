"""200 steps of three networks from one seed, no weights copied: PyTorch's losses step for step."""

from __future__ import annotations

import numpy as np
import pytest

import minicnn as mc
from tests.training.losses import FILE, losses
from tests.training.networks import NETWORKS

TOLERANCE = {"float64": 1e-9, "float32": 1e-4}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_losses_of_200_steps_equal_pytorchs(name: str, dtype: str) -> None:
    with np.load(FILE) as stored:
        expected = stored[f"{name}|{dtype}"]
    np.testing.assert_allclose(losses(mc, name, dtype), expected, rtol=TOLERANCE[dtype], atol=0)
    assert expected[-40:].mean() < expected[:40].mean() - 0.01  # it did learn: the steps are no trivial ones
