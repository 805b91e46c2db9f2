"""Downloads that can be trusted: several mirrors, resumed where they broke off, hashed, and renamed only when whole."""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minicnn.errors import DataError, OptionError

CHUNK = 1 << 18
ATTEMPTS = 5
"""How often one mirror is asked to go on where it broke off, as long as it sends something each time."""


def download(
    urls: Sequence[str], path: str | Path, *, md5: str | None = None, sha256: str | None = None, timeout: float = 30
) -> Path:
    """A file from the first of ``urls`` that gives it whole; nothing is done where ``path`` exists.

    What has come is kept beside it as ``NAME.part``; the next call goes on from there.

    Args:
        urls: http or https, in the order in which they are tried.
        path: where to.
        md5, sha256: of the whole file, in hexadecimal. Another file is refused.
        timeout: seconds to wait for a server to say anything.

    Raises:
        DataError: no mirror gave the file; says of each what went wrong.
        OptionError: a URL that is neither http nor https.

    Example:
        >>> mc.datasets.download(["https://example.org/digits.gz"], "data/digits.gz", md5="…")
    """
    path = Path(path)
    if path.exists():
        return path
    for url in urls:
        if not url.startswith(("http://", "https://")):
            raise OptionError("download: this is no web address", got=url, rule="http:// or https://")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    faults = []
    for url in urls:
        fault = _checked(url, part, path.name, timeout, {"md5": md5, "sha256": sha256})
        if fault is None:
            os.replace(part, path)
            return path
        faults.append(f"{url}: {fault}")
    raise DataError(f"download: {path.name} could not be had", got="\n        ".join(faults) or "no address",
                    rule="one mirror gives the whole file, with the right hash",
                    hint=f"the network, later, or put the file at {path} yourself")


def _checked(url: str, part: Path, name: str, timeout: float, hashes: dict[str, str | None]) -> str | None:
    """Fill ``part`` from one mirror and check it; what is wrong, or None. A wrong file is deleted.

    Where it had been begun before, perhaps from another mirror, it is then fetched once more from the start.
    """
    begun = _size(part) > 0
    fault = _from_mirror(url, part, name, timeout)
    if fault is None and (fault := wrong_hash(part, hashes)) is not None:
        part.unlink()
        return _checked(url, part, name, timeout, hashes) if begun else fault
    return fault


def wrong_hash(path: Path, hashes: dict[str, str | None]) -> str | None:
    """What is wrong with a file's hashes, None where they are right or none are given."""
    for name, expected in hashes.items():
        if expected is None:
            continue
        with path.open("rb") as file:
            found = hashlib.file_digest(file, name).hexdigest()
        if found != expected.lower():
            return f"its {name} is {found}, and should be {expected.lower()}"
    return None


def _from_mirror(url: str, part: Path, name: str, timeout: float) -> str | None:
    """Fill ``part`` from one mirror, going on where it breaks off; what is wrong in the end, or None."""
    fault: str | None = "it breaks off again and again"
    for _ in range(ATTEMPTS):
        before = _size(part)
        try:
            fault = _receive(url, part, name, timeout)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and before:
                part.unlink()  # longer than the file: begin again
                continue
            return f"{error.code} {error.reason}"
        except (OSError, http.client.HTTPException) as error:
            fault = str(getattr(error, "reason", error)) or type(error).__name__
        if fault is None or _size(part) <= before:
            return fault
    return fault


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _receive(url: str, part: Path, name: str, timeout: float) -> str | None:
    """Append the rest of the file to ``part``, or all of it where the server gives no rest; None when it is whole."""
    have = _size(part)
    rest = {"Range": f"bytes={have}-"} if have else {}
    request = urllib.request.Request(url, headers={"User-Agent": "minicnn", **rest})
    with urllib.request.urlopen(request, timeout=timeout) as response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            have = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink()
            return "the server sent another part of the file than was asked for"
        length = response.headers.get("Content-Length")
        total = None if length is None else have + int(length)
        with part.open("ab" if have else "wb") as file, progress(name, total, have) as advance:
            while chunk := response.read(CHUNK):
                file.write(chunk)
                advance(len(chunk))
    found = _size(part)
    return None if total is None or found == total else f"it ended early, after {found} of {total} bytes"


@contextmanager
def progress(name: str, total: int | None, done: int) -> Iterator[Callable[[int], Any]]:
    """A bar in a terminal, one line elsewhere; calls of what it gives add to the bytes that are ``done``."""
    if not sys.stderr.isatty():
        size = "" if total is None else f" ({(total - done) / 1e6:.1f} MB)"
        print(f"downloading {name}{size}", file=sys.stderr)
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), *columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=total, completed=done)
        yield lambda count: bar.advance(task, count)
