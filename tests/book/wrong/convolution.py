"""Typical wrong answers to the exercises of chapter 1."""

import numpy as np

from minicnn.exercises import convolution as right


def correlate1d_turned(signal, kernel):
    return np.convolve(signal, kernel, "valid")


def correlate1d_without_the_last(signal, kernel):
    return right.correlate1d(signal, kernel)[:-1]


def correlate1d_padded(signal, kernel):
    return np.correlate(signal, kernel, "same")


def correlate2d_turned(image, kernel):
    return right.correlate2d(image, kernel[::-1, ::-1])


def correlate2d_for_squares(image, kernel):
    side, taps = len(image), len(kernel)
    return np.array([[(image[i : i + taps, j : j + taps] * kernel).sum() for j in range(side - taps + 1)]
                     for i in range(side - taps + 1)])  # fmt: skip


def convolve2d_not_turned(image, kernel):
    return right.correlate2d(image, kernel)


def convolve2d_transposed(image, kernel):
    return right.correlate2d(image, kernel.T)


def convolve2d_one_axis(image, kernel):
    return right.correlate2d(image, kernel[::-1])


def conv_layer_last_channel(x, weight, bias):
    return right.conv_layer(x[:, -1:], weight[:, -1:], bias)


def conv_layer_without_bias(x, weight, bias):
    return right.conv_layer(x, weight, 0 * bias)


def conv_layer_one_image(x, weight, bias):
    return right.conv_layer(x[:1], weight, bias)


WRONG = {
    "1.1": [correlate1d_turned, correlate1d_without_the_last, correlate1d_padded],
    "1.2": [correlate2d_turned, correlate2d_for_squares],
    "1.3": [convolve2d_not_turned, convolve2d_transposed, convolve2d_one_axis],
    "1.4": [
        lambda: [[1, 0, -1]] * 3,
        lambda: [[0, 0, 0]] * 3,
        lambda: [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
        lambda: [[0, 0, 1]] * 3,
        lambda: [[-1, 1]] * 2,
    ],
    "1.5": [conv_layer_last_channel, conv_layer_without_bias, conv_layer_one_image],
    "1.6": [
        lambda c, o, h, w, b: o * c * h * w,
        lambda c, o, h, w, b: o * (c * h * w + 1),
        lambda c, o, h, w, b: o * c * h * w + b,
        lambda c, o, h, w, b: o * (c * h * h + b),
    ],
}
