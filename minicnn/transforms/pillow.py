"""Pillow, which does the imaging. It is loaded when an operation first needs it, so that tensors need no Pillow."""

from __future__ import annotations

import sys
from typing import Any

from minicnn.errors import MissingPackageError


def pillow(operation: str) -> Any:
    """The module ``PIL.Image``.

    Raises:
        MissingPackageError: Pillow is not installed; says how to install it.
    """
    try:
        from PIL import Image
    except ImportError:
        raise MissingPackageError(f"{operation}: Pillow is not installed", rule="images are Pillow's work",
                                  hint='pip install "minicnn[vision]"') from None
    return Image


def is_pil_image(value: Any) -> bool:
    """Whether ``value`` is a PIL image; there is none where Pillow was not loaded."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)
