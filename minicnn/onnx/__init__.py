"""ONNX: networks as files that other runtimes serve and Netron shows.

``export`` runs a network and writes down its operations (``trace``); two such runs tell what depends on the batch
(``recording``); for each operation a converter writes nodes (``table``, ``converters``) to a ``graph``.
"""

from minicnn.onnx import converters as _converters  # fills the table
from minicnn.onnx.export import export
from minicnn.onnx.table import Either, converter
from minicnn.onnx.trace import Value

__all__ = ["Either", "Value", "converter", "export"]
