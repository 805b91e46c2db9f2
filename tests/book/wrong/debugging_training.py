"""Typical wrong answers to the exercises of chapter 14."""

import math

import numpy as np

from minicnn.exercises import debugging_training as right


def log2(classes):
    return math.log2(classes), right.first_and_floor(classes)[1]


def floor_of_zero(classes):
    return math.log(classes), 0.0


def one_class_too_many(classes):
    return math.log(classes), math.log(1 + classes / math.e)


def off_for_some_image(z):
    return [u for u in range(z.shape[1]) if (z[:, u] <= 0).any()]


def negative_only(z):
    return [u for u in range(z.shape[1]) if (z[:, u] < 0).all()]


def images_for_units(z):
    return [n for n in range(len(z)) if (z[n] <= 0).all()]


def each_pixel(z):
    return np.argwhere((z <= 0).all(axis=0)).ravel().tolist()


def without_absolute_values(curvatures, rate):
    factor = max(1 - rate * curvatures)
    return -1 if factor >= 1 else 0 if factor <= 0 else math.ceil(math.log(0.1) / math.log(factor))


def the_fastest(curvatures, rate):
    return min(right.steps_needed(np.array([a]), rate) for a in curvatures)


def the_mean_curvature(curvatures, rate):
    return right.steps_needed(np.array([curvatures.mean()]), rate)


def half_the_limit(curvatures, rate):
    return -1 if (rate * curvatures > 1).any() else right.steps_needed(curvatures, rate)


def gradients_only(weights, gradients, lr):
    return [i for i, g in enumerate(gradients) if lr * np.linalg.norm(g) < 1e-6]


def without_the_rate(weights, gradients, lr):
    return right.sleeping_layers(weights, gradients, 1.0)


def any_element(weights, gradients, lr):
    return [i for i, (w, g) in enumerate(zip(weights, gradients, strict=True)) if (abs(lr * g) < 1e-6 * abs(w)).any()]


def division_by_zero(weights, gradients, lr):
    with np.errstate(all="ignore"):
        return [i for i, (w, g) in enumerate(zip(weights, gradients, strict=True))
                if not lr * np.linalg.norm(g) / np.linalg.norm(w) >= 1e-6 and np.any(w)]  # fmt: skip


def not_corrected(rates, losses, beta):
    smooth, mean = [], 0.0
    for loss in losses:
        if not math.isfinite(loss):
            break
        mean = beta * mean + (1 - beta) * loss
        smooth.append(mean)
    least = int(np.argmin(smooth)) if smooth else 0
    return rates[least] / 10 if least else -1


def not_smoothed(rates, losses, beta):
    return right.suggested_rate(rates, losses, 0.0)


def the_rate_itself(rates, losses, beta):
    found = right.suggested_rate(rates, losses, beta)
    return 10 * found if found > 0 else found


def beyond_the_explosion(rates, losses, beta):
    kept = np.isfinite(losses)
    return right.suggested_rate(rates[kept], losses[kept], beta)


def the_first_as_well(rates, losses, beta):
    found = right.suggested_rate(rates, losses, beta)
    return rates[0] / 10 if found < 0 else found


WRONG = {
    "14.1": [log2, floor_of_zero, one_class_too_many],
    "14.2": [off_for_some_image, negative_only, images_for_units, each_pixel],
    "14.3": [without_absolute_values, the_fastest, the_mean_curvature, half_the_limit],
    "14.4": [gradients_only, without_the_rate, any_element, division_by_zero],
    "14.5": [not_corrected, not_smoothed, the_rate_itself, beyond_the_explosion, the_first_as_well],
}
