"""Solutions of chapter 10, Inception, DenseNet, MobileNet, NASNet."""

import numpy as np


def dense_channels(first, growth, blocks):
    channels, found = first, []
    for number, layers in enumerate(blocks):
        if number > 0:
            channels = channels // 2
        channels += growth * layers
        found.append(channels)
    return found


def dense_forward(x, weights):
    features = x
    for w in weights:
        k, read = w.shape
        new = np.zeros((k, *x.shape[1:]))
        for o in range(k):
            for c in range(read):
                new[o] += w[o, c] * features[c]
        features = np.concatenate([features, np.maximum(new, 0)])
    return features


def dense_gradient(g, weights):
    g = g.copy()
    for w in reversed(weights):
        k, read = w.shape
        own = g[read : read + k]  # complete: all later layers have added their shares
        g[:read] += own @ w
    return g[: weights[0].shape[1]]


def depthwise_conv(x, w, padding):
    C, K, _ = w.shape
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    H, W = (n - K + 1 for n in padded.shape[1:])
    result = np.zeros((C, H, W))
    for c in range(C):
        for i in range(H):
            for j in range(W):
                result[c, i, j] = (padded[c, i : i + K, j : j + K] * w[c]).sum()
    return result


def inverted_cost(channels, out, expand, stride, size):
    hidden = channels * expand
    small = (size + 2 - 3) // stride + 1
    cost = 0
    if expand != 1:
        cost += channels * hidden * size * size
    cost += hidden * 9 * small * small
    cost += hidden * out * small * small
    return cost
