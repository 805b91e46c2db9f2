"""Solutions of chapter 11, augmentation."""

import numpy as np


def flip_and_crop(image, flip, padding, top, left, size):
    C, H, W = image.shape
    padded = np.zeros((C, H + 2 * padding, W + 2 * padding))
    padded[:, padding : padding + H, padding : padding + W] = image[:, :, ::-1] if flip else image
    return padded[:, top : top + size, left : left + size]


def variants(pixels, padding, size, flips):
    places = pixels + 2 * padding - size + 1
    return places * places * (2 if flips else 1)


def mixup(images, labels, classes, share):
    mixed = np.zeros(images.shape)
    weights = np.zeros((len(images), classes))
    for n in range(len(images)):
        mixed[n] = share * images[n] + (1 - share) * images[n - 1]  # index −1 is the last
        weights[n, labels[n]] += share
        weights[n, labels[n - 1]] += 1 - share
    return mixed, weights


def cutmix(image, other, row, column, half):
    _, H, W = image.shape
    top, bottom = max(row - half, 0), min(row + half, H)
    left, right = max(column - half, 0), min(column + half, W)
    mixed = image.copy()
    mixed[:, top:bottom, left:right] = other[:, top:bottom, left:right]
    return mixed, 1 - (bottom - top) * (right - left) / (H * W)


def soft_cross_entropy(scores, shares):
    safe = scores - scores.max(1, keepdims=True)
    log_probabilities = safe - np.log(np.exp(safe).sum(1, keepdims=True))
    return -(shares * log_probabilities).sum(1).mean()
