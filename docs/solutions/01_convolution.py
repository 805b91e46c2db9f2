"""Solutions of chapter 1, convolution by hand."""

import numpy as np


def correlate1d(signal, kernel):
    out = np.zeros(len(signal) - len(kernel) + 1)
    for i in range(len(out)):
        for k in range(len(kernel)):
            out[i] += signal[i + k] * kernel[k]
    return out


def correlate2d(image, kernel):
    rows, columns = kernel.shape
    out = np.zeros((image.shape[0] - rows + 1, image.shape[1] - columns + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (image[i : i + rows, j : j + columns] * kernel).sum()
    return out


def convolve2d(image, kernel):
    return correlate2d(image, kernel[::-1, ::-1])


def vertical_edge():
    return [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]


def conv_layer(x, weight, bias):
    out = [[sum(correlate2d(channel, kernel) for channel, kernel in zip(image, kernels, strict=True)) + b
            for kernels, b in zip(weight, bias, strict=True)] for image in x]  # fmt: skip
    return np.array(out)


def parameters(in_channels, out_channels, kernel_height, kernel_width, bias):
    return out_channels * (in_channels * kernel_height * kernel_width + (1 if bias else 0))
