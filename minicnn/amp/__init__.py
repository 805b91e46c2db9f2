"""Mixed precision: float16 where it is safe, float32 where it is not, and a scale that keeps small gradients alive.

    scaler = mc.amp.GradScaler()
    for images, labels in loader:
        optimizer.zero_grad()
        with mc.amp.autocast("cuda"):
            loss = F.cross_entropy(model(images), labels)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

Source: Micikevicius et al., "Mixed Precision Training", ICLR 2018, https://arxiv.org/abs/1710.03740
"""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.amp.context import autocast, get_autocast_dtype, is_autocast_enabled
from minicnn.amp.scaler import GradScaler

__all__ = ["GradScaler", "autocast", "get_autocast_dtype", "is_autocast_enabled"]

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
