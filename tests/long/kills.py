"""Trainings that are killed at random moments, and resumed, end with the same bits as those that never were.

    python -m tests.long.kills --kills 60 --seed 1

Each training runs in a process of its own, which gets SIGKILL after a random time; another goes on, and is killed in
its turn, until one comes to the end. What the process was doing when it was killed is read from a file that it shares
with this program. The report counts the places; the exit status is 1 if a single bit was another.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import mmap
import os
import random
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PLACES = ("resuming", "a step", "a write", "a sync", "a rename", "validation")
EPOCHS = 4
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "shuffled": ("shuffled", {}),
    "accumulated, clipped": ("its own generator", {"accumulate": 2, "clip_norm": 1.0}),
    "adam, a loader of one's own": ("one's own", {"adam": True, "plateau": True}),
    "worker processes": ("processes", {}),
    "worker processes that stay": ("processes that stay", {}),
}


def child(kind: str, folder: Path) -> None:
    """Train, or go on with a training; says when it begins, and leaves the digests of its outcome."""
    from minicnn.training import Checkpoint, Run
    from tests.training.resumable import LOADERS, WORKERS, train, without_times

    place = mmap.mmap(os.open(folder / "place", os.O_RDWR), 1)

    def at(name: str) -> bytes:
        before, place[:1] = place[:1], bytes([PLACES.index(name)])
        return before

    def marked(function: Any, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            before = at(name)
            found = function(*arguments)
            place[:1] = before
            return found

        return call

    class Marked(Checkpoint):
        def on_epoch_begin(self, run: Run) -> None:
            at("a step")

        def on_step_end(self, run: Run) -> None:
            super().on_step_end(run)
            at("validation" if run.batch == run.batches else "a step")

        def _write(self, run: Run, *, best: bool = False) -> None:
            at("a write")
            super()._write(run, best=best)

        def _rename(self) -> None:
            at("a rename")
            super()._rename()

    os.fsync = marked(os.fsync, "a sync")
    loader, options = KINDS[kind]
    print("begins", flush=True)
    found, history = train({**LOADERS, **WORKERS}[loader], epochs=EPOCHS, resume=True, early_stopping=9,
                           checkpoint=Marked(folder / "kept", every_steps=2), **options)  # fmt: skip
    parts = {**found, "history": without_times(history)}
    digests = {name: hashlib.sha256(repr(value).encode()).hexdigest() for name, value in parts.items()}
    (folder / "outcome.json").write_text(json.dumps(digests))


@dataclass
class Report:
    """What came of it: how often a training was killed and where, and what was another at its end."""

    places: Counter[str] = field(default_factory=Counter)
    trainings: int = 0
    seconds: float = 0.0
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{sum(self.places.values())} kills in {self.trainings} trainings, {self.seconds:.0f} s"]
        lines += [f"  in {name}: {self.places[name]}" for name in PLACES if self.places[name]]
        return "\n".join([*lines, *(self.differences or ["every one ended with the same bits"])])


class Life:
    """One training, in one folder, by one process after the other."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        folder.mkdir()
        (folder / "place").write_bytes(b"\0")

    def live(self, seconds: float | None) -> str | None:
        """Run a process for so long at most; the place where it was killed, None where it came to the end."""
        with subprocess.Popen([sys.executable, "-m", "tests.long.kills", "--child", self.kind, str(self.folder)],
                              cwd=ROOT, stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}) as process:  # fmt: skip
            assert process.stdout is not None
            process.stdout.readline()  # it begins; what came before is Python's
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                return PLACES[(self.folder / "place").read_bytes()[0]]
        if process.returncode:
            raise RuntimeError(f"a training of kind '{self.kind}' failed by itself; its message is above")
        return None

    @property
    def outcome(self) -> dict[str, str]:
        """The digests of what the training came to."""
        return json.loads((self.folder / "outcome.json").read_text())

    def check(self) -> None:
        """Raise if the folder holds no whole checkpoint although one was written, or a damaged one."""
        from minicnn.training.checkpoint import LAST, PREVIOUS, latest

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = latest(self.folder / "kept")
        there = [name for name in (LAST, PREVIOUS) if (self.folder / "kept" / name).exists()]
        if (found is None) != (not there):
            raise RuntimeError(f"{there} are there, and what can be resumed is {found and found[0]}")


def run(kills: int, seed: int, kinds: tuple[str, ...] = tuple(KINDS)) -> Report:
    """Kill trainings so many times."""
    draw, report, started = random.Random(seed), Report(), time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        wholes = {}
        for number, kind in enumerate(kinds):
            whole = Life(kind, Path(place) / f"whole{number}")
            began = time.monotonic()
            whole.live(None)
            wholes[kind] = whole.outcome, time.monotonic() - began
        while sum(report.places.values()) < kills:
            kind = kinds[report.trainings % len(kinds)]
            expected, lasts = wholes[kind]
            life = Life(kind, Path(place) / f"life{report.trainings}")
            while sum(report.places.values()) < kills:
                died = life.live(draw.uniform(0, 0.6 * lasts))
                if died is None:
                    break
                report.places[died] += 1
                life.check()
            else:
                life.live(None)
            report.trainings += 1
            report.differences += [f"training {report.trainings} ({kind}): another {name}" for name in expected
                                   if life.outcome[name] != expected[name]]  # fmt: skip
    report.seconds = time.monotonic() - started
    return report


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", nargs=2, metavar=("KIND", "FOLDER"), help="used by the program itself")
    options = parser.parse_args()
    if options.child:
        child(options.child[0], Path(options.child[1]))
        return 0
    report = run(options.kills, options.seed)
    print(report)
    return bool(report.differences)


if __name__ == "__main__":
    sys.exit(main())
