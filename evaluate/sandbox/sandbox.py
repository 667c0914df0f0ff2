"""Runs a program that a model wrote where it can do no harm: `child.py` has the walls.

They are tried before the first program is run: a program that looks for a way out must find none. Where they cannot be
had (not Linux, a kernel older than 5.12, user namespaces switched off, as in many containers) nothing is run at all.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import select
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from assay.errors import SuiteError

from .child import AUDIT_ARCH

CHILD = Path(__file__).with_name("child.py")
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/etc/localtime")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
MOST_ANSWER = 65_536
"""Bytes of the child's answer that are read."""


@dataclass(frozen=True)
class Limits:
    """seconds of the processor; a program that waits is ended after twice as many and five. Sizes in bytes."""

    seconds: int = 10
    memory: int = 1 << 30
    file_size: int = 16 << 20


@dataclass(frozen=True)
class Outcome:
    """How many of the tests passed, and what went wrong first, "" where nothing did."""

    passed: int
    failure: str


class WallsMissingError(Exception):
    """The walls could not be put up, so that nothing was run."""


def run_program(code: str, tests: tuple[str, ...], limits: Limits = Limits()) -> Outcome:
    """Runs the program and then each test in its namespace.

    A test passes when it raises nothing; none passes when the program itself raises, is killed by a limit, or ends the
    process. Raises WallsMissingError.
    """
    nonce = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        root = Path(folder) / "root"
        root.mkdir()
        request = {
            "code": code,
            "tests": tests,
            "nonce": nonce,
            "root": str(root),
            "binds": _binds(),
            "path": _import_path(),
            **vars(limits),
        }
        answer = _ask(Path(folder), request, 2 * limits.seconds + 5)
    if "refused" in answer:
        raise WallsMissingError(str(answer["refused"]))
    if answer.get("nonce") != nonce or not isinstance(answer.get("passed"), int):
        return Outcome(0, str(answer.get("failure", "ended before its tests did")))
    return Outcome(int(answer["passed"]), str(answer.get("failure", "")))


def _ask(folder: Path, request: dict[str, Any], seconds: float) -> dict[str, Any]:
    """What the child answered; {"failure": ...} where it answered nothing that can be read."""
    file = folder / "request.json"
    file.write_text(json.dumps(request), encoding="ascii")
    quiet = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    with file.open("rb") as stdin:
        child = subprocess.Popen(
            [sys.executable, "-S", "-B", "-s", "-P", str(CHILD.resolve())],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=quiet,
            start_new_session=True,
        )
    try:
        said = _read(child, time.monotonic() + seconds)
    finally:
        _end(child)
    if said is None:
        return {"failure": f"not done after {seconds:g} seconds"}
    try:
        answer = json.loads(said)
    except (ValueError, RecursionError):
        answer = None
    return answer if isinstance(answer, dict) else {"failure": "ended before its tests did, or by a limit"}


def _read(child: subprocess.Popen[bytes], until: float) -> bytes | None:
    """All that the child says, or None when the time is over: a program may also say without end."""
    assert child.stdout is not None
    said = b""
    while len(said) <= MOST_ANSWER:
        ready, _, _ = select.select([child.stdout], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return None
        part = os.read(child.stdout.fileno(), MOST_ANSWER)
        if not part:
            break
        said += part
    return said


def _end(child: subprocess.Popen[bytes]) -> None:
    """The child's own child, and the program, die with it (PR_SET_PDEATHSIG, and the end of their namespace)."""
    if child.poll() is None:
        child.send_signal(signal.SIGKILL)
    child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _binds() -> list[str]:
    """What of the machine's files a program may read: Python, its packages, and libraries."""
    python = [sys.base_prefix, sys.prefix, sys.base_exec_prefix, *_import_path()]
    wanted = [str(Path(path).resolve()) for path in python if Path(path).exists()]
    kept = [path for path in LIBRARIES if Path(path).exists()]
    for path in sorted(set(wanted), key=len):
        if not any(Path(path).is_relative_to(Path(other).resolve()) for other in kept):
            kept.append(path)
    return [*sorted(kept, key=len), *(device for device in DEVICES if Path(device).exists())]


def _import_path() -> list[str]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    paths = sysconfig.get_paths()
    dynamic = sysconfig.get_config_var("DESTSHARED")
    found = [*(paths[name] for name in names), *([dynamic] if dynamic else [])]
    return list(dict.fromkeys(str(Path(path).resolve()) for path in found))


def require_walls() -> None:
    """Raises SuiteError, one line, where code cannot be run safely."""
    reason = why_no_walls()
    if reason is not None:
        raise SuiteError(
            f"code that a model wrote cannot be walled in here: {reason}",
            fix="run on Linux 5.12 or newer with user namespaces, or leave the suite out; it is never run unprotected",
        )


@cache
def why_no_walls() -> str | None:
    """None where the walls hold: a program that tries what it must not do was run, and failed at all of it."""
    if sys.platform != "linux" or platform.machine() not in AUDIT_ARCH:
        return f"it takes Linux on x86-64 or ARM64, and this is {sys.platform} on {platform.machine()}"
    home = _home()
    around = [path for path in _binds() if home is not None and home.is_relative_to(path)]
    if around:
        return f"the home folder lies in {around[0]}, where Python is"
    try:
        outcome = run_program("", tuple(_escapes(home)), Limits(seconds=10))
    except WallsMissingError as error:
        return str(error)
    return outcome.failure or None


def _home() -> Path | None:
    """None for users who have none of their own, as in some containers."""
    try:
        home = Path.home().resolve()
    except RuntimeError:
        return None
    return home if home != Path("/") else None


def _escapes(home: Path | None) -> list[str]:
    """Tests that pass when there is no way out."""
    kept = [Path(path) for path in _binds() if home is not None and Path(path).is_relative_to(home)]
    inside = {path.relative_to(home or "/").parts[0] for path in kept}
    where = str(home or "/nowhere")
    listing = f"import os; seen = os.listdir({where!r}) if os.path.isdir({where!r}) else []"
    refused = "\ntry:\n    {}\nexcept OSError:\n    pass\nelse:\n    raise AssertionError({!r})"
    return [
        f"{listing}\nassert set(seen) <= {inside!r}, 'the home folder can be read'",
        "import os" + refused.format("os.fork()", "a process can be started"),
        "import os" + refused.format(f"os.execv({sys.executable!r}, ['x'])", "a program can be started"),
        "import socket" + refused.format("socket.socket().connect(('127.0.0.1', 9))", "there is a network"),
        "import os" + refused.format(f"open({sys.prefix!r} + '/written', 'w')", "files outside can be written"),
        "import os; assert not os.path.exists('/proc/self') and os.getppid() == 1, 'other processes can be seen'",
        "import resource; assert resource.getrlimit(resource.RLIMIT_AS)[1] > 0, 'memory has no limit'",
        "import math, json, decimal, ctypes",
    ]
