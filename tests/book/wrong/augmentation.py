"""Typical wrong answers to the exercises of chapter 11."""

import numpy as np

from minicnn.exercises import augmentation as right


def upside_down(image, flip, padding, top, left, size):
    return right.flip_and_crop(image[:, ::-1] if flip else image, False, padding, top, left, size)


def from_the_images_corner(image, flip, padding, top, left, size):
    return right.flip_and_crop(image, flip, padding, top + padding, left + padding, size)


def channels_padded_too(image, flip, padding, top, left, size):
    return right.flip_and_crop(np.pad(image, ((padding, padding), (0, 0), (0, 0))), flip, padding, top, left, size)


def never_flipped(image, flip, padding, top, left, size):
    return right.flip_and_crop(image, False, padding, top, left, size)


def one_place_short(pixels, padding, size, flips):
    return (pixels + 2 * padding - size) ** 2 * (2 if flips else 1)


def along_one_axis(pixels, padding, size, flips):
    return (pixels + 2 * padding - size + 1) * (2 if flips else 1)


def padded_on_one_side(pixels, padding, size, flips):
    return (pixels + padding - size + 1) ** 2 * (2 if flips else 1)


def labels_unmixed(images, labels, classes, share):
    return right.mixup(images, labels, classes, share)[0], np.eye(classes)[labels]


def with_the_next(images, labels, classes, share):
    rows = np.eye(classes)[labels]
    return tuple(share * a + (1 - share) * np.roll(a, -1, 0) for a in (images, rows))


def shares_overwritten(images, labels, classes, share):
    rows = np.zeros((len(labels), classes))
    rows[np.arange(len(labels)), labels] = share
    rows[np.arange(len(labels)), np.roll(labels, 1)] = 1 - share
    return right.mixup(images, labels, classes, share)[0], rows


def share_of_the_other(image, other, row, column, half):
    mixed, share = right.cutmix(image, other, row, column, half)
    return mixed, 1 - share


def area_as_drawn(image, other, row, column, half):
    mixed, _ = right.cutmix(image, other, row, column, half)
    return mixed, 1 - 4 * half * half / (image.shape[1] * image.shape[2])


def from_the_end(image, other, row, column, half):
    mixed = image.copy()
    rows, columns = slice(row - half, row + half), slice(column - half, column + half)
    mixed[:, rows, columns] = other[:, rows, columns]
    return mixed, 1 - mixed[0, rows, columns].size / mixed[0].size


def in_the_image_itself(image, other, row, column, half):
    mixed, share = right.cutmix(image, other, row, column, half)
    image[:] = mixed
    return image, share


def overflows(scores, shares):
    with np.errstate(all="ignore"):
        exponentials = np.exp(scores)
        return -(shares * np.log(exponentials / exponentials.sum(1, keepdims=True))).sum(1).mean()


def mean_over_all(scores, shares):
    return right.soft_cross_entropy(scores, shares) / scores.shape[1]


def of_the_likeliest_class(scores, shares):
    return right.soft_cross_entropy(scores, np.eye(scores.shape[1])[shares.argmax(1)])


WRONG = {
    "11.1": [upside_down, from_the_images_corner, channels_padded_too, never_flipped],
    "11.2": [one_place_short, along_one_axis, padded_on_one_side],
    "11.3": [labels_unmixed, with_the_next, shares_overwritten],
    "11.4": [share_of_the_other, area_as_drawn, from_the_end, in_the_image_itself],
    "11.5": [overflows, mean_over_all, of_the_likeliest_class],
}
