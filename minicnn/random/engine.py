"""The stream of random words, and its state in PyTorch's own layout."""

from __future__ import annotations

import operator
import secrets
from typing import Any

import numpy as np

from minicnn.backend import Backend, Device, backend_of
from minicnn.errors import DtypeError, OptionError, StateError

Array = Any

DEFAULT_SEED = 67280421310721
_WORDS = 624
_STATE = np.dtype({
    "names": ["seed", "left", "seeded", "next", "words", "normal", "has_normal"],
    "formats": ["<u8", "<i4", "<i4", "<u8", ("<u8", _WORDS), "<f8", "<i4"],
    "offsets": [0, 8, 12, 16, 24, 5024, 5040],
    "itemsize": 5056,
})


class Engine:
    """Mersenne Twister (MT19937): 32-bit words, seeded as ``numpy.random.RandomState`` is.

    ``cached_normal`` is the second value of the last Box-Muller pair that ``Generator.normal`` drew for a small
    array: it belongs to the state, because the next small array begins with it.

    The stream lives where it was drawn from last: on the host, or in the memory of a device, whose kernels draw from
    it and move it on. Where the host draws next, it is brought back.
    """

    def __init__(self) -> None:
        self.cached_normal: float | None = None
        self._twister = np.random.RandomState()
        self._home: Array = None  # the place on a device where the stream lives; None where that is the host
        self._places: dict[Device, Array] = {}  # always the same memory, for the CUDA graphs that draw from there
        self.seed(DEFAULT_SEED)

    def seed(self, seed: int) -> None:
        """Start the stream of ``seed``, of which MT19937 takes the lower 32 bits."""
        self.initial_seed = seed
        self.cached_normal = None
        self._home = None
        self._twister.seed(seed & 0xFFFFFFFF)

    def words(self, count: int) -> Array:
        """The next ``count`` words of the stream, (count,) uint32."""
        if count == 0:  # RandomState.bytes(0) would throw one away
            return np.empty(0, np.uint32)
        return np.frombuffer(self._on_host().bytes(4 * count), "<u4")

    def on_device(self, backend: Backend) -> Array:
        """The state in the memory of a device, where it lives from now on: (625,) uint32, the twister's 624 words and
        how many of them were taken. Brought there where it lived elsewhere; then it stays."""
        place = self._places.get(backend.device)
        if place is None or place is not self._home:
            twister = self._on_host().get_state(legacy=False)["state"]
            brought = backend.from_numpy(np.append(twister["key"], np.uint32(twister["pos"])))
            if place is None:
                place = self._places[backend.device] = brought
            else:
                place[...] = brought
            self._home = place
        return place

    def _on_host(self) -> np.random.RandomState:
        """The twister, brought back where it lived on a device: a copy of 2.5 kB, which waits for the device."""
        if self._home is not None:
            state = backend_of(self._home).to_numpy(self._home)
            self._set_twister(state[:_WORDS], int(state[_WORDS]))
        return self._twister

    def _set_twister(self, key: Array, position: int) -> None:
        self._twister.set_state({"bit_generator": "MT19937", "state": {"key": key, "pos": position}})
        self._home = None

    def get_state(self) -> Array:
        """Everything there is, as the (5056,) uint8 that ``torch.Generator.get_state`` gives."""
        twister = self._on_host().get_state(legacy=False)["state"]
        state = np.zeros((), _STATE)
        state["seed"], state["seeded"] = self.initial_seed, 1
        state["words"] = twister["key"]
        state["next"] = twister["pos"] % _WORDS
        state["left"] = _WORDS + 1 - twister["pos"]
        if self.cached_normal is not None:
            state["normal"], state["has_normal"] = self.cached_normal, 1
        return np.frombuffer(state.tobytes(), np.uint8).copy()

    def set_state(self, state: Array) -> None:
        """Continue from what ``get_state`` gave here or in PyTorch."""
        raw = np.asarray(state)
        if raw.dtype != np.uint8 or raw.shape != (_STATE.itemsize,):
            raise StateError("set_state: this is not the state of a generator", got=f"{raw.dtype} {raw.shape}",
                             rule=f"uint8 ({_STATE.itemsize},)", hint="pass what get_state() returned")
        fields = np.frombuffer(raw.tobytes(), _STATE)[0]
        position = _WORDS + 1 - int(fields["left"])
        if not fields["seeded"] or not 1 <= position <= _WORDS:
            raise StateError("set_state: the bytes are not a Mersenne Twister's state",
                             got=f"{fields['left']} words left", rule=f"seeded, 1 <= left <= {_WORDS}",
                             hint="pass what get_state() returned")
        self._set_twister(fields["words"].astype(np.uint32), position)
        self.initial_seed = int(fields["seed"])
        self.cached_normal = float(fields["normal"]) if fields["has_normal"] else None


def checked_seed(seed: object) -> int:
    """A seed as PyTorch stores it: 64 bits, negative ones counted from 2**64."""
    if isinstance(seed, (bool, np.bool_)) or not hasattr(seed, "__index__"):
        raise DtypeError("manual_seed: the seed is not an integer", got=repr(seed)[:80], rule="an int",
                         hint="int(seed)")
    value = operator.index(seed)
    if not -(2**63) <= value < 2**64:
        raise OptionError("manual_seed: the seed does not fit into 64 bits", got=value, rule="-2**63 <= seed < 2**64",
                          hint="seed % 2**64")
    return value % 2**64


def fresh_seed() -> int:
    """A seed from the operating system."""
    return secrets.randbits(64)
