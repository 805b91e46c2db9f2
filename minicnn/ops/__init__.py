"""Every operation, one family a file; importing this package binds them to Tensor."""

from minicnn.ops import table

table.bind()
