"""Typical wrong answers to the exercises of chapter 16."""

import numpy as np


def squareplus_grad_without_g(g, out):
    return out**2 / (out**2 + 1)


def squareplus_grad_of_the_root(g, out):
    return g * out / (out + 1)


def softplus_as_written(x):
    with np.errstate(over="ignore"):
        return np.log(1 + np.exp(x))


def softplus_that_is_relu_for_large(x):
    return np.where(x > 20, x, np.log(1 + np.exp(np.minimum(x, 20))))


def tanh_grad_of_the_input(g, out):
    return g * (1 - np.tanh(out) ** 2)


def tanh_grad_without_g(g, out):
    return 1 - out**2


def sum_to_shape_in_front_only(g, shape):
    return g.sum(axis=tuple(range(g.ndim - len(shape))))


def sum_to_shape_by_reshaping(g, shape):
    return np.resize(g, shape)


def sum_to_shape_without_the_ones(g, shape):
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    return g.sum(axis=tuple(i for i, size in enumerate(shape) if size == 1))


def normalise_grad_of_a_constant_length(g, x):
    return g / np.sqrt(x @ x)


def normalise_grad_without_the_length(g, x):
    y = x / np.sqrt(x @ x)
    return g - y * (g @ y)


WRONG = {
    "16.1": [squareplus_grad_without_g, squareplus_grad_of_the_root],
    "16.2": [softplus_as_written, softplus_that_is_relu_for_large],
    "16.3": [tanh_grad_of_the_input, tanh_grad_without_g],
    "16.4": [sum_to_shape_in_front_only, sum_to_shape_by_reshaping, sum_to_shape_without_the_ones],
    "16.5": [normalise_grad_of_a_constant_length, normalise_grad_without_the_length],
}
