"""One `assay` command as a process of its own, which outlives the server and the browser that asked for it.

    python -P -m assay.train.web.process FOLDER NAME ARGUMENT...

FOLDER/NAME is held while it runs, so that a second one ends at once; what it says is in FOLDER/NAME/log.txt and how
it ended in FOLDER/NAME/ended.json.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from assay.errors import RunError
from assay.locks import held
from assay.storage import write_json

LOG, ENDED = "log.txt", "ended.json"
KEPT = "kept"
"""An empty file by which the folder stays when the process ends."""


def start(folder: Path, project: Path, module: str, arguments: Sequence[str]) -> None:
    """module, which has a `main(arguments)`, in `project`; returns at once. A process that holds the folder goes on.

    Nothing of it is a shell's: arguments are handed over as they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / KEPT).touch()
    command = [sys.executable, "-P", "-m", __name__, str(folder.resolve()), module, *arguments]
    process = subprocess.Popen(
        command,
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    threading.Thread(target=process.wait, daemon=True).start()  # else it would stay a zombie while the server lives


def wait_until_begun(folder: Path, since: float, seconds: float = 5.0) -> None:
    """Until a process holds the folder, or has ended since then (`time.time`), or so long."""
    from assay.locks import is_held

    for _ in range(int(seconds / 0.05)):
        ended = folder / ENDED
        if is_held(folder) or (ended.is_file() and ended.stat().st_mtime >= since):
            return
        time.sleep(0.05)


def main() -> int:
    folder, module, *arguments = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a script started the server beside itself
    try:
        with held(Path(folder), "this training"):
            return _run(Path(folder), module, arguments)
    except RunError:
        return 1


def _run(folder: Path, module: str, arguments: Sequence[str]) -> int:
    import importlib

    (folder / ENDED).unlink(missing_ok=True)
    log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = 70
    try:
        importlib.import_module(module).main(list(arguments))
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except KeyboardInterrupt:
        code = 130
    finally:
        write_json(folder / ENDED, {"code": code})
    return code


if __name__ == "__main__":
    sys.exit(main())
