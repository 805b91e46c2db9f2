"""CUDA devices through CuPy; the only file that names it. Imported when a CUDA device is first asked for."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minicnn.backend.cuda import CudaBackend, transfers
from minicnn.backend.cuda.launch import definitions
from minicnn.errors import DeviceError, StateError

if TYPE_CHECKING:
    from minicnn.backend.portable import Backend

INSTALL = 'pip install "minicnn[cuda12]" or "minicnn[cuda13]", by the CUDA version that nvidia-smi shows'


def load(index: int | None) -> Backend:
    """The backend of one CUDA device (the first where ``index`` is None).

    Raises:
        DeviceError: CuPy is missing or does not fit, no driver, or no such device; says which, and the way out.
    """
    count, number = _count(), index or 0
    if number >= count:
        raise DeviceError(f"cuda:{number} does not exist", got=f"{count} CUDA device{'s' * (count != 1)}",
                          rule=f"an index from 0 to {count - 1}" if count else "at least one device", hint='"cuda:0"')
    return _backend(number)


def device_count() -> int:
    """The number of usable CUDA devices."""
    try:
        return _count()
    except DeviceError:
        return 0


def device_name(index: int) -> str:
    """What the maker calls a device."""
    return str(_import().cuda.runtime.getDeviceProperties(index)["name"].decode())


def empty_cache() -> None:
    """Free the blocks that CuPy's pools hold and no array uses."""
    cupy = _import()
    cupy.get_default_memory_pool().free_all_blocks()
    cupy.get_default_pinned_memory_pool().free_all_blocks()


def pinned(values: Any) -> Any:
    """A copy of a NumPy array in page-locked memory, from where a device copies by itself. Errors: as ``load``."""
    load(None)
    return transfers.pinned(_import(), values)


def is_pinned(values: Any) -> bool:
    """Whether a NumPy array lies in memory from ``pinned``; asked without loading CuPy."""
    cupy = sys.modules.get("cupy")
    return cupy is not None and transfers.is_pinned(cupy, values)


def event(timing: bool) -> Any:
    """A CUDA event of the current device, not recorded yet."""
    return _import().cuda.Event(disable_timing=not timing)


def milliseconds(start: Any, end: Any) -> float:
    """The time between two recorded events that the device has reached."""
    return float(_import().cuda.get_elapsed_time(start, end))


def memory(index: int) -> dict[str, int]:
    """Bytes of a device: ``allocated`` to arrays and ``reserved`` for them, ``free`` and ``total`` of it all."""
    cupy = _import()
    with cupy.cuda.Device(index):
        pool = cupy.get_default_memory_pool()
        free, total = cupy.cuda.runtime.memGetInfo()
        return {"allocated": pool.used_bytes(), "reserved": pool.total_bytes(), "free": free, "total": total}


def watch_memory(index: int) -> None:
    """Begin, or begin anew, to note the most that arrays hold; from then on an allocation costs a call more."""
    peaks = _peaks()
    peaks.held[index] = peaks.most[index] = memory(index)["allocated"]


def most_memory(index: int) -> int | None:
    """The most bytes that arrays held since ``watch_memory``; None where that was never called."""
    return _peaks().most.get(index)


def captured(index: int, work: Callable[[], Any]) -> tuple[Any, Callable[[], None]]:
    """``work`` recorded as a CUDA graph, and not run; what it returned, and what runs it, in order
    with the default stream.

    What it allocates comes from a pool of its own, which lives as long as the graph: the addresses are in the graph.
    CuPy brings lists and NumPy arrays to the device through pinned memory that it uses again, so a graph that copies
    from there would read something else later: while it is recorded no such memory can be had.

    Raises:
        StateError: for what cannot be captured.
    """
    cupy = _import()
    pool, stream = cupy.cuda.MemoryPool(), cupy.cuda.Stream(non_blocking=True)
    with cupy.cuda.Device(index):
        cupy.cuda.Device(index).synchronize()
        cupy.cuda.set_pinned_memory_allocator(_no_pinned_memory)
        try:
            with cupy.cuda.using_allocator(pool.malloc), stream:
                stream.begin_capture()
                try:
                    results = work()
                finally:
                    recorded = stream.end_capture()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            raise _not_capturable(str(error)) from error
        finally:
            cupy.cuda.set_pinned_memory_allocator(cupy.get_default_pinned_memory_pool().malloc)

    def run(pool: Any = pool) -> None:  # noqa: ARG001  what keeps the graph's memory alive
        recorded.launch()

    return results, run


class _Peaks:
    """CuPy's pool keeps no peak, but tells a hook of every block that is taken and given back, in this thread."""

    name = "minicnn's peaks"

    def __init__(self) -> None:
        self.held: dict[int, int] = {}
        self.most: dict[int, int] = {}

    def malloc_postprocess(self, *, device_id: int, mem_size: int, mem_ptr: int, **_: Any) -> None:
        if device_id in self.held and mem_ptr:  # 0 where the device had no memory left
            self.held[device_id] += mem_size
            self.most[device_id] = max(self.most[device_id], self.held[device_id])

    def free_postprocess(self, *, device_id: int, mem_size: int, **_: Any) -> None:
        if device_id in self.held:
            self.held[device_id] -= mem_size


@functools.cache
def _peaks() -> Any:
    """The one hook, which stays for good."""
    return type("Peaks", (_Peaks, _import().cuda.MemoryHook), {})().__enter__()


def nccl_identity() -> list[int]:
    """A new identity of a group of GPUs, to be told to all of its processes."""
    _import()
    from cupy.cuda import nccl

    return list(nccl.get_unique_id())


class NcclLink:
    """This process's place among the GPUs of a group. Sums run on a stream of their own, beside the computation."""

    def __init__(self, device: int, size: int, identity: list[int], rank: int) -> None:
        self.cupy = _import()
        from cupy.cuda import nccl

        self.nccl, self.device = nccl, self.cupy.cuda.Device(device)
        with self.device:
            self.link = nccl.NcclCommunicator(size, tuple(identity), rank)
            self.stream = self.cupy.cuda.Stream(non_blocking=True)

    def start_sum(self, array: Any) -> Callable[[], None]:
        """Begin to replace ``array``, in C order, by its sum; what is returned makes later work wait for it."""
        with self.device:
            self.stream.wait_event(self.cupy.cuda.get_current_stream().record())
            self.link.allReduce(array.data.ptr, array.data.ptr, array.size, self._number(array), self.nccl.NCCL_SUM,
                                self.stream.ptr)
            done = self.stream.record()
        return lambda: self.cupy.cuda.get_current_stream().wait_event(done)

    def broadcast(self, array: Any, root: int) -> None:
        """Replace ``array`` by that of the process ``root``."""
        with self.device:
            packed = self.cupy.ascontiguousarray(array)
            stream = self.cupy.cuda.get_current_stream().ptr
            self.link.broadcast(packed.data.ptr, packed.data.ptr, packed.size, self._number(packed), root, stream)
            if packed is not array:
                array[...] = packed

    def _number(self, array: Any) -> int:
        """NCCL's number of the array's dtype."""
        return int(getattr(self.nccl, f"NCCL_{array.dtype.name.upper()}"))


def _timed(cupy: Any, work: Callable[[], None]) -> float:
    """Milliseconds of the shortest of three runs, after one that compiles."""
    work()
    times = []
    for _ in range(3):
        start, end = cupy.cuda.Event(disable_timing=False), cupy.cuda.Event(disable_timing=False)
        start.record()
        work()
        end.record()
        end.synchronize()
        times.append(float(cupy.cuda.get_elapsed_time(start, end)))
    return min(times)


def _no_pinned_memory(size: int) -> Any:
    raise _not_capturable(f"{size} bytes brought from the host")


def _not_capturable(got: str) -> StateError:
    return StateError("cuda.graph: the step does something that a CUDA graph cannot hold", got=got,
                      rule="no value is read on the host (item, tolist, numpy, if on a tensor), and none is "
                           "brought from there (mc.tensor, mc.rand)",
                      hint="return the loss and read it after the step; bring what it needs in as its arguments")


def _count() -> int:
    cupy = _import()
    try:
        return int(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise DeviceError("cuda: no usable NVIDIA driver or device", got=str(error),
                          rule="CuPy finds a driver at least as new as the CUDA version that it was built for",
                          hint="nvidia-smi shows the driver; 'cpu' always works") from None


def _import() -> Any:
    try:
        import cupy
    except ImportError as error:
        raise DeviceError("cuda: CuPy is not installed, or does not fit this machine", got=str(error).split("\n")[0],
                          rule="CUDA arrays are CuPy's", hint=INSTALL) from None
    return cupy


@functools.cache
def _backend(index: int) -> Backend:
    import cupy
    import cupyx.scipy.special

    class CupyBackend(CudaBackend):
        """CuPy on one CUDA device."""

        device_type = "cuda"
        array_type = cupy.ndarray
        xp = cupy
        index: int

        def __init__(self, index: int) -> None:
            super().__init__(index)
            self._single = transfers.Upload(cupy, index)

        def of_array(self, array: Any) -> Backend:
            return self if array.device.id == self.index else _backend(array.device.id)

        def from_numpy(self, values: Any) -> Any:
            with cupy.cuda.Device(self.index):
                return cupy.asarray(values)

        def upload(self, values: Any) -> Any:
            return self._single(values) if is_pinned(values) else self.from_numpy(values)

        def uploads(self) -> Callable[[Any], Any]:
            return transfers.Uploads(cupy, self.index)

        def begin_read(self, array: Any) -> Callable[[], Any]:
            with cupy.cuda.Device(self.index):
                return transfers.begin_read(cupy, array)

        def to_numpy(self, array: Any) -> Any:
            self.settle(cupy.asnumpy)
            return cupy.asnumpy(array)

        def synchronize(self) -> None:
            cupy.cuda.Device(self.index).synchronize()
            self.settle(cupy.asnumpy)

        def blas(self, *arguments: Any) -> None:
            with cupy.cuda.Device(self.index):
                cupy.cuda.cublas.gemmStridedBatchedEx(cupy.cuda.get_cublas_handle(), *arguments)

        def milliseconds_of(self, work: Callable[[], None]) -> float | None:
            with cupy.cuda.Device(self.index):
                return None if cupy.cuda.get_current_stream().is_capturing() else _timed(cupy, work)

        def compiled(self, text: str, name: str, char: str, index: str) -> Callable[..., None]:
            def run(blocks: int, threads: int, arguments: tuple[Any, ...]) -> None:
                with cupy.cuda.Device(self.index):
                    _kernel(cupy, text, name, char, index)((blocks,), (threads,), arguments)

            return run

        def erf(self, x: Any) -> Any:
            return cupyx.scipy.special.erf(x)

    return CupyBackend(index)


@functools.cache
def _kernel(cupy: Any, text: str, name: str, char: str, index: str) -> Any:
    """A kernel of a module: CuPy would look the module up, and make the kernel, at each launch."""
    return _module(cupy, text, char, index).get_function(name)


@functools.cache
def _module(cupy: Any, text: str, char: str, index: str) -> Any:
    """A source as CuPy's module: built at its first launch on a device, and kept on disk by CuPy."""
    options = tuple(f"-D{name}={value}" for name, value in definitions(char, index).items())
    return cupy.RawModule(code=text, options=options)
