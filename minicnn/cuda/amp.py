"""``mc.amp`` under the name that older PyTorch code uses, for CUDA devices."""

from __future__ import annotations

from typing import Any

from minicnn import amp
from minicnn.amp import GradScaler

__all__ = ["GradScaler", "autocast"]


class autocast(amp.autocast):  # noqa: N801 (PyTorch's name)
    """``mc.amp.autocast("cuda", …)``.

    Example:
        >>> with mc.cuda.amp.autocast():
        ...     loss = F.cross_entropy(model(images), labels)
    """

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)
