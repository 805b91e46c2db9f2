"""The command line of ``python -m benchmarks``: the CPU's suites, or those of a CUDA device."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks import plots, report, suites
from benchmarks.case import Row, Settings, cores
from benchmarks.gpu import card
from benchmarks.gpu import plots as gpu_plots
from benchmarks.gpu import report as gpu_report
from benchmarks.gpu import suites as gpu_suites


class Device(NamedTuple):
    """What is measured on one kind of device, and how it is told."""

    rows: Callable[[Settings], Iterator[Row]]
    line: Callable[[Row], str]
    write: Callable[[list[Row], Path, Settings], str]
    draw: Callable[[list[Row], Path], list[Path]]
    folder: str


CPU = Device(suites.rows, report.line, report.write, plots.write, "runs/benchmarks")
CUDA = Device(gpu_suites.rows, gpu_report.line, gpu_report.write, gpu_plots.write, "runs/benchmarks-cuda")


def parser() -> argparse.ArgumentParser:
    """The options."""
    found = argparse.ArgumentParser(prog="python -m benchmarks", description="minicnn beside PyTorch")
    found.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="what to measure on")
    found.add_argument("--only", default="", help=f"suites ({', '.join(suites.SUITES)}; on cuda "
                                                  f"{', '.join(gpu_suites.SUITES)}) or words of the cases' names, "
                                                  "separated by commas")  # fmt: skip
    found.add_argument("--threads", default=",".join(map(str, sorted({1, cores()}))),
                       help="numbers of threads, separated by commas; unless said, one and all")
    found.add_argument("--cpu", action="store_true", help="count the processor's time, not the clock's: for one "
                                                          "thread on a machine that others use, too")
    found.add_argument("--quick", action="store_true", help="fewer repetitions")
    found.add_argument("--root", type=Path, default=Path("data"), help="the folder with MNIST, for the suite mnist")
    found.add_argument("--out", type=Path, help=f"the folder of the results ({CPU.folder} or {CUDA.folder})")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run, print as it goes, and write what was found, also where Ctrl-C ends it. Returns the exit status."""
    given = parser().parse_args(arguments)
    settings = Settings(given.only, tuple(int(n) for n in given.threads.split(",")), given.quick,
                        time.process_time if given.cpu else time.perf_counter, given.root)  # fmt: skip
    missing = card.why_not() if given.device == "cuda" else None
    if missing is not None:
        print(missing, file=sys.stderr)
        return 2
    device = CUDA if given.device == "cuda" else CPU
    return run(settings, given.out or Path(device.folder), device)


def run(settings: Settings, folder: Path, device: Device = CPU) -> int:
    """Every row to the terminal, then all of them to ``folder``, also where something ends it before."""
    found: list[Row] = []
    status = 0
    try:
        for row in device.rows(settings):
            print(device.line(row), flush=True)
            found.append(row)
    except KeyboardInterrupt:
        print(f"Interrupted: {len(found)} figures so far.", file=sys.stderr)
        status = 130
    finally:
        _write(found, folder, settings, device)
    return status or int(any("error" in row for row in found if row["suite"] != "peers"))


def _write(rows: list[Row], folder: Path, settings: Settings, device: Device) -> None:
    print(device.write(rows, folder, settings))
    try:
        drawn = device.draw(rows, folder)
    except ImportError:
        print(f'The results are in {folder}, but no plots: pip install "minicnn[plot]" for Matplotlib.')
    else:
        print(f"The results and {len(drawn)} plots are in {folder}.")


if __name__ == "__main__":
    sys.exit(main())
