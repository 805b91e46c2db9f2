"""Pure integers: which sizes and options fit, and what sizes come out. No arrays, so every backend shares it."""

from minicnn.shapes.conv import (
    ConvGeometry,
    Pair,
    conv_geometry,
    conv_output_size,
    conv_transpose_output_size,
    ntuple,
    pair,
    same_padding,
    tap_slices,
)
from minicnn.shapes.pool import PoolGeometry, adaptive_bins
from minicnn.shapes.resize import AxisWeights, axis_weights
