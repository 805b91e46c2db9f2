"""Converters, one family of operations a file, as in ``minicnn.ops``; importing them fills the table."""

from minicnn.onnx.converters import activation, arithmetic, conv, join, linear, norm, pool, reduce, resize, shape, unary

__all__ = [
    "activation", "arithmetic", "conv", "join", "linear", "norm", "pool", "reduce", "resize", "shape", "unary",
]  # fmt: skip
