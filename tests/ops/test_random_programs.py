"""Random programs: values, gradients and second gradients must be PyTorch's (``tests/long/programs.py`` has the rules).

The suite runs few, the same each time; ``python -m tests.long.programs`` runs 20,000 others. Hypothesis finds a short
form of one that fails.
"""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import minicnn as mc
from tests.ops.compared import agree, torch

# after compared, which skips this file where there is no PyTorch
from tests.long.programs import Pool, leaf_values, program, step  # isort: skip
from tests.long.rules import COMBINED, EDITS, ELEMENTWISE, KINKED, MOVED, REDUCED, RULES, VIEWS  # isort: skip

SEEDS = st.integers(0, 1 << 30)


class Programs(RuleBasedStateMachine):
    """A program that Hypothesis writes: the kind of each step is its choice, the operands come from a number."""

    @initialize(seed=SEEDS, count=st.integers(1, 4))
    def leaves(self, seed: int, count: int) -> None:
        self.pool = Pool()
        r = random.Random(seed)
        for number in range(count):
            self.pool.leaf(leaf_values(r), tracked=number != 1)

    @rule(seed=SEEDS, name=st.sampled_from([*ELEMENTWISE, *KINKED]))
    def one_by_one(self, seed: int, name: str) -> None:
        step(random.Random(seed), self.pool, name)

    @rule(seed=SEEDS, name=st.sampled_from([*COMBINED, *REDUCED, *MOVED]))
    def combine(self, seed: int, name: str) -> None:
        step(random.Random(seed), self.pool, name)

    @rule(seed=SEEDS, name=st.sampled_from(list(VIEWS)))
    def view(self, seed: int, name: str) -> None:
        step(random.Random(seed), self.pool, name)

    @rule(seed=SEEDS, name=st.sampled_from(list(EDITS)))
    def edit(self, seed: int, name: str) -> None:
        step(random.Random(seed), self.pool, name)

    def teardown(self) -> None:
        if hasattr(self, "pool"):
            self.pool.compare()
            self.pool.compare_gradients(random.Random(0), second=len(self.pool.steps) % 3 == 0)


Programs.TestCase.settings = settings(max_examples=20, stateful_step_count=200, deadline=None, derandomize=True)
test_programs_that_hypothesis_writes = Programs.TestCase


@pytest.mark.parametrize("seed", range(40))
def test_random_program(seed: int) -> None:
    program(seed)


def test_a_program_that_goes_wrong_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison sees a wrong value and a wrong gradient."""
    wrong = {"value": lambda lib, x: x.tanh() + (1e-7 if lib is mc else 0),
             "gradient": lambda lib, x: x.tanh() - (x - x.detach()) * (1e-7 if lib is mc else 0)}  # fmt: skip
    for kind, run in wrong.items():
        pool = Pool()
        pool.leaf(np.array([0.5, 2.0]), tracked=True)
        monkeypatch.setitem(RULES, "tanh", type(RULES["tanh"])(run, RULES["tanh"].draw))
        pool.apply("tanh", (0,), ())
        if kind == "value":
            with pytest.raises(AssertionError, match="is not PyTorch's"):
                pool.compare()
        else:
            pool.compare()
            with pytest.raises(AssertionError, match="gradient 0 of 1 leaves"):
                for seed in range(9):  # some choose the result
                    pool.compare_gradients(random.Random(seed), second=False)


# What random programs found, once each.


def views_of_edited_memory(lib):
    y = lib.ones(3, 2, dtype=lib.float64).requires_grad_()
    b = lib.zeros(2, 3, dtype=lib.float64)
    v, w = b.view(3, 2), b[0]
    b.detach()[0] = 1
    v[...] = y * 2
    found = [v.requires_grad, w.requires_grad, w.is_leaf, w.grad_fn is None]
    n = lib.zeros(1, dtype=lib.float64)
    s = n.view(())
    n.add_(y.sum())
    s.backward()
    z = (y * 1.5).detach()
    part = z.narrow(0, 0, 1)
    z.sub_(y)
    return found, y.grad, part.requires_grad, lib.autograd.grad((v * v).sum(), v), lib.autograd.grad(part.sum(), y)


def test_a_view_knows_that_its_memory_was_edited_before_it_is_used() -> None:
    agree(views_of_edited_memory(mc), views_of_edited_memory(torch))


def test_where_views_differ_on_purpose() -> None:
    """PyTorch's unrecorded views claim a gradient that they have not, and older views than the history are refused."""
    for lib, claims in ((mc, False), (torch, True)):
        x = lib.ones(3).requires_grad_()
        with lib.no_grad():
            assert x.view(3).requires_grad is claims
        base = lib.zeros(3)
        view = base[1:]
        base.copy_(x * 2)
        if lib is torch:
            with pytest.raises(RuntimeError, match="in-place"):
                view.copy_(lib.ones(2))
        else:
            view.copy_(lib.ones(2))
            assert lib.grad(base.sum(), x)[0].tolist() == [2, 0, 0]
        zero = lib.zeros(2, dtype=lib.float64).requires_grad_()
        (g,) = lib.autograd.grad(zero.norm(), zero, create_graph=True)
        (second,) = lib.autograd.grad((g * g).sum() + 0 * zero.sum(), zero)
        assert second.isnan().any().item() is (lib is torch) and (lib is torch or second.tolist() == [0, 0])


def empties_in_cat(lib):
    x, y = lib.zeros(0, dtype=lib.float64).requires_grad_(), lib.ones(2, 3, dtype=lib.float64)
    joined = [lib.cat([y, x]), lib.cat([x, y], 1), lib.cat([x.detach(), x]), lib.cat([x]), lib.cat([x.detach(), y])]
    return [(z, z.requires_grad) for z in joined], lib.autograd.grad(joined[0].sum(), x)


def test_an_empty_tensor_that_is_joined_stays_in_the_graph() -> None:
    agree(empties_in_cat(mc), empties_in_cat(torch))


def an_unrecorded_edit_after_a_recorded_one(lib):
    x, w = (lib.ones(2, 2, dtype=lib.float64).requires_grad_() for _ in range(2))
    found = []
    for edit in (lambda v: v.__iadd__(1), lambda v: v.mul_(2), lambda v: v.relu_(), lambda v: v.fill_(3.0),
                 lambda v: v.__setitem__(0, 5.0), lambda v: v.unsqueeze_(0), lambda v: v.transpose_(0, 1)):  # fmt: skip
        b = x * 2
        v = b.view(2, 2)
        v[...] = w * 3 * lib.arange(4, dtype=lib.float64).reshape(2, 2)
        with lib.no_grad():
            edit(v)
        found += [v.detach(), *lib.autograd.grad((v * v).sum() + (b * b * b).sum(), [x, w])]
    return found


def test_an_unrecorded_edit_does_not_hide_a_recorded_one() -> None:
    agree(an_unrecorded_edit_after_a_recorded_one(mc), an_unrecorded_edit_after_a_recorded_one(torch))
