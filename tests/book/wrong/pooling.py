"""Typical wrong answers to the exercises of chapter 3."""

import numpy as np

from minicnn.exercises import pooling as right


def max_pool_from_zero(image, kernel, stride):
    return np.maximum(right.max_pool(image, kernel, stride), 0)


def max_pool_side_by_side(image, kernel, stride):
    return right.max_pool(image, kernel, kernel)


def max_pool_by_reshape(image, kernel, stride):
    rows, columns = image.shape[0] // kernel, image.shape[1] // kernel
    return image.reshape(rows, kernel, columns, kernel).max((1, 3))


def max_pool_hanging_over(image, kernel, stride):
    rows, columns = (-(-size // stride) for size in image.shape)
    return np.array([[image[i * stride : i * stride + kernel, j * stride : j * stride + kernel].max()
                      for j in range(columns)] for i in range(rows)])  # fmt: skip


def avg_pool_sum(image, kernel, stride):
    return right.avg_pool(image, kernel, stride) * kernel**2


def avg_pool_side_by_side(image, kernel, stride):
    return right.avg_pool(image, kernel, kernel)


def max_backward_overwrites(g, image, kernel, stride):
    dx = np.zeros(image.shape)
    for i, j in np.ndindex(g.shape):
        window = image[i * stride : i * stride + kernel, j * stride : j * stride + kernel]
        row, column = np.unravel_index(window.argmax(), window.shape)
        dx[i * stride + row, j * stride + column] = g[i, j]
    return dx


def max_backward_to_every_tie(g, image, kernel, stride):
    dx = np.zeros(image.shape)
    for i, j in np.ndindex(g.shape):
        place = np.s_[i * stride : i * stride + kernel, j * stride : j * stride + kernel]
        dx[place] += (image[place] == image[place].max()) * g[i, j]
    return dx


def max_backward_to_the_last(g, image, kernel, stride):
    turned = right.max_pool_backward(g[::-1, ::-1], image[::-1, ::-1], kernel, stride)
    return turned[::-1, ::-1]


def max_backward_ones(g, image, kernel, stride):
    return right.max_pool_backward(np.ones_like(g), image, kernel, stride)


def avg_backward_undivided(g, height, width, kernel, stride):
    return right.avg_pool_backward(g * kernel**2, height, width, kernel, stride)


def avg_backward_overwrites(g, height, width, kernel, stride):
    dx = np.zeros((height, width))
    for i, j in np.ndindex(g.shape):
        dx[i * stride : i * stride + kernel, j * stride : j * stride + kernel] = g[i, j] / kernel**2
    return dx


def avg_backward_by_repetition(g, height, width, kernel, stride):
    return np.repeat(np.repeat(g, kernel, 0), kernel, 1) / kernel**2


WRONG = {
    "3.1": [max_pool_from_zero, max_pool_side_by_side, max_pool_by_reshape, max_pool_hanging_over],
    "3.2": [avg_pool_sum, avg_pool_side_by_side, right.max_pool],
    "3.3": [max_backward_overwrites, max_backward_to_every_tie, max_backward_to_the_last, max_backward_ones],
    "3.4": [avg_backward_undivided, avg_backward_overwrites, avg_backward_by_repetition],
    "3.5": [lambda x: x.mean(), lambda x: x.mean((0, 2, 3)), lambda x: x.mean(1), lambda x: x.sum((2, 3))],
    "3.6": [
        lambda size, bins: [(i * size // bins, (i + 1) * size // bins) for i in range(bins)],
        lambda size, bins: [(i * (size // bins), (i + 1) * (size // bins)) for i in range(bins)],
    ],
}
