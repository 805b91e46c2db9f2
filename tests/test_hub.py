"""Weights from paths, addresses and Hugging Face; models of a folder's hubconf.py."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import minicnn as mc
from minicnn import hub
from minicnn.errors import DataError, MissingPackageError, OptionError, StateError
from tests.web import Server, serving

HUBCONF = '''
"""Small networks."""
import minicnn as mc
from neighbour import CLASSES
dependencies = ["minicnn"]
def small(num_classes=CLASSES):
    """A small network."""
    import neighbour
    return mc.nn.Linear(3, num_classes)
def _private(): pass
'''


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("MINICNN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield tmp_path / "home"
    sys.modules.pop("neighbour", None)


@pytest.fixture
def web() -> Iterator[Server]:
    with serving({}) as server:
        yield server


def weights(tmp_path: Path, suffix: str = ".pt", **extra: object) -> bytes:
    mc.save({**mc.nn.Linear(3, 2).state_dict(), **extra}, tmp_path / f"w{suffix}")
    return (tmp_path / f"w{suffix}").read_bytes()


def test_the_folder_of_downloads(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hub.get_dir() == home
    monkeypatch.delenv("MINICNN_HOME")
    assert hub.get_dir() == Path.home() / ".cache" / "minicnn"


def test_a_path_is_itself(tmp_path: Path) -> None:
    weights(tmp_path)
    assert hub.resolve_weights(str(tmp_path / "w.pt")) == tmp_path / "w.pt"
    for absent in ("absent.pt", "runs/absent.npz", "word"):
        with pytest.raises(DataError, match="there are no weights"):
            hub.resolve_weights(absent)


def test_an_address_is_fetched_once_and_its_hash_checked(web: Server, tmp_path: Path, home: Path) -> None:
    content = weights(tmp_path)
    name = f"/models/linear-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    web.files |= {name: content, "/models/linear-00000000.pth": content, "/plain.pt": content}
    for _ in range(2):
        path = hub.resolve_weights(web.url(name))
        assert path.read_bytes() == content and home in path.parents and path.name == name.rpartition("/")[2]
    assert len(web.asked) == 1
    assert list(hub.load_state_dict_from_url(web.url(name))) == ["weight", "bias"]
    with pytest.raises(DataError, match="sha256:00000000"):
        hub.resolve_weights(web.url("/models/linear-00000000.pth"))
    assert hub.resolve_weights(web.url("/plain.pt")).read_bytes() == content
    with pytest.raises(DataError, match="404"):
        hub.resolve_weights(web.url("/absent.pt"))


@pytest.mark.parametrize("end", ["/", "", "/..", "/%2e%2e", "/a%2fb.pt", "/a%5cb.pt", "/.hidden", "/a%00.pt"])
def test_addresses_without_a_files_name_are_refused(web: Server, end: str) -> None:
    with pytest.raises(OptionError, match="ends in no file"):
        hub.resolve_weights(web.url(end))


def test_offline_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)could not be downloaded.*no connection.*put it at"):
        hub.resolve_weights("http://127.0.0.1:9/model.pt")


def test_weights_are_loaded_into_models(tmp_path: Path) -> None:
    content = weights(tmp_path)
    model = mc.nn.Linear(3, 2)
    assert str(hub.load_weights(model, tmp_path / "w.pt")) == "<All keys matched successfully>"
    assert content and mc.equal(model.weight.cpu(), mc.load(tmp_path / "w.pt")["weight"])
    mc.save({"epoch": 1, "state_dict": model.state_dict(), "optimizer": {}}, tmp_path / "training.pt")
    hub.load_weights(mc.nn.Linear(3, 2), tmp_path / "training.pt")
    mc.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(DataError, match="no state dict"):
        hub.load_weights(model, tmp_path / "list.pt")
    lenet = mc.models.LeNet()
    mc.save(lenet.state_dict(), tmp_path / "lenet.npz")
    again = mc.models.get_model("lenet", weights=tmp_path / "lenet.npz")
    assert mc.equal(again.layer1.conv1.weight, lenet.layer1.conv1.weight)


def test_another_number_of_classes_says_how_to_load_the_rest() -> None:
    state, model = mc.models.LeNet(10).state_dict(), mc.models.LeNet(5)
    with pytest.raises(StateError) as caught:
        model.load_state_dict(state)
    text = str(caught.value)
    assert "layer3.fc3.weight: the state has shape (10, 84), the module (5, 84)" in text and "layer3.fc3 anew" in text
    lines = [line.strip() for line in text.splitlines()]
    names: dict[str, object] = {"state": state, "model": model}
    for line in lines[-2:]:
        exec(line, names)
    assert mc.equal(model.layer1.conv1.weight, state["layer1.conv1.weight"])


class Face:
    """What huggingface_hub does, without a web."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, files: dict[tuple[str, str], Path]) -> None:
        self.module = pytest.importorskip("huggingface_hub", reason='pip install "minicnn[weights]"')
        self.files = files
        monkeypatch.setattr(self.module, "hf_hub_download", self.fetch)

    def fetch(self, repository: str, name: str) -> str:
        errors = self.module.errors
        if repository == "off/line":
            raise errors.LocalEntryNotFoundError("no connection")
        if (repository, name) not in self.files:
            raise errors.EntryNotFoundError("404")
        return str(self.files[repository, name])


def test_a_repository_of_hugging_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights(tmp_path, ".pt")
    (tmp_path / "w.pt").rename(tmp_path / "pytorch_model.bin")
    Face(monkeypatch, {("timm/net.v1", "pytorch_model.bin"): tmp_path / "pytorch_model.bin",
                       ("a/b", "deep/w.bin"): tmp_path / "pytorch_model.bin"})  # fmt: skip
    hub.load_weights(mc.nn.Linear(3, 2), "timm/net.v1")
    hub.load_weights(mc.nn.Linear(3, 2), "a/b:deep/w.bin")
    with pytest.raises(DataError, match=r"no such file(.|\n)*model\.safetensors or pytorch_model\.bin"):
        hub.resolve_weights("a/b")
    with pytest.raises(DataError, match="cannot be reached"):
        hub.resolve_weights("off/line")


def test_hugging_face_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub.constants", reason='pip install "minicnn[weights]"')
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match="cannot be reached"):
        hub.resolve_weights("owner/name")


def test_the_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingPackageError, match=r"minicnn\[weights\]"):
        hub.resolve_weights("owner/name")


def folder(where: Path, hubconf: str = HUBCONF) -> Path:
    where.mkdir(parents=True)
    (where / "hubconf.py").write_text(hubconf, encoding="utf-8")
    (where / "neighbour.py").write_text("CLASSES = 4", encoding="utf-8")
    return where


def test_models_of_a_folder(tmp_path: Path) -> None:
    where, before = folder(tmp_path / "models"), list(sys.path)
    assert hub.list(where) == ["small"]
    assert hub.help(where, "small") == "A small network."
    assert hub.load(where, "small").out_features == 4
    assert hub.load(str(where), "small", source="local", num_classes=7).out_features == 7
    assert sys.path == before
    for name in ("_private", "absent", "mc", "CLASSES"):
        with pytest.raises(OptionError, match="one of small"):
            hub.load(where, name)
    with pytest.raises(DataError, match=r"hubconf\.py"):
        hub.list(tmp_path)
    with pytest.raises(OptionError, match=r"archive/REVISION\.zip"):
        hub.load("pytorch/vision", "resnet18", source="github")


def test_missing_dependencies_are_named(tmp_path: Path) -> None:
    where = folder(tmp_path / "models", "dependencies = ['no_such_package']")
    with pytest.raises(OptionError, match="pip install no_such_package"):
        hub.list(where)


def archive_of(where: Path | None = None, **members: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in [] if where is None else sorted(where.iterdir()):
            archive.write(file, f"name-main/{file.name}")
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


def test_code_from_the_web_runs_only_where_it_is_trusted(web: Server, tmp_path: Path, home: Path) -> None:
    web.files["/name/archive/main.zip"] = archive_of(folder(tmp_path / "models"))
    url = web.url("/name/archive/main.zip")
    with pytest.raises(OptionError, match="trust_repo=True"):
        hub.list(url)
    assert web.asked == []
    assert hub.list(url, trust_repo=True) == ["small"]
    assert hub.load(url, "small", trust_repo=True).out_features == 4
    assert len(web.asked) == 1
    hub.list(url, trust_repo=True, force_reload=True)
    assert len(web.asked) == 2
    assert {p.parent.parent.parent for p in home.rglob("hubconf.py")} == {home / "hub"}


@pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "a/../../evil.py", "..\\evil.py", "C:evil.py", "link"])
def test_archives_that_climb_out_are_refused_whole(web: Server, tmp_path: Path, home: Path, name: str) -> None:
    content = io.BytesIO(archive_of(folder(tmp_path / "models")))
    with zipfile.ZipFile(content, "a") as archive:
        member = zipfile.ZipInfo(name)
        if name == "link":
            member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc")
    web.files["/main.zip"] = content.getvalue()
    with pytest.raises(DataError, match="leads out"):
        hub.list(web.url("/main.zip"), trust_repo=True)
    assert list(home.rglob("*.py")) == [] and list(tmp_path.rglob("evil.py")) == []
    assert not os.path.lexists(tmp_path.parent / "evil.py")


def test_an_archive_bomb_is_refused(web: Server, home: Path) -> None:
    web.files["/main.zip"] = archive_of(**{"hubconf.py": "#" * (80 << 20)})
    with pytest.raises(DataError, match="claim"):
        hub.list(web.url("/main.zip"), trust_repo=True)
    assert list(home.rglob("*.py")) == []
