"""DataParallel: a model that is trained on several ranks as if it were on one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from minicnn.distributed.buckets import Reducer
from minicnn.distributed.group import get_world_size, group
from minicnn.errors import OptionError
from minicnn.nn.module import Module


class DataParallel(Module):
    """``module``, whose gradients are means over the ranks after every backward pass.

    Each rank gives it its own part of the batch, with a loss that is a mean over that part; parts of one size make the
    gradients those of the whole batch. All ranks start from rank 0's weights, and step by the same gradients, so they
    stay equal; so must what each rank's optimiser does.

    Batch norm's statistics are each rank's own; ``SyncBatchNorm.convert_sync_batchnorm(module)`` makes them those of
    the whole batch. Running statistics are rank 0's: they are sent around before every forward pass in training mode.

    Args:
        module: the model; on the device on which it will be trained.
        bucket_bytes: gradients of about so many bytes are sent together.
        broadcast_buffers: whether rank 0's buffers are sent around.

    Attributes:
        module: the model itself. ``state_dict`` is the model's, so that files do not tell how it was trained.

    Errors: StateError before ``mc.distributed.init()``; OptionError for a model without parameters to train.

    Example:
        >>> model = mc.distributed.DataParallel(mc.models.LeNet())
        >>> sampler = mc.distributed.DistributedSampler(dataset, seed=0)
        >>> loader = mc.data.DataLoader(dataset, batch_size=16, sampler=sampler)
    """

    def __init__(self, module: Module, *, bucket_bytes: int = 4 << 20, broadcast_buffers: bool = True) -> None:
        super().__init__()
        group()
        parameters = [p for p in module.parameters() if p.requires_grad]
        if not parameters:
            raise OptionError("DataParallel: this model has nothing to train", got=type(module).__name__,
                              rule="at least one parameter that requires a gradient",
                              hint="make lazy layers by a first call; unfreeze something")
        self.module, self.broadcast_buffers = module, broadcast_buffers
        for tensor in (*module.parameters(), *module.buffers()):
            group().broadcast(tensor.array, 0)
        self.reducer = Reducer(parameters, bucket_bytes)

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """The model's output for this rank's part of the batch."""
        if self.training and self.broadcast_buffers:
            self.share_buffers()
        return self.module(*inputs, **options)

    def share_buffers(self) -> None:
        """Replace every rank's buffers by rank 0's. All ranks must call it."""
        if get_world_size() > 1:
            for buffer in self.module.buffers():
                group().broadcast(buffer.array, 0)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Within it gradients add up on each rank; the first backward pass after it sums all of them over the ranks.

        Example:
            >>> with model.no_sync():
            ...     loss_function(model(first), targets).backward()
        """
        before, self.reducer.on = self.reducer.on, False
        try:
            yield
        finally:
            self.reducer.on = before

    def state_dict(self, *args: Any, **options: Any) -> Any:
        """The model's own, without a prefix."""
        return self.module.state_dict(*args, **options)

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **options: Any) -> Any:
        """Into the model itself."""
        return self.module.load_state_dict(state_dict, *args, **options)
