"""Typical wrong answers to the exercises of chapter 17."""

import numpy as np


def two_outputs_with_six(d, g):
    return d[0] * g[0] + d[1] * g[1] + d[2] * g[2], d[1] * g[0] + d[2] * g[1] + d[3] * g[2]


def two_outputs_turned(d, g):
    return d[0] * g[2] + d[1] * g[1] + d[2] * g[0], d[1] * g[2] + d[2] * g[1] + d[3] * g[0]


def window_runs_swapped(order, channels, kernel):
    return (kernel, kernel * channels) if order == "NCHW" else (channels * kernel, kernel)


def window_runs_by_pixels(order, channels, kernel):
    return (channels * kernel, kernel) if order == "NCHW" else (kernel * kernel, channels)


def block_size_of_none(cache, images, channels, height, width, kernel):
    return min(images, cache // (4 * channels * height * width * kernel**2))


def block_size_of_all(cache, images, channels, height, width, kernel):
    return max(1, cache // (4 * channels * height * width * kernel**2))


def speed_up_of_the_part(p, n):
    return p * n


def speed_up_of_all(p, n):
    return 1 / (p / n) if p else 1.0


def fair_ratio_of_means(a, b):
    return float(np.mean(a) / np.mean(b))


def fair_ratio_of_halves(a, b):
    return float(np.median(a[:10]) / np.median(b[10:]))


WRONG = {
    "17.1": [two_outputs_with_six, two_outputs_turned],
    "17.2": [window_runs_swapped, window_runs_by_pixels],
    "17.3": [block_size_of_none, block_size_of_all],
    "17.4": [speed_up_of_the_part, speed_up_of_all],
    "17.5": [fair_ratio_of_means, fair_ratio_of_halves],
}
