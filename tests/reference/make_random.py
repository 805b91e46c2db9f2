"""Makes random.npz: what PyTorch 2.13 draws for the plans below. Run it by hand, where PyTorch is installed.

A plan is a list of draws made one after the other from one seeded generator, so every draw also checks how much of
the stream the ones before it consumed. The tests run the same plans, against the stored file and against PyTorch.
"""

from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("random.npz")
SIZES = (1, 2, 7, 15, 16, 17, 31, 33, 100)
FLOATS = ("float32", "float64", "float16")
INT64 = 2**63

PLANS = {
    "default_seed": (67280421310721, [("uniform", (4,), "float32", 0, 1), ("normal", (3,), "float32", 0, 1)]),
    "uniform": (0, [("uniform", (n,), dtype, low, high) for n in SIZES[:6] for dtype in FLOATS
                    for low, high in ((0, 1), (-0.3, 0.45), (-0.19245, 0.19245))]),
    "normal": (-1, [("normal", (n,), dtype, mean, std) for n in SIZES for dtype in FLOATS
                    for mean, std in ((0, 1), (0.3, 0.7))]),
    "normal_cache": (5, [("normal", (n,), "float64", 0, 1) for n in (1, 1, 3, 16, 1, 2, 5, 1)]),
    "randint": (2**32 + 3, [("randint", low, high, (9,), dtype) for low, high, dtype in (
        (0, 10, "int64"), (-5, 7, "int32"), (0, 256, "uint8"), (0, 2, "bool"), (0, 2**28 - 1, "int64"),
        (0, 2**28, "int64"), (-128, 128, "int8"), (0, 2**32 + 1, "int64"), (-INT64, INT64 - 1, "int64"),
        (0, 10, "float32"), (-(2**31), 2**31, "int32"), (0, 2**28 + 7, "int32"))]),
    "int64": (7, [("int64",)] * 4),
    "randperm": (8, [("randperm", n, "int64") for n in (0, 1, 2, 3, 10, 257)]
                 + [("randperm", 20, "int32"), ("randperm", 256, "uint8"), ("int64",)]),
    "bernoulli": (9, [("bernoulli", p, (n,), dtype) for p in (0.3, 0.5, 0.0, 1.0) for n in SIZES[:6]
                      for dtype in ("float32", "float64", "uint8", "float16")]),
    "bernoulli_of": (10, [("bernoulli_of", (3, n), dtype) for n in SIZES for dtype in FLOATS]),
    "dropout": (11, [("dropout", kind, shape, p) for kind, shape in (
        ("dropout", (3, 17)), ("dropout2d", (2, 5, 3, 3)), ("alpha_dropout", (4, 9)),
        ("feature_alpha_dropout", (2, 3, 4)),
        ("dropout1d", (2, 3, 4)), ("dropout3d", (2, 3, 2, 2, 2))) for p in (0.5, 0.2, 0.0, 1.0)]),
    "exponential": (12, [("exponential", (n,), dtype, rate) for n in SIZES for dtype in FLOATS
                         for rate in (1, 1.7)]),
    "trunc_normal": (13, [("trunc_normal", (n,), dtype, *limits) for n in (5, 40) for dtype in ("float32", "float64")
                          for limits in ((0, 1, -2, 2), (0, 0.02, -0.04, 0.04), (0, 1, 1.5, 2.5), (1, 2, -1, 0))]),
    "multinomial": (14, [("multinomial", shape, dtype, count, replacement) for shape in ((6,), (3, 8))
                         for dtype in ("float32", "float64") for count in (1, 4) for replacement in (False, True)]),
}


def probabilities(shape, dtype):
    """Weights in (0, 1) that need no random numbers."""
    return (np.modf(np.arange(1, np.prod(shape) + 1) * 0.6180339887498949)[0]).reshape(shape).astype(dtype)


def draw_torch(step, g):
    """One step of a plan by PyTorch from its generator ``g``, as an array."""
    import torch

    kind, *args = step

    def dtype(name):
        return getattr(torch, name)

    def empty(shape, name):
        return torch.empty(shape, dtype=dtype(name))

    draws = {
        "uniform": lambda s, d, low, high: empty(s, d).uniform_(low, high, generator=g),
        "normal": lambda s, d, mean, std: empty(s, d).normal_(mean, std, generator=g),
        "randint": lambda low, high, s, d: torch.randint(low, high, s, dtype=dtype(d), generator=g),
        "int64": lambda: torch.empty((), dtype=torch.int64).random_(generator=g),
        "randperm": lambda n, d: torch.randperm(n, dtype=dtype(d), generator=g),
        "bernoulli": lambda p, s, d: empty(s, d).bernoulli_(p, generator=g),
        "bernoulli_of": lambda s, d: torch.bernoulli(torch.from_numpy(probabilities(s, d)), generator=g),
        "dropout": lambda how, s, p: dropout_mask_of_torch(how, s, p, g),
        "exponential": lambda s, d, rate: empty(s, d).exponential_(rate, generator=g),
        "trunc_normal": lambda s, d, *limits: torch.nn.init.trunc_normal_(empty(s, d), *limits, generator=g),
        "multinomial": lambda s, d, n, again: torch.multinomial(
            torch.from_numpy(probabilities(s, d)), n, again, generator=g),
    }
    return draws[kind](*args).numpy()


def dropout_mask_of_torch(how, shape, p, g):
    """Where F.dropout and its relatives keep values: they draw from the default generator, so it stands in for g."""
    import torch

    default = torch.default_generator
    before = default.get_state()
    default.set_state(g.get_state())
    x = torch.full(shape, 2.0, requires_grad=True)  # 2, because alpha dropout puts a negative value where it drops
    y = getattr(torch.nn.functional, how)(x, p, training=True)
    g.set_state(default.get_state())
    default.set_state(before)
    return (y.detach() > 0).to(y.dtype)


def main():
    import torch

    arrays = {}
    for name, (seed, steps) in PLANS.items():
        g = torch.Generator().manual_seed(seed)
        for i, step in enumerate(steps):
            arrays[f"{name}.{i}"] = draw_torch(step, g)
        arrays[f"{name}.after"] = draw_torch(("int64",), g)
    g = torch.Generator().manual_seed(5)
    torch.empty(3).normal_(generator=g)
    arrays["state"] = g.get_state().numpy()
    arrays["version"] = np.array(torch.__version__)
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    main()
