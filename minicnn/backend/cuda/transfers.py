"""Between the host's memory and a device: page-locked memory, and copies that nobody waits for.

``cupy`` is the library itself, which ``minicnn/backend/cupy.py`` gives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
Mark = Any

MOST_UNDER_WAY = 8  # copies; then the program waits for the first, so that it does not fill the memory with batches
MOST_PLACES = 4


def pinned(cupy: Any, values: Array) -> Array:
    """A copy of a NumPy array in page-locked memory."""
    copied = _page_locked(cupy, values)
    copied[...] = values
    return copied


def _stream(cupy: Any, size: int) -> Any:
    """The present stream. Errors: StateError where a graph is recorded on it, which would copy to or from memory that
    is somebody else's by then."""
    stream = cupy.cuda.get_current_stream()
    if stream.is_capturing():
        cupy.cuda.alloc_pinned_memory(size)  # refused while a graph is recorded, with what to do instead
    return stream


def _page_locked(cupy: Any, like: Array) -> Array:
    """A NumPy array in page-locked memory, with anything in it."""
    # Not cupy.cuda.alloc_pinned_memory, which refuses while another thread records a graph.
    memory = cupy.get_default_pinned_memory_pool().malloc(max(like.nbytes, 1))
    return np.ndarray(like.shape, like.dtype, memory)


def begin_read(cupy: Any, array: Array) -> Callable[[], Array]:
    """Ask for a copy of a device's array to the host; what is returned waits for it, but for nothing behind it."""
    source, stream = cupy.ascontiguousarray(array), _stream(cupy, array.nbytes)
    host = _page_locked(cupy, source)
    source.data.copy_to_host_async(host.ctypes.data, source.nbytes, stream)
    done = stream.record()

    def read(_: Array = source) -> Array:  # whose memory is not used again before
        done.synchronize()
        return host

    return read


def is_pinned(cupy: Any, values: Any) -> bool:
    """Whether a NumPy array, or the one that it is a view of, lies in memory from ``pinned``."""
    while isinstance(values, np.ndarray | memoryview):
        values = values.base if isinstance(values, np.ndarray) else values.obj
    return isinstance(values, cupy.cuda.PinnedMemoryPointer)


class Upload:
    """Copies from page-locked memory to a device, on its present stream."""

    def __init__(self, cupy: Any, index: int) -> None:
        self.cupy, self.device = cupy, cupy.cuda.Device(index)
        self._under_way: deque[tuple[Mark, Array]] = deque()

    def __call__(self, values: Array) -> Array:
        """``values``, a NumPy array, on the device, as far as work that is asked for later can tell."""
        with self.device:
            while self._under_way and (len(self._under_way) >= MOST_UNDER_WAY or self._under_way[0][0].done):
                self._under_way.popleft()[0].synchronize()
            stream, source = _stream(self.cupy, values.nbytes), values
            if not (values.flags.c_contiguous and is_pinned(self.cupy, values)):
                source = pinned(self.cupy, values)
            array, done = self.copy(source, stream)
            self._under_way.append((done, source))  # whose memory is used again as soon as nobody has it
            return array

    def copy(self, source: Array, stream: Any) -> tuple[Array, Mark]:
        """Ask for the copy; where it goes to, and a mark behind it."""
        array = self.cupy.empty(source.shape, source.dtype)
        array.data.copy_from_host_async(source.ctypes.data, source.nbytes, stream)
        return array, stream.record()


class Uploads(Upload):
    """The same for batches, one after the other: each is copied beside the step of the one before.

    The copies have a stream of their own. A copy begins when the training's stream has passed the place where its
    memory was taken, and what is asked of that stream afterwards waits for the copy. So the memory for the next batch
    is taken when one is asked for, before anything of that one's step is.
    """

    def __init__(self, cupy: Any, index: int) -> None:
        super().__init__(cupy, index)
        with self.device:
            self.stream = cupy.cuda.Stream(non_blocking=True)
        self._places: dict[Any, tuple[Array, Mark]] = {}

    def copy(self, source: Array, stream: Any) -> tuple[Array, Mark]:
        key = source.shape, source.dtype.str
        array, free = self._places.pop(key, (None, None))
        if array is None:
            array, free = self._place(source, stream)
        self.stream.wait_event(free)
        array.data.copy_from_host_async(source.ctypes.data, source.nbytes, self.stream)
        done = self.stream.record()
        stream.wait_event(done)
        if len(self._places) == MOST_PLACES:
            self._places.clear()
        self._places[key] = self._place(source, stream)
        return array, done

    def _place(self, like: Array, stream: Any) -> tuple[Array, Mark]:
        """Memory for an array, and the mark behind which it is free."""
        return self.cupy.empty(like.shape, like.dtype), stream.record()
