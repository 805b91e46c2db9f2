"""Makes optim.npz: what PyTorch 2.13's optimisers and schedules do in the plans below. Run it by hand, with PyTorch.

The tests run the same plans, against the stored file and, where PyTorch is installed, against PyTorch itself. A plan
names a class and its options; ``run_optimizer`` and ``run_schedule`` work on either library.
"""

from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("optim.npz")
STEPS = 50
RECORDED = (1, 2, 3, 10, 50)
SHAPES = ((3, 4), (5,), ())

OPTIMIZERS = {
    "sgd": ("SGD", {}),
    "sgd_decay": ("SGD", {"lr": 0.05, "weight_decay": 0.1}),
    "sgd_momentum": ("SGD", {"lr": 0.05, "momentum": 0.9}),
    "sgd_dampening": ("SGD", {"lr": 0.05, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01}),
    "sgd_nesterov": ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    "sgd_maximize": ("SGD", {"lr": 0.01, "momentum": 0.5, "weight_decay": 0.1, "maximize": True}),
    "adam": ("Adam", {}),
    "adam_options": ("Adam", {"lr": 0.05, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    "adam_low_betas": ("Adam", {"lr": 0.05, "betas": (0.3, 0.4)}),
    "adam_amsgrad": ("Adam", {"lr": 0.05, "amsgrad": True, "weight_decay": 0.01}),
    "adam_maximize": ("Adam", {"lr": 0.01, "maximize": True, "amsgrad": True}),
    "adamw": ("AdamW", {"lr": 0.05}),
    "adamw_options": ("AdamW", {"lr": 0.05, "weight_decay": 0.2, "amsgrad": True, "betas": (0.7, 0.99)}),
    "adamw_maximize": ("AdamW", {"lr": 0.01, "maximize": True}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop_momentum": ("RMSprop", {"lr": 0.005, "momentum": 0.9, "weight_decay": 0.1}),
    "rmsprop_centered": ("RMSprop", {"lr": 0.005, "centered": True, "alpha": 0.9, "eps": 1e-4}),
    "rmsprop_all": ("RMSprop", {"lr": 0.005, "centered": True, "momentum": 0.5, "maximize": True}),
    "adagrad": ("Adagrad", {}),
    "adagrad_options": ("Adagrad", {"lr": 0.1, "lr_decay": 0.05, "weight_decay": 0.1, "eps": 1e-3,
                                    "initial_accumulator_value": 0.5}),
    "adagrad_maximize": ("Adagrad", {"lr": 0.02, "maximize": True}),
    "adadelta": ("Adadelta", {}),
    "adadelta_options": ("Adadelta", {"lr": 0.5, "rho": 0.7, "eps": 1e-4, "weight_decay": 0.1, "maximize": True}),
    "adamax": ("Adamax", {}),
    "adamax_options": ("Adamax", {"lr": 0.02, "betas": (0.7, 0.9), "weight_decay": 0.1, "maximize": True}),
    "nadam": ("NAdam", {}),
    "nadam_options": ("NAdam", {"lr": 0.02, "momentum_decay": 0.01, "weight_decay": 0.1, "maximize": True}),
    "nadam_decoupled": ("NAdam", {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    "radam": ("RAdam", {}),
    "radam_options": ("RAdam", {"lr": 0.02, "betas": (0.8, 0.9), "weight_decay": 0.1, "maximize": True}),
    "radam_decoupled": ("RAdam", {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}),
}


def in_five(epoch):
    return 0.9 ** (epoch // 5)


def per_step(epoch):
    return 0.95 if epoch % 2 else 1.02


SCHEDULES = {
    "lambda": ("LambdaLR", {"lr_lambda": in_five}),
    "lambdas": ("LambdaLR", {"lr_lambda": [in_five, per_step]}),
    "multiplicative": ("MultiplicativeLR", {"lr_lambda": per_step}),
    "step": ("StepLR", {"step_size": 7, "gamma": 0.3}),
    "multistep": ("MultiStepLR", {"milestones": [4, 9, 9, 30]}),
    "constant": ("ConstantLR", {}),
    "constant_options": ("ConstantLR", {"factor": 0.25, "total_iters": 11}),
    "linear": ("LinearLR", {}),
    "linear_down": ("LinearLR", {"start_factor": 0.9, "end_factor": 0.1, "total_iters": 13}),
    "exponential": ("ExponentialLR", {"gamma": 0.93}),
    "polynomial": ("PolynomialLR", {}),
    "polynomial_options": ("PolynomialLR", {"total_iters": 40, "power": 1.7}),
    "cosine": ("CosineAnnealingLR", {"T_max": 10}),
    "cosine_low": ("CosineAnnealingLR", {"T_max": 23, "eta_min": 0.003}),
    "restarts": ("CosineAnnealingWarmRestarts", {"T_0": 7}),
    "restarts_longer": ("CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 2, "eta_min": 0.001}),
    "cyclic": ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 6}),
    "cyclic2": ("CyclicLR", {"base_lr": [0.01, 0.02], "max_lr": [0.1, 0.3], "step_size_up": 4, "step_size_down": 9,
                             "mode": "triangular2"}),
    "cyclic_exp": ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 6, "mode": "exp_range", "gamma": 0.97,
                                "cycle_momentum": False}),
    "cyclic_own": ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 6, "scale_fn": in_five,
                                "scale_mode": "iterations"}),
    "onecycle": ("OneCycleLR", {"max_lr": 0.3, "total_steps": 70}),
    "onecycle_linear": ("OneCycleLR", {"max_lr": [0.3, 0.5], "epochs": 13, "steps_per_epoch": 5, "pct_start": 0.2,
                                       "anneal_strategy": "linear", "div_factor": 5.0, "final_div_factor": 10.0}),
    "onecycle_three": ("OneCycleLR", {"max_lr": 0.3, "total_steps": 62, "three_phase": True, "cycle_momentum": False}),
    "sequential": ("SequentialLR", [("LinearLR", {"start_factor": 0.1, "total_iters": 8}),
                                    ("CosineAnnealingLR", {"T_max": 30}), ("ExponentialLR", {"gamma": 0.9})], [8, 40]),
    "sequential_open": ("SequentialLR", [("ConstantLR", {"total_iters": 3}),
                                         ("CosineAnnealingWarmRestarts", {"T_0": 6, "T_mult": 2}),
                                         ("LambdaLR", {"lr_lambda": in_five})], [5, 30]),
    "chained": ("ChainedScheduler", [("ConstantLR", {"factor": 0.1, "total_iters": 4}),
                                     ("ExponentialLR", {"gamma": 0.9}), ("MultiStepLR", {"milestones": [20]}),
                                     ("CosineAnnealingLR", {"T_max": 15})]),
    "plateau": ("ReduceLROnPlateau", {"patience": 2}),
    "plateau_max": ("ReduceLROnPlateau", {"mode": "max", "factor": 0.5, "patience": 1, "threshold": 0.05,
                                          "threshold_mode": "abs", "cooldown": 3, "min_lr": [0.001, 0.02]}),
    "plateau_abs": ("ReduceLROnPlateau", {"factor": 0.5, "patience": 0, "threshold": 0.05, "threshold_mode": "abs"}),
    "plateau_rel": ("ReduceLROnPlateau", {"mode": "max", "factor": 0.7, "patience": 0, "threshold": 0.1}),
}
TICKS = 60


def starts():
    rng = np.random.default_rng(7)
    return [rng.normal(size=shape) for shape in SHAPES]


def gradient(x, step, index):
    """The gradient at ``x``: smooth, different for each parameter and step; the third step has some zeros."""
    g = x * (1 + index) + np.sin(3 * x + step)
    return np.where(x > 0, g, 0.0) if step == 2 else g


def skipped(step, index):
    """Whether a parameter has no gradient in this step."""
    return index == 1 and step % 7 == 3


def run_optimizer(optim, parameter, gradient_of, plan, steps=STEPS):
    """The parameters after each recorded step: {step: [arrays]}, and the optimiser.

    ``parameter(array)`` makes a leaf of the library of ``optim``; ``gradient_of(p, array)`` sets its gradient.
    The last parameter is in a group of its own, with twice the rate.
    """
    name, options = plan
    params = [parameter(array) for array in starts()]
    cls = getattr(optim, name)
    rate = options.get("lr", cls([params[0]]).defaults["lr"])
    optimizer = cls([{"params": params[:2]}, {"params": params[2:], "lr": 2 * rate}], **options)
    recorded = {}
    for step in range(steps):
        for index, p in enumerate(params):
            x = p.detach().cpu().numpy()
            gradient_of(p, None if skipped(step, index) else gradient(x, step, index))
        optimizer.step()
        if step + 1 in RECORDED:
            recorded[step + 1] = [p.detach().cpu().numpy().copy() for p in params]
    return recorded, optimizer


def build_schedule(optim, optimizer, plan, **more):
    kind, options = plan[:2]
    build = getattr(optim.lr_scheduler, kind)
    if isinstance(options, dict):
        return build(optimizer, **options, **more)
    parts = [build_schedule(optim, optimizer, part) for part in options]
    return build(parts) if kind == "ChainedScheduler" else build(optimizer, parts, *plan[2:])


def metric(tick):
    """A metric with falls, plateaus and rises."""
    return float(np.round(1 / (1 + tick // 4) + 0.2 * np.sin(tick), 3))


def tick(optimizer, schedule, number):
    """One step of a schedule, and the rates and momenta after it."""
    optimizer.step()
    schedule.step(metric(number)) if "Plateau" in type(schedule).__name__ else schedule.step()
    return situation(optimizer, schedule)


def situation(optimizer, schedule):
    groups = optimizer.param_groups
    return [*[g["lr"] for g in groups], *[g["momentum"] for g in groups], *schedule.get_last_lr()]


def schedule_setup(optim, parameter, plan):
    optimizer = optim.SGD([{"params": [parameter(np.ones(2))]}, {"params": [parameter(np.ones(1))], "lr": 0.05}],
                          lr=0.1, momentum=0.7)
    return optimizer, build_schedule(optim, optimizer, plan)


def run_schedule(optim, parameter, plan):
    """(TICKS + 1, 6): rates and momenta of two groups, and what get_last_lr says, from the construction on."""
    optimizer, schedule = schedule_setup(optim, parameter, plan)
    rows = [situation(optimizer, schedule)]
    rows += [tick(optimizer, schedule, number) for number in range(TICKS)]
    return np.array(rows, float)


def torch_parameter(array):
    import torch

    return torch.tensor(array, requires_grad=True)


def torch_gradient(p, array):
    import torch

    p.grad = None if array is None else torch.tensor(array)


def main():
    import torch

    arrays = {"version": np.array(torch.__version__)}
    for name, plan in OPTIMIZERS.items():
        for step, found in run_optimizer(torch.optim, torch_parameter, torch_gradient, plan)[0].items():
            for index, array in enumerate(found):
                arrays[f"{name}.{step}.{index}"] = array
    for name, plan in SCHEDULES.items():
        arrays[f"schedule.{name}"] = run_schedule(torch.optim, torch_parameter, plan)
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    main()
