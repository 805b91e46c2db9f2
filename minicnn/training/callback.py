"""Callback: what happens beside the training loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minicnn.training.run import Run


class Callback:
    """Base of callbacks: override the hooks you need. Each gets the ``Run``, and may set ``run.stop = True``.

    Example:
        >>> class Stopwatch(mc.training.Callback):
        ...     def on_epoch_end(self, run):
        ...         print(f"epoch {run.epoch}: {run.history[-1].seconds:.1f} s")
        >>> mc.training.fit(model, loader, optimizer, epochs=3, callbacks=[Stopwatch()])
    """

    def on_fit_begin(self, run: Run) -> None:
        """Before the first epoch: the place to refuse what cannot work."""

    def on_epoch_begin(self, run: Run) -> None:
        """Before the first batch of ``run.epoch``; where a training goes on within an epoch, before its next one."""

    def on_batch_end(self, run: Run) -> None:
        """After the backward pass of a batch; ``run.meter`` has the means of the epoch so far, and waits for a GPU."""

    def on_step_end(self, run: Run) -> None:
        """After a step of the optimiser: after every batch, or after every ``accumulate`` batches."""

    def on_epoch_end(self, run: Run) -> None:
        """After the epoch and its validation; ``run.history[-1]`` is its record."""

    def on_fit_end(self, run: Run) -> None:
        """At the end, also where an error or Ctrl-C is the end: the place to close files."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of this callback: tensors, numbers, strings, in lists and dicts. Nothing by default.

        One that counts or averages over steps overrides both this and ``load_state_dict``, and so goes on with a
        training that is resumed.
        """
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a ``state_dict`` that was not empty; its tensors come on the CPU, wherever they were."""
