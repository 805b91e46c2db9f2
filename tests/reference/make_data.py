"""Makes data.npz: the orders in which PyTorch 2.13 visits samples in the plans below. Run it by hand, with PyTorch.

``orders`` works on either library: it returns the numbers that each epoch of each plan visits, batch by batch.
"""

from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("data.npz")
N, EPOCHS = 23, 4

# name: options of the DataLoader, and options of a sampler that is made for it
PLANS = {
    "sequential": ({"batch_size": 5}, None),
    "shuffled": ({"batch_size": 5, "shuffle": True}, None),
    "shuffled_single": ({"batch_size": None, "shuffle": True}, None),
    "drop_last": ({"batch_size": 4, "shuffle": True, "drop_last": True}, None),
    "one": ({"shuffle": True}, None),
    "more": ({"batch_size": 7}, ("RandomSampler", {"num_samples": 50})),
    "fewer": ({"batch_size": 7}, ("RandomSampler", {"num_samples": 9})),
    "replacement": ({"batch_size": 7}, ("RandomSampler", {"replacement": True})),
    "replacement_many": ({"batch_size": 16}, ("RandomSampler", {"replacement": True, "num_samples": 70})),
    "replacement_whole": ({"batch_size": 16}, ("RandomSampler", {"replacement": True, "num_samples": 64})),
    "subset": ({"batch_size": 3}, ("SubsetRandomSampler", {"indices": [3, 1, 4, 15, 9, 2, 6]})),
    "weighted": ({"batch_size": 6}, ("WeightedRandomSampler", {"num_samples": 30})),
    "weighted_once": ({"batch_size": 6}, ("WeightedRandomSampler", {"num_samples": 15, "replacement": False})),
}
WEIGHTS = [0.1 + (7 * i % 11) for i in range(N)]


def loader(data, dataset, plan, generator, **more):
    """A DataLoader of minicnn.data or torch.utils.data by a plan; ``generator`` goes to it and to its sampler."""
    options, sampler = plan
    if sampler is not None:
        name, choices = sampler
        source = {"RandomSampler": [dataset], "WeightedRandomSampler": [WEIGHTS]}.get(name, [])
        options = {**options, "sampler": getattr(data, name)(*source, **choices, generator=generator)}
    return data.DataLoader(dataset, **options, generator=generator, **more)


def orders(library, data, plan, own_generator, **more):
    """[epoch][batch] as lists of numbers, and one draw after them all, to see how far the stream has come."""
    library.manual_seed(11)
    generator = library.Generator().manual_seed(5) if own_generator else None
    made = loader(data, list(range(N)), plan, generator, **more)
    epochs = [[library.as_tensor(batch).reshape(-1).tolist() for batch in made] for _ in range(EPOCHS)]
    return epochs, library.randperm(1000).tolist()[0]


def splits(library, data):
    library.manual_seed(3)
    found = []
    for size, lengths in ((10, [7, 3]), (10, [0.5, 0.3, 0.2]), (11, [0.5, 0.5]), (13, [1 / 3, 1 / 3, 1 / 3]), (3, [3])):
        for generator in (None, library.Generator().manual_seed(9)):
            more = {} if generator is None else {"generator": generator}
            found.append([part.indices for part in data.random_split(range(size), lengths, **more)])
    return found


def main():
    import json

    import torch
    from torch.utils import data

    found = {f"{name}.{own}": orders(torch, data, plan, own) for name, plan in PLANS.items() for own in (False, True)}
    text = json.dumps({"version": torch.__version__, "splits": splits(torch, data), **found})
    np.savez_compressed(FILE, json=np.frombuffer(text.encode(), np.uint8))


if __name__ == "__main__":
    main()
