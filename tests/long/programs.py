"""Random programs in minicnn and PyTorch: ``python -m tests.long.programs --programs 20000 [--first SEED]``.

A program is up to 200 steps on a growing pool of tensors: operations, views, in-place edits, reuse, broadcasting,
concatenation, branches that lead nowhere, ``no_grad`` and ``detach``. Every value, the gradients of a function of some
of them, and for some programs the gradients of those, must be PyTorch's. ``tests/ops/test_random_programs.py`` runs a
few, and lets Hypothesis look for others.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import minicnn as mc
from tests.long.rules import EDITS, RULES, TURNS, UPDATE, VIEWS, Rule

LIBRARIES = (mc, torch)
LARGEST, NEAR, CLOSE = 30.0, 1e-7, 1e-9
Shape = tuple[int, ...]


@dataclass
class Step:
    """What was done, as it is shown of a program that fails."""

    name: str
    operands: tuple[int, ...]
    options: tuple[Any, ...]
    recorded: bool


class Pool:
    """The tensors of a program, each in both libraries, and what is known of their memory."""

    def __init__(self) -> None:
        self.tensors: list[tuple[Any, Any]] = []
        self.base: list[int] = []
        self.fixed: list[bool] = []
        self.large: set[int] = set()
        self.saved: set[int] = set()
        self.shared: set[int] = set()
        self.leaves: list[int] = []
        self.steps: list[Step] = []

    def shape(self, index: int) -> Shape:
        return tuple(self.tensors[index][0].shape)

    def recent(self) -> list[int]:
        """What may be an operand; the later half twice."""
        usable = [i for i in range(len(self.tensors)) if i not in self.large]
        return usable + usable[len(usable) // 2 :]

    def pick(self, r: random.Random, fits: Callable[[Shape], bool] = lambda shape: True) -> Any:
        """A tensor whose shape fits, or None."""
        fitting = [i for i in self.recent() if fits(self.shape(i))]
        return r.choice(fitting) if fitting else None

    def pick_editable(self, r: random.Random) -> int | None:
        """A tensor whose memory nothing needs as it is, or None."""
        free = [i for i in self.recent() if not self.fixed[i] and self.base[i] not in self.saved | self.shared]
        return r.choice(free) if free else None

    def leaf(self, values: np.ndarray[Any, Any], tracked: bool) -> None:
        """Add a tensor of values."""
        self.add(tuple(lib.as_tensor(values.copy()).requires_grad_(tracked) for lib in LIBRARIES), None)
        self.fixed[-1] = tracked
        if tracked:
            self.leaves.append(len(self.tensors) - 1)

    def add(self, pair: Any, base: int | None, fixed: bool = False) -> None:
        self.base.append(len(self.tensors) if base is None else base)
        self.fixed.append(fixed)
        self.tensors.append(pair)

    def apply(self, name: str, operands: tuple[int, ...], options: tuple[Any, ...], recorded: bool = True) -> bool:
        """Do one step in both libraries; False where rounding decides, or where PyTorch refuses an edit.

        (It refuses to edit a view that is older than its base's history, for one; to us that is no different.)
        """
        rule = RULES[name]
        if rule.kink and any(self._undecided(rule, operands, options)):
            return False
        found = []
        for side, lib in reversed(list(enumerate(LIBRARIES))):
            try:
                with contextlib.nullcontext() if recorded else lib.no_grad():
                    found.append(rule.run(lib, *(self.tensors[i][side] for i in operands), *options))
            except RuntimeError:
                if lib is torch and rule.kind == "edit":
                    return False
                raise
            finally:
                if lib is mc:
                    self.steps.append(Step(name, operands, options, recorded))
        self._note(rule, operands, found[::-1])
        return True

    def _undecided(self, rule: Rule, operands: tuple[int, ...], options: tuple[Any, ...]) -> list[bool]:
        """Whether rounding may decide on which side of a kink an element lies, or whether it lies on it."""
        ours, theirs = (
            rule.kink(*(self.tensors[i][side].detach().cpu().numpy() for i in operands), *options) for side in (0, 1)
        )
        return [bool(((np.abs(ours) < NEAR) & (ours != 0)).any()), bool(((ours == 0) != (theirs == 0)).any())]

    def _note(self, rule: Rule, operands: tuple[int, ...], found: list[Any]) -> None:
        target = operands[0] if operands else 0
        if rule.kind == "edit":
            touched = {self.base[target]}
        else:
            ours = found[0]
            view = rule.kind != "new"
            fixed = view and (self.fixed[target] or rule.kind == "overlapping")
            self.add(tuple(found), self.base[target] if view else None, fixed)
            if ours.numel() and not np.abs(ours.detach().cpu().numpy()).max() <= LARGEST:
                self.large.add(len(self.tensors) - 1)
            if rule.kind == "views":  # PyTorch refuses edits of those, and of what they are views of
                self.shared.add(self.base[target])
            touched = {self.base[-1]}
        if rule.saves:
            self.saved |= touched | {self.base[i] for i in operands}

    def compare(self) -> None:
        """AssertionError unless all values are PyTorch's."""
        for index, (ours, theirs) in enumerate(self.tensors):
            assert ours.requires_grad == theirs.requires_grad, f"tensor {index}: requires_grad is {ours.requires_grad}"
            close(ours, theirs, f"tensor {index}")

    def compare_gradients(self, r: random.Random, second: bool) -> None:
        """AssertionError unless the gradients of a function of some tensors are PyTorch's, and perhaps second ones."""
        chosen = [(i, r.uniform(0.1, 1)) for i in range(len(self.tensors)) if i not in self.large and r.random() < 0.6]
        results = []
        for side, lib in enumerate(LIBRARIES):
            grad = lib.autograd.grad
            leaves = [self.tensors[i][side] for i in self.leaves]
            loss = sum((self.tensors[i][side].sin() * weight).sum() for i, weight in chosen) + 0 * leaves[0].sum()
            options = {"allow_unused": True, "materialize_grads": True}
            first = grad(loss, leaves, create_graph=second, **options)
            again = grad(sum(g.sin().sum() for g in first) + 0 * loss, leaves, **options) if second else ()
            results.append([*first, *again])
        for index, (ours, theirs) in enumerate(zip(*results, strict=True)):
            close(ours, theirs, f"gradient {index} of {len(self.leaves)} leaves")


def close(ours: Any, theirs: Any, what: str) -> None:
    a, b = ours.detach().cpu().numpy(), theirs.detach().numpy()
    assert (a.shape, a.dtype) == (b.shape, b.dtype), f"{what}: {a.shape} {a.dtype}, PyTorch {b.shape} {b.dtype}"
    scale = max(1.0, float(np.abs(b).max())) if b.size else 1.0
    assert np.allclose(a, b, rtol=CLOSE, atol=CLOSE * scale, equal_nan=True), f"{what}: {a} is not PyTorch's {b}"


def leaf_values(r: random.Random) -> np.ndarray[Any, Any]:
    """Few numbers, now and then none, and sometimes such as come twice."""
    shape = [r.choice((1, 2, 3, 4)) for _ in range(r.choice((0, 1, 2, 2, 3, 3, 4)))]
    if shape and r.random() < 0.03:
        shape[r.randrange(len(shape))] = 0
    values = np.array([r.gauss(0, 1) for _ in range(int(np.prod(shape)))]).reshape(shape)
    return np.asarray(np.round(values * 2) / 2) if r.random() < 0.15 else values


NAMES = list(RULES)
WEIGHTS = [3 if name in EDITS or name in VIEWS else 2 for name in NAMES]


ALWAYS = {*VIEWS, *TURNS}
"""Recorded also where others are not: a view that is not recorded has no history in PyTorch, but claims to have one."""


def program(seed: int) -> Pool:
    """A program of a seed, run in both libraries and compared; a failure names the seed and shows the steps."""
    r = random.Random(seed)
    pool = Pool()
    try:
        for number in range(r.randint(2, 5)):
            pool.leaf(leaf_values(r), tracked=number == 0 or r.random() < 0.6)
        for _ in range(r.choice((10, 30, 60, 200))):
            step(r, pool)
        pool.compare()
        pool.compare_gradients(r, second=r.random() < 0.2)
    except Exception as error:
        raise AssertionError(f"program {seed}: {error}\n" + "\n".join(map(str, pool.steps))) from error
    return pool


def step(r: random.Random, pool: Pool, name: str | None = None) -> None:
    """One more step, if what is drawn fits."""
    name = name or r.choices(NAMES, WEIGHTS)[0]
    if drawn := RULES[name].draw(r, pool):
        pool.apply(name, *drawn, recorded=name in ALWAYS or (name != UPDATE and r.random() > 0.06))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    failures, steps, started = [], 0, time.time()
    for seed in range(chosen.first, chosen.first + chosen.programs):
        try:
            steps += len(program(seed).steps)
        except AssertionError as error:
            failures.append(seed)
            print(error, flush=True)
        if seed % 500 == 499:
            print(f"{seed + 1 - chosen.first} programs, {steps} steps, {time.time() - started:.0f} s, "
                  f"failures: {failures}", flush=True)  # fmt: skip
    print(f"{chosen.programs} programs, {steps} steps, {time.time() - started:.0f} s, failures: {failures}")
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
