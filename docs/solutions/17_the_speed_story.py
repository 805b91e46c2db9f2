"""Solutions of chapter 17, the speed story."""

import statistics


def two_outputs(d, g):
    first = (d[0] - d[2]) * g[0]
    second = (d[1] + d[2]) * ((g[0] + g[1] + g[2]) / 2)
    third = (d[2] - d[1]) * ((g[0] - g[1] + g[2]) / 2)
    fourth = (d[1] - d[3]) * g[2]
    return first + second + third, second - third - fourth


def window_runs(order, channels, kernel):
    if order == "NCHW":
        return channels * kernel, kernel
    return kernel, kernel * channels


def block_size(cache, images, channels, height, width, kernel):
    one = 4 * height * width * channels * kernel * kernel
    return min(images, max(1, cache // one))


def speed_up(p, n):
    return 1 / ((1 - p) + p / n)


def fair_ratio(a, b):
    return statistics.median(x / y for x, y in zip(a, b, strict=True))
