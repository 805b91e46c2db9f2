"""A coverage-guided fuzzer over one reader: ``python -m tests.long.fuzz READER --seconds N``.

It needs atheris (``pip install atheris``). Contents that lead to new code are kept in --corpus, beside the seeds of
``tests.long.readers``; one that breaks the rule is written to ``tests/io/crashes/READER/``, which the suite replays.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

CRASHES = Path(__file__).parent.parent / "io" / "crashes"
ROOM = 768 << 20
LONGEST, SLOWEST = 1 << 14, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--corpus", type=Path, help="where contents are kept; by default a folder that is dropped")
    chosen = parser.parse_args()

    import atheris

    with atheris.instrument_imports(include=["minicnn", "zipfile", "pickletools", "tarfile", "gzip", "json", "PIL",
                                             "http"]):  # fmt: skip
        from tests.long.readers import READERS, Watch
    reader, watch = READERS[chosen.reader], Watch()
    folder = Path(tempfile.mkdtemp(prefix="fuzz"))
    corpus = chosen.corpus or folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(reader.seeds()):
        (corpus / f"seed{number}").write_bytes(content)
    work = folder / "work"
    work.mkdir()
    for content in reader.seeds():  # what is imported late is imported now, and memory is what it usually is
        reader.on(content, work)
    resource.setrlimit(resource.RLIMIT_AS, (memory() + ROOM, resource.RLIM_INFINITY))

    def once(content: bytes) -> None:
        with watch.over(work):
            reader.on(content, work)

    crashes = CRASHES / chosen.reader
    crashes.mkdir(parents=True, exist_ok=True)
    started = time.time()
    print(f"{chosen.reader}: {len(reader.seeds())} seeds, from {time.strftime('%H:%M:%S')}", flush=True)
    atheris.Setup(
        [sys.argv[0], f"-max_total_time={chosen.seconds}", f"-max_len={LONGEST}", f"-timeout={SLOWEST}",
         "-rss_limit_mb=0", f"-artifact_prefix={crashes}/", "-print_final_stats=1", "-len_control=0",
         f"-seed={int(started)}", str(corpus)], once)  # fmt: skip
    atheris.Fuzz()


def memory() -> int:
    """The bytes of address space that this process has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    main()
