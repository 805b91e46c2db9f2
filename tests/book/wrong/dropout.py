"""Typical wrong answers to the exercises of chapter 7."""

import numpy as np

import minicnn as mc
from minicnn import nn
from minicnn.exercises import dropout as right
from minicnn.nn import functional as F


def not_scaled(x, u, p, training):
    return np.where(u < 1 - p, x, 0) if training else x


def scaled_by_p(x, u, p, training):
    return np.where(u < 1 - p, x / max(p, 1e-9), 0) if training else x


def p_is_kept(x, u, p, training):
    return np.where(u < p, x / max(p, 1e-9), 0) if training else x


def in_evaluation_too(x, u, p, training):
    return right.dropout_layer(x, u, p, True)


def scaled_in_evaluation(x, u, p, training):
    return right.dropout_layer(x, u, p, True) if training else x * (1 - p)


def divides_by_zero(x, u, p, training):
    with np.errstate(all="ignore"):
        return x * (u < 1 - p) / (1 - np.float64(p)) if training else x


def straight_through(g, u, p, training):
    return g


def a_mask_without_factor(g, u, p, training):
    return g * (u < 1 - p) if training else g


def the_other_mask(g, u, p, training):
    return right.dropout_layer(g, 1 - u, p, training)


def single_pixels(x, u, p):
    return right.dropout_layer(x, np.resize(u, x.shape), p, True)


def along_the_rows(x, u, p):
    return x * np.resize(right.dropout_layer(np.ones(u.shape), u, p, True), x.shape[2:])


def channels_of_the_batch(x, u, p):
    return x * right.dropout_layer(np.ones(u.shape[1]), u[0], p, True)[:, None, None]


def channels_not_scaled(x, u, p):
    return x * (u < 1 - p)[:, :, None, None]


def the_deviation(x, w, p):
    return x @ w, np.sqrt(p / (1 - p) * (w * w * x * x).sum())


def of_the_mask_alone(x, w, p):
    return x @ w, p * (1 - p) * (w * w * x * x).sum()


def squared_afterwards(x, w, p):
    return x @ w, p / (1 - p) * (x @ w) ** 2


def smaller_mean(x, w, p):
    return (1 - p) * (x @ w), p / (1 - p) * (w * w * x * x).sum()


def all_in_training(model, x, times):
    model.train()
    with mc.no_grad():
        found = sum(F.softmax(model(x), 1) for _ in range(times)) / times
    model.eval()
    return found


def all_in_evaluation(model, x, times):
    model.eval()
    with mc.no_grad():
        return F.softmax(model(x), 1)


def mean_of_scores(model, x, times):
    modes = [(m, m.training) for m in model.modules()]
    for m, _ in modes:
        m.training = isinstance(m, nn.Dropout)
    with mc.no_grad():
        found = F.softmax(sum(model(x) for _ in range(times)) / times, 1)
    for m, mode in modes:
        m.training = mode
    return found


def left_in_evaluation(model, x, times):
    found = right.ask_the_crowd(model, x, times)
    model.eval()
    return found


def with_its_graph(model, x, times):
    for m in model.modules():
        m.training = isinstance(m, nn.Dropout)
    found = sum(F.softmax(model(x), 1) for _ in range(times)) / times
    model.train()
    model[0].eval()
    return found


WRONG = {
    "7.1": [not_scaled, scaled_by_p, p_is_kept, in_evaluation_too, scaled_in_evaluation, divides_by_zero],
    "7.2": [straight_through, a_mask_without_factor, the_other_mask],
    "7.3": [single_pixels, along_the_rows, channels_of_the_batch, channels_not_scaled],
    "7.4": [the_deviation, of_the_mask_alone, squared_afterwards, smaller_mean],
    "7.5": [all_in_training, all_in_evaluation, mean_of_scores, left_in_evaluation, with_its_graph],
}
