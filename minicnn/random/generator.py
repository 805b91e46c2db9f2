"""Generator: PyTorch's CPU generator, with the same numbers for the same seed.

Every draw consumes the words of one serial stream, so what a draw consumes matters as much as what it returns:
the next draw depends on it. A value of 53 bits (float64, and every bernoulli or exponential) takes two words, the
first as its upper half; any other takes one.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minicnn.backend import Backend, Device
from minicnn.dtypes import Dtype, as_dtype, float16, float32, float64, int64, is_float
from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.random import sampling
from minicnn.random.engine import Engine, checked_seed, fresh_seed
from minicnn.random.fused import fma_double
from minicnn.random.words import BLOCK, box_muller, box_muller_pair, joined, uniform_double, uniform_single

Array = Any
Shape = int | Sequence[int]


class Generator:
    """A stream of random numbers that continues from call to call; safe to share between threads.

    Arrays are NumPy's, drawn in row-major order on the host whatever the device; ``on_device`` lends the stream to a
    device's own kernels, which draw the same. The values are those of PyTorch on an x86-64 CPU with AVX2, bit for bit
    on every machine; only float64 normals and exponentials, and float32 normals of fewer than 16 values, have the last
    bit of this machine's C library.

    Example:
        >>> Generator().manual_seed(0).uniform(3, "float32").tolist()
        [0.49625658988952637, 0.7682217955589294, 0.08847743272781372]
    """

    def __init__(self, device: str | Device = "cpu") -> None:
        self.device = Device(device)
        self._engine = Engine()
        self._lock = threading.RLock()
        self.lent = 0
        """How often a device's kernels had the stream."""

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of ``seed`` (-2**63 to 2**64 - 1, of which the lower 32 bits count); returns self."""
        with self._lock:
            self._engine.seed(checked_seed(seed))
        return self

    def seed(self) -> int:
        """Start a stream that nobody can predict; returns its seed."""
        seed = fresh_seed()
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed that the stream started from."""
        return self._engine.initial_seed

    def get_state(self) -> Array:
        """The whole state, as (5056,) uint8 in PyTorch's layout: it can be saved, and loaded by either."""
        with self._lock:
            return self._engine.get_state()

    def set_state(self, state: Array) -> None:
        """Continue from a state of ``get_state``, of this class or of ``torch.Generator``."""
        with self._lock:
            self._engine.set_state(state)

    @contextmanager
    def on_device(self, backend: Backend) -> Iterator[Array]:
        """The stream's state in a device's memory, for kernels to draw from, with no other thread drawing meanwhile.

        It stays there until the host draws, or asks for the state, which waits for the device; until then nothing is
        copied. The array is the same each time, so a CUDA graph may hold its address.
        """
        with self._lock:
            self.lent += 1
            yield self._engine.on_device(backend)

    def clone_state(self) -> Generator:
        """Another generator that will draw the same numbers from here on."""
        twin = Generator(self.device)
        twin.set_state(self.get_state())
        return twin

    def __getstate__(self) -> dict[str, Any]:
        return {"device": str(self.device), "state": self.get_state()}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        Generator.__init__(self, saved["device"])
        self.set_state(saved["state"])

    def uniform(self, shape: Shape, dtype: Any = None, low: float = 0.0, high: float = 1.0) -> Array:
        """``tensor.uniform_(low, high)``: float16 and float32 from 24 bits, float64 from 53."""
        dtype = _float_dtype("uniform", dtype)
        largest = float(np.finfo(dtype).max)
        if not -largest <= low <= high <= largest:
            raise OptionError("uniform: there is no such range", got=f"low {low}, high {high}",
                              rule=f"low <= high, both within the range of {dtype}")
        if dtype == float64:
            return self._fill(shape, dtype, 2, lambda words: uniform_double(words, low, high))

        def draw(words: Array) -> Array:
            values = uniform_single(words, low, high).astype(dtype)
            # Rounding to float16 can reach high, which the range excludes.
            return values if dtype == float32 else np.where(values == dtype.type(high), dtype.type(low), values)

        return self._fill(shape, dtype, 1, draw)

    @np.errstate(all="ignore")  # mean and std may be infinite, or too large for the dtype
    def normal(self, shape: Shape, dtype: Any = None, mean: float = 0.0, std: float = 1.0) -> Array:
        """``tensor.normal_(mean, std)`` by the Box-Muller transform.

        From 16 values on, in groups of 16 uniforms (8 radii, 8 angles); if some are left over, the last 16 are drawn
        again. Fewer go one by one in float64, the second of each pair being kept for the next such draw.
        """
        dtype = _float_dtype("normal", dtype)
        if not std >= 0:
            raise OptionError("normal: the standard deviation is negative", got=std, rule="std >= 0")
        sizes = _sizes("normal", shape)
        count = math.prod(sizes)
        if count < 16:
            return _rounded(self._few_normals(count, mean, std), dtype).reshape(sizes)
        words = 2 if dtype == float64 else 1
        rest = count % 16
        out = np.empty(count, dtype)
        with self._lock:
            out[: count - rest] = self._fill(count - rest, dtype, words, lambda w: box_muller(w, dtype, mean, std))
            if rest:
                if dtype != float16:  # PyTorch fills the tensor first; its float16 goes through a buffer of 16
                    self._engine.words(words * rest)
                out[-16:] = box_muller(self._engine.words(words * 16), dtype, mean, std)
        return out.reshape(sizes)

    def randint(self, low: int, high: int, shape: Shape, dtype: Any = int64) -> Array:
        """Integers in [low, high): a word modulo the range, two words from a range of 2**28 on."""
        dtype = as_dtype(dtype)
        if not low < high:
            raise OptionError("randint: the range is empty", got=f"low {low}, high {high}", rule="low < high")
        smallest, largest = _exact_range(dtype)
        if low < smallest or high - 1 > largest:
            raise OptionError(f"randint: the range does not fit {dtype}", got=f"low {low}, high {high}",
                              rule=f"{smallest} <= low, high - 1 <= {largest}", hint="a wider dtype")
        span, base = np.uint64(high - low), np.uint64(low % 2**64)
        if high - low >= 2**28:
            return self._fill(shape, dtype, 2, lambda w: (joined(w) % span + base).view(np.int64).astype(dtype))
        return self._fill(shape, dtype, 1, lambda w: (w % span + base).view(np.int64).astype(dtype))

    def random_int64(self) -> int:
        """One integer in [0, 2**63), as ``torch.empty((), dtype=torch.int64).random_().item()``.

        ``DataLoader(data, shuffle=True, num_workers=0)`` draws two of them from the default generator each time that
        it is iterated, nothing else:

        1. ``iter(loader)`` draws the base seed of the workers (even when there are none, and when not shuffling);
        2. the first ``next`` makes ``RandomSampler`` draw a seed, and the order of the epoch is
           ``Generator().manual_seed(seed).randperm(len(data))``.

        With ``DataLoader(..., generator=g)`` the base seed comes from ``g``, and ``RandomSampler`` draws no seed: it
        calls ``g.randperm(n)``, and once more when the epoch ends, whose result it throws away (the remainder of
        ``num_samples`` over n, which is empty). With replacement it draws ``g.randint(0, n, 32)`` as often as 32 fits
        into ``num_samples``, then one of the remaining size.
        """
        with self._lock:
            return int(joined(self._engine.words(2))[0]) & (2**63 - 1)

    def randperm(self, n: int, dtype: Any = int64) -> Array:
        """A random order of 0 … n-1 (Fisher-Yates from the front; n-1 words)."""
        dtype = as_dtype(dtype)
        largest = _exact_range(dtype)[1]
        if not 0 <= n <= largest + 1:
            raise OptionError(f"randperm: n does not fit {dtype}", got=n, rule=f"0 <= n, n - 1 <= {largest}",
                              hint="dtype=int64")
        order = list(range(n))
        with self._lock:
            words = self._engine.words(max(n - 1, 0))
        i = np.arange(len(words), dtype=np.int64)
        for here, there in enumerate((i + words % (n - i)).tolist()):
            order[here], order[there] = order[there], order[here]
        return np.array(order, dtype)

    def bernoulli(self, p: float | Array, shape: Shape | None = None, dtype: Any = None) -> Array:
        """0 or 1, and 1 with probability ``p``: ``tensor.bernoulli_(p)`` for a number, ``bernoulli(p)`` for an array.

        An array's result has its shape and dtype (broadcast to ``shape``, cast to ``dtype`` where given). A number and
        a float64 array take 53 bits a value, other arrays 24.
        """
        if isinstance(p, np.ndarray):
            return self._bernoulli_of(p, p.shape if shape is None else shape, p.dtype if dtype is None else dtype)
        dtype = as_dtype(float if dtype is None else dtype)
        _check_probability(np.asarray(p), p)
        return self._fill(() if shape is None else shape, dtype, 2, lambda w: uniform_double(w) < p)

    def dropout_mask(self, shape: Shape, keep: float, dtype: Any = None) -> Array:
        """The 0/1 mask of ``F.dropout(p=1 - keep, training=True)``, not yet divided by ``keep``.

        It is ``bernoulli(keep)``: of the input's shape for dropout and alpha_dropout, of (N, C, 1, 1, …) for their
        feature forms (dropout2d). As in PyTorch nothing is drawn for keep 0 or 1, where the mask is known.
        """
        if keep in (0, 1):
            return np.full(shape, keep, as_dtype(float if dtype is None else dtype))
        return self.bernoulli(keep, shape, dtype)

    def exponential(self, shape: Shape, dtype: Any = None, rate: float = 1.0) -> Array:
        """``tensor.exponential_(rate)``: -ln(1 - u) / rate, in float64 and then rounded."""
        dtype = _float_dtype("exponential", dtype)
        if not rate > 0:
            raise OptionError("exponential: the rate is not positive", got=rate, rule="rate > 0")

        def draw(words: Array) -> Array:
            # The C library's log1p, which PyTorch calls: NumPy's own differs in the last bit on some processors.
            log = np.fromiter(map(math.log1p, (-uniform_double(words)).tolist()), np.float64, len(words) // 2)
            return _rounded(-1 / rate * log, dtype)

        return self._fill(shape, dtype, 2, draw)

    def trunc_normal(
        self, shape: Shape, dtype: Any = None, *, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0
    ) -> Array:
        """``nn.init.trunc_normal_``: a normal conditioned on [a, b], by rejection.

        Where [a, b] holds more than 0.3 of the normal, everything is drawn until nothing lies outside, each round
        replacing what did; otherwise uniform candidates are accepted in proportion to their density.
        """
        dtype = _float_dtype("trunc_normal", dtype)
        if not (a <= b and std > 0):
            raise OptionError("trunc_normal: the interval is empty or std is not positive",
                              got=f"a {a}, b {b}, std {std}", rule="a <= b, std > 0")
        with self._lock:
            return sampling.trunc_normal(self, shape, dtype, mean=mean, std=std, a=a, b=b)

    def multinomial(self, p: Array, num_samples: int, replacement: bool = False) -> Array:
        """``torch.multinomial``: (K,) or (N, K) weights -> (num_samples,) or (N, num_samples) int64 indices.

        Without replacement (and for one sample) those of the largest p / e, with e exponential; with replacement each
        by a search in the cumulative weights.
        """
        with self._lock:
            return sampling.multinomial(self, p, num_samples, replacement)

    def _bernoulli_of(self, p: Array, shape: Shape, dtype: Any) -> Array:
        if not is_float(p.dtype):
            raise DtypeError("bernoulli: the probabilities are not floating point", got=p.dtype, hint="float32")
        _check_probability(p, f"{p.dtype} {p.shape}")
        sizes = _sizes("bernoulli", shape)
        double = p.dtype == float64
        draw: Callable[[Array], Array] = uniform_double if double else uniform_single
        uniform = self._fill(sizes, float64 if double else float32, 1 + double, draw)
        return (uniform < np.broadcast_to(p, sizes)).astype(as_dtype(dtype))

    def _few_normals(self, count: int, mean: float, std: float) -> Array:
        values = []
        with self._lock:
            for _ in range(count):
                value, self._engine.cached_normal = self._engine.cached_normal, None
                if value is None:
                    value, self._engine.cached_normal = box_muller_pair(self._engine.words(4))
                values.append(value)
        return fma_double(np.array(values, np.float64), std, mean)

    def _fill(self, shape: Shape, dtype: Dtype, words: int, draw: Callable[[Array], Array]) -> Array:
        """An array of ``draw(stream)``, ``words`` words a value, in blocks that stay in the processor's cache."""
        sizes = _sizes("random", shape)
        out = np.empty(math.prod(sizes), dtype)
        with self._lock:
            for start in range(0, out.size, BLOCK):
                block = out[start : start + BLOCK]
                block[...] = draw(self._engine.words(words * block.size))
        return out.reshape(sizes)


def _sizes(operation: str, shape: Shape) -> tuple[int, ...]:
    sizes = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if any(size < 0 for size in sizes):
        raise ShapeError(f"{operation}: a size is negative", got=sizes, rule="sizes >= 0")
    return sizes


def _float_dtype(operation: str, dtype: Any) -> Dtype:
    found = as_dtype(float if dtype is None else dtype)
    if not is_float(found):
        raise DtypeError(f"{operation}: {found} is not a floating point dtype", got=found, hint="float32, or randint")
    return found


def _rounded(x: Array, dtype: Dtype) -> Array:
    """Float64 values in ``dtype``; to float16 by way of float32, as C++ converts them."""
    with np.errstate(over="ignore"):  # to infinity, as there
        return x if dtype == float64 else x.astype(float32).astype(dtype)


def _exact_range(dtype: Dtype) -> tuple[int, int]:
    """The smallest and the largest integer up to which a dtype holds every one."""
    if is_float(dtype):
        largest = 2 ** (np.finfo(dtype).nmant + 1)
        return -largest, largest
    if dtype.kind == "b":
        return 0, 1
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def _check_probability(p: Array, got: object) -> None:
    if not ((p >= 0) & (p <= 1)).all():
        raise OptionError("bernoulli: a probability lies outside [0, 1]", got=got, rule="0 <= p <= 1")
