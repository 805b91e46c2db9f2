"""What ``find_divergence`` found, as text to read."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Difference:
    """One thing that differs.

    Attributes:
        layer: the module that made it; "output" or "loss" after all modules, a parameter's name for weights.
        what: "result", "gradient of input", "gradient of weight", a buffer's name, "value".
        error: the largest difference, as a share of the largest of theirs.
        at: where that is.
        ours, theirs: the two values there.
        guess: what may be behind it; empty where nothing that was tried gives theirs.
    """

    layer: str
    what: str
    error: float
    at: tuple[int, ...]
    ours: float
    theirs: float
    guess: str = ""

    def __str__(self) -> str:
        place = f": {self.ours:.6g} at {list(self.at)}, theirs is {self.theirs:.6g}" if np.isfinite(self.error) else ""
        share = f", off by {self.error:.2g} of the largest" if np.isfinite(self.error) else ", of another shape"
        return f"{self.layer}: {self.what}{share}{place}" + (f"\n    {self.guess}" if self.guess else "")


@dataclass
class Divergence:
    """What ``find_divergence`` found. Each layer was given what theirs was given, so each is judged by itself.

    Attributes:
        weights: parameters and buffers that differ before anything runs.
        forward: layers whose results differ, in the order they run; ``loss`` last.
        backward: layers whose gradients differ, in the order of the backward pass.
        compared: the keys that both have.
        missing: the model's that the recording lacks.
    """

    weights: list[Difference] = field(default_factory=list)
    forward: list[Difference] = field(default_factory=list)
    backward: list[Difference] = field(default_factory=list)
    compared: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not (self.weights or self.forward or self.backward)

    def __str__(self) -> str:
        lines = [f"compared {len(self.compared)} arrays" + ("" if not self.missing else
                 f"; not recorded: {', '.join(self.missing[:5])}{' …' if len(self.missing) > 5 else ''}")]
        for name, found in (("weights", self.weights), ("forward", self.forward), ("backward", self.backward)):
            lines += [f"{'first' if not n else 'also'} {name}: {d}" for n, d in enumerate(found)]
            if not found:
                lines.append(f"{name}: no difference")
        return "\n".join(lines)
