"""Solutions of chapter 14, debugging training."""

import math

import numpy as np


def first_and_floor(classes):
    # At best the first softmax gives 1 to the right class and 0 to the others; those are the second one's scores.
    return math.log(classes), -math.log(math.e / (math.e + classes - 1))


def dead_units(z):
    dead = []
    for unit in range(z.shape[1]):
        if not (z[:, unit] > 0).any():
            dead.append(unit)
    return dead


def steps_needed(curvatures, rate):
    factors = np.abs(1 - rate * curvatures)
    if (factors >= 1).any():
        return -1
    left = np.ones(len(curvatures))
    steps = 0
    while (left > 0.1).any():
        left *= factors
        steps += 1
    return steps


def sleeping_layers(weights, gradients, lr):
    asleep = []
    for layer, (w, g) in enumerate(zip(weights, gradients, strict=True)):
        size, step = np.sqrt((w * w).sum()), lr * np.sqrt((g * g).sum())
        if step == 0 or (size > 0 and step / size < 1e-6):
            asleep.append(layer)
    return asleep


def suggested_rate(rates, losses, beta):
    mean, best, best_rate, first = 0.0, math.inf, -1.0, None
    for t, (rate, loss) in enumerate(zip(rates, losses, strict=True), start=1):
        if not np.isfinite(loss):
            break
        mean = beta * mean + (1 - beta) * loss
        smooth = mean / (1 - beta**t)  # a mean of t losses that began at 0: their weights sum to 1 − beta^t
        if first is None:
            first = best = smooth
        elif smooth < best:
            best, best_rate = smooth, rate / 10
    return best_rate
