"""A teacher's checks, a student's file, and the files that other graders take."""

from __future__ import annotations

import csv
import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from minicnn.cli import main
from minicnn.errors import DataError, OptionError
from minicnn.testing import case, conforms, grade, save_nbgrader, save_otter
from minicnn.testing.grading import load_checks
from minicnn.testing.results import Grades, Mark, save_table

pytest.importorskip("resource", reason="processes are limited on Linux and macOS only")

STUDENT = '''
import numpy as np

def linear_forward(x, w, b):
    out = x @ w.T
    return (out if b is None else out + b), (x, w)

def linear_backward(dout, cache):
    x, w = cache
    rows = dout.reshape(-1, dout.shape[-1])
    return dout @ w, rows.T @ x.reshape(-1, x.shape[-1]), rows.mean(0)

def softmax(x):
    e = np.exp(x)
    return e / e.sum(1, keepdims=True)

def forever():
    while True:
        pass
'''

CHECKS = '''
import numpy as np
from minicnn.testing import case, conforms

linear = conforms("linear", "linear_forward", "linear_backward", points=8, examples=20,
                  tests=["values", "gradients"])

@case(points=3)
def rows_sum_to_one(student):
    y = student.softmax(np.array([[1.0, 2.0], [3.0, 0.0]]))
    assert np.allclose(y.sum(1), 1)

@case(points=2, visibility="after_due_date")
def large_scores(student):
    y = student.softmax(np.array([[1000.0, 0.0]]))
    assert np.isfinite(y).all()

@case(points=4)
def half_of_it(student):
    return 0.5

@case(points=1)
def it_ends(student):
    student.forever()
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("course")
    (folder / "student.py").write_text(STUDENT)
    (folder / "checks.py").write_text(CHECKS)
    return folder


@pytest.fixture(scope="module")
def grades(folder: Path) -> Grades:
    return grade(folder / "student.py", load_checks(folder / "checks.py"), time_limit=1.5)


def test_each_test_has_its_part_of_the_points_and_a_reason(grades: Grades) -> None:
    got = {m.test: (m.score, m.points) for m in grades.marks}
    assert got == {
        "linear: values": (2, 2), "linear: gradient of input": (2, 2), "linear: gradient of weight": (2, 2),
        "linear: gradient of bias": (0, 2), "rows sum to one": (3, 3), "large scores": (0, 2), "half of it": (2, 4),
        "it ends": (0, 1),
    }  # fmt: skip
    why = {m.test: m.why for m in grades.marks if m.why}
    assert why["linear: gradient of bias"].startswith("input 2 × 1\n")
    assert why["large scores"] == "assert np.isfinite(y).all()"
    assert why["half of it"] == "50% of the points"
    assert why["it ends"] == "forever: took longer than 1.5 s"
    assert (grades.score, grades.points) == (11.0, 18)
    assert str(grades).splitlines()[1] == "      2 / 2     linear: values"


def test_points_are_shared_in_hundredths_that_sum_up() -> None:
    for points in (10, 1, 0.5, 7.25):
        parts = conforms("linear", "f", "b", points=points).portions()
        assert round(sum(share for _, share in parts), 6) == points
        assert all(round(share, 2) == pytest.approx(share) for _, share in parts)


def test_gradescope_gets_a_score_for_each_test(grades: Grades, tmp_path: Path) -> None:
    """As https://gradescope-autograders.readthedocs.io/en/latest/specs/ has it."""
    grades.save_gradescope(tmp_path / "results" / "results.json")
    found = json.loads((tmp_path / "results" / "results.json").read_text())
    assert found["score"] == 11.0 == sum(t["score"] for t in found["tests"])
    assert isinstance(found["execution_time"], int)
    assert set(found["tests"][0]) == {"name", "number", "score", "max_score", "output", "status", "visibility"}
    assert [t["visibility"] for t in found["tests"]] == ["visible"] * 5 + ["after_due_date"] + ["visible"] * 2
    assert [t["status"] for t in found["tests"]].count("passed") == 4
    assert all(0 <= t["score"] <= t["max_score"] for t in found["tests"])


def test_tables_and_reports(grades: Grades, tmp_path: Path) -> None:
    other = Grades("=cmd()", (Mark("linear", "linear: values", 1.0, 2, "a | b", "visible"),), 0.0)
    save_table([grades, other], tmp_path / "grades.csv")
    rows = list(csv.reader((tmp_path / "grades.csv").read_text().splitlines()))
    assert rows[0][:5] == ["student", "score", "points", "linear", "rows sum to one"]
    assert rows[1][1:] == ["11", "18", "6", "3", "0", "2", "0"]
    assert rows[2][:4] == ["'=cmd()", "1", "2", "1"]  # no formula
    grades.save_csv(tmp_path / "one.csv")
    assert (tmp_path / "one.csv").read_text().splitlines()[1].endswith(",11,18,6,3,0,2,0")
    grades.save_markdown(tmp_path / "report.md")
    report = (tmp_path / "report.md").read_text()
    assert "| linear: gradient of bias | 0 of 2 |" in report
    assert "    forever: took longer than 1.5 s" in report


def test_a_file_that_is_not_there_or_does_not_load_gets_no_points(folder: Path, tmp_path: Path) -> None:
    checks = load_checks(folder / "checks.py")
    missing = grade(tmp_path / "student.py", checks)
    assert (missing.score, missing.points) == (0.0, 18)
    assert "not there" in missing.marks[0].why
    (tmp_path / "broken.py").write_text("def f(:")
    broken = grade(tmp_path / "broken.py", checks)
    assert [m.score for m in broken.marks if m.test != "half of it"] == [0.0] * 7
    assert "SyntaxError" in broken.marks[0].why


def test_a_students_file_cannot_grade_itself(tmp_path: Path) -> None:
    """It finds neither the engine nor the expected values, and what it patches is not what compares."""
    (tmp_path / "student.py").write_text(
        "import sys, numpy as np\n"
        "np.allclose = np.array_equal = lambda *a, **k: True\n"
        "class Equal(np.ndarray):\n"
        "    __eq__ = __le__ = __ge__ = lambda self, other: True\n"
        "def forward(x, w, b):\n"
        "    return np.zeros((*x.shape[:-1], len(w))).view(Equal), None\n"
        "def backward(dout, cache):\n"
        "    import minicnn\n"
        "    return 0, 0, 0\n"
    )
    found = grade(tmp_path / "student.py", [conforms("linear", "forward", "backward", points=2,
                                                     tests=["values", "gradients"], examples=20)])  # fmt: skip
    assert found.score == 0.0
    assert "import of minicnn halted" in found.marks[1].why


def test_code_of_tensors_may_use_the_engine(tmp_path: Path) -> None:
    (tmp_path / "student.py").write_text("def act(x):\n    return x * (x > 0)\n")
    found = grade(tmp_path / "student.py", [conforms("relu", "act", points=2, tests=["values", "gradients"])])
    assert found.score == 2.0, str(found)


def test_checks_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="visibility"):
        conforms("relu", "f", points=1, visibility="secret")
    with pytest.raises(OptionError, match="negative"):
        conforms("relu", "f", points=-1)
    with pytest.raises(OptionError, match="name of its own"):
        grade({}, [conforms("relu", "f", points=1)] * 2)
    with pytest.raises(OptionError, match="share of its points"):
        grade({}, [case(points=1)(lambda student: 2.0)])
    (tmp_path / "none.py").write_text("")
    for path in (tmp_path / "none.py", tmp_path / "absent.py"):
        with pytest.raises(DataError, match="checks: the file"):
            load_checks(path)
    with pytest.raises(OptionError, match="only its file"):
        save_otter([case(points=1)(lambda student: None)], tmp_path)


def test_the_command_writes_what_is_asked_for(folder: Path, tmp_path: Path, capsys: Any) -> None:
    asked = ["--checks", str(folder / "checks.py"), "--time", "2", "--csv", str(tmp_path / "g.csv"),
             "--gradescope", str(tmp_path / "results.json"), "--markdown", str(tmp_path / "r.md"),
             "--otter", str(tmp_path / "tests"), "--nbgrader", str(tmp_path / "checks.ipynb")]  # fmt: skip
    assert main(["grade", str(folder / "student.py"), *asked]) == 0
    assert "11 of 18 points" in capsys.readouterr().out
    names = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.*")}
    assert names == {"g.csv", "results.json", "r.md", "checks.ipynb", "tests/linear.py", "tests/rows_sum_to_one.py",
                     "tests/large_scores.py", "tests/half_of_it.py", "tests/it_ends.py"}  # fmt: skip
    assert main(["grade", "a.py", "b.py", *asked]) == 1
    assert "of one student" in capsys.readouterr().err


def test_otters_files_have_its_format_and_its_cases_demand(folder: Path, tmp_path: Path) -> None:
    import doctest

    paths = save_otter(folder / "checks.py", tmp_path)
    outcome = {}
    for path in paths:
        module = runpy.run_path(str(path))
        assert module["OK_FORMAT"] is True
        (suite,) = module["test"]["suites"]
        assert suite["type"] == "doctest"
        if path.stem == "it_ends":
            continue
        for one in suite["cases"]:
            names = runpy.run_path(str(folder / "student.py"))
            test = doctest.DocTestParser().get_doctest(one["code"], names, one["name"], None, None)
            failed = doctest.DocTestRunner(verbose=False).run(test, out=lambda _: None).failed
            outcome[one["name"]] = (failed, one["points"], one["hidden"])
    assert outcome == {
        "linear: values": (0, 2, False), "linear: gradient of input": (0, 2, False),
        "linear: gradient of weight": (0, 2, False), "linear: gradient of bias": (1, 2, False),
        "rows sum to one": (0, 3, False), "large scores": (1, 2, True), "half of it": (1, 4, False),
    }  # fmt: skip


def test_otter_takes_the_files(folder: Path, tmp_path: Path) -> None:
    test_files = pytest.importorskip("otter.test_files", reason="Otter-Grader brings half of Jupyter along")
    from otter.nbmeta_config import NBMetadataConfig

    save_otter([load_checks(folder / "checks.py")[0]], tmp_path)
    found = test_files.create_test_file(str(tmp_path / "linear.py"), NBMetadataConfig())
    found.run(runpy.run_path(str(folder / "student.py")))
    assert (found.score, found.possible) == (6, 8)


def test_nbgraders_cells_end_in_a_number(folder: Path, tmp_path: Path) -> None:
    save_nbgrader(folder / "checks.py", tmp_path / "checks.ipynb")
    notebook = json.loads((tmp_path / "checks.ipynb").read_text())
    about = [cell["metadata"]["nbgrader"] for cell in notebook["cells"]]
    assert [a["points"] for a in about] == [8, 3, 2, 4, 1]
    assert all(a["grade"] and a["locked"] and not a["solution"] and a["schema_version"] == 3 for a in about)
    first, last = notebook["cells"][0]["source"].split("\n\n")
    names = runpy.run_path(str(folder / "student.py"))
    exec(first, names)
    assert repr(eval(last, names)) == "6.0"  # what nbgrader reads: numpy's float64(6.0) would be full credit


def test_nbgrader_takes_the_cells(folder: Path, tmp_path: Path) -> None:
    utils = pytest.importorskip("nbgrader.utils", reason="nbgrader brings half of Jupyter along")
    import nbclient
    import nbformat

    save_nbgrader([load_checks(folder / "checks.py")[0]], tmp_path / "checks.ipynb")
    notebook = nbformat.read(tmp_path / "checks.ipynb", 4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(STUDENT))
    nbclient.NotebookClient(notebook, timeout=120).execute()
    assert utils.determine_grade(notebook.cells[1]) == (6.0, 8.0)
