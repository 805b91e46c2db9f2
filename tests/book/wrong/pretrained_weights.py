"""Typical wrong answers to the exercises of chapter 12."""

import numpy as np

from minicnn.exercises import pretrained_weights as right


def prepared_in_bytes(images, mean, std):
    return ((images - np.array(mean)) / np.array(std)).transpose(0, 3, 1, 2)


def prepared_by_reshape(images, mean, std):
    n, h, w, c = images.shape
    return right.prepared(images, mean, std).transpose(0, 2, 3, 1).reshape(n, c, h, w)


def prepared_by_the_first_channel(images, mean, std):
    return (images.transpose(0, 3, 1, 2) / 255 - mean[0]) / std[0]


def step_backwards(state, gradients, head, rate):
    return right.step_by_rates(state, gradients, head, -rate)


def step_at_one_rate(state, gradients, head, rate):
    return {name: value - rate * gradients[name] for name, value in state.items()}


def step_by_beginning(state, gradients, head, rate):
    return {n: v - (rate if n.startswith(head) else rate / 10) * gradients[n] for n, v in state.items()}


WRONG = {
    "12.1": [prepared_in_bytes, prepared_by_reshape, prepared_by_the_first_channel],
    "12.2": [
        lambda state, prefix: {n.replace(prefix, ""): v for n, v in state.items()},
        lambda state, prefix: {n[len(prefix) :]: v for n, v in state.items()},
        lambda state, prefix: {n.lstrip(prefix): v for n, v in state.items()},
    ],
    "12.3": [
        lambda model, file: (*right.differing_names(model, file)[:2], []),
        lambda model, file: right.differing_names(file, model),
        lambda model, file: ([n for n in model if n not in file or model[n].shape != file[n].shape],
                             [n for n in file if n not in model], []),
    ],
    "12.4": [
        lambda state, head: {n: v for n, v in state.items() if not n.startswith(head)},
        lambda state, head: {n: v for n, v in state.items() if head not in n},
        lambda state, head: {n: v for n, v in state.items() if n.startswith(f"{head}.")},
    ],
    "12.5": [step_backwards, step_at_one_rate, step_by_beginning],
}  # fmt: skip
