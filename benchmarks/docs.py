"""Write results into the docs: ``python -m benchmarks.docs runs/benchmarks/results.json [NAME=results.json …]``.

Those of the CPU go into docs/speed.md, those of a CUDA device into docs/gpu.md. The pages have places such as
``<!-- results: steps -->`` … ``<!-- end -->``; what is between is replaced by the table of that suite, and the plots go
to docs/figures. A file given as NAME=FILE fills the places ``steps of NAME``, and its plots go to a folder NAME; of
several files of one name, or of none, each adds to those before it. A place without results stays as it is.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import plots, report
from benchmarks.case import Row
from benchmarks.gpu import plots as gpu_plots
from benchmarks.gpu import report as gpu_report
from benchmarks.tables import kernels_table

DOCS = Path(__file__).parent.parent / "docs"
PAGE, FIGURES = DOCS / "speed.md", DOCS / "figures" / "speed"
GPU_PAGE, GPU_FIGURES = DOCS / "gpu.md", DOCS / "figures" / "gpu"
SAME = ("suite", "case", "library", "threads", "side", "tf32", "kernel", "shapes")
"""What rows have in common that tell the same figure."""

PLACE = re.compile(r"(<!-- results: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


class Results:
    """The rows of one or more runs, of each figure the latest, and what they were measured with."""

    def __init__(self) -> None:
        self.devices: set[str] = set()
        self.about: dict[str, str] = {}
        self.found: dict[tuple[object, ...], Row] = {}

    def add(self, file: Path) -> None:
        """Take a file's rows."""
        content = json.loads(file.read_text(encoding="utf-8"))
        self.devices.add(content.get("device", "cpu"))
        self.about = content["about"]
        for row in content["rows"]:
            self.found[tuple(row.get(name) for name in SAME)] = row

    @property
    def rows(self) -> list[Row]:
        """All of them."""
        return list(self.found.values())

    def block(self, name: str) -> str:
        """What a place of this name gets; empty where there is nothing for it."""
        if gpu_report.DEVICE in self.devices:
            return gpu_report.block(name, self.about, self.rows)
        if name == "about":
            return "\n".join(f"- {what}: {value}" for what, value in self.about.items())
        if name == "goals":
            return report.goals_table(self.rows)
        rows = [row for row in self.rows if row["suite"] == name]
        if not rows:
            return ""
        return "\n".join(kernels_table(rows)) if name == "kernels" else report.table(name, rows)


def filled(text: str, sources: dict[str, Results]) -> str:
    """The page's text with every place filled that there are results for."""

    def replaced(match: re.Match[str]) -> str:
        suite, _, source = match[2].partition(" of ")
        block = sources[source].block(suite) if source in sources else ""
        return f"{match[1]}{block}\n{match[3]}" if block else match[0]

    return PLACE.sub(replaced, text)


def read(arguments: list[str]) -> dict[str, Results]:
    """The results by name; those without one are called ""."""
    sources: dict[str, Results] = {}
    for argument in arguments:
        name, _, file = argument.rpartition("=")
        sources.setdefault(name, Results()).add(Path(file))
    return sources


def main(arguments: list[str] | None = None, page: Path | None = None, figures: Path | None = None) -> int:
    """Fill the page of the results' device, unless another is given, and draw its plots."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.docs", description="Write results into the docs.")
    parser.add_argument("results", nargs="+", help="a results.json, or NAME=results.json")
    sources = read(parser.parse_args(arguments).results)
    devices = set[str]().union(*(source.devices for source in sources.values()))
    if len(devices) > 1:
        parser.error("these are results of the CPU and of a CUDA device, which have a page each")
    on_gpu = devices == {gpu_report.DEVICE}
    page, figures = page or (GPU_PAGE if on_gpu else PAGE), figures or (GPU_FIGURES if on_gpu else FIGURES)
    text = page.read_text(encoding="utf-8")
    page.write_text(filled(text, sources), encoding="utf-8")
    drawn = _draw(sources, {match[2] for match in PLACE.finditer(text)}, gpu_plots.write if on_gpu else plots.write,
                  figures)  # fmt: skip
    print(f"{page.name} and {drawn} plots are written.")
    return 0


def _draw(
    sources: dict[str, Results], places: set[str], write: Callable[[list[Row], Path], list[Path]], figures: Path
) -> int:
    """The plots of what the page has a place for, and how many."""
    drawn = 0
    for name, source in sources.items():
        rows = [row for row in source.rows if row["suite"] + (f" of {name}" if name else "") in places]
        if rows:
            (figures / name).mkdir(parents=True, exist_ok=True)
            drawn += len(write(rows, figures / name))
    return drawn


if __name__ == "__main__":
    sys.exit(main())
