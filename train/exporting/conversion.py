"""Running the converter, and its failures as one line."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from assay.errors import ModelError, StorageError, missing_extra, storage_error
from assay.storage import write_json

from .converter import Converter
from .staging import Corrections

QUIET_SECONDS = 10.0
"""A conversion that is done sooner says nothing of its progress."""

KEPT = 200


def convert(
    converter: Converter,
    script: str,
    arguments: Sequence[str],
    corrections: Corrections,
    scratch: Path,
    say: Callable[[str], None],
) -> list[str]:
    """Runs a script of the converter in a process without network, keys or code of the model; its last lines.

    Raises ModelError, MissingExtraError or StorageError in one line when it fails.
    """
    told = scratch / "corrections.json"
    write_json(told, corrections.to_json())
    driver = Path(__file__).with_name("converter_driver.py")
    process = subprocess.Popen(
        [sys.executable, str(driver), str(told), str(converter.folder / script), *arguments],
        cwd=scratch,
        env=_environment(scratch),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    try:
        lines = _follow(process, say)
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode != 0:
        raise failure(lines, process.returncode, converter.origin)
    return lines


def _follow(process: subprocess.Popen[str], say: Callable[[str], None]) -> list[str]:
    """The last lines of stderr; a quarter of the writing is said as it is reached."""
    started, said = time.monotonic(), 0
    lines: list[str] = []
    assert process.stderr is not None
    with process.stderr:
        for text in process.stderr:  # a progress bar's carriage returns end lines too (universal newlines)
            lines = [*lines[-KEPT:], text.rstrip()]
            percent = re.match(r"Writing:\s+(\d+)%", text)
            quarter = int(percent[1]) // 25 if percent else 0
            if said < quarter < 4 and time.monotonic() - started > QUIET_SECONDS:
                said = quarter
                say(f"  {25 * quarter} % written")
    process.wait()
    return lines


def _environment(scratch: Path) -> dict[str, str]:
    """What Python needs to start and find its packages; no key goes along, and the hub's client asks no host."""
    kept = ("PATH", "PYTHONHOME", "SYSTEMROOT", "TMPDIR", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "OMP_NUM_THREADS")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PYTHONPATH": os.pathsep.join(place for place in sys.path if place),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HOME": str(scratch / "hub"),
        "TOKENIZERS_PARALLELISM": "false",
    }


def failure(lines: Sequence[str], code: int, origin: str) -> Exception:
    """The error for a converter that ended with `code`, from what it wrote last."""
    text = "\n".join(lines)
    if found := re.search(r"Model (\S+) is not supported", text):
        return ModelError(
            f"{origin} does not know the architecture {found[1]}", fix="give a newer checkout with --llama-cpp"
        )
    if "pre-tokenizer was not recognized" in text:
        return ModelError(
            f"{origin} does not know how this tokenizer splits text",
            fix="give a newer checkout with --llama-cpp; a GGUF whose tokens differ would be worth nothing",
        )
    if found := re.search(r"No module named '([\w.]+)'", text):
        return missing_extra("train", ModuleNotFoundError(name=found[1]))
    if "No space left on device" in text or "Disk quota exceeded" in text:
        return storage_error(OSError(errno.ENOSPC, "full"), "converting")
    if code < 0:
        return StorageError(
            f"the converter was killed (signal {-code})", fix="it may have wanted more memory than there is"
        )
    said = [line for line in lines if re.match(r"(\w+\.)*\w*(Error|Exception|Interrupt)\b|ERROR:", line)]
    last = (said or [line for line in lines if line.strip()] or ["no message"])[-1]
    return ModelError(f"{origin} failed: {last[:300]}", fix="another version can be given with --llama-cpp")
