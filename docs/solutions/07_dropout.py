"""Solutions of chapter 7, dropout."""

import numpy as np

import minicnn as mc
from minicnn import nn
from minicnn.nn import functional as F


def scale_of(u, p):
    """What each element is multiplied by."""
    if p == 1:
        return np.zeros(u.shape)
    return (u < 1 - p) / (1 - p)


def dropout_layer(x, u, p, training):
    return x * scale_of(u, p) if training else x


def dropout_layer_backward(g, u, p, training):
    return g * scale_of(u, p) if training else g


def drop_channels(x, u, p):
    return x * scale_of(u, p)[:, :, None, None]


def mean_and_variance(x, w, p):
    return (x * w).sum(), p / (1 - p) * ((x * w) ** 2).sum()


def ask_the_crowd(model, x, times):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    with mc.no_grad():
        answers = [F.softmax(model(x), 1) for _ in range(times)]
    for module, mode in modes.items():
        module.training = mode  # train() would also set what is inside of it
    return mc.stack(answers).mean(0)
