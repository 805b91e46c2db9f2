"""What scripts may change about how backends compute; ``mc.backends`` is where they do so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Switches:
    """One for the process, as in PyTorch."""

    float32_precision: str = "highest"
    """Of matrix products of float32 on a GPU; "high" and "medium" allow TF32."""
    benchmark: bool = False
    """Whether convolutions on a GPU are measured in each of their forms, once for each shape."""

    @property
    def allow_tf32(self) -> bool:
        """Whether float32 products may round their factors to TF32's 10 bits of precision."""
        return self.float32_precision != "highest"


switches = Switches()
