"""Solutions of chapter 2, padding, stride, dilation, and what a layer sees."""

import numpy as np


def output_size(size, kernel, stride, padding, dilation):
    reach = dilation * (kernel - 1) + 1  # from the first tap to the last
    return (size + 2 * padding - reach) // stride + 1


def zero_pad(image, padding):
    height, width = image.shape
    out = np.zeros((height + 2 * padding, width + 2 * padding))
    out[padding : padding + height, padding : padding + width] = image
    return out


def correlate_with(image, kernel, stride, padding):
    image = zero_pad(image, padding)
    rows, columns = kernel.shape
    out = np.zeros(((image.shape[0] - rows) // stride + 1, (image.shape[1] - columns) // stride + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            top, left = i * stride, j * stride
            out[i, j] = (image[top : top + rows, left : left + columns] * kernel).sum()
    return out


def same_padding(kernel, dilation):
    return dilation * (kernel - 1) // 2


def unread(size, kernel, stride, padding):
    last = output_size(size, kernel, stride, padding, 1) - 1
    end = last * stride - padding + kernel  # the pixel after the last window
    return max(0, size - end)


def field_size(layers):
    size, jump = 1, 1
    for kernel, stride, dilation in layers:
        size += dilation * (kernel - 1) * jump
        jump *= stride
    return size
