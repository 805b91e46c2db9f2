"""Kernels that have a faster form for NumPy on a CPU than the portable one; a mixin for each family."""
