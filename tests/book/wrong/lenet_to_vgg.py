"""Typical wrong answers to the exercises of chapter 8."""

import numpy as np

from minicnn.exercises import lenet_to_vgg as right


def without_bias(channels, out, kernel, size, stride, padding):
    parameters, work = right.conv_cost(channels, out, kernel, size, stride, padding)
    return parameters - out, work


def places_of_the_input(channels, out, kernel, size, stride, padding):
    return right.conv_cost(channels, out, kernel, size, stride, padding)[0], out * channels * kernel**2 * size**2


def one_map_in(channels, out, kernel, size, stride, padding):
    return right.conv_cost(1, out, kernel, size, stride, padding)


def always_from_three(blocks, channels, linear, size):
    wide = [right.vgg_cost([n], [c], [], size >> i) for i, (n, c) in enumerate(zip(blocks, channels, strict=True))]
    return sum(w[0] for w in wide), sum(w[1] for w in wide)


def linear_layers_forgotten(blocks, channels, linear, size):
    return right.vgg_cost(blocks, channels, [], size)


def without_pooling(blocks, channels, linear, size):
    parameters, _ = right.vgg_cost(blocks, channels, linear, size)
    return parameters, sum(right.vgg_cost([n], [c], [], size)[1] for n, c in zip(blocks, channels, strict=True))


def transposed(x, w, b):
    return np.tensordot(x, w, (0, 1)) + b


def without_a_bias(x, w, b):
    return np.einsum("oc,chw->ohw", w, x)


def mean_over_the_image(x, w, b):
    return right.per_pixel(x.mean((1, 2), keepdims=True), w, b)


def slid_over_the_other(first, second):
    return right.two_as_one(first, second[::-1, ::-1])


def multiplied(first, second):
    return np.kron(second, first)[: first.shape[0] + second.shape[0] - 1, : first.shape[1] + second.shape[1] - 1]


def biases_added(weights, biases):
    weight, _ = right.collapse(weights, biases)
    return weight, biases[-1]


def first_bias_only(weights, biases):
    return right.collapse(weights, [biases[0], *(0 * b for b in biases[1:])])


def weights_in_reading_order(weights, biases):
    weight = weights[0].T
    for w in weights[1:]:
        weight = weight @ w.T
    return weight, right.collapse(weights, biases)[1]


WRONG = {
    "8.1": [without_bias, places_of_the_input, one_map_in],
    "8.2": [always_from_three, linear_layers_forgotten, without_pooling],
    "8.3": [transposed, without_a_bias, mean_over_the_image],
    "8.4": [slid_over_the_other, multiplied],
    "8.5": [biases_added, first_bias_only, weights_in_reading_order],
}
