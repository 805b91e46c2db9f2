"""Typical wrong answers to the exercises of chapter 10."""

import numpy as np

from minicnn.exercises import densenet_nasnet_mobilenet as right


def input_forgotten(first, growth, blocks):
    return right.dense_channels(0, growth, blocks)


def without_transitions(first, growth, blocks):
    return [first + growth * sum(blocks[: i + 1]) for i in range(len(blocks))]


def behind_the_transitions(first, growth, blocks):
    return [channels // 2 for channels in right.dense_channels(first, growth, blocks)]


def relu_on_everything(x, weights):
    return np.maximum(right.dense_forward(x, weights), 0)


def new_channels_first(x, weights):
    for w in weights:
        x = np.concatenate([np.maximum(np.einsum("kc,chw->khw", w, x), 0), x])
    return x


def new_channels_only(x, weights):
    return right.dense_forward(x, weights)[len(x) :]


def without_relu(x, weights):
    for w in weights:
        x = np.concatenate([x, np.einsum("kc,chw->khw", w, x)])
    return x


def direct_paths_only(g, weights):
    channels = weights[0].shape[1]
    return g[:channels] + sum(g[w.shape[1] : w.shape[1] + len(w)] @ w[:, :channels] for w in weights)


def not_the_input_itself(g, weights):
    return right.dense_gradient(g, weights) - g[: weights[0].shape[1]]


def first_layer_first(g, weights):
    g = g.copy()
    for w in weights:
        g[: w.shape[1]] += g[w.shape[1] : w.shape[1] + len(w)] @ w
    return g[: weights[0].shape[1]]


def in_the_gradient_itself(g, weights):
    for w in reversed(weights):
        g[: w.shape[1]] += g[w.shape[1] : w.shape[1] + len(w)] @ w
    return g[: weights[0].shape[1]]


def summed_over_channels(x, w, padding):
    y = right.depthwise_conv(x, w, padding)
    return np.broadcast_to(y.sum(0), y.shape)


def one_kernel_for_all(x, w, padding):
    return right.depthwise_conv(x, np.broadcast_to(w[:1], w.shape), padding)


def padding_forgotten(x, w, padding):
    return right.depthwise_conv(x, w, 0) if w.shape[1] <= min(x.shape[1:]) else np.zeros((len(x), 0, 0))


def all_at_the_new_size(channels, out, expand, stride, size):
    return right.inverted_cost(channels, out, expand, 1, (size - 1) // stride + 1)


def a_whole_convolution(channels, out, expand, stride, size):
    hidden, small = channels * expand, (size - 1) // stride + 1
    return right.inverted_cost(channels, out, expand, stride, size) + 9 * hidden * (hidden - 1) * small**2


def always_expanded(channels, out, expand, stride, size):
    return right.inverted_cost(channels, out, expand, stride, size) + (channels**2 * size**2 if expand == 1 else 0)


WRONG = {
    "10.1": [input_forgotten, without_transitions, behind_the_transitions],
    "10.2": [relu_on_everything, new_channels_first, new_channels_only, without_relu],
    "10.3": [direct_paths_only, not_the_input_itself, first_layer_first, in_the_gradient_itself],
    "10.4": [summed_over_channels, one_kernel_for_all, padding_forgotten],
    "10.5": [all_at_the_new_size, a_whole_convolution, always_expanded],
}
