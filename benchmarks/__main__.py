"""The command line of ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

import minicnn
from benchmarks import memory, overhead, report
from benchmarks.case import Case, difference
from benchmarks.kernels import kernels
from benchmarks.steps import TRAINED, inference, training_steps
from benchmarks.timing import paired

TIMED = {"steps": training_steps, "inference": inference, "kernels": kernels, "overhead": overhead.overhead}
SUITES = (*TIMED, "memory", "import")


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="minicnn beside PyTorch")
    parser.add_argument("--only", default="", help="suites (steps, inference, kernels, overhead, memory, import) or "
                                                   "words of the cases' names, separated by commas")
    parser.add_argument("--threads", default="1,2", help="numbers of threads, separated by commas")
    parser.add_argument("--cpu", action="store_true", help="count the processor's time, not the clock's: for one "
                                                           "thread on a machine that others use, too")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="the folder of the tables")
    return parser.parse_args()


def wanted(suite: str, name: str, only: str) -> bool:
    """Whether a case was asked for."""
    words = [word.strip() for word in only.split(",") if word.strip()]
    return not words or suite in words or any(word in name for word in words if word not in SUITES)


def timed(case: Case, threads: int, budget: float, cpu: bool) -> dict[str, Any]:
    """One case with so many threads: checked, then timed."""
    minicnn.set_num_threads(threads)
    torch.set_num_threads(threads)
    ours, theirs = case.make(minicnn), case.make(torch)
    off = difference(ours(), theirs())
    if not off <= case.tolerance:
        raise SystemExit(f"{case.name}: the results differ by {off:.1e}")
    return paired(ours, theirs, budget, time.process_time if cpu else time.perf_counter)


def rows(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Every case that was asked for, as it is done."""
    counts = [int(n) for n in given.threads.split(",")]
    for suite, cases in TIMED.items():
        for case in cases():
            if wanted(suite, case.name, given.only):
                for threads in counts:
                    found = timed(case, threads, 0.3 if given.quick else 3.0, given.cpu)
                    yield {"suite": suite, "case": case.name, "threads": threads, **found}
    for name in TRAINED:
        if wanted("memory", f"memory {name}", given.only):
            for threads in counts:
                yield {"suite": "memory", "case": name, "threads": threads, **memory.peaks(name, threads)}
    if wanted("import", "import", given.only):
        yield {"suite": "import", "case": "import", "threads": 1, **overhead.import_times(3 if given.quick else 10)}


def main() -> None:
    """Run, print as it goes, and write the tables."""
    given, found = arguments(), []
    for row in rows(given):
        print(report.line(row), flush=True)
        found.append(row)
    report.write(found, given.out)
    print(report.markdown(found, report.about()))


if __name__ == "__main__":
    main()
