"""Solutions of chapter 5, the backward pass of convolution."""

import numpy as np


def coverage(size, kernel, stride, padding):
    counts = [0] * size
    start = -padding
    while start + kernel <= size + padding:
        for pixel in range(max(start, 0), min(start + kernel, size)):
            counts[pixel] += 1
        start += stride
    return counts


def conv1d_backward(g, x, w):
    dx, dw = np.zeros(len(x)), np.zeros(len(w))
    for i in range(len(g)):
        for k in range(len(w)):
            dx[i + k] += g[i] * w[k]
            dw[k] += g[i] * x[i + k]
    return dx, dw, g.sum()


def fold_columns(columns, height, width, kernel, stride):
    image = np.zeros((height, width))
    per_row = (width - kernel) // stride + 1
    for place, column in enumerate(columns):
        i, j = stride * (place // per_row), stride * (place % per_row)
        image[i : i + kernel, j : j + kernel] += column.reshape(kernel, kernel)
    return image


def correlate(image, kernel):
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return (windows * kernel).sum((2, 3))


def input_gradient(g, w, stride, height, width):
    rows, columns = w.shape
    # The padded g is so large that the correlation has just the image's size: pixels that no window has
    # reached are below and right of the last entry, where only zeros are.
    spread = np.zeros((height + rows - 1, width + columns - 1))
    spread[rows - 1 :: stride, columns - 1 :: stride][: g.shape[0], : g.shape[1]] = g
    return correlate(spread, w[::-1, ::-1])


def depthwise_backward(g, x, w):
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    rows, columns = g.shape[2:]
    for k in range(w.shape[1]):
        for l in range(w.shape[2]):
            window = np.s_[:, :, k : k + rows, l : l + columns]
            dx[window] += g * w[:, k, l, None, None]
            dw[:, k, l] = (g * x[window]).sum((0, 2, 3))
    return dx, dw
