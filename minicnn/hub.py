"""Weights and models from elsewhere: paths, addresses, Hugging Face, and folders with a ``hubconf.py``.

    mc.hub.load_weights(model, "https://download.pytorch.org/models/resnet18-f37072fd.pth")
    mc.hub.load_weights(model, "timm/resnet18.a1_in1k")        # a Hugging Face repository; the extra "weights"

Files of weights are only read. ``list`` and ``load`` are different: they run the ``hubconf.py`` of a folder, which is
a program like any other, and can do whatever you can do.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import sys
import tempfile
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import TYPE_CHECKING, Any

from minicnn import io
from minicnn.absent import hints
from minicnn.backend import Device
from minicnn.download import download
from minicnn.errors import DataError, MissingPackageError, OptionError
from minicnn.io.archive import Archive
from minicnn.io.files import reading
from minicnn.nn.module import Module
from minicnn.nn.state import IncompatibleKeys

__all__ = ["get_dir", "help", "list", "load", "load_state_dict_from_url", "load_weights", "resolve_weights"]

_HASHED = re.compile(r"-([0-9a-f]{8,64})\.")
_REPOSITORY = re.compile(r"([\w.-]+/[\w.-]+)(?::([\w./-]+))?")
_FILES = ("model.safetensors", "pytorch_model.bin")
_WRAPPED = ("state_dict", "model", "model_state_dict", "net")
_SPECS = "a path, an address (https://…), or a Hugging Face repository (owner/name, or owner/name:file)"


def get_dir() -> Path:
    """The folder where downloads are kept: ``$MINICNN_HOME``, or ``~/.cache/minicnn``."""
    return Path(os.environ.get("MINICNN_HOME") or Path.home() / ".cache" / "minicnn")


def resolve_weights(spec: str | Path, *, progress: bool = True) -> Path:
    """The file that ``spec`` means, downloaded if need be.

    A name such as ``resnet18-f37072fd.pth`` carries the beginning of its SHA-256, as PyTorch's weights do: the file is
    checked against it.

    Args:
        spec: a path, an address, or a Hugging Face repository ``owner/name`` (its ``model.safetensors`` or
            ``pytorch_model.bin``) or ``owner/name:file``.
        progress: show a bar while downloading.

    Raises:
        DataError: nothing is there, or it cannot be reached, or it is not what its hash says.

    Example:
        >>> mc.hub.resolve_weights("https://download.pytorch.org/models/resnet18-f37072fd.pth")
    """
    text = str(spec)
    if "://" in text:
        return _from_address(text, "weights", progress)
    path = Path(spec).expanduser()
    repository = _REPOSITORY.fullmatch(text)
    if path.is_file() or isinstance(spec, Path):
        return path
    if repository and (repository[2] or path.suffix not in io.SUFFIXES):
        return _from_hugging_face(repository[1], repository[2])
    raise DataError(f"there are no weights '{text}'", got="no such file", rule=_SPECS)


def load_weights(model: Module, spec: str | Path, strict: bool = True, *, progress: bool = True) -> IncompatibleKeys:
    """Load weights into ``model`` from wherever ``resolve_weights`` finds them.

    A training checkpoint that holds the state dict under ``state_dict``, ``model``, ``model_state_dict`` or ``net``
    is opened.

    Args:
        strict: raise where names are missing or unexpected; see ``Module.load_state_dict``.

    Returns:
        ``(missing_keys, unexpected_keys)``.

    Raises:
        DataError: as of ``resolve_weights`` and ``mc.load``, or a file without a state dict.
        StateError: names or shapes that do not fit; says which, and how to load the rest.

    Example:
        >>> mc.hub.load_weights(mc.models.LeNet(), "runs/lenet.npz")
        <All keys matched successfully>
    """
    path = resolve_weights(spec, progress=progress)
    return model.load_state_dict(_state_dict(io.load(path), path), strict)


def load_state_dict_from_url(url: str, map_location: Device | str | None = "cpu", progress: bool = True) -> Any:
    """Download a file once, and read it; PyTorch's function of this name. See ``resolve_weights`` and ``mc.load``."""
    return io.load(_from_address(url, "weights", progress), map_location)


def list(repo_or_dir: str | Path, *, trust_repo: bool = False, force_reload: bool = False) -> Any:
    """The names of the models in a folder's ``hubconf.py``. **This runs that file**; see ``load``.

    Example:
        >>> mc.hub.list("my_models")
        ['small_cnn']
    """
    with _hubconf(repo_or_dir, trust_repo, force_reload) as hubconf:
        return _entries(hubconf)


def help(repo_or_dir: str | Path, model: str, *, trust_repo: bool = False, force_reload: bool = False) -> str | None:
    """The docstring of a model in a folder's ``hubconf.py``. **This runs that file**; see ``load``."""
    with _hubconf(repo_or_dir, trust_repo, force_reload) as hubconf:
        return _entry(hubconf, model).__doc__


def load(
    repo_or_dir: str | Path, model: str, *args: Any, source: str = "local", trust_repo: bool = False,
    force_reload: bool = False, **kwargs: Any,
) -> Any:  # fmt: skip
    """Call the function ``model`` of a folder's ``hubconf.py``, in the manner of Torch Hub.

    **This runs the code of that folder, with all your rights.** A folder on this computer is taken as yours; code from
    the web needs ``trust_repo=True`` each time, and should be read first.

    Args:
        repo_or_dir: a folder with a ``hubconf.py``; or the address of a zip archive of one, such as
            ``https://github.com/OWNER/NAME/archive/REVISION.zip``.
        model: the function's name.
        args: what the function takes.
        source: ``"local"``; PyTorch's other sources are addresses here.
        trust_repo: whether code from the web may run.
        force_reload: download again what is kept.
        kwargs: what else the function takes.

    Returns:
        What the function returns.

    Example:
        >>> model = mc.hub.load("my_models", "small_cnn", num_classes=10)
    """
    if source != "local":
        raise OptionError("hub.load: unknown source", got=repr(source), rule='"local"',
                          hint=f"https://github.com/{repo_or_dir}/archive/REVISION.zip with trust_repo=True")
    with _hubconf(repo_or_dir, trust_repo, force_reload) as hubconf:
        return _entry(hubconf, model)(*args, **kwargs)


def _from_address(url: str, kind: str, progress: bool = True) -> Path:
    """A file of the web in the folder of downloads; files of one name from two addresses do not meet."""
    name = urllib.parse.unquote(PurePosixPath(urllib.parse.urlsplit(url).path).name)
    if not re.fullmatch(r"[\w][\w.+-]{0,150}", name):
        raise OptionError("the address ends in no file's name", got=url, rule="letters, digits, .-+_ after the last /")
    hashed = _HASHED.search(name)
    folder = get_dir() / kind / hashlib.sha256(url.encode()).hexdigest()[:12]
    return download(url, folder / name, digest=f"sha256:{hashed[1]}" if hashed else None, progress=progress)


def _from_hugging_face(repository: str, file: str | None) -> Path:
    try:
        import huggingface_hub
        from huggingface_hub import errors
    except ImportError:
        raise MissingPackageError(
            f"'{repository}' is no file here, and Hugging Face needs the library huggingface_hub", rule=_SPECS,
            hint='pip install "minicnn[weights]"') from None
    for name in [file] if file else _FILES:
        try:
            return Path(huggingface_hub.hf_hub_download(repository, name))
        except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled):
            raise DataError(f"'{repository}' is no file here, and Hugging Face cannot be reached", got=name,
                            rule=_SPECS, hint="check the spelling and the network; once fetched, it is kept") from None
        except errors.EntryNotFoundError:
            continue
        except (errors.HfHubHTTPError, OSError, ValueError) as error:
            raise DataError(f"'{repository}' is no file here, nor a repository that Hugging Face gives",
                            got=(str(error).splitlines() or [type(error).__name__])[0], rule=_SPECS) from None
    raise DataError(f"the Hugging Face repository '{repository}' has no such file", got=file or " or ".join(_FILES),
                    rule=_SPECS, hint=f"{repository}:FILE")


def _state_dict(found: Any, path: Path) -> Mapping[str, Any]:
    """The state dict in what a file holds: itself, or under one of the usual names."""
    if isinstance(found, Mapping):
        inner = [found[name] for name in _WRAPPED if isinstance(found.get(name), Mapping)]
        found = inner[0] if inner else found
    if not isinstance(found, Mapping):
        raise DataError(f"{path} holds no state dict", got=type(found).__name__, rule="names and tensors")
    return found


def _entries(hubconf: ModuleType) -> Any:
    return [name for name in dir(hubconf) if callable(getattr(hubconf, name)) and not name.startswith("_")]


def _entry(hubconf: ModuleType, model: str) -> Callable[..., Any]:
    if model not in _entries(hubconf):
        raise OptionError(f"there is no model '{model}' in {hubconf.__file__}", got=repr(model),
                          rule=f"one of {', '.join(_entries(hubconf))}")
    entry: Callable[..., Any] = getattr(hubconf, model)
    return entry


@contextmanager
def _hubconf(repo_or_dir: str | Path, trusted: bool, again: bool) -> Iterator[ModuleType]:
    """Run the ``hubconf.py`` of a folder; its neighbours can be imported while the module that it is, is in use."""
    folder = _repository(str(repo_or_dir), trusted, again) if "://" in str(repo_or_dir) else Path(repo_or_dir)
    file = folder.expanduser().resolve() / "hubconf.py"
    if not file.is_file():
        raise DataError(f"there is no {file}", rule="a folder with a hubconf.py",
                        hint="a repository of GitHub: https://github.com/OWNER/NAME/archive/REVISION.zip")
    loader = SourceFileLoader(f"_hubconf_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}", str(file))
    module = ModuleType(loader.name)
    module.__file__ = str(file)
    sys.path.insert(0, str(file.parent))
    try:
        loader.exec_module(module)
        absent = [name for name in getattr(module, "dependencies", []) if importlib.util.find_spec(name) is None]
        if absent:
            raise OptionError(f"{file} needs packages that are not installed", got=", ".join(absent),
                              hint=f"pip install {' '.join(absent)}")
        yield module
    finally:
        sys.path.remove(str(file.parent))


def _repository(url: str, trusted: bool, again: bool) -> Path:
    """The folder with ``hubconf.py`` in a zip archive of the web, unpacked in the folder of downloads."""
    if not trusted:
        raise OptionError("hub: this would download code and run it", got=url, rule="only code that you trust",
                          hint="read it first; then trust_repo=True")
    target = get_dir() / "hub" / hashlib.sha256(url.encode()).hexdigest()[:12]
    if again:
        shutil.rmtree(target, ignore_errors=True)
    if not target.is_dir():
        archive = _from_address(url, "hub-archives")
        _unpack(archive, target)
        archive.unlink()
    found = [*target.glob("hubconf.py"), *target.glob("*/hubconf.py")]
    return found[0].parent if found else target


def _unpack(path: Path, target: Path) -> None:
    """Write the files of an archive below ``target``, all or none; names that lead elsewhere are refused."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=target.parent, suffix=".part"))
    try:
        with reading(path, "zip archive", "a zip archive with a hubconf.py"), Archive(path) as archive:
            for name in archive.names:
                parts = PurePosixPath(name).parts
                if re.search(r"[\\:\0]", name) or ".." in parts or name.startswith("/") or archive.is_link(name):
                    raise DataError(f"{path}: '{name[:80]}' leads out of the archive", rule="files below one folder")
                if not name.endswith("/"):
                    file = aside.joinpath(*parts)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(archive.read(name).tobytes())
        os.replace(aside, target)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
