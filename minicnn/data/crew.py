"""The workers of a DataLoader: threads of this process, or processes. Who drops a crew has stopped it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import queue
import shutil
import signal
import tempfile
import threading
import time
import warnings
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from minicnn.backend import set_num_threads
from minicnn.data import parcel
from minicnn.data.worker import THREAD, Inbox, Job, Task, work
from minicnn.errors import OptionError, WorkerError
from minicnn.random import default_generator

_PATIENCE = 5.0
"""Seconds for a worker to finish the sample that it is reading; then it is ended."""
_LOOK_AROUND = 2.0
"""Seconds after which a process looks whether its parent is still there."""


class Arrivals:
    """Answers as they come, given out by worker."""

    def __init__(self, workers: int) -> None:
        self._answers: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self._early: list[deque[Any]] = [deque() for _ in range(workers)]

    def put(self, worker: int, answer: Any) -> None:
        """A worker has answered."""
        self._answers.put((worker, answer))

    def receive(self, workers: Sequence[int], timeout: float) -> tuple[int, Any]:
        """The next answer of any of ``workers``: (worker, (epoch, answer)). Errors: TimeoutError; 0 waits for ever."""
        end = time.monotonic() + timeout
        while True:
            for worker in workers:
                if self._early[worker]:
                    return worker, self._early[worker].popleft()
            try:
                worker, answer = self._answers.get(timeout=max(end - time.monotonic(), 0) if timeout else None)
            except queue.Empty:
                raise TimeoutError from None
            self._early[worker].append(answer)


class ThreadCrew:
    """Workers in threads: they share the dataset, and a batch is handed over as it is."""

    epoch = 0
    """How many were begun."""
    busy = False
    """Whether one is not at its end."""

    def __init__(self, job: Job) -> None:
        self._arrivals = Arrivals(job.num_workers)
        self.receive = self._arrivals.receive
        self._inboxes: list[Inbox] = []
        self._threads: list[threading.Thread] = []
        self.close = weakref.finalize(self, _stop_threads, self._inboxes, self._threads)
        for number in range(job.num_workers):
            inbox = Inbox()
            thread = threading.Thread(target=_thread_main, args=(job, number, inbox, self._arrivals), daemon=True,
                                      name=f"minicnn-data-{number}")  # fmt: skip
            self._inboxes.append(inbox)
            self._threads.append(thread)
            thread.start()

    def send(self, worker: int, task: Task) -> None:
        """Give a task to a worker."""
        self._inboxes[worker].put(task)


def _thread_main(job: Job, number: int, inbox: Inbox, arrivals: Arrivals) -> None:
    work(job, number, inbox, lambda epoch, answer: arrivals.put(number, (epoch, answer)))


def _stop_threads(inboxes: list[Inbox], threads: list[threading.Thread]) -> None:
    for inbox in inboxes:
        inbox.put(None)
    end = time.monotonic() + _PATIENCE
    for thread in threads:
        if thread is not threading.current_thread() and thread.ident is not None:
            thread.join(max(end - time.monotonic(), 0))


class ProcessCrew:
    """Workers in processes: each has its own copy of the dataset, and its own pipe.

    A pipe each, rather than a queue for all, so that a worker that is killed spoils nothing but its own end, which says
    at once which one it was.
    """

    epoch = 0
    busy = False

    def __init__(self, job: Job, context: Any) -> None:
        if multiprocessing.current_process().daemon:
            raise OptionError("DataLoader: a worker process cannot have workers that are processes",
                              got=f"num_workers {job.num_workers} in a worker",
                              rule="processes of processes would outlive an interruption",
                              hint='num_workers=0 there, or worker_method="thread"')
        self._folder = tempfile.mkdtemp(prefix="minicnn-") if not parcel.HAS_UNNAMED else ""
        self._processes: list[Any] = []
        self._pipes: list[Connection] = []
        self.close = weakref.finalize(self, _stop_processes, os.getpid(), self._processes, self._pipes, self._folder)
        try:
            for number in range(job.num_workers):
                self._start(job, number, context)
        except BaseException:
            self.close()
            raise

    def _start(self, job: Job, number: int, context: Any) -> None:
        here, there = context.Pipe()
        _our_ends.add(here)
        self._pipes.append(here)
        process = context.Process(target=_process_main, args=(job, number, there, self._folder),
                                  name=f"minicnn-data-{number}", daemon=True)  # fmt: skip
        try:
            with _quietly():
                process.start()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise OptionError("DataLoader: the dataset cannot be sent to a worker process", got=str(error),
                              rule=f"{process._start_method} pickles it: classes and functions at the top of a module",
                              hint='worker_method="thread", or multiprocessing_context="fork"') from error
        finally:
            there.close()
        self._processes.append(process)

    def send(self, worker: int, task: Task) -> None:
        """Give a task to a worker. If it has ended, ``receive`` says so, after the answers that it still gave."""
        with suppress(OSError):
            self._pipes[worker].send(task)

    def receive(self, workers: Sequence[int], timeout: float) -> tuple[int, Any]:
        """As of ``Arrivals``; WorkerError also where one of ``workers`` has ended."""
        pipes = {self._pipes[worker]: worker for worker in workers}
        ready = wait([*pipes, *(self._processes[worker].sentinel for worker in workers)], timeout or None)
        if not ready:
            raise TimeoutError
        for pipe, worker in pipes.items():
            if pipe in ready:  # before the sentinels: a worker may have answered, and ended then
                try:
                    return worker, parcel.receive(pipe)
                except (EOFError, OSError):
                    raise self._ended(worker) from None
        raise self._ended(next(worker for worker in workers if self._processes[worker].sentinel in ready))

    def _ended(self, worker: int) -> WorkerError:
        """The error that tells how a worker ended; the others are stopped."""
        process = self._processes[worker]
        process.join(1)
        code, pid = process.exitcode, process.pid
        self.close()
        if code is not None and code < 0:
            how = f"was killed by signal {-code} ({signal.strsignal(-code)})"
            hint = "was the memory full? fewer workers, a smaller batch or prefetch_factor=1"
        else:
            how = f"ended with exit code {code}"
            hint = 'its own message is above; a script that starts processes needs: if __name__ == "__main__":'
        error = WorkerError(f"DataLoader: worker {worker} (process {pid}) {how}",
                            rule="a worker lives until the epoch is over", hint=hint)
        error.worker = worker
        return error


_our_ends: weakref.WeakSet[Connection] = weakref.WeakSet()
"""This process's ends of all pipes: a forked worker must not hold those of others open."""


@contextmanager
def _quietly() -> Iterator[None]:
    """While a process starts: Ctrl-C waits until it can be answered, and there is no warning of fork and threads.

    The warning is about locks that another thread holds at that moment. The worker makes new ones where the engine has
    any, and runs nothing but the dataset's code.
    """
    blocks = hasattr(signal, "pthread_sigmask") and threading.current_thread() is threading.main_thread()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT]) if blocks else None
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
            yield
    finally:
        if before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _process_main(job: Job, number: int, pipe: Connection, folder: str) -> None:
    """A worker process. Ctrl-C is the parent's affair, which ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    for end in list(_our_ends):
        end.close()
    default_generator.after_fork()
    set_num_threads(1)  # there are other workers for the other cores
    inbox = Inbox()
    threading.Thread(target=_listen, args=(pipe, inbox, os.getppid()), daemon=True).start()

    def answer(epoch: int, batch: Any) -> None:
        parcel.send(pipe, (epoch, batch), folder)

    with suppress(BrokenPipeError, ConnectionResetError):  # the loader has gone
        work(job, number, inbox, answer)


def _listen(pipe: Connection, inbox: Inbox, parent: int) -> None:
    """Bring tasks from the pipe to the inbox. Without a parent the process ends, whatever it is doing."""
    while True:
        try:
            if pipe.poll(_LOOK_AROUND):
                task = pipe.recv()
                inbox.put(task)
                if task is None:
                    return
            elif os.getppid() != parent:
                os._exit(1)
        except (EOFError, OSError):
            os._exit(1)


def _stop_processes(owner: int, processes: list[Any], pipes: list[Connection], folder: str) -> None:
    if os.getpid() != owner:  # a forked child drops its copy of the crew
        return
    for pipe in pipes:
        with suppress(OSError):
            pipe.send(None)
        pipe.close()
    end = time.monotonic() + _PATIENCE
    for process in processes:
        process.join(max(end - time.monotonic(), 0))
    for end_it in ("terminate", "kill"):
        for process in processes:
            if process.exitcode is None:
                getattr(process, end_it)()
                process.join(1)
    for process in processes:
        with suppress(ValueError):  # still there, even now
            process.close()
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


def make_crew(job: Job, context: Any) -> ThreadCrew | ProcessCrew:
    """Workers that are ready for tasks."""
    return ThreadCrew(job) if job.method == THREAD else ProcessCrew(job, context or multiprocessing.get_context())
