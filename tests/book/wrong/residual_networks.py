"""Typical wrong answers to the exercises of chapter 9."""

import numpy as np

from minicnn.exercises import residual_networks as right


def without_skip(x, w1, w2):
    return right.residual_forward(x, w1, w2) - x


def relu_on_the_sum(x, w1, w2):
    return np.maximum(x + x @ w1 @ w2, 0)


def added_in_place(x, w1, w2):
    x += np.maximum(x @ w1, 0) @ w2
    return x


def branch_only(g, x, w1, w2):
    dx, dw1, dw2 = right.residual_backward(g, x, w1, w2)
    return dx - g, dw1, dw2


def skip_only(g, x, w1, w2):
    return g, *right.residual_backward(g, x, w1, w2)[1:]


def without_the_mask(g, x, w1, w2):
    slope = g @ w2.T
    return g + slope @ w1.T, x.T @ slope, np.maximum(x @ w1, 0).T @ g


def only_the_ends(slopes):
    shares = np.zeros(len(slopes) + 1)
    shares[0], shares[-1] = 1, np.prod(slopes)
    return shares


def longest_first(slopes):
    return right.path_shares(slopes)[::-1]


def powers_of_the_sum(slopes):
    return np.array([sum(slopes) ** k for k in range(len(slopes) + 1)])


def zeros_at_the_end(x, channels):
    small = x[:, ::2, ::2]
    return np.concatenate([small, np.zeros((channels - len(x), *small.shape[1:]))])


def from_the_second(x, channels):
    return right.subsampled(np.roll(x, -1, (1, 2)), channels)


def averaged(x, channels):
    h, w = (n // 2 * 2 for n in x.shape[1:])
    small = x[:, :h, :w].reshape(len(x), h // 2, 2, w // 2, 2).mean((2, 4))
    return right.subsampled(np.repeat(np.repeat(small, 2, 1), 2, 2), channels)


def without_norms(before, channels, blocks, stride):
    return right.stage_parameters(before, channels, blocks, stride) - 4 * channels * blocks


def stride_needs_nothing(before, channels, blocks, stride):
    return right.stage_parameters(before, channels, blocks, 1)


def option_a(before, channels, blocks, stride):
    return 9 * channels * (before + (2 * blocks - 1) * channels) + 4 * channels * blocks


def old_channels_in_all_blocks(before, channels, blocks, stride):
    return blocks * right.stage_parameters(before, channels, 1, stride)


WRONG = {
    "9.1": [without_skip, relu_on_the_sum, added_in_place],
    "9.2": [branch_only, skip_only, without_the_mask],
    "9.3": [only_the_ends, longest_first, powers_of_the_sum],
    "9.4": [zeros_at_the_end, from_the_second, averaged],
    "9.5": [without_norms, stride_needs_nothing, option_a, old_channels_in_all_blocks],
}
