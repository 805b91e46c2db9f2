"""The messages of MPI, through mpi4py: sums and copies of NumPy arrays, without any of our own protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn.backend import backend_of
from minicnn.errors import OptionError

Array = Any

INSTALL = 'pip install "minicnn[mpi]", which brings mpi4py and the MPICH library; or mpi4py on your machine\'s own MPI'


class MpiGroup:
    """All processes that ``mpirun`` started. Arrays are summed in their own dtype, float16 in float32.

    Arrays on a GPU take the way over the host here; ``NcclGroup`` does not.
    """

    def __init__(self) -> None:
        self.mpi = _mpi()
        self.comm = self.mpi.COMM_WORLD.Dup()  # apart from what a script says by MPI itself
        self.leave: Callable[[], None] = lambda: None
        """What is to be undone when the group is left."""
        self.rank, self.size = self.comm.Get_rank(), self.comm.Get_size()

    def start_sum(self, array: Array) -> Callable[[], None]:
        """Begin to replace ``array`` by its sum over the ranks; returns what waits for it. All ranks, in one order."""
        host = self._on_host(array)
        request = self.comm.Iallreduce(self.mpi.IN_PLACE, host)

        def wait() -> None:
            request.Wait()
            self._back(host, array)

        return wait

    def broadcast(self, array: Array, root: int) -> None:
        """Replace ``array`` by that of the rank ``root``."""
        host = self._on_host(array)
        self.comm.Bcast(host, root)
        self._back(host, array)

    def barrier(self) -> None:
        """Wait until every rank is here."""
        self.comm.Barrier()

    def tell(self, value: Any, root: int = 0) -> Any:
        """``value`` of the rank ``root``: numbers, strings, lists and dicts of them."""
        import json

        return json.loads(self.comm.bcast(json.dumps(value), root))

    def abort(self) -> None:
        """End all ranks."""
        self.comm.Abort(1)

    def _on_host(self, array: Array) -> Array:
        """A NumPy array in C order that MPI knows the numbers of: ``array`` itself where it is one."""
        host = backend_of(array).to_numpy(array)
        if host.dtype == "float16":
            host = host.astype("float32")
        return host if host.flags.c_contiguous else host.copy(order="C")

    def _back(self, host: Array, array: Array) -> None:
        if host is not array:
            array[...] = backend_of(array).from_numpy(host.astype(array.dtype, copy=False))


def _mpi() -> Any:
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: mpi4py finds no MPI library
        raise OptionError("distributed: there is no MPI", got=str(error).split("\n")[0],
                          rule="processes talk through mpi4py", hint=INSTALL) from None
    return MPI
