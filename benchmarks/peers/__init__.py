"""Other libraries beside us: each has an adapter in a file of its own, imported only where the library is installed.

An adapter gives

- ``step(layers, arrays, x, labels, lr, momentum)``: a function that does one training step and returns its loss;
- ``chain(start, length, factor, term, backward)``: a function that applies y·factor + term until ``length`` operations
  are done, and returns the result, or the gradient of its sum;
- where it can use ``layers.forward``, the functions ``conv``, ``relu``, ``pool``, ``flatten`` and ``linear``.
"""
