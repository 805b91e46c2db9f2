"""Sizes of convolutions, against counting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn.errors import DtypeError, OptionError
from minicnn.shapes import (
    ConvGeometry,
    conv_geometry,
    conv_output_size,
    conv_transpose_output_size,
    ntuple,
    pair,
    same_padding,
    tap_slices,
)

SMALL = st.integers(1, 5)


@given(
    size=st.integers(0, 20), kernel=SMALL, stride=SMALL, before=st.integers(0, 5), after=st.integers(0, 5),
    dilation=SMALL,
)  # fmt: skip
def test_output_size_counts_windows(size, kernel, stride, before, after, dilation):
    reach = dilation * (kernel - 1)
    windows = range(-before, size + after - reach, stride)
    assert max(0, conv_output_size(size, kernel, stride, (before, after), dilation)) == len(windows)


@given(size=SMALL, kernel=SMALL, stride=SMALL, padding=st.integers(0, 3), dilation=SMALL, extra=st.integers(0, 4))
def test_transposed_size_is_an_input_of_that_output(size, kernel, stride, padding, dilation, extra):
    larger = conv_transpose_output_size(size, kernel, stride, padding, dilation, output_padding=min(extra, stride - 1))
    assert conv_output_size(larger, kernel, stride, padding, dilation) == size


@given(
    size=st.integers(0, 9), out=st.integers(0, 9), stride=SMALL, before=st.integers(0, 9), dilation=SMALL,
    tap=st.integers(0, 4),
)  # fmt: skip
def test_tap_slices_pair_each_output_with_its_input(size, out, stride, before, dilation, tap):
    pixels, places = tap_slices(tap, size, out, stride=stride, before=before, dilation=dilation)
    reads = [(i * stride + tap * dilation - before, i) for i in range(out)]
    expected = [(p, i) for p, i in reads if 0 <= p < size]
    assert list(zip(range(size)[pixels], range(out)[places], strict=True)) == expected


def test_same_padding_puts_the_odd_zero_after():
    assert [same_padding(k) for k in (1, 2, 3, 4)] == [(0, 0), (0, 1), (1, 1), (1, 2)]
    assert same_padding(4, dilation=3) == (4, 5)


def test_ntuple():
    assert ntuple(2, 3, "k") == ntuple([2], 3, "k") == ntuple(np.int64(2), 3, "k") == (2, 2, 2)
    assert pair((1, 2), "k") == pair([1, 2], "k") == pair(np.array([1, 2]), "k") == (1, 2)
    for wrong in (1.0, True, "ab", None, (1, 2.5), (True, 1)):
        with pytest.raises(DtypeError, match="stride must be integers"):
            pair(wrong, "conv2d: stride")
    for wrong in ((1, 2, 3), ()):
        with pytest.raises(OptionError, match="the operation needs 2"):
            pair(wrong, "conv2d: stride")


def test_geometry():
    geometry = conv_geometry(2, (1, 2), [3, 1], 4)
    assert geometry == ConvGeometry((2, 2), ((1, 1), (2, 2)), (3, 1), 4)
    assert hash(geometry) == hash(ConvGeometry((2, 2), ((1, 1), (2, 2)), (3, 1), 4))
    assert conv_geometry(2, (1, 2), [3, 1], 4) is geometry
    assert conv_geometry(padding="same", dilation=2, kernel=(2, 3)).padding == ((1, 1), (2, 2))
    assert conv_geometry(padding="valid") == ConvGeometry()
    assert geometry.output_size((9, 9), (3, 3)) == (3, 6)
    assert geometry.transposed_size((3, 6), (3, 3), (0, 1)) == (9, 10)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"stride": 0}, "stride must be positive"),
        ({"dilation": (1, 0)}, "dilation must be positive"),
        ({"groups": 0}, "groups must be positive"),
        ({"padding": -1}, "padding must not be negative"),
        ({"padding": "same", "stride": 2}, "padding='same' needs stride 1"),
        ({"padding": "full"}, "'full' is no padding"),
    ],
)
def test_geometry_errors(options, message):
    with pytest.raises(OptionError, match=message):
        conv_geometry(**options)
