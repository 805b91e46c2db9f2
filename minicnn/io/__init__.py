"""State dicts to files and back."""

from minicnn.io.npz import load, save

__all__ = ["load", "save"]
