"""The command line of ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks import plots, report
from benchmarks.case import Row, Settings, cores
from benchmarks.suites import SUITES, rows


def parser() -> argparse.ArgumentParser:
    """The options."""
    found = argparse.ArgumentParser(prog="python -m benchmarks", description="minicnn beside PyTorch")
    found.add_argument("--only", default="", help=f"suites ({', '.join(SUITES)}) or words of the cases' names, "
                                                  "separated by commas")
    found.add_argument("--threads", default=",".join(map(str, sorted({1, cores()}))),
                       help="numbers of threads, separated by commas; unless said, one and all")
    found.add_argument("--cpu", action="store_true", help="count the processor's time, not the clock's: for one "
                                                          "thread on a machine that others use, too")
    found.add_argument("--quick", action="store_true", help="fewer repetitions")
    found.add_argument("--root", type=Path, default=Path("data"), help="the folder with MNIST, for the suite mnist")
    found.add_argument("--out", type=Path, default=Path("runs/benchmarks"), help="the folder of the results")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run, print as it goes, and write what was found, also where Ctrl-C ends it. Returns the exit status."""
    given = parser().parse_args(arguments)
    settings = Settings(given.only, tuple(int(n) for n in given.threads.split(",")), given.quick,
                        time.process_time if given.cpu else time.perf_counter, given.root)  # fmt: skip
    return run(settings, given.out)


def run(settings: Settings, folder: Path) -> int:
    """Every row to the terminal, then all of them to ``folder``, also where something ends it before."""
    found: list[Row] = []
    status = 0
    try:
        for row in rows(settings):
            print(report.line(row), flush=True)
            found.append(row)
    except KeyboardInterrupt:
        print(f"Interrupted: {len(found)} figures so far.", file=sys.stderr)
        status = 130
    finally:
        _write(found, folder, settings)
    return status or int(any("error" in row for row in found if row["suite"] != "peers"))


def _write(rows: list[Row], folder: Path, settings: Settings) -> None:
    print(report.write(rows, folder, settings))
    try:
        drawn = plots.write(rows, folder)
    except ImportError:
        print(f'The results are in {folder}, but no plots: pip install "minicnn[plot]" for Matplotlib.')
    else:
        print(f"The results and {len(drawn)} plots are in {folder}.")


if __name__ == "__main__":
    sys.exit(main())
