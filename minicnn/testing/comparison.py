"""The comparison behind ``gradcheck``: coordinate by coordinate, or along samples where those are too many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.errors import GradientError
from minicnn.testing.lines import Kink, Line
from minicnn.testing.problem import Problem, Variable
from minicnn.testing.report import STEPS, Disagreement, Excused, GradientReport

Vector = np.ndarray[Any, Any]


class GradcheckError(GradientError, AssertionError):
    """A gradient that disagrees with its central difference; also an AssertionError, for test suites.

    Attributes:
        report: what the check found up to there; ``report.disagreement.plot()`` draws the error against the step.
    """

    report: GradientReport


@dataclass(frozen=True)
class Settings:
    """How a check is made; see ``gradcheck``. ``second`` says that the function is itself a gradient."""

    eps: float = 1e-6
    atol: float = 1e-7
    rtol: float = 1e-5
    max_jacobian: int = 10_000
    directions: int = 4
    coordinates: int = 8
    seed: int = 0
    allow_zero: bool = False
    second: bool = False

    @property
    def rule(self) -> str:
        """When two slopes agree, in words."""
        return f"|analytic − numeric| ≤ {self.atol:g} + {self.rtol:g} · max(|analytic|, |numeric|)"

    def agree(self, analytic: float, numeric: float, scale: float = 0.0) -> bool:
        """Whether two slopes agree."""
        if np.isnan(analytic) or np.isnan(numeric):
            return bool(np.isnan(analytic) and np.isnan(numeric))
        if np.isinf(analytic) or np.isinf(numeric):
            return analytic == numeric
        return bool(abs(analytic - numeric) <= self.atol + self.rtol * max(abs(analytic), abs(numeric), scale))


class Comparison:
    """One run of a check; ``report`` fills as it goes."""

    def __init__(self, problem: Problem, settings: Settings) -> None:
        self.problem, self.settings = problem, settings
        self.report = GradientReport(problem.name)

    def run(self) -> None:
        """Compare everything. Errors: GradcheckError at the first disagreement."""
        results = self._repeatable().size
        inputs = sum(v.size for v in self.problem.variables)
        if inputs * results <= self.settings.max_jacobian:
            self._jacobian(results)
        else:
            self._samples(results)
        self._judge_silence(inputs * results)

    def _repeatable(self) -> Vector:
        values, again = self.problem.values(), self.problem.values()
        if values.tobytes() != again.tobytes():
            where = int(np.argmax(values != again))
            self._fail(f"gradcheck: {self.problem.name} is not repeatable",
                       got=f"result {where} is {values[where]!r}, then {again[where]!r}",
                       rule="the same inputs give the same bits",
                       hint="draw randomness from minicnn's generator, which is rewound before each run")
        return values

    def _jacobian(self, results: int) -> None:
        units = np.eye(results)
        rows = self.problem.analytic(list(units))
        s = self.settings
        for number, variable in enumerate(self.problem.variables):
            jacobian = np.array([row[number] for row in rows]).reshape(results, *variable.host.shape)
            silence = []
            for index in np.ndindex(variable.host.shape):
                numeric = self._difference(variable, index)
                analytic = jacobian[(slice(None), *index)]
                gap = np.abs(analytic - numeric)
                excused = False
                if not np.all(gap <= s.atol + s.rtol * np.maximum(np.abs(analytic), np.abs(numeric))):
                    excused = self._excused(number, index, [
                        self._compare(float(analytic[r]), float(numeric[r]), number, index, f"result {r}", units[r])
                        for r in range(results)
                    ])
                if not excused:
                    silence.append(not np.any(np.abs(analytic) > s.atol) and not np.any(np.abs(numeric) > s.atol))
            self._count(variable, silence)

    def _samples(self, results: int) -> None:
        s = self.settings
        rng = np.random.default_rng(s.seed)
        cotangents = [rng.standard_normal(results) for _ in range(2)]
        gradients = self.problem.analytic(cotangents)
        for number, variable in enumerate(self.problem.variables):
            picks = rng.choice(variable.size, min(s.coordinates, variable.size), replace=False)
            silence = []
            for pick in picks:
                index = tuple(int(i) for i in np.unravel_index(pick, variable.host.shape))
                numeric = self._difference(variable, index)
                pairs = [(float(g[number][index]), float(c @ numeric))
                         for c, g in zip(cotangents, gradients, strict=True)]
                excused = self._excused(number, index, [
                    self._compare(*pair, number, index, "the results against a random cotangent", c)
                    for pair, c in zip(pairs, cotangents, strict=True)
                ])
                if not excused:
                    silence.append(all(abs(slope) <= s.atol for pair in pairs for slope in pair))
            if any(np.any(np.abs(g[number]) > s.atol) for g in gradients):
                silence.append(False)  # the gradient says something elsewhere
            self._count(variable, silence)
        for _ in range(s.directions):
            self._direction(rng, cotangents, gradients)

    def _direction(self, rng: np.random.Generator, cotangents: list[Vector], gradients: list[list[Vector]]) -> None:
        variables = self.problem.variables
        steps = [rng.standard_normal(v.host.shape) for v in variables]
        length = np.sqrt(sum(float((d * d).sum()) for d in steps))
        steps = [d / length for d in steps]
        h = self.settings.eps * max(1.0, *(float(np.abs(v.host).max(initial=0.0)) for v in variables))
        line = Line(self.problem, list(steps))
        slope = line.slope(h)
        for cotangent, gradient in zip(cotangents, gradients, strict=True):
            analytic = sum(float((g * d).sum()) for g, d in zip(gradient, steps, strict=True))
            numeric = float(cotangent @ slope)
            if self.settings.agree(analytic, numeric, float(np.abs(cotangent) @ np.abs(slope))):
                continue
            kink = line.kink(h, cotangent)
            if kink is not None and kink.allows(analytic):
                self.report.excused.append(Excused("a random direction", (), kink))
                continue
            self._fail(f"gradcheck: {self.problem.name} disagrees along a random direction of all its variables",
                       got=f"analytic {analytic:.10g}, numeric {numeric:.10g}", rule=self.settings.rule,
                       hint="check smaller inputs, for which every entry of the Jacobian is compared")

    def _difference(self, variable: Variable, index: tuple[int, ...]) -> Vector:
        """The central difference of all results in one coordinate, by the step that was really taken."""
        x = float(variable.host[index])
        h = self.settings.eps * max(1.0, abs(x))
        up, down = x + h, x - h
        sides = []
        for moved in (up, down):
            nudged = variable.host.copy()
            nudged[index] = moved
            variable.set(nudged)
            sides.append(self.problem.values())
        variable.reset()
        return (sides[0] - sides[1]) / (up - down)

    def _compare(
        self, analytic: float, numeric: float, number: int, index: tuple[int, ...], result: str, cotangent: Vector
    ) -> Kink | None:
        """The kink that excuses the coordinate. Errors: GradcheckError where the two disagree, and none does."""
        if self.settings.agree(analytic, numeric):
            return None
        variable = self.problem.variables[number]
        x = float(variable.host[index])
        h = self.settings.eps * max(1.0, abs(x))
        line = Line.coordinate(self.problem, number, index)
        kink = line.kink(h, cotangent)
        if kink is not None and kink.allows(analytic):
            return kink
        errors = tuple(abs(analytic - float(cotangent @ line.slope(step))) for step in STEPS)
        found = Disagreement(variable.name, index, result, analytic, numeric, x, h, errors,
                             line.complex_step(cotangent), kink)
        self.report.disagreement = found
        near = "" if kink is None else f"; {kink}"
        self._fail(f"gradcheck: {self.problem.name} has a wrong gradient in {variable.name}{list(index)}",
                   got=f"analytic {analytic:.10g}, numeric {numeric:.10g} for {result}, at x = {x:.10g} with step "
                       f"{h:.3g}{near}",
                   rule=self.settings.rule if kink is None else "at a kink it lies between the slopes beside it",
                   hint=f"compare this input's rule with the formula's slope\n{found.table()}")
        return None

    def _excused(self, number: int, index: tuple[int, ...], kinks: list[Kink | None]) -> bool:
        """Whether any of the ``kinks`` of a coordinate's comparisons excuses it; the first goes into the report."""
        first = next((k for k in kinks if k is not None), None)
        if first is not None:
            self.report.excused.append(Excused(self.problem.variables[number].name, index, first))
        return first is not None

    def _count(self, variable: Variable, silence: list[bool]) -> None:
        self.report.checked += len(silence)
        if silence:
            self.report.silent[variable.name] = sum(silence) / len(silence)

    def _judge_silence(self, entries: int) -> None:
        silent = [name for name, share in self.report.silent.items() if share == 1.0]
        s = self.settings
        if s.allow_zero or not entries:
            return
        if not self.report.silent:
            self._fail(f"gradcheck: every coordinate of {self.problem.name} is at a kink",
                       got=str(self.report.excused[0].kink), rule="somewhere there is a slope to compare",
                       hint="inputs away from kinks, such as randn's")
        if s.second and len(silent) < len(self.report.silent):
            return  # a gradient need not depend on every input: that of a linear function does not
        if silent:
            what = "is zero for these cotangents, which are blind to it" if s.second else "has a gradient of zero"
            self._fail(f"gradcheck: {self.problem.name} {what}" + ("" if s.second else f" in all of {silent[0]}"),
                       got=f"vacuity 100%: of {', '.join(silent)} nothing changes any result",
                       rule="a check compares slopes that are not all zero",
                       hint="random cotangents, results not summed away, or allow_zero=True where zero is right")

    def _fail(self, what: str, **parts: Any) -> None:
        error = GradcheckError(what, **parts)
        self.report.problem = str(error)
        error.report = self.report
        raise error
