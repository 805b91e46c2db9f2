"""What a Function's rules ask for, read from their parameters once, when the class is made."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from minicnn.errors import OptionError

# Where a name that a rule saves comes from, where it is no input (those have their position, from 0 on).
OUT, REST, KEPT = -1, -2, -3


class Plan:
    """The inputs of ``forward``, the rule of each, and for each pattern of needed gradients what must be saved."""

    def __init__(self, cls: type) -> None:
        forward = inspect.signature(cls.forward).parameters.values()  # type: ignore[attr-defined]
        names = [p.name for p in forward if p.kind is p.POSITIONAL_OR_KEYWORD or p.kind is p.POSITIONAL_ONLY][1:]
        self.positions = {name: i for i, name in enumerate(names)}
        self.varargs = next((p.name for p in forward if p.kind is p.VAR_POSITIONAL), None)
        joint = getattr(cls, "backward", None)
        self.joint: Callable[..., Any] | None = joint
        self.joint_names = _saved_parameters(joint) if joint else ()
        self.rules: list[Callable[..., Any] | None] = [getattr(cls, f"grad_{name}", None) for name in names]
        self.rule_names = [_saved_parameters(rule) if rule else () for rule in self.rules]
        self.sources = {name: self._source(name) for names in (self.joint_names, *self.rule_names) for name in names}
        self.has_rule = tuple(joint is not None or rule is not None for rule in self.rules)
        self.differentiable = joint is not None or any(self.has_rule)
        self._saved: dict[tuple[bool, ...], tuple[str, ...]] = {}
        self._check(cls)

    def saved_names(self, needs: tuple[bool, ...]) -> tuple[str, ...]:
        """What the rules of the needed inputs name, each once."""
        names = self._saved.get(needs)
        if names is None:
            if self.joint is not None:
                names = self.joint_names
            else:
                wanted = (n for need, rule in zip(needs, self.rule_names, strict=False) if need for n in rule)
                names = tuple(dict.fromkeys(wanted))
            self._saved[needs] = names
        return names

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


def _saved_parameters(rule: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(rule).parameters)[2:]
