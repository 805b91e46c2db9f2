"""Solutions of chapter 6, batch normalisation."""

import numpy as np

CHANNEL = (0, 2, 3)  # the axes over which a channel of images is normalised


def normalise_images(x, gamma, beta, eps):
    mean = x.mean(CHANNEL, keepdims=True)
    var = x.var(CHANNEL, keepdims=True)
    return (x - mean) / np.sqrt(var + eps) * gamma[:, None, None] + beta[:, None, None]


def running_after(batches, momentum):
    mean, var = 0.0, 1.0
    for values in batches:
        mean = (1 - momentum) * mean + momentum * values.mean()
        var = (1 - momentum) * var + momentum * values.var(ddof=1)
    return mean, var


def normalise_images_backward(g, x, gamma, eps):
    r = 1 / np.sqrt(x.var(CHANNEL, keepdims=True) + eps)
    normal = (x - x.mean(CHANNEL, keepdims=True)) * r
    h = g * gamma[:, None, None]
    dx = r * (h - h.mean(CHANNEL, keepdims=True) - normal * (h * normal).mean(CHANNEL, keepdims=True))
    return dx, (g * normal).sum(CHANNEL), g.sum(CHANNEL)


def fold_norm(weight, bias, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return weight * scale[:, None, None, None], bias * scale + beta - mean * scale


def layernorm_backward(g, x, gamma, eps):
    r = 1 / np.sqrt(x.var(1, keepdims=True) + eps)
    normal = (x - x.mean(1, keepdims=True)) * r
    h = g * gamma
    dx = r * (h - h.mean(1, keepdims=True) - normal * (h * normal).mean(1, keepdims=True))
    return dx, (g * normal).sum(0), g.sum(0)
