"""Schedules: sixty steps equal PyTorch's to the last bit, also when saved, resumed, combined."""

import copy
import math
import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest

import minicnn as mc
from minicnn import optim
from minicnn.errors import DtypeError, OptionError, StateError
from minicnn.optim import lr_scheduler

MAKER = runpy.run_path(str(Path(__file__).parents[1] / "reference" / "make_optim.py"))
SCHEDULES, TICKS = MAKER["SCHEDULES"], MAKER["TICKS"]
run_schedule, schedule_setup, tick, situation = (
    MAKER[name] for name in ("run_schedule", "schedule_setup", "tick", "situation"))


def parameter(array):
    return mc.tensor(array, requires_grad=True)


def sgd(lr=0.1, **options):
    return optim.SGD([parameter([1.0])], lr=lr, **options)


def rates(optimizer, schedule, steps):
    found = [optimizer.param_groups[0]["lr"]]
    for _ in range(steps):
        optimizer.step()
        schedule.step()
        found.append(optimizer.param_groups[0]["lr"])
    return found


@pytest.fixture(scope="module")
def stored():
    with np.load(MAKER["FILE"]) as file:
        return dict(file)


@pytest.mark.parametrize("name", SCHEDULES)
def test_sixty_steps_equal_the_stored_ones(name, stored):
    np.testing.assert_array_equal(run_schedule(optim, parameter, SCHEDULES[name]), stored[f"schedule.{name}"])


@pytest.mark.parametrize("name", SCHEDULES)
def test_sixty_steps_equal_pytorch(name):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    theirs = run_schedule(torch.optim, MAKER["torch_parameter"], SCHEDULES[name])
    np.testing.assert_array_equal(run_schedule(optim, parameter, SCHEDULES[name]), theirs)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_saved_schedule_continues(name):
    first = schedule_setup(optim, parameter, SCHEDULES[name])
    for number in range(25):
        tick(*first, number)
    optimizer, schedule = schedule_setup(optim, parameter, SCHEDULES[name])
    schedule.load_state_dict(copy.deepcopy(first[1].state_dict()))
    optimizer.load_state_dict(first[0].state_dict())
    assert situation(optimizer, schedule) == situation(*first)
    for number in range(25, TICKS):
        assert tick(optimizer, schedule, number) == tick(*first, number)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_state_of_pytorch_continues_here(name):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    theirs = schedule_setup(torch.optim, MAKER["torch_parameter"], SCHEDULES[name])
    for number in range(25):
        tick(*theirs, number)
    optimizer, schedule = schedule_setup(optim, parameter, SCHEDULES[name])
    schedule.load_state_dict(copy.deepcopy(theirs[1].state_dict()))
    optimizer.load_state_dict(theirs[0].state_dict())
    for number in range(25, TICKS):
        assert tick(optimizer, schedule, number) == tick(*theirs, number)


def resumable():
    return [name for name, plan in SCHEDULES.items()
            if isinstance(plan[1], dict) and "Plateau" not in plan[0]]


@pytest.mark.parametrize("name", resumable())
def test_resuming_with_last_epoch_equals_pytorch(name):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    found = []
    for library, make in ((optim, parameter), (torch.optim, MAKER["torch_parameter"])):
        optimizer, schedule = schedule_setup(library, make, SCHEDULES[name])
        rows = [tick(optimizer, schedule, number) for number in range(12)]
        again = MAKER["build_schedule"](library, optimizer, SCHEDULES[name], last_epoch=schedule.last_epoch)
        rows.append(situation(optimizer, again))
        rows += [tick(optimizer, again, number) for number in range(20)]
        found.append(rows)
    assert found[0] == found[1]


@pytest.mark.parametrize("name", [name for name in resumable() if SCHEDULES[name][0] not in ("OneCycleLR", "CyclicLR")])
@pytest.mark.parametrize("epoch", [0, 1, 5, 8, 37])
def test_jumping_to_an_epoch_equals_pytorch(name, epoch):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    found = []
    for library, make in ((optim, parameter), (torch.optim, MAKER["torch_parameter"])):
        optimizer, schedule = schedule_setup(library, make, SCHEDULES[name])
        rows = [tick(optimizer, schedule, number) for number in range(3)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            schedule.step(epoch)
        rows.append(situation(optimizer, schedule))
        rows += [tick(optimizer, schedule, number) for number in range(12)]
        found.append(rows)
    assert found[0] == found[1]


def test_restarts_within_an_epoch():
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    found = []
    for library, make in ((optim, parameter), (torch.optim, MAKER["torch_parameter"])):
        optimizer, schedule = schedule_setup(library, make, SCHEDULES["restarts_longer"])
        rows = []
        for part in np.arange(0, 40, 0.25).tolist():
            optimizer.step()
            schedule.step(part)
            rows.append(situation(optimizer, schedule))
        found.append(rows)
    assert found[0] == found[1]


def test_row_39_linear_starts_at_a_third_and_cosine_climbs_again():
    optimizer = sgd(lr=0.3)
    found = rates(optimizer, lr_scheduler.LinearLR(optimizer), 6)
    np.testing.assert_allclose(found, [0.1, 0.14, 0.18, 0.22, 0.26, 0.3, 0.3], rtol=1e-14)
    optimizer = sgd(lr=0.2)
    found = rates(optimizer, lr_scheduler.CosineAnnealingLR(optimizer, T_max=4), 8)
    expected = [0.1 * (1 + math.cos(math.pi * t / 4)) for t in range(9)]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-16)


def test_row_40_plateau_drops_on_the_third_bad_epoch():
    optimizer = sgd(lr=1.0)
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)
    found = []
    for loss in (1.0, 1.0, mc.tensor(2.0), 1.0, 0.5):
        schedule.step(loss)
        found.append(optimizer.param_groups[0]["lr"])
    assert found == [1.0, 1.0, 1.0, 0.1, 0.1]


def test_row_40_one_cycle_moves_the_momentum_against_the_rate():
    optimizer = sgd(momentum=0.5)
    schedule = lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=11, pct_start=0.5)
    group, found = optimizer.param_groups[0], []
    for _ in range(10):
        found.append((group["lr"], group["momentum"]))
        optimizer.step()
        schedule.step()
    assert found[0] == (pytest.approx(0.04), 0.95)
    highest = max(found)
    assert min(found, key=lambda pair: pair[1]) == highest
    adam = optim.Adam([parameter([1.0])])
    lr_scheduler.OneCycleLR(adam, max_lr=1.0, total_steps=11)
    assert adam.param_groups[0]["betas"] == (0.95, 0.999)


def test_row_40_stepping_the_schedule_first_warns():
    optimizer = sgd()
    schedule = lr_scheduler.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match="before optimizer.step"):
        schedule.step()
    optimizer.step()
    schedule.step()


def test_a_step_from_before_the_schedule_does_not_count():
    optimizer = sgd()
    optimizer.step()
    schedule = lr_scheduler.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match="before optimizer.step"):
        schedule.step()


def test_step_with_an_epoch_is_deprecated():
    optimizer = sgd()
    schedule = lr_scheduler.StepLR(optimizer, 2)
    optimizer.step()
    with pytest.warns(UserWarning, match="deprecated"):
        schedule.step(6)
    assert schedule.get_last_lr() == [0.1 * 0.1**3]


def test_a_rate_that_is_a_tensor_is_filled():
    rate = mc.tensor(0.5, dtype=mc.float64)
    optimizer = sgd(lr=rate)
    schedule = lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    schedule.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.25
    assert schedule.get_last_lr() == [0.25]
    assert schedule.base_lrs == [0.5]


def test_a_schedule_of_ones_own():
    class Halving(lr_scheduler.LRScheduler):
        def get_lr(self):
            return [lr / 2**self.last_epoch for lr in self.base_lrs]

    optimizer = sgd(lr=0.8)
    assert rates(optimizer, Halving(optimizer), 3) == [0.8, 0.4, 0.2, 0.1]


def test_callable_objects_are_saved_and_functions_are_not():
    class Warm:
        def __init__(self, start):
            self.start = start

        def __call__(self, epoch):
            return self.start + epoch

    optimizer = sgd()
    schedule = lr_scheduler.LambdaLR(optimizer, Warm(3))
    assert schedule.state_dict()["lr_lambdas"] == [{"start": 3}]
    other = lr_scheduler.LambdaLR(optimizer, Warm(5))
    other.load_state_dict(schedule.state_dict())
    assert other.lr_lambdas[0].start == 3
    assert lr_scheduler.LambdaLR(optimizer, lambda epoch: 1.0).state_dict()["lr_lambdas"] == [None]


def test_a_group_without_an_initial_rate_cannot_be_continued():
    with pytest.raises(StateError, match="initial_lr") as caught:
        lr_scheduler.StepLR(sgd(), 3, last_epoch=4)
    assert isinstance(caught.value, KeyError)
    assert "\n  got   last_epoch 4" in str(caught.value)


def test_plateau_with_a_group_added_later():
    optimizer = sgd(lr=1.0)
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.3])
    other = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=0.3)
    optimizer.add_param_group({"params": parameter([1.0]), "lr": 2.0})
    other.step(1.0)
    other.step(1.0)
    assert other.get_last_lr() == [0.3, 0.3]
    schedule.step(1.0)
    with pytest.raises(StateError, match="other parameter groups"):
        schedule.step(1.0)


@pytest.mark.parametrize("build, error, match", [
    (lambda o: lr_scheduler.StepLR("sgd", 3), DtypeError, "not an optimiser"),
    (lambda o: lr_scheduler.LambdaLR(o, [lambda e: 1, lambda e: 1]), OptionError, "2 values for 1 groups"),
    (lambda o: lr_scheduler.MultiplicativeLR(o, 0.5), DtypeError, "not a function"),
    (lambda o: lr_scheduler.ConstantLR(o, factor=1.5), OptionError, "factor is out of range"),
    (lambda o: lr_scheduler.LinearLR(o, start_factor=0), OptionError, "start_factor is out of range"),
    (lambda o: lr_scheduler.LinearLR(o, end_factor=-1), OptionError, "end_factor is out of range"),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 0), OptionError, "T_0 is not a positive integer"),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2.5), OptionError, "T_0 is not a positive integer"),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2, 0), OptionError, "T_mult is not a positive integer"),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2).step(-1), OptionError, "negative"),
    (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1, mode="square"), OptionError, "unknown mode"),
    (lambda o: lr_scheduler.CyclicLR(o, [0.1, 0.2], 1), OptionError, "base_lr does not match"),
    (lambda o: lr_scheduler.OneCycleLR(o, 1), OptionError, "length of the cycle"),
    (lambda o: lr_scheduler.OneCycleLR(o, 1, total_steps=0), OptionError, "total_steps"),
    (lambda o: lr_scheduler.OneCycleLR(o, 1, epochs=2, steps_per_epoch=1.5), OptionError, "steps_per_epoch"),
    (lambda o: lr_scheduler.OneCycleLR(o, 1, total_steps=5, pct_start=1), OptionError, "pct_start"),
    (lambda o: lr_scheduler.OneCycleLR(o, 1, total_steps=5, anneal_strategy="sin"), OptionError, "anneal_strategy"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1.0), OptionError, "does not reduce"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, mode="low"), OptionError, "unknown mode"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, threshold_mode="x"), OptionError, "unknown threshold_mode"),
    (lambda o: lr_scheduler.SequentialLR(o, [], []), OptionError, "no schedule"),
    (lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(o, 1)], [3]), OptionError, "milestones do not match"),
    (lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(sgd(), 1)], []), OptionError, "another optimiser"),
    (lambda o: lr_scheduler.ChainedScheduler([]), OptionError, "no schedule"),
    (lambda o: lr_scheduler.ChainedScheduler([1]), DtypeError, "not a schedule"),
    (lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ReduceLROnPlateau(o)]), OptionError, "ReduceLROnPlateau"),
])
def test_bad_arguments(build, error, match):
    with pytest.raises(error, match=match):
        build(sgd(momentum=0.9))


def test_no_momentum_to_cycle():
    with pytest.raises(OptionError, match="no momentum to cycle"):
        lr_scheduler.CyclicLR(optim.Adagrad([parameter([1.0])]), 0.1, 1.0)


def test_one_step_too_many():
    optimizer = sgd()
    schedule = lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=3)
    for _ in range(3):
        optimizer.step()
        schedule.step()
    with pytest.raises(OptionError, match="cycle is over"):
        schedule.step()
