"""What a Function's rules ask for, read from their parameters once, when the class is made."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from minicnn.errors import OptionError

# Where a name that a rule saves comes from, where it is no input (those have their position, from 0 on).
OUT, REST, KEPT = -1, -2, -3


Rule = Callable[..., Any]
Source = tuple[str, int]


class Plan:
    """The inputs of ``forward``, the rule of each, and for each pattern of needed gradients what follows from it."""

    def __init__(self, cls: type) -> None:
        forward = inspect.signature(cls.forward).parameters.values()  # type: ignore[attr-defined]  # subclasses have it
        names = [p.name for p in forward if p.kind is p.POSITIONAL_OR_KEYWORD or p.kind is p.POSITIONAL_ONLY][1:]
        self.positions = {name: i for i, name in enumerate(names)}
        self.varargs = next((p.name for p in forward if p.kind is p.VAR_POSITIONAL), None)
        joint = getattr(cls, "backward", None)
        self.joint: Rule | None = joint
        self.joint_names = _saved_parameters(joint) if joint else ()
        self.rules: list[Rule | None] = [getattr(cls, f"grad_{name}", None) for name in names]
        self.rule_names = [_saved_parameters(rule) if rule else () for rule in self.rules]
        self.sources = {name: self._source(name) for names in (self.joint_names, *self.rule_names) for name in names}
        self.differentiable = joint is not None or any(self.rules)
        self.recipes: dict[int, Recipe] = {}
        self._check(cls)

    def recipe(self, pattern: int) -> Recipe:
        """What to save and to run for a pattern of inputs that require a gradient: in binary a 1, and then a digit for
        each input. Made once for each; ``recipes`` has those that are."""
        tracked = tuple(digit == "1" for digit in f"{pattern:b}"[1:])
        found = self.recipes[pattern] = Recipe(self, tracked)
        return found

    def _source(self, name: str) -> int:
        if name in self.positions:
            return self.positions[name]
        return REST if name == self.varargs else OUT if name == "out" else KEPT

    def _check(self, cls: type) -> None:
        if self.varargs and self.joint is None and self.differentiable:
            raise OptionError(f"{cls.__name__}: *{self.varargs} have no rule", got=f"forward(…, *{self.varargs})",
                              rule="an operation on any number of inputs has one backward for all of them",
                              hint="backward(self, g, …) that returns a gradient (or None) for each input")
        for attribute in dir(cls):
            if attribute.startswith("grad_") and attribute[5:] not in self.positions:
                raise OptionError(f"{cls.__name__}: {attribute} is the rule of no input", got=attribute,
                                  rule="rules are called grad_<name of an input of forward>",
                                  hint=" or ".join(f"grad_{name}" for name in self.positions))


class Recipe:
    """What a Plan comes to for one pattern of inputs that require a gradient.

    Attributes:
        needs: for each input, whether its gradient is computed: it requires one, and there is a rule.
        positions: where ``needs`` is True.
        records: whether there are any.
        joint: the one rule of all inputs, which asks for all that is saved; or None.
        rules: else for each of the positions its rule, and what it asks for.
        saved: all that is asked for, once: each name, and where it comes from.
    """

    def __init__(self, plan: Plan, tracked: tuple[bool, ...]) -> None:
        last = len(plan.rules) - 1
        ruled = [plan.joint is not None or (i <= last and plan.rules[i] is not None) for i in range(len(tracked))]
        self.needs = tuple(need and rule for need, rule in zip(tracked, ruled, strict=True))
        self.positions = tuple(i for i, need in enumerate(self.needs) if need)
        self.records = bool(self.positions)
        self.joint = plan.joint
        self.rules: list[tuple[Rule, list[Source]]] = []
        if plan.joint is not None:
            self.saved = [(name, plan.sources[name]) for name in plan.joint_names]
            return
        for i in self.positions:
            self.rules.append((plan.rules[i], [(name, plan.sources[name]) for name in plan.rule_names[i]]))  # type: ignore[arg-type]  # a position that has names has a rule
        self.saved = list(dict.fromkeys(source for _, asked in self.rules for source in asked))


def _saved_parameters(rule: Rule) -> tuple[str, ...]:
    return tuple(inspect.signature(rule).parameters)[2:]
