"""Solutions of chapter 3, pooling."""

import math

import numpy as np


def places(size, kernel, stride):
    return (size - kernel) // stride + 1


def max_pool(image, kernel, stride):
    out = np.zeros((places(image.shape[0], kernel, stride), places(image.shape[1], kernel, stride)))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            top, left = i * stride, j * stride
            out[i, j] = image[top : top + kernel, left : left + kernel].max()
    return out


def avg_pool(image, kernel, stride):
    out = np.zeros((places(image.shape[0], kernel, stride), places(image.shape[1], kernel, stride)))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            top, left = i * stride, j * stride
            out[i, j] = image[top : top + kernel, left : left + kernel].mean()
    return out


def max_pool_backward(g, image, kernel, stride):
    dx = np.zeros(image.shape)
    for i in range(g.shape[0]):
        for j in range(g.shape[1]):
            top, left = i * stride, j * stride
            window = image[top : top + kernel, left : left + kernel]
            row, column = np.unravel_index(window.argmax(), window.shape)
            dx[top + row, left + column] += g[i, j]
    return dx


def avg_pool_backward(g, height, width, kernel, stride):
    dx = np.zeros((height, width))
    for i in range(g.shape[0]):
        for j in range(g.shape[1]):
            top, left = i * stride, j * stride
            dx[top : top + kernel, left : left + kernel] += g[i, j] / (kernel * kernel)
    return dx


def global_average(x):
    return x.mean(axis=(2, 3))


def adaptive_bins(size, bins):
    return [(math.floor(i * size / bins), math.ceil((i + 1) * size / bins)) for i in range(bins)]
