"""Solutions of chapter 8, LeNet to VGG."""

import numpy as np


def conv_cost(channels, out, kernel, size, stride, padding):
    places = (size + 2 * padding - kernel) // stride + 1
    weights = out * channels * kernel * kernel
    return weights + out, weights * places * places


def vgg_cost(blocks, channels, linear, size):
    parameters = work = 0
    inputs = 3
    for convolutions, outputs in zip(blocks, channels, strict=True):
        for _ in range(convolutions):
            weights = outputs * inputs * 9
            parameters += weights + outputs
            work += weights * size * size
            inputs = outputs
        size = size // 2
    inputs = inputs * size * size
    for outputs in linear:
        parameters += inputs * outputs + outputs
        work += inputs * outputs
        inputs = outputs
    return parameters, work


def per_pixel(x, w, b):
    _, H, W = x.shape
    result = np.zeros((len(w), H, W))
    for i in range(H):
        for j in range(W):
            result[:, i, j] = w @ x[:, i, j] + b
    return result


def two_as_one(first, second):
    (A, B), (D, E) = first.shape, second.shape
    result = np.zeros((A + D - 1, B + E - 1))
    # The second kernel's tap (i, j) reads the first's result there, which reads the image from (i, j) on.
    for i in range(D):
        for j in range(E):
            result[i : i + A, j : j + B] += second[i, j] * first
    return result


def collapse(weights, biases):
    weight, bias = weights[0], biases[0]
    for w, b in zip(weights[1:], biases[1:], strict=True):
        weight = w @ weight
        bias = w @ bias + b
    return weight, bias
