"""Starting CUDA kernels: the source of a family, for a dtype and a size of index, and the numbers that it is given."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import numpy as np

from minicnn.backend.portable.arrays import ArrayKernels

Array = Any

THREADS = 256  # of a block; a power of two, as the sums over a block need
MOST_BLOCKS = 1 << 16
STORE = {"e": "__half", "f": "float", "d": "double"}


@functools.cache
def source(*families: str) -> str:
    """The text of ``kernels/<family>.cu``, after what all families begin with."""
    folder = files(__package__) / "kernels"
    return "".join((folder / f"{name}.cu").read_text(encoding="utf-8") for name in ("common", *families))


def definitions(char: str, index: str, threads: int = THREADS) -> dict[str, str]:
    """What ``common.cu`` leaves open, for a dtype's character (e, f or d) and a type of index."""
    given = {"STORE": STORE[char], "REAL": "double" if char == "d" else "float", "INDEX": index,
             "THREADS": str(threads)}  # fmt: skip
    return given | ({"HALF": "1"} if char == "e" else {})


class CudaKernels(ArrayKernels):
    """Launching by name; a backend says how a source becomes functions."""

    most_of_int = (1 << 31) - THREADS * MOST_BLOCKS
    """Elements from which on indices need 64 bits: a loop counts on by all threads before it sees that it is done."""

    def compiled(self, text: str, name: str, char: str, index: str) -> Callable[..., None]:
        """The kernel ``name`` of a source as a function of (blocks, threads, arguments); compiled at its first use."""
        raise NotImplementedError(f"{type(self).__name__} must say how CUDA source is compiled")

    def launch(
        self, family: str, name: str, like: Array, count: int, *arguments: Any, block_each: bool = False
    ) -> None:
        """Run a kernel of ``kernels/<family>.cu`` on ``count`` elements, a thread each (or a block each), for numbers
        stored as ``like``'s are.

        Arguments are arrays in C order, ints (also bools, as 0 or 1) and floats; see ``optional`` for an array that
        may be missing.
        """
        self.launch_source(source(family), name, like, count, arguments, block_each)

    def launch_source(
        self, text: str, name: str, like: Array, count: int, arguments: tuple[Any, ...], block_each: bool = False
    ) -> None:
        """``launch``, of a kernel in any source."""
        sizes = [count, *(a.size for a in arguments if hasattr(a, "size"))]
        index, whole = ("int", np.int32) if max(sizes) < self.most_of_int else ("long long", np.int64)
        values = [
            whole(a) if isinstance(a, int) else np.float64(a) if isinstance(a, float) else a for a in arguments
        ]  # fmt: skip
        blocks = min(count if block_each else -(-count // THREADS), MOST_BLOCKS)
        self.compiled(text, name, like.dtype.char, index)(blocks, THREADS, (whole(count), *values))

    def packed(self, x: Array) -> Array:
        """``x`` in C order, as kernels expect arrays."""
        return self.xp.ascontiguousarray(x)


def optional(array: Array | None, instead: Array) -> tuple[Array, bool]:
    """What a kernel is told of an array that may be missing: an address that is valid, and whether to read there."""
    return (instead, False) if array is None else (array, True)


def has_kernels(x: Array) -> bool:
    """Whether kernels are there for such numbers: floating point ones, and at least one."""
    return x.dtype.char in STORE and x.size > 0
