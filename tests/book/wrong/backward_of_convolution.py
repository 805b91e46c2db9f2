"""Typical wrong answers to the exercises of chapter 5."""

import numpy as np

from minicnn.exercises import backward_of_convolution as right


def coverage_without_padding(size, kernel, stride, padding):
    return right.coverage(size, kernel, stride, 0) if size >= kernel else [0] * size


def coverage_at_every_place(size, kernel, stride, padding):
    return right.coverage(size, kernel, 1, padding)


def coverage_hanging_over(size, kernel, stride, padding):
    starts = range(-padding, size, stride)
    return [sum(s <= p < s + kernel for s in starts) for p in range(size)]


def conv1d_last_window_wins(g, x, w):
    dx = np.zeros(len(x))
    for i, slope in enumerate(g):
        dx[i : i + len(w)] = slope * w
    return dx, *right.conv1d_backward(g, x, w)[1:]


def conv1d_turned(g, x, w):
    return np.correlate(np.pad(g, len(w) - 1), w, "valid"), *right.conv1d_backward(g, x, w)[1:]


def conv1d_mean_for_the_bias(g, x, w):
    return *right.conv1d_backward(g, x, w)[:2], g.mean()


def conv1d_swapped(g, x, w):
    dx, dw, db = right.conv1d_backward(g, x, w)
    return dw, dx, db


def fold_columns_last_wins(columns, height, width, kernel, stride):
    image, per_row = np.zeros((height, width)), (width - kernel) // stride + 1
    for place, column in enumerate(columns):
        i, j = (stride * n for n in divmod(place, per_row))
        image[i : i + kernel, j : j + kernel] = column.reshape(kernel, kernel)
    return image


def fold_columns_of_squares(columns, height, width, kernel, stride):
    image, per_row = np.zeros((height, width)), (height - kernel) // stride + 1
    for place, column in enumerate(columns):
        i, j = (stride * n for n in divmod(place, per_row))
        image[i : i + kernel, j : j + kernel] += column.reshape(kernel, kernel)
    return image


def fold_columns_without_stride(columns, height, width, kernel, stride):
    image, per_row = np.zeros((height, width)), (width - kernel) // stride + 1
    for place, column in enumerate(columns):
        i, j = divmod(place, per_row)
        image[i : i + kernel, j : j + kernel] += column.reshape(kernel, kernel)
    return image


def input_gradient_not_turned(g, w, stride, height, width):
    return right.input_gradient(g, w[::-1, ::-1], stride, height, width)


def input_gradient_too_small(g, w, stride, height, width):
    spread = np.zeros(((g.shape[0] - 1) * stride + 1, (g.shape[1] - 1) * stride + 1))
    spread[::stride, ::stride] = g
    return right.input_gradient(spread, w, 1, *(n + k - 1 for n, k in zip(spread.shape, w.shape, strict=True)))


def input_gradient_transposed(g, w, stride, height, width):
    return right.input_gradient(g, w[::-1, ::-1].T, stride, height, width)


def depthwise_last_image(g, x, w):
    return right.depthwise_backward(g, x, w)[0], right.depthwise_backward(g[-1:], x[-1:], w)[1]


def depthwise_mean(g, x, w):
    dx, dw = right.depthwise_backward(g, x, w)
    return dx, dw / len(x)


def depthwise_first_kernel(g, x, w):
    return right.depthwise_backward(g, x, np.repeat(w[:1], len(w), axis=0))


WRONG = {
    "5.1": [coverage_without_padding, coverage_at_every_place, coverage_hanging_over],
    "5.2": [conv1d_last_window_wins, conv1d_turned, conv1d_mean_for_the_bias, conv1d_swapped],
    "5.3": [fold_columns_last_wins, fold_columns_of_squares, fold_columns_without_stride],
    "5.4": [input_gradient_not_turned, input_gradient_too_small, input_gradient_transposed],
    "5.5": [depthwise_last_image, depthwise_mean, depthwise_first_kernel],
}
