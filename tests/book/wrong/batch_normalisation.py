"""Typical wrong answers to the exercises of chapter 6."""

import numpy as np

from minicnn.exercises import batch_normalisation as right

CHANNEL = (0, 2, 3)


def each_pixel_by_itself(x, gamma, beta, eps):
    return (x - x.mean(0)) / np.sqrt(x.var(0) + eps) * gamma[:, None, None] + beta[:, None, None]


def eps_outside_of_the_root(x, gamma, beta, eps):
    mean, var = x.mean(CHANNEL, keepdims=True), x.var(CHANNEL, keepdims=True)
    return (x - mean) / (np.sqrt(var) + eps) * gamma[:, None, None] + beta[:, None, None]


def unbiased(x, gamma, beta, eps):
    m = x.size / x.shape[1]
    mean, var = x.mean(CHANNEL, keepdims=True), x.var(CHANNEL, keepdims=True) * m / (m - 1)
    return (x - mean) / np.sqrt(var + eps) * gamma[:, None, None] + beta[:, None, None]


def all_channels_together(x, gamma, beta, eps):
    return (x - x.mean()) / np.sqrt(x.var() + eps) * gamma[:, None, None] + beta[:, None, None]


def _running(batches, momentum, ddof, var):
    mean = 0.0
    for values in batches:
        mean = (1 - momentum) * mean + momentum * values.mean()
        var = (1 - momentum) * var + momentum * values.var(ddof=ddof)
    return mean, var


def biased_running(batches, momentum):
    return _running(batches, momentum, 0, 1.0)


def running_from_zero(batches, momentum):
    return _running(batches, momentum, 1, 0.0)


def momentum_of_the_old(batches, momentum):
    return _running(batches, 1 - momentum, 1, 1.0)


def of_all_values(batches, momentum):
    values = np.concatenate(batches)
    return values.mean(), values.var(ddof=1)


def constant_statistics(g, x, gamma, eps):
    r = 1 / np.sqrt(x.var(CHANNEL, keepdims=True) + eps)
    return g * gamma[:, None, None] * r, *right.normalise_images_backward(g, x, gamma, eps)[1:]


def mean_path_only(g, x, gamma, eps):
    h = g * gamma[:, None, None] / np.sqrt(x.var(CHANNEL, keepdims=True) + eps)
    return h - h.mean(CHANNEL, keepdims=True), *right.normalise_images_backward(g, x, gamma, eps)[1:]


def means_over_the_batch_only(g, x, gamma, eps):
    r = 1 / np.sqrt(x.var(CHANNEL, keepdims=True) + eps)
    normal, h = (x - x.mean(CHANNEL, keepdims=True)) * r, g * gamma[:, None, None]
    dx = r * (h - h.sum(CHANNEL, keepdims=True) / len(x) - normal * (h * normal).sum(CHANNEL, keepdims=True) / len(x))
    return dx, *right.normalise_images_backward(g, x, gamma, eps)[1:]


def gamma_by_x(g, x, gamma, eps):
    dx, _, dbeta = right.normalise_images_backward(g, x, gamma, eps)
    return dx, (g * x).sum(CHANNEL), dbeta


def fold_without_the_bias(weight, bias, gamma, beta, mean, var, eps):
    return right.fold_norm(weight, 0 * bias, gamma, beta, mean, var, eps)


def fold_bias_not_scaled(weight, bias, gamma, beta, mean, var, eps):
    folded, rest = right.fold_norm(weight, 0 * bias, gamma, beta, mean, var, eps)
    return folded, rest + bias


def fold_along_the_inputs(weight, bias, gamma, beta, mean, var, eps):
    scale = np.resize(gamma / np.sqrt(var + eps), weight.shape[1])
    return weight * scale[:, None, None], right.fold_norm(weight, bias, gamma, beta, mean, var, eps)[1]


def layernorm_gamma_outside(g, x, gamma, eps):
    dx = right.layernorm_backward(g, x, np.ones_like(gamma), eps)[0]
    return dx * gamma, *right.layernorm_backward(g, x, gamma, eps)[1:]


def layernorm_of_columns(g, x, gamma, eps):
    r, h = 1 / np.sqrt(x.var(0) + eps), g * gamma
    normal = (x - x.mean(0)) * r
    return r * (h - h.mean(0) - normal * (h * normal).mean(0)), (g * normal).sum(0), g.sum(0)


def layernorm_sums_over_rows(g, x, gamma, eps):
    dx, *_ = right.layernorm_backward(g, x, gamma, eps)
    normal = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + eps)
    return dx, (g * normal).sum(1), g.sum(1)


WRONG = {
    "6.1": [each_pixel_by_itself, eps_outside_of_the_root, unbiased, all_channels_together],
    "6.2": [biased_running, running_from_zero, momentum_of_the_old, of_all_values],
    "6.3": [constant_statistics, mean_path_only, means_over_the_batch_only, gamma_by_x],
    "6.4": [fold_without_the_bias, fold_bias_not_scaled, fold_along_the_inputs],
    "6.5": [layernorm_gamma_outside, layernorm_of_columns, layernorm_sums_over_rows],
}
