"""Solutions of chapter 13, transposed convolution."""

import numpy as np


def stamp_line(x, w, stride):
    result = np.zeros((len(x) - 1) * stride + len(w))
    for i, ink in enumerate(x):
        result[i * stride : i * stride + len(w)] += ink * w
    return result


def output_padding_for(size, target, kernel, stride, padding):
    missing = target - ((size - 1) * stride - 2 * padding + kernel)
    return missing if 0 <= missing < stride else -1


def enlarge(x, w, bias, stride, padding, output_padding):
    (C, H, W), (_, O, KH, KW) = x.shape, w.shape
    rows, columns = (H - 1) * stride + KH, (W - 1) * stride + KW
    # Some paper more at the end: where nothing has been cut off, output padding is unprinted.
    paper = np.zeros((O, rows + output_padding, columns + output_padding))
    for c in range(C):
        for i in range(H):
            for j in range(W):
                top, left = i * stride, j * stride
                paper[:, top : top + KH, left : left + KW] += x[c, i, j] * w[c]
    height, width = (n - 2 * padding + output_padding for n in (rows, columns))
    return paper[:, padding : padding + height, padding : padding + width] + bias[:, None, None]


def tent_kernel(stride):
    rising = (np.arange(stride) + 0.5) / stride
    return np.concatenate([rising, rising[::-1]])


def shuffled_weight(w):
    C, O, s, _ = w.shape
    result = np.zeros((O * s * s, C, 1, 1))
    for o in range(O):
        for i in range(s):
            for j in range(s):
                result[o * s * s + i * s + j, :, 0, 0] = w[:, o, i, j]
    return result
