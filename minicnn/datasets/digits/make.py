"""Make the packaged digits from the four files of MNIST: ``python -m minicnn.datasets.digits.make FOLDER``.

The first 10,000 training images and all 10,000 test images, in MNIST's own format.
"""

from __future__ import annotations

import sys
from pathlib import Path

from minicnn.datasets.idx import read_idx, write_idx

TRAINING_IMAGES = 10_000


def make(source: Path, target: Path) -> None:
    """Read MNIST's files in ``source`` and write the smaller set to ``target``."""
    for split, count in (("train", TRAINING_IMAGES), ("t10k", None)):
        for kind in ("images-idx3", "labels-idx1"):
            name = f"{split}-{kind}-ubyte.gz"
            write_idx(target / name, read_idx(source / name)[:count])


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(__file__).parent)
