"""Tensor's methods and operators: none here. ``minicnn.ops`` binds them from its table when it is imported.

``methods.pyi`` beside this file lists them with their types, for editors and type checkers; ``python -m
minicnn.ops.stub`` writes it from the same table.
"""

from __future__ import annotations


class Methods:
    """What Tensor inherits from the table of operations."""
