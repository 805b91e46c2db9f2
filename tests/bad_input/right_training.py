"""Right calls of what trains: optimisers, schedules, clipping, loaders, backward; ``test_bad_calls`` spoils them."""

from __future__ import annotations

from typing import Any

from tests.bad_input.strategies import Call, T, call

GRADIENT = T((3,))


def step(library: Any, name: str, shape: Any, gradient: Any, **options: Any) -> Any:
    """Two steps from ones: the second one reads what the first one remembered."""
    p = library.ones(shape, device=getattr(gradient, "device", "cpu")).requires_grad_()
    p.grad = gradient
    optimizer = getattr(library.optim, name)([p], **options)
    optimizer.step()
    optimizer.step()
    return p.detach()


def schedule(library: Any, name: str, **options: Any) -> Any:
    optimizer = library.optim.SGD([library.ones(2).requires_grad_()], lr=0.5, momentum=0.5)
    scheduler = getattr(library.optim.lr_scheduler, name)(optimizer, **options)
    optimizer.step()
    scheduler.step(*((0.5,) if name == "ReduceLROnPlateau" else ()))
    return optimizer.param_groups[0]["lr"]


def clip(library: Any, name: str, gradient: Any, *limits: Any) -> Any:
    p = library.ones(3, device=getattr(gradient, "device", "cpu")).requires_grad_()
    p.grad = gradient
    getattr(library.nn.utils, name)([p], *limits)
    return p.grad


def batches(library: Any, data: Any, *options: Any, **named: Any) -> Any:
    data_of = library.utils.data if hasattr(library, "utils") else library.data
    return list(data_of.DataLoader(data_of.TensorDataset(data), *options, **named))


def gradient(library: Any, x: Any, seed: Any) -> Any:
    x.requires_grad_()
    (x * x).backward(seed)
    return x.grad


def of(names: str, **options: Any) -> tuple[Call, ...]:
    """The same call of several optimisers."""
    return tuple(call(step, name, (3,), GRADIENT, **options) for name in names.split())


OPTIMISERS = (
    *of("SGD", lr=0.1, momentum=0.9, dampening=0.0, weight_decay=0.1, nesterov=True, maximize=True),
    *of("SGD", lr=0.1, momentum=0.5, dampening=0.5, foreach=None, fused=None),
    *of("Adam AdamW", lr=0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.01, amsgrad=True, maximize=True),
    *of("Adamax", lr=0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1, maximize=False),
    *of("NAdam", lr=0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1, momentum_decay=0.004,
        decoupled_weight_decay=True),
    *of("RAdam", lr=0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1, decoupled_weight_decay=True),
    *of("RMSprop", lr=0.1, alpha=0.9, eps=1e-8, weight_decay=0.1, momentum=0.5, centered=True, maximize=True),
    *of("RMSprop", lr=0.1, alpha=0.9, eps=1e-8, momentum=0.0, centered=False),
    *of("Adagrad", lr=0.1, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.1, eps=1e-10, maximize=True),
    *of("Adadelta", lr=0.5, rho=0.9, eps=1e-6, weight_decay=0.1, maximize=True),
)  # fmt: skip
SCHEDULES = (
    call(schedule, "StepLR", step_size=2, gamma=0.5),
    call(schedule, "MultiStepLR", milestones=[1, 3], gamma=0.5),
    call(schedule, "ExponentialLR", gamma=0.5),
    call(schedule, "ConstantLR", factor=0.5, total_iters=5),
    call(schedule, "PolynomialLR", total_iters=5, power=2.0),
    call(schedule, "LinearLR", start_factor=0.5, end_factor=1.0, total_iters=5),
    call(schedule, "CosineAnnealingLR", T_max=5, eta_min=0.1, last_epoch=-1),
    call(schedule, "CosineAnnealingWarmRestarts", T_0=2, T_mult=2, eta_min=0.1),
    call(schedule, "CyclicLR", base_lr=0.1, max_lr=0.5, step_size_up=3, step_size_down=4, mode="triangular2",
         cycle_momentum=True, base_momentum=0.8, max_momentum=0.9),
    call(schedule, "CyclicLR", base_lr=[0.1], max_lr=[0.5], mode="exp_range", gamma=0.9, scale_mode="cycle"),
    call(schedule, "OneCycleLR", max_lr=0.5, total_steps=10, pct_start=0.3, anneal_strategy="linear",
         cycle_momentum=True, base_momentum=0.85, max_momentum=0.95, div_factor=25.0, final_div_factor=100.0,
         three_phase=True),
    call(schedule, "OneCycleLR", max_lr=0.5, epochs=2, steps_per_epoch=3, anneal_strategy="cos"),
    call(schedule, "ReduceLROnPlateau", mode="min", factor=0.5, patience=0, threshold=0.1, threshold_mode="rel",
         cooldown=0, min_lr=0.1, eps=1e-8),
)  # fmt: skip
CLIPPING = (
    call(clip, "clip_grad_norm_", GRADIENT, 1.0, 2.0, False),
    call(clip, "clip_grad_norm_", GRADIENT, 1.0, 1.0, True),
    call(clip, "clip_grad_value_", GRADIENT, 0.5),
)
LOADER = (
    call(batches, T((5, 2)), 2, False, drop_last=True),
    call(batches, T((5, 2)), batch_size=2, shuffle=True, timeout=0),
)
BACKWARD = (call(gradient, T((3, 4)), T((3, 4))), call(gradient, T(()), T(())))
