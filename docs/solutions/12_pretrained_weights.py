"""Solutions of chapter 12, pretrained weights and transfer."""

import numpy as np


def prepared(images, mean, std):
    out = images / 255
    for channel in range(images.shape[3]):
        out[..., channel] = (out[..., channel] - mean[channel]) / std[channel]
    return out.transpose(0, 3, 1, 2)


def without_prefix(state, prefix):
    out = {}
    for name, value in state.items():
        out[name[len(prefix) :] if name.startswith(prefix) else name] = value
    return out


def differing_names(model, file):
    missing = [name for name in model if name not in file]
    too_much = [name for name in file if name not in model]
    unfitting = [name for name in model if name in file and np.shape(model[name]) != np.shape(file[name])]
    return missing, too_much, unfitting


def body_of(state, head):
    return {name: value for name, value in state.items() if not name.startswith(head + ".")}


def step_by_rates(state, gradients, head, rate):
    out = {}
    for name, value in state.items():
        mine = rate if name.startswith(head + ".") else rate / 10
        out[name] = value - mine * gradients[name]
    return out
