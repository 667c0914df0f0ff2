"""Programs that a model might write, the harmful ones as well: none gets out, and none takes the evaluation along."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from assay.errors import SuiteError
from assay.evaluate.sandbox import sandbox
from assay.evaluate.sandbox.sandbox import Limits, Outcome, require_walls, run_program, why_no_walls
from assay.evaluate.scorer import make_scorer, rescore_with_code
from assay.evaluate.scorers.code_run import program_in

walled = pytest.mark.skipif(why_no_walls() is not None, reason=f"no walls here: {why_no_walls()}")
QUICK = Limits(seconds=1, memory=256 << 20)


@walled
def test_a_test_passes_when_it_raises_nothing() -> None:
    outcome = run_program("def add(a, b):\n    return a + b", ("assert add(1, 2) == 3", "assert add(1, 2) == 4"))
    assert outcome == Outcome(1, "test 2: AssertionError: ")


@walled
@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("raise ValueError('no')", "the program: ValueError: no"),
        ("def f(:", "the program: SyntaxError"),
        ("import sys; sys.exit(0)", "the program: SystemExit"),
        ("import os; os._exit(0)", "ended before its tests did"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended before its tests did"),
        ("import ctypes; ctypes.string_at(0)", "ended before its tests did"),
        ("x = '\ud800'", "the program: UnicodeEncodeError"),
        ("\0", "the program: "),
        ("def f(): f()\nf()", "the program: RecursionError"),
        ("while True: pass", "by a limit"),
        ("x = 'a' * (1 << 40)", "the program: MemoryError"),
        ("x = []\nwhile True: x.append('a' * 1000000)", "MemoryError"),
        ("import builtins\nbuiltins.compile = builtins.exec = None\nraise KeyError", "the program: KeyError"),
    ],
)
def test_a_program_that_does_not_end_well_passes_nothing(code: str, failure: str) -> None:
    outcome = run_program(code, ("pass",), QUICK)
    assert outcome.passed == 0 and failure in outcome.failure


@walled
def test_a_program_that_waits_is_ended() -> None:
    begun = time.monotonic()
    outcome = run_program("import time; time.sleep(600)", ("pass",), QUICK)
    assert outcome == Outcome(0, "not done after 7 seconds") and time.monotonic() - begun < 30


ESCAPES = {
    "fork": "import os; os.fork()",
    "spawn": "import subprocess; subprocess.run(['/bin/true'])",
    "system": "import os; assert os.system('true') != 0; raise OSError",
    "multiprocessing": "import multiprocessing as m; p = m.get_context('fork').Process(target=print); p.start()",
    "exec": "import os, sys; os.execv(sys.executable, [sys.executable, '-c', ''])",
    "network": "import socket; socket.create_connection(('127.0.0.1', 22), 1)",
    "name": "import urllib.request; urllib.request.urlopen('http://example.com', timeout=1)",
    "unix socket": "import socket; socket.socket(socket.AF_UNIX).connect('/run/docker.sock')",
    "home": f"import os; open({str(Path.home() / '.bashrc')!r}).read()",
    "passwords": "open('/etc/passwd').read()",
    "processes": "import os; os.listdir('/proc')",
    "kill": "import os, signal; os.kill(os.getppid() + 5000, signal.SIGTERM)",
    "write": "import os; open(os.__file__, 'a')",
    "remove": "import os; os.remove(os.__file__)",
    "disk": "open('/dev/sda', 'rb')",
    "large file": "open('x', 'wb').write(b'0' * (17 << 20))",
    "many files": "for n in range(90): open(str(n), 'wb').write(b'0' * (1 << 20))",
    "mount": (
        "import ctypes; c = ctypes.CDLL(None, use_errno=True)\n"
        "if c.mount(b'none', b'/', b'tmpfs', 0, b''): raise OSError(ctypes.get_errno())"
    ),
    "unshare": (
        "import ctypes; c = ctypes.CDLL(None, use_errno=True)\n"
        "if c.unshare(0x10000000): raise OSError(ctypes.get_errno())"
    ),
    "memory beside the limit": "import os; os.memfd_create('x')",
    "shared memory": (
        "import ctypes; c = ctypes.CDLL(None, use_errno=True)\n"
        "if c.shmget(0, 1 << 20, 0o1600) < 0: raise OSError(ctypes.get_errno())"
    ),
    "more memory": "import resource as r; r.setrlimit(r.RLIMIT_AS, (1 << 40, 1 << 40))",
}


@walled
@pytest.mark.parametrize("name", ESCAPES)
def test_there_is_no_way_out(name: str) -> None:
    attempt = f"try:\n    exec({ESCAPES[name]!r})\nexcept (OSError, ValueError):\n    pass\n"
    code = f"{attempt}else:\n    raise SystemError('out')"
    assert run_program(code, ("pass",), Limits(seconds=3)) == Outcome(1, "")


@walled
def test_what_is_left_outside_is_as_it_was(tmp_path: Path) -> None:
    before = {path.name for path in Path("/tmp").glob("assay-*")}
    run_program(f"import os\ntry:\n    open({str(tmp_path / 'x')!r}, 'w')\nexcept OSError:\n    pass", ("pass",))
    assert not (tmp_path / "x").exists() and {path.name for path in Path("/tmp").glob("assay-*")} == before
    mounts = Path("/proc/self/mounts").read_text()
    assert "assay-" not in mounts


@walled
def test_a_flood_of_output_is_not_kept() -> None:
    write = "    try:\n        while True: os.write(d, b'x' * 65536)\n    except OSError: pass"
    flood = f"import os\nfor d in range(3, 64):\n{write}"
    assert run_program(flood, ("pass",), QUICK).passed == 0
    assert run_program("for _ in range(10000): print('x' * 1000)", ("pass",), QUICK).passed == 1


@walled
def test_threads_and_libraries_work_and_the_environment_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    code = "import threading, numpy, os\nt = threading.Thread(target=lambda: None); t.start(); t.join()\n"
    tests = ("assert numpy.arange(3).sum() == 3", "assert 'HF_TOKEN' not in os.environ", "open('a', 'w').write('x')")
    assert run_program(code, tests) == Outcome(3, "")


@walled
def test_programs_may_run_from_several_threads_of_a_process() -> None:
    outcomes: list[Outcome] = []
    threads = [
        threading.Thread(target=lambda n=n: outcomes.append(run_program(f"x = {n}", (f"assert x == {n}",))))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [Outcome(1, "")] * 4


@pytest.mark.skipif(not shutil.which("unshare") or os.name != "posix", reason="no unshare(1) to switch namespaces off")
def test_where_the_walls_cannot_be_had_nothing_is_run_and_one_line_says_why(tmp_path: Path) -> None:
    """In a user namespace whose owner has set the number of further ones to none."""
    script = (
        "from assay.evaluate.sandbox.sandbox import require_walls, run_program, WallsMissingError\n"
        "from assay.errors import SuiteError\n"
        "try:\n    require_walls()\nexcept SuiteError as error:\n    print(error)\n"
        f"try:\n    run_program(\"open({str(tmp_path / 'ran')!r}, 'w')\", ())\n"
        "except WallsMissingError:\n    print('not run')\n"
    )
    command = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" -c "$1"'
    done = subprocess.run(
        ["unshare", "-Ur", "sh", "-c", command, sys.executable, script], capture_output=True, text=True, check=False
    )
    if "max_user_namespaces" in done.stderr or "unshare" in done.stderr:
        pytest.skip(done.stderr)
    first, second = done.stdout.splitlines()
    assert "cannot be walled in here: no namespaces of its own" in first and "never run unprotected" in first
    assert second == "not run" and not (tmp_path / "ran").exists()


@walled
def test_a_user_without_a_home_of_his_own_is_served_and_one_who_has_python_around_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    try:
        for home, expected in (("/", None), (sys.prefix, "the home folder lies in"), ("/nobody/here", None)):
            why_no_walls.cache_clear()
            monkeypatch.setenv("HOME", home)
            assert (why_no_walls() or "").startswith(expected or "") and (why_no_walls() is None) == (expected is None)
    finally:
        why_no_walls.cache_clear()


def test_another_system_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    why_no_walls.cache_clear()
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    with pytest.raises(SuiteError, match="it takes Linux on x86-64 or ARM64, and this is darwin"):
        require_walls()
    why_no_walls.cache_clear()


TESTS = {"tests": ["assert add(1, 2) == 3", "assert add('a', 'b') == 'ab'"]}


@walled
@pytest.mark.parametrize(
    ("output", "settings", "expected"),
    [
        ("Here:\n```python\ndef add(a, b):\n    return a + b\n```\nUse it so:\n```python\nadd(1)\n```", {}, 1),
        ("def add(a, b):\n    return a + b", {}, 1),
        ("```python\ndef add(a, b):\n    return a + b", {}, 1),
        ("def add(a, b):\n    return int(a) + b", {}, 0),
        ("def add(a, b):\n    return int(a) + b", {"partial_credit": True}, 0.5),
        ("I cannot write code.", {}, 0),
        ("", {}, 0),
    ],
)
def test_code_run(output: str, settings: dict[str, bool], expected: float) -> None:
    scoring = make_scorer("code_run", settings, "here", allow_code=True)
    assert scoring(output, "", context=TESTS) == expected


@pytest.mark.parametrize(
    ("output", "program"),
    [
        ("```bash\npip install x\n```\n```py\nx = 1\n```", "x = 1\n"),
        ("```\nx = 1\n```", "x = 1\n"),
        ("```Python title\nx = '```'\n```", "x = '```'\n"),
        ("x = 1", "x = 1"),
    ],
)
def test_the_program_of_an_answer(output: str, program: str) -> None:
    assert program_in(output) == program


@walled
def test_stored_programs_are_scored_again_where_that_is_allowed() -> None:
    from assay.evaluate.evaluation import SuiteResult

    result = SuiteResult("s", "suite", (), None, True, "0", {"name": "code_run", "seconds": 2})
    context = '{"tests": ["assert x == 1"]}'
    assert rescore_with_code(result, ["x = 1", "x = 2"], ["x = 1"] * 2, [context] * 2) == [1.0, 0.0]


def test_without_leave_the_line_names_the_option() -> None:
    with pytest.raises(SuiteError, match=r"here: the scorer 'code_run' runs code.*give --allow-code"):
        make_scorer("code_run", {}, "here")
