"""What a gradient check found: as text to read, and as a picture of the error against the step."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from minicnn.errors import MissingPackageError
from minicnn.testing.lines import Kink

STEPS = tuple(10.0**-k for k in range(1, 12))
"""The steps of the table of errors."""


@dataclass(frozen=True)
class Disagreement:
    """One entry where the analytic and the numeric gradient differ.

    Attributes:
        variable, index: which input or parameter, and the coordinate of it.
        result: what of the results was differentiated.
        analytic, numeric: both slopes.
        at, step: the coordinate's value, and the step of the difference.
        errors: |analytic − numeric| for each step of ``STEPS``.
        complex_step: the slope by a complex step, or why there is none.
        kink: one within the step whose slopes on both sides exclude the analytic value, too; mostly None.
    """

    variable: str
    index: tuple[int, ...]
    result: str
    analytic: float
    numeric: float
    at: float
    step: float
    errors: tuple[float, ...]
    complex_step: float | str
    kink: Kink | None = None

    def table(self) -> str:
        """The error for each step: falls with h² until rounding takes over if the gradient is right, else it stays."""
        largest = max((e for e in self.errors if isfinite(e)), default=0.0)
        lines = ["step      |analytic − numeric|"]
        for h, error in zip(STEPS, self.errors, strict=True):
            bar = "#" * round(24 * error / largest) if largest and isfinite(error) else ""
            lines.append(f"{h:<9.0e} {error:<12.3e} {bar}".rstrip())
        lines.append("An error that stays as the step shrinks is the gradient's; one that falls with h² is the "
                     "difference's.")
        third = self.complex_step
        lines.append(f"complex step: {third}" if isinstance(third, str) else
                     f"complex step: {third:.10g}, which sides with the {self._side(third)} value")
        return "\n".join(lines)

    def _side(self, third: float) -> str:
        return "analytic" if abs(third - self.analytic) < abs(third - self.numeric) else "numeric"

    def plot(self, path: Any = None) -> Any:
        """The table as a log-log plot, a matplotlib figure; saved to ``path`` where one is given.

        Errors: MissingPackageError without matplotlib.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise MissingPackageError("plot: matplotlib is not installed",
                                      hint='pip install "minicnn[plot]", or table() for text') from None
        figure = Figure(figsize=(5, 3.5), layout="constrained")
        axes = figure.add_subplot()
        axes.loglog(STEPS, [max(e, 1e-18) for e in self.errors], marker="o")
        axes.axvline(self.step, linestyle=":", color="grey")
        axes.set(xlabel="step h", ylabel="|analytic − numeric|", title=f"{self.variable}{list(self.index)}")
        if path is not None:
            figure.savefig(path)
        return figure


@dataclass(frozen=True)
class Excused:
    """A coordinate of a variable that was not compared, for a kink lies within the step."""

    variable: str
    index: tuple[int, ...]
    kink: Kink


@dataclass
class GradientReport:
    """What ``gradient_report`` found.

    Attributes:
        name: the function's.
        checked: how many coordinates were compared, all inputs together.
        excused: coordinates at a kink, with the kink; they were not compared.
        silent: for each input, the share of its compared coordinates along which nothing changes: the vacuity.
        disagreement: the first that was found, or None.
        problem: what failed, in a sentence; empty where nothing did.
    """

    name: str
    checked: int = 0
    excused: list[Excused] = field(default_factory=list)
    silent: dict[str, float] = field(default_factory=dict)
    disagreement: Disagreement | None = None
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether all gradients agree, and say something."""
        return not self.problem

    def __str__(self) -> str:
        lines = [self.problem or f"gradcheck: {self.name} agrees with its differences",
                 f"  compared  {self.checked} coordinates"]
        lines += [f"  vacuity   {name}: nothing changes along {share:.0%} of its coordinates"
                  for name, share in self.silent.items()]
        lines += [f"  excused   {e.variable}{list(e.index)}: {e.kink}" for e in self.excused]
        return "\n".join(lines)
