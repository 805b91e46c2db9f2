"""Solutions of chapter 18, the GPU."""

import numpy as np


def elements(block, thread, blocks, threads, count):
    return list(range(block * threads + thread, count, blocks * threads))


def halvings(values):
    rounds = [values]
    while len(rounds[-1]) > 1:
        last = rounds[-1]
        half = len(last) // 2
        rounds.append(np.array([last[t] + last[t + half] for t in range(half)]))
    return tuple(rounds)


def gather_fold(columns, height, width, stride):
    rows, places, kernel, _ = columns.shape
    image = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            for i in range(kernel):
                for j in range(kernel):
                    row, place = y - i, x - j
                    if row < 0 or place < 0 or row % stride or place % stride:
                        continue
                    if row // stride < rows and place // stride < places:
                        image[y, x] += columns[row // stride, place // stride, i, j]
    return image


def depthwise_intensity(n, channels, size, kernel):
    outputs = n * channels * size * size
    operations = 2 * outputs * kernel * kernel
    numbers = outputs + channels * kernel * kernel + outputs
    return operations / (4 * numbers)


def scales(start, overflows, interval):
    scale, good, found = start, 0, []
    for overflow in overflows:
        if overflow:
            scale, good = scale / 2, 0
        else:
            good += 1
            if good == interval:
                scale, good = scale * 2, 0
        found.append(scale)
    return np.array(found)
