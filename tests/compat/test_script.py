"""Running a script: what it sees, what its errors show, and how it ends."""

from __future__ import annotations

import itertools
import multiprocessing
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import minicnn as mc
from minicnn.cli import main
from minicnn.compat import format_error, run_script
from minicnn.errors import DataError

ROOM = str(Path(mc.__file__).parent)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return tmp_path / "script.py"


def run(*arguments: object) -> int:
    """The exit status of ``minicnn run``."""
    try:
        return main(["run", *map(str, arguments)])
    except SystemExit as end:
        assert isinstance(end.code, int)
        return end.code


def test_a_script_sees_what_python_shows_it(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (script.parent / "neighbour.py").write_text("import torch\nVALUE = torch.ones(2).sum().item()\n")
    script.write_text(
        "import sys, __main__\nfrom neighbour import VALUE\nargv, path, main = sys.argv, sys.path[0], __main__\n"
        "right = __name__ == '__main__' and main.VALUE == 2.0\nhints: 'not evaluated' = __annotations__\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(script.parent)
    before = sys.argv, list(sys.path), sys.modules["__main__"]
    names = run_script("script.py", ["--epochs", "3"])
    assert names["argv"] == ["script.py", "--epochs", "3"] and names["path"] == str(script.parent.resolve())
    assert names["__file__"] == str(script) and names["right"] is True
    assert isinstance(names["main"], types.ModuleType) and vars(names["main"]) is names
    assert (sys.argv, list(sys.path), sys.modules["__main__"]) == before
    assert "neighbour" not in sys.modules and "annotations" not in names


def test_options_after_the_script_are_its_own(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script.write_text("import sys; print(sys.argv[1:])")
    assert run(script, "--help", "--traceback", "-x", "1") == 0
    assert capsys.readouterr().out == "['--help', '--traceback', '-x', '1']\n"


ERRORS = {
    "a name of minicnn's": ("import torch\nfrom torch import nn\nnn.Conv2D(1, 2, 3)\n", 3, ["'Conv2d'"]),
    "an import": ("import torch\n\nfrom torch.nn import LSTM\n", 3, ["LSTM", "sequences"]),
    "a shape": (
        "from torch import nn, ones\nclass Net(nn.Module):\n    def forward(self, x):\n"
        "        return nn.Conv2d(1, 2, 3)(x)\nNet()(ones(2, 2))\n", 4, ["conv2d", "rule"],
    ),
    "an old idiom": ("import torch\nloss = torch.ones(2).sum()\nloss.data[0]\n", 3, ["x.item()"]),
    "its own": ("def f():\n    return 1 / 0\nf()\n", 2, ["ZeroDivisionError: division by zero"]),
    "a syntax error": ("x = 1\nif x = 2:\n    pass\n", 2, ["SyntaxError"]),
    "raised from another": (
        "import torch\ntry:\n    torch.ones(2).foo\nexcept AttributeError as e:\n    raise ValueError('bad') from e\n",
        5, ["Tensor has no attribute 'foo'", "direct cause", "ValueError: bad"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_shows_the_scripts_line_and_no_other(
    name: str, script: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    source, line, words = ERRORS[name]
    script.write_text(source)
    assert run(script) == 1
    shown = capsys.readouterr().err
    assert f'File "{script}", line {line}' in shown and all(word in shown for word in words)
    assert ROOM not in shown and "<frozen" not in shown
    assert shown.startswith("  File" if name == "a syntax error" else "Traceback (most recent call last):\n  File")


def test_minicnns_lines_are_shown_if_asked_for(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script.write_text("import torch\ntorch.ones(2) @ torch.ones(3)\n")
    assert run("--traceback", script) == 1
    shown = capsys.readouterr().err
    assert f'File "{script}", line 2' in shown and ROOM in shown


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("json.loads('[')", ["script.py", "json"]),
        ("list(DataLoader(UserList([1]), sampler=[5]))", ["script.py"]),  # minicnn calls the library
        ("list(DataLoader(UserList([1]), collate_fn=lambda x: json.loads('[')))", ["script.py", "json"]),
    ],
)
def test_libraries_lines_are_shown_where_the_script_calls_them(code: str, lines: list[str], script: Path) -> None:
    imports = "import json\nfrom collections import UserList\nfrom torch.utils.data import DataLoader\n"
    script.write_text(imports + code)
    with pytest.raises((IndexError, ValueError)) as caught:
        run_script(script)
    files = re.findall('File "(.+)"', format_error(caught.value, script))
    found = [Path(file).name if Path(file) == script else Path(file).parent.name for file in files if file != __file__]
    assert [name for name, _ in itertools.groupby(found)] == lines


def test_what_was_caught_within_minicnn_is_left_out(script: Path) -> None:
    script.write_text("from torch import nn\ntry:\n    nn.Linear(2, 3).foo\nexcept AttributeError:\n    1 / 0\n")
    with pytest.raises(ZeroDivisionError) as caught:
        run_script(script)
    assert format_error(caught.value, script).count("Traceback") == 2
    caught.value.__context__ = mc.errors.OptionError("raised where no script is seen")
    assert format_error(caught.value, script).count("Traceback") == 1


@pytest.mark.parametrize(
    ("code", "status", "printed"),
    [("sys.exit()", None, ""), ("sys.exit(3)", 3, ""), ("sys.exit('bye')", "bye", ""), ("exit(0)", 0, ""),
     ("raise KeyboardInterrupt", 130, "KeyboardInterrupt")],
)  # fmt: skip
def test_how_a_script_ends(
    code: str, status: object, printed: str, script: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    script.write_text(f"import sys\n{code}\n")
    with pytest.raises(SystemExit) as caught:
        main(["run", str(script)])
    assert caught.value.code == status and printed in capsys.readouterr().err


SPAWNING = """
import sys
import torch
from torch.utils.data import DataLoader, Dataset

class Squares(Dataset):
    def __len__(self):
        return 6
    def __getitem__(self, i):
        return torch.tensor(i) ** 2

def total(batch):
    return torch.stack(batch).sum()

if __name__ == "__main__":
    loader = DataLoader(Squares(), 3, num_workers=2, collate_fn=total, multiprocessing_context=sys.argv[1])
    print([batch.item() for batch in loader])
"""


@pytest.mark.parametrize("how", multiprocessing.get_all_start_methods())
def test_workers_are_processes_of_the_script(how: str, script: Path) -> None:
    script.write_text(SPAWNING)
    command = [sys.executable, "-m", "minicnn", "run", script, how]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[5, 50]\n", "")


def test_a_script_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (tmp_path / "absent.py", tmp_path):
        assert run(path) == 1
        assert "cannot be run" in capsys.readouterr().err
    with pytest.raises(DataError, match="a Python file"):
        run_script(tmp_path)
