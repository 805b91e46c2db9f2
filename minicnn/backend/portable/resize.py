"""Resizing: interpolation of every mode as two small linear maps, one along each axis."""

from __future__ import annotations

from typing import Any

from minicnn.backend.portable.arrays import ArrayKernels, wide
from minicnn.backend.portable.pool import along
from minicnn.shapes.resize import AxisWeights

Array = Any


class ResizeKernels(ArrayKernels):
    """Resize an image by tables of weights, and the adjoint by the same tables transposed."""

    def resize(self, x: Array, rows: AxisWeights, columns: AxisWeights) -> Array:
        """x (N, C, H, W) → y[i, j] = Σ_h Σ_w rows[i, h] · columns[j, w] · x[h, w]  (N, C, OH, OW)."""
        y = self._mix(wide(x), 3, columns)
        return self._mix(y, 2, rows).astype(x.dtype, copy=False)

    def resize_grad(self, g: Array, rows: AxisWeights, columns: AxisWeights) -> Array:
        """g (N, C, OH, OW) → dx[h, w] = Σ_i Σ_j rows[i, h] · columns[j, w] · g[i, j]  (N, C, H, W)."""
        return self.resize(g, rows.transposed(), columns.transposed())

    def _mix(self, x: Array, axis: int, table: AxisWeights) -> Array:
        """One axis: y[i] = Σ weight · x[position], tap by tap; one tap of weight 1 everywhere only picks."""
        xp, layers = self.xp, table.layers()
        if all(len(taps) == 1 and taps[0][1] == 1 for taps in table.taps):
            return x[along(axis, self.table(layers[0][1]))]
        y = xp.zeros_like(x, shape=(*x.shape[:axis], len(table.taps), *x.shape[axis + 1 :]))
        for outputs, positions, weights in layers:
            weight = self.table(weights, x.dtype).reshape(-1, *[1] * (3 - axis))
            y[along(axis, self.table(outputs))] += x[along(axis, self.table(positions))] * weight
        return y
