"""Typical wrong answers to the exercises of chapter 18."""

import numpy as np

from minicnn.exercises import the_gpu as right


def elements_without_turns(block, thread, blocks, threads, count):
    return [block * threads + thread]


def elements_of_one_block(block, thread, blocks, threads, count):
    return list(range(block * threads + thread, count, threads))


def halvings_of_neighbours(values):
    rounds = [values]
    while len(rounds[-1]) > 1:
        rounds.append(rounds[-1][::2] + rounds[-1][1::2])
    return tuple(rounds)


def halvings_without_the_values(values):
    return right.halvings(values)[1:]


def gather_fold_last_wins(columns, height, width, stride):
    image = np.zeros((height, width))
    for r, row in enumerate(columns):
        for c, window in enumerate(row):
            image[r * stride : r * stride + len(window), c * stride : c * stride + len(window)] = window
    return image


def gather_fold_of_stride_one(columns, height, width, stride):
    return right.gather_fold(columns, height, width, 1)


def depthwise_intensity_of_a_full_convolution(n, channels, size, kernel):
    return right.depthwise_intensity(n, channels, size, kernel) * channels


def depthwise_intensity_for_each_number(n, channels, size, kernel):
    return right.depthwise_intensity(n, channels, size, kernel) * 4


def scales_that_keep_counting(start, overflows, interval):
    scale, found = start, []
    for number, overflow in enumerate(overflows, 1):
        scale = scale / 2 if overflow else scale * 2 if number % interval == 0 else scale
        found.append(scale)
    return np.array(found)


def scales_that_never_grow(start, overflows, interval):
    return start / 2.0 ** np.cumsum(overflows)


WRONG = {
    "18.1": [elements_without_turns, elements_of_one_block],
    "18.2": [halvings_of_neighbours, halvings_without_the_values],
    "18.3": [gather_fold_last_wins, gather_fold_of_stride_one],
    "18.4": [depthwise_intensity_of_a_full_convolution, depthwise_intensity_for_each_number],
    "18.5": [scales_that_keep_counting, scales_that_never_grow],
}
