"""What the strategies draw is valid, and covers every operation."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.errors import UnknownNameError
from minicnn.testing import strategies as st

SHORT = settings(max_examples=25, deadline=None, derandomize=True, database=None,
                 suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])  # fmt: skip


def test_every_operation_has_a_strategy() -> None:
    assert [name for name in F.__all__ if not name.endswith("_") and name not in st.OPERATIONS] == []
    assert set(st.OPERATIONS) <= set(F.__all__)


@pytest.mark.filterwarnings("ignore:dropout2d")
@pytest.mark.parametrize("name", sorted(st.OPERATIONS))
def test_calls_are_valid_and_say_all_there_is(name: str) -> None:
    @SHORT
    @given(st.calls(name))
    def run(call: st.Call) -> None:
        found = call.run()
        for result in found if isinstance(found, tuple) else (found,):
            assert not result.isnan().any()

    run()


def test_convolutions_of_all_kinds_are_drawn() -> None:
    wanted = {
        "same and dilated": lambda c: c.options["padding"] == "same" and c.options["dilation"] == (2, 2),
        "one image in groups": lambda c: c.options["groups"] == 2 and c.inputs[0].ndim == 3,
        "uneven strides with a bias": lambda c: c.options["stride"] == (3, 1) and c.inputs[2] is not None,
        "uneven padding": lambda c: c.options["padding"] == (2, 0),
    }
    drawn: set[str] = set()

    @settings(SHORT, max_examples=300)
    @given(st.conv2d())
    def look(call: st.Call) -> None:
        drawn.update(name for name, holds in wanted.items() if holds(call))

    look()
    assert drawn == set(wanted)


def test_calls_take_other_inputs_and_give_arrays() -> None:
    call = st.Call("linear", (mc.tensor([[1.0, 2.0]]), mc.tensor([[3.0, 4.0]]), None))
    assert call.run().tolist() == [[11.0]]
    assert call.run(mc.tensor([[1.0, 0.0]]), *call.inputs[1:]).tolist() == [[3.0]]
    arrays = call.arrays()
    assert arrays[2] is None
    assert isinstance(arrays[0], np.ndarray)
    assert "linear(tensor([[1., 2.]]" in repr(call)


@SHORT
@given(st.broadcast_pairs())
def test_pairs_broadcast(pair: tuple[mc.Tensor, mc.Tensor]) -> None:
    x, y = pair
    assert tuple((x + y).shape) == np.broadcast_shapes(tuple(x.shape), tuple(y.shape))


@SHORT
@given(st.tensors((3, 2), low=-1.0, high=1.0), st.tensors((2, 3), distinct=True), st.labels((4,), 3),
       st.probabilities((2, 3)))  # fmt: skip
def test_values_keep_their_bounds(x: mc.Tensor, apart: mc.Tensor, label: mc.Tensor, p: mc.Tensor) -> None:
    assert float(x.abs().max()) <= 1.0
    assert (x * 4).tolist() == (x * 4).round().tolist()
    assert len(set(apart.ravel().tolist())) == 6
    assert float(apart.abs().min()) > 0
    assert label.dtype == mc.int64
    assert set(label.tolist()) <= {0, 1, 2}
    assert p.sum(1).tolist() == pytest.approx([1.0, 1.0])


def test_an_unknown_operation_gets_the_nearest_names() -> None:
    with pytest.raises(UnknownNameError, match="max_pool2d"):
        st.calls("maxpool2d")
    with pytest.raises(AttributeError, match="conv2d"):
        st.conv_2d


def test_without_hypothesis_the_rest_of_the_room_works_and_the_error_says_what_to_install() -> None:
    code = ("import sys; sys.modules['hypothesis'] = None; import minicnn.testing\n"
            "try:\n    from minicnn.testing import strategies\nexcept ImportError as e:\n    print(e)")
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "minicnn[test]"' in found.stdout
