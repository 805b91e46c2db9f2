"""What a student's code can do to the run that tests it: cost its own test, and nothing else."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn.errors import DataError, OptionError
from minicnn.testing import check_linear, check_relu
from minicnn.testing.sandbox import LimitError, Sandbox, StudentError, child

pytest.importorskip("resource", reason="processes are limited on Linux and macOS only")

CODE = '''
import os, time
import numpy as np

def linear(x, w, b=None):
    return x @ w.T + (0 if b is None else b), (x, w)

def linear_back(g, cache):
    x, w = cache
    rows = g.reshape(-1, g.shape[-1])
    return g @ w, rows.T @ x.reshape(-1, x.shape[-1]), rows.sum(0)

def loop():
    while True:
        pass

def sleep():
    time.sleep(60)

def huge():
    return np.ones(1 << 34)

def leave():
    os._exit(3)

def exits():
    raise SystemExit

def segfault():
    import ctypes
    ctypes.string_at(0)

def flood():
    while True:
        print("x" * 1000)

def wrong():
    print("so far")
    raise KeyError("\\x1b[31mred")

def fill(x):
    x[...] = 7

def strides(x):
    return x.strides

def engine():
    import minicnn

def runaway():
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            os.write(writing, b"x")
            time.sleep(60)
        os._exit(0)
    os.read(reading, 1)

def write(path):
    with open(path, "w") as file:
        file.write("score: 100")

def forge(message):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, message.tobytes())
        except OSError:
            pass

def who():
    return os.getuid()

def thing():
    return object()

def nested(x):
    return {"a": (1, [x, None, "s", 2.5]), "n": np.float32(1.5), "nan": float("nan")}
'''


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("student") / "student.py"
    file.write_text(CODE, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def shared(path: Path) -> Iterator[Sandbox]:
    with Sandbox(path, time_limit=1.5, memory_limit=1 << 28, output_limit=10_000) as box:
        yield box


@pytest.fixture
def box(shared: Sandbox) -> Sandbox:
    shared.begin()
    return shared


def test_values_go_there_and_back(box: Sandbox) -> None:
    x = np.arange(3.0)
    found = box.functions.nested(x)
    assert found["a"][1][1:] == [None, "s", 2.5]
    assert found["a"][1][0].tolist() == [0.0, 1.0, 2.0]
    assert found["n"] == np.float32(1.5) and found["n"].dtype == np.float32
    assert np.isnan(found["nan"])
    box.functions.fill(x)
    assert x.tolist() == [7.0, 7.0, 7.0]


@pytest.mark.parametrize("array", [np.asfortranarray(np.ones((2, 3))), np.ones((4, 6))[::-1, ::2],
                                   np.broadcast_to(1.0, (2, 3)), np.ones((0, 3))])  # fmt: skip
def test_memory_orders_arrive(box: Sandbox, array: Any) -> None:
    assert box.functions.strides(array) == array.strides


def test_a_forward_keeps_its_cache_for_its_backward(box: Sandbox) -> None:
    forward, backward = box.pair("linear", "linear_back")
    x, w = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])
    first, one = forward(x, w)
    second, two = forward(2 * x, w)
    assert (first.tolist(), second.tolist()) == ([[11.0]], [[22.0]])
    assert backward(np.ones((1, 1)), one)[1].tolist() == [[1.0, 2.0]]
    assert backward(np.ones((1, 1)), two)[1].tolist() == [[2.0, 4.0]]


@pytest.mark.parametrize(("name", "kind", "says"), [
    ("loop", "time", "loop: took longer than 1.5 s"),
    ("sleep", "time", "sleep: took longer than 1.5 s"),
    ("huge", "memory", "huge: took more memory than it may"),
    ("leave", "crash", "leave: ended its process: exit status 3"),
    ("segfault", "crash", "segfault: ended its process: killed by SIGSEGV"),
    ("flood", "output", "flood: printed more than 10000 bytes"),
])  # fmt: skip
def test_what_is_over_a_limit_ends_and_the_next_call_works(box: Sandbox, name: str, kind: str, says: str) -> None:
    start = time.monotonic()
    with pytest.raises(LimitError) as caught:
        getattr(box.functions, name)()
    assert time.monotonic() - start < 10
    assert caught.value.kind == kind
    assert str(caught.value).startswith(says)
    box.begin()
    assert box.functions.strides(np.ones(2)) == (8,)


def test_all_calls_of_a_test_share_its_time(path: Path) -> None:
    with Sandbox({"nap": lambda: time.sleep(0.5)}, time_limit=0.9) as box:
        box.functions.nap()
        with pytest.raises(LimitError, match=r"longer than 0\.9 s"):
            box.functions.nap()


@pytest.mark.parametrize(("name", "says"), [
    ("wrong", "wrong: KeyError: '\\x1b[31mred' (student.py, line 39)"),
    ("exits", "exits: SystemExit"),
    ("engine", "engine: ModuleNotFoundError: import of minicnn halted"),
    ("thing", "thing: TypeError: a object came where arrays and numbers are due"),
    ("absent", "absent: KeyError: 'absent'"),
])  # fmt: skip
def test_errors_are_told_with_the_students_line(box: Sandbox, name: str, says: str) -> None:
    with pytest.raises(StudentError) as caught:
        getattr(box.functions, name)()
    assert str(caught.value).startswith(says)
    assert not isinstance(caught.value, LimitError)


def test_it_writes_no_files(box: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(StudentError, match="OSError"):
        box.functions.write(str(tmp_path / "results.json"))
    assert (tmp_path / "results.json").read_text() == ""


FORGED = {
    "not a message": b"\0" * 64,
    "a header that is no JSON": struct.pack(">Q", 4) + b"evil" * 9,
    "an endless header": struct.pack(">Q", 1 << 60) + b"x" * 64,
    "too many bytes": struct.pack(">Q", 62) + b'{"body": {"array": 0}, "arrays": [["<f8", [999999999], null]]}',
    "an object array": struct.pack(">Q", 53) + b'{"body": {"array": 0}, "arrays": [["|O", [1], null]]}' + b"x" * 8,
    "an answer of nothing": child.packed([1]),
    "a deep one": struct.pack(">Q", 400_000) + b"[" * 400_000,
}  # fmt: skip


@pytest.mark.parametrize("message", FORGED.values(), ids=FORGED)
def test_what_is_written_to_the_line_is_no_more_than_an_answer(box: Sandbox, message: bytes) -> None:
    with pytest.raises(LimitError, match=r"an answer that is none|took longer|ended its process"):
        box.functions.forge(np.frombuffer(message, np.uint8))


def test_a_process_that_leaves_its_group_and_session_is_ended(tmp_path: Path) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("orphans are found through /proc")
    (tmp_path / "student.py").write_text(CODE, encoding="utf-8")
    with Sandbox(tmp_path / "student.py") as box:
        try:
            box.functions.runaway()
        except StudentError as error:  # who is not root cannot start processes there at all
            assert "BlockingIOError" in str(error)
        else:
            assert len(_working_in(tmp_path)) >= 2
    assert _working_in(tmp_path) == []


def _working_in(folder: Path) -> list[str]:
    """The processes whose working directory this is."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.readlink(process / "cwd") == str(folder):
                found.append(process.name)
    return found


def test_a_file_that_does_not_load_says_so_once(tmp_path: Path) -> None:
    for code, says in (("import nothing_of_this_name", "ModuleNotFoundError"), ("def f(:", "SyntaxError"),
                       ("while True: pass", "took longer than 1 s")):  # fmt: skip
        file = tmp_path / "broken.py"
        file.write_text(code)
        with Sandbox(file, time_limit=1) as box:
            for _ in range(2):
                with pytest.raises(StudentError, match=r"broken\.py: ") as caught:
                    box.functions.f()
                assert says in str(caught.value)
    with pytest.raises(DataError, match="not there"):
        Sandbox(tmp_path / "absent.py")
    with pytest.raises(OptionError, match="no such user"), Sandbox(file, user="nobody-of-this-name") as box:
        box.functions.f()


def test_root_can_have_the_code_run_by_nobody(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may run code as somebody else")
    try:
        with Sandbox(path, user="nobody") as box:
            assert box.functions.who() != 0
    except OptionError as error:  # a Python in root's home is for root only
        assert "nobody cannot run the code" in str(error)


def test_without_limits_in_the_system_all_but_the_sandbox_works() -> None:
    code = ("import sys; sys.modules['resource'] = None\n"
            "from minicnn.testing import Sandbox, check_relu\n"
            "print(check_relu(lambda x: x * (x > 0), examples=2).score)\n"
            "try:\n    Sandbox({})\nexcept RuntimeError as e:\n    print(e)")  # fmt: skip
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.startswith("1.0\nSandbox: this system cannot limit a process")


def test_checks_take_limits(box: Sandbox) -> None:
    def stuck(x: Any, w: Any, b: Any) -> Any:
        while x.size > 2:
            pass
        return x @ w.T + (0 if b is None else b), (x, w)

    def back(g: Any, cache: Any) -> Any:
        x, w = cache
        return g @ w, g.reshape(-1, g.shape[-1]).T @ x.reshape(-1, x.shape[-1]), g.reshape(-1, g.shape[-1]).sum(0)

    found = check_linear(stuck, back, examples=20, time_limit=0.3, tests=["values", "gradients"])
    assert [r.passed for r in found.results] == [False] * 4
    assert all("stuck: took longer than 0.3 s" in r.why for r in found.results)
    forms = [(lambda x: (x * (x > 0), x), lambda g, x: g * (x > 0)), (mc.relu,)]
    for form in forms:
        assert check_relu(*form, examples=10, time_limit=10, memory_limit=1 << 28).score == 1.0
    found = check_linear(*box.pair("linear", "linear_back"), examples=20, tests=["values", "gradients"])
    assert found.score == 1.0


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")
def test_afterwards_orphans_of_others_are_not_adopted(path: Path) -> None:
    code = """
import ctypes, sys
from minicnn.testing.sandbox import Sandbox

def adopts():
    found = ctypes.c_int(-1)
    ctypes.CDLL(None).prctl(37, ctypes.byref(found), 0, 0, 0)  # PR_GET_CHILD_SUBREAPER
    return found.value

before = adopts()
with Sandbox(sys.argv[1]) as box:
    box.functions.strides
    box.begin()
    box.functions.who()
    within = adopts()
print(before, within, adopts())
"""
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["0", "1", "0"]


def test_a_system_may_have_limits_of_its_own() -> None:
    script = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, (700, 800))
resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))
from minicnn.testing.sandbox import Sandbox
limits = lambda: (resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_AS))
for seconds, memory in ((5, 1 << 30), (900, 1 << 41), (None, None)):
    with Sandbox({"limits": limits}, time_limit=seconds, memory_limit=memory) as box:
        (soft, hard), (bytes, most) = box.functions.limits()
        print(soft < 20, soft <= hard == 800, bytes < 1 << 36, bytes == most <= 1 << 40)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout.splitlines(), done.stderr) == (
        ["True True True True", "False True False True", "False True False True"], "")  # fmt: skip
