"""The forms in which a convolution can be computed on a GPU; ``conv`` chooses.

A form is a module with

    fits(layer)                                      whether it is for such a convolution
    forward(device, x, w, b, y, layer, relu=False)   fills y; with ``relu``, with max(y, 0)
    input_grad(device, g, w, dx, layer)              fills dx
    weight_grad(device, x, g, dw, layer)             fills dw

Arrays are in C order, with at least one number in each; ``b`` may be None. ``device`` has kernels and products.
"""
