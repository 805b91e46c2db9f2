"""Makes transforms.npz: what torchvision makes of the cases in tests/transforms/cases.py. Run it by hand:

    python -m tests.reference.make_transforms
"""

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("transforms.npz")


def main():
    import PIL
    import torch
    import torchvision
    from torchvision import transforms as T
    from torchvision.transforms import v2

    from tests.transforms.cases import CASES, CONVERSIONS, MIXES, REPRS, image, mix, plain, run

    arrays, facts = {}, {}
    for name, (_, inputs, seeds) in CASES.items():
        for given in inputs:
            for seed in seeds:
                key = f"{name}.{given}.{seed}"
                results, after = run(T, torch, name, given, seed)
                facts[key] = {"kinds": [kind for kind, _ in results], "after": after}
                arrays.update({f"{key}.{i}": array for i, (_, array) in enumerate(results)})
    for given, dtype in CONVERSIONS:
        made = T.ConvertImageDtype(getattr(torch, dtype))(image(given, torch.from_numpy))
        arrays[f"convert.{given}.{dtype}"] = plain(made)[1]
    for number in range(len(MIXES)):
        for seed in range(4):
            arrays.update({f"mix.{number}.{seed}.{i}": a for i, a in enumerate(mix(v2, torch, number, seed))})
    facts["reprs"] = [repr(make(T)) for make in REPRS]
    facts["versions"] = [torch.__version__, torchvision.__version__, PIL.__version__]
    np.savez_compressed(FILE, json=np.frombuffer(json.dumps(facts).encode(), np.uint8), **arrays)


if __name__ == "__main__":
    main()
