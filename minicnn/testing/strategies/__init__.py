"""Hypothesis strategies: tensors, shapes that fit, and valid calls of every operation of ``mc.nn.functional``.

    from hypothesis import given
    from minicnn.testing import strategies as st

    @given(st.conv2d())
    def test_mine(call):
        np.testing.assert_allclose(mine(*call.arrays(), **call.options), call.run().numpy())

Sizes are small, so that a failing example can be drawn by hand. Values are multiples of 1/4 unless a strategy says
otherwise, so that sums of products are exact and comparisons need no tolerance.
"""

from collections.abc import Callable as _Callable
from typing import Any as _Any

from minicnn.errors import MissingPackageError

try:
    import hypothesis as _hypothesis
except ImportError:
    raise MissingPackageError("testing.strategies: hypothesis is not installed", rule="it draws the examples",
                              hint='pip install "minicnn[test]"') from None

from minicnn.testing.strategies.call import Call
from minicnn.testing.strategies.operations import OPERATIONS, calls
from minicnn.testing.strategies.values import broadcast_pairs, labels, probabilities, shapes, tensors

__all__ = ["Call", "OPERATIONS", "broadcast_pairs", "calls", "labels", "probabilities", "shapes", "tensors"]


def __getattr__(name: str) -> _Callable[[], _Any]:
    """``st.conv2d()`` is ``st.calls("conv2d")``, and so for every operation."""
    if name.startswith("__"):
        raise AttributeError(name)
    strategy = calls(name)
    return lambda: strategy
