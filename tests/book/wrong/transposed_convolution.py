"""Typical wrong answers to the exercises of chapter 13."""

import numpy as np

from minicnn.exercises import transposed_convolution as right


def last_stamp_wins(x, w, stride):
    result = np.zeros((len(x) - 1) * stride + len(w))
    for i, ink in enumerate(x):
        result[i * stride : i * stride + len(w)] = ink * w
    return result


def kernel_turned(x, w, stride):
    return right.stamp_line(x, w[::-1], stride)


def spread_too_far(x, w, stride):
    return np.pad(right.stamp_line(x, w, stride), (0, stride - 1))


def without_stride(x, w, stride):
    return right.stamp_line(x, w, 1)


def never_refuses(size, target, kernel, stride, padding):
    return target - ((size - 1) * stride - 2 * padding + kernel)


def padding_added(size, target, kernel, stride, padding):
    missing = target - ((size - 1) * stride + 2 * padding + kernel)
    return missing if 0 <= missing < stride else -1


def the_stride_as_well(size, target, kernel, stride, padding):
    missing = target - ((size - 1) * stride - 2 * padding + kernel)
    return missing if 0 <= missing <= stride else -1


def cut_on_one_side(size, target, kernel, stride, padding):
    missing = target - ((size - 1) * stride - padding + kernel)
    return missing if 0 <= missing < stride else -1


def padded_with_zeros(x, w, bias, stride, padding, output_padding):
    y = right.enlarge(x, w, bias, stride, padding, 0)
    return np.pad(y, ((0, 0), (0, output_padding), (0, output_padding)))


def output_padding_before(x, w, bias, stride, padding, output_padding):
    y = right.enlarge(x, w, bias, stride, padding - 1, 0) if output_padding else right.enlarge(
        x, w, bias, stride, padding, 0)  # fmt: skip
    return y[:, :-1, :-1] if output_padding else y


def weights_of_a_convolution(x, w, bias, stride, padding, output_padding):
    return right.enlarge(x, w.swapaxes(0, 1), bias, stride, padding, output_padding)


def turned_stamps(x, w, bias, stride, padding, output_padding):
    return right.enlarge(x, w[..., ::-1, ::-1], bias, stride, padding, output_padding)


def bias_in_each_stamp(x, w, bias, stride, padding, output_padding):
    none = 0 * bias
    stamps = np.ones_like(x[:1]), np.ones((1, len(bias), *w.shape[2:]))
    ink = right.enlarge(*stamps, none, stride, padding, output_padding)
    return right.enlarge(x, w, none, stride, padding, output_padding) + ink * bias[:, None, None]


def a_tent_to_the_pixels(stride):
    return 1 - np.abs(np.arange(2 * stride) - stride) / stride


def a_box(stride):
    return np.full(2 * stride, 0.5)


def only_for_two(stride):
    return np.repeat([0.25, 0.75, 0.75, 0.25], stride // 2)


def only_reshaped(w):
    return w.reshape(-1, w.shape[0], 1, 1)


def places_first(w):
    return w.transpose(2, 3, 1, 0).reshape(-1, w.shape[0], 1, 1)


def columns_first(w):
    return w.transpose(1, 3, 2, 0).reshape(-1, w.shape[0], 1, 1)


WRONG = {
    "13.1": [last_stamp_wins, kernel_turned, spread_too_far, without_stride],
    "13.2": [never_refuses, padding_added, the_stride_as_well, cut_on_one_side],
    "13.3": [padded_with_zeros, output_padding_before, weights_of_a_convolution, turned_stamps, bias_in_each_stamp],
    "13.4": [a_tent_to_the_pixels, a_box, only_for_two],
    "13.5": [only_reshaped, places_first, columns_first],
}
