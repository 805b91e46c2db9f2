"""Files from the web: several mirrors, resumed where they broke off, checked against a hash, never half there."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import secrets
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minicnn.errors import DataError, OptionError

_CHUNK = 1 << 18
_TIMEOUT = 30.0
_ATTEMPTS = 5


class _FailedError(Exception):
    """One address did not give the file."""


class _BrokenOffError(_FailedError):
    """It gave a part of it."""


def download(urls: str | Sequence[str], path: str | Path, *, digest: str | None = None, progress: bool = True) -> Path:
    """Fetch a file that is not there yet; it gets its name only when it is whole and right.

    With a digest, what arrived before an interruption is kept beside it as ``.part``: the same call goes on there a few
    times, and so does the next.

    Args:
        urls: one address, or several of the same file, tried in turn.
        path: where it goes.
        digest: ``"sha256:…"`` or ``"md5:…"``, the beginning of the file's hash in hexadecimal.
        progress: show a bar, where the output is a terminal.

    Returns:
        ``path``.

    Raises:
        DataError: no address gave the file, each with its reason; or its folder cannot be written to.

    Example:
        >>> download("https://example.org/data.gz", "data/data.gz", digest="md5:f68b3c2dcbeaaa9fbdd348bbdeb94873")
    """
    path = Path(path)
    urls = [urls] if isinstance(urls, str) else list(urls)
    if wrong := [url for url in urls if not url.startswith(("https://", "http://"))]:
        raise OptionError(f"download: '{wrong[0]}' is no address", rule="https:// or http://", hint="a path needs none")
    if path.is_file() and (digest is None or matches(path, digest)):
        return path
    _make_folder(path.parent)
    reasons = []
    for url in urls:
        for left in reversed(range(_ATTEMPTS)):
            try:
                return _fetch(url, path, digest, progress)
            except _FailedError as error:
                if not left or digest is None or not isinstance(error, _BrokenOffError):
                    reasons.append(f"{url}: {error}")
                    break
    raise DataError(f"{path.name} could not be downloaded", got="\n        ".join(reasons),
                    rule="a connection to the web, once; afterwards the file is kept",
                    hint=f"later again; or fetch it by other means, and put it at {path}")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise DataError(f"{folder} cannot keep what is downloaded", got=error.strerror,
                        rule="a folder where you may make files",
                        hint="another root for a dataset; MINICNN_HOME=FOLDER in the environment for weights") from None


def matches(path: Path, digest: str) -> bool:
    """Whether the file's hash begins as ``digest`` says."""
    kind, _, expected = digest.partition(":")
    if kind not in ("sha256", "md5") or not re.fullmatch("[0-9a-f]+", expected):
        raise OptionError("download: unknown kind of digest", got=digest, rule="sha256:… or md5:…, in hexadecimal")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()
    return found.startswith(expected)


def _fetch(url: str, path: Path, digest: str | None, progress: bool) -> Path:
    """Fetch beside ``path``, check, and rename. Without a digest nobody could tell if a kept part still fits."""
    if digest is None:
        part = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.part")
    else:
        part = path.with_name(f".{path.name[:200]}.part")
    try:
        begun = part.exists() and part.stat().st_size > 0
        _receive(url, part, path.name, progress)
        if digest is not None and not matches(part, digest):
            part.unlink()
            if begun:  # what was kept may have been of another file
                return _fetch(url, path, digest, progress)
            raise _FailedError(f"the file is not the one with the hash {digest}")
        os.replace(part, path)
    finally:
        if digest is None:
            part.unlink(missing_ok=True)
    return path


def _receive(url: str, part: Path, name: str, progress: bool) -> None:
    """Write what the server sends to ``part``, behind what is there already if the server agrees."""
    have = part.stat().st_size if part.exists() else 0
    response = _open(url, have)
    if response is None:  # nothing is left behind what is there: it is whole, or not this file, as its hash will show
        return
    with response:
        have = have if response.status == http.client.PARTIAL_CONTENT else 0
        length = response.headers.get("Content-Length", "")
        total = have + int(length) if length.isdecimal() else None
        with part.open("ab" if have else "wb") as file, _bar(name, total, have, progress) as advance:
            for chunk in _chunks(response):
                file.write(chunk)
                advance(len(chunk))
            file.flush()
            os.fsync(file.fileno())
    if total is not None and part.stat().st_size != total:
        raise _BrokenOffError(f"broke off after {part.stat().st_size:,} of {total:,} bytes")


def _open(url: str, have: int) -> Any:
    """The server's answer from byte ``have`` on; None where it says that there is no more."""
    headers = {"User-Agent": "minicnn", **({"Range": f"bytes={have}-"} if have else {})}
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if have and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return None
        raise _FailedError(f"the server answers {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _FailedError(f"no connection ({error.reason})") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _FailedError(f"no connection ({error})") from None
    begins = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if response.status == http.client.PARTIAL_CONTENT and (begins is None or int(begins[1]) != have):
        response.close()
        raise _FailedError("the server sends another part than was asked for")
    return response


def _chunks(response: Any) -> Iterator[bytes]:
    while True:
        try:
            chunk = response.read(_CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise _BrokenOffError(f"the connection broke off ({error or type(error).__name__})") from None
        if not chunk:
            return
        yield chunk


@contextmanager
def _bar(name: str, total: int | None, have: int, shown: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar; called with the number of bytes that came."""
    if not (shown and sys.stdout.isatty()):
        yield lambda _: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    figures = (DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), BarColumn(), *figures) as bar:
        task = bar.add_task(name, total=total, completed=have)
        yield lambda count: bar.advance(task, count)
