"""One process writes a folder at a time, and what belongs together is replaced together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay.errors import RunError, StorageError
from assay.locks import held, holder, is_held, replaced_together
from assay.storage import write_text

NAMES = ("items.txt", "notes.txt", "header.txt")


def put(folder: Path, **texts: str) -> None:
    with held(folder, "this folder"), replaced_together(folder, NAMES) as place:
        for name, text in texts.items():
            write_text(place / f"{name}.txt", text)


def found(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_the_second_is_told_who_holds_it_and_nothing_is_left_afterwards(tmp_path: Path) -> None:
    with held(tmp_path / "out", "this folder"):
        with pytest.raises(RunError) as refused, held(tmp_path / "out", "this folder"):
            pass
        assert f"another assay process is working on this folder (process {os.getpid()}, since 2" in str(refused.value)
        (tmp_path / "out" / "result").touch()
    assert found(tmp_path / "out") == {"result": ""}
    with held(tmp_path / "out", "this folder"):
        pass


def test_a_folder_in_which_nothing_was_written_is_not_left(tmp_path: Path) -> None:
    with pytest.raises(KeyError), held(tmp_path / "a" / "b", "this folder"):
        raise KeyError
    assert not (tmp_path / "a").exists()
    (tmp_path / "there").mkdir()
    with held(tmp_path / "there", "this folder"):
        pass
    assert (tmp_path / "there").is_dir()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="the folder cannot be made"), held(tmp_path / "file" / "out", "this folder"):
        pass


KILLED = """
import sys, time
from pathlib import Path
from assay.locks import held, holder, is_held, replaced_together
with held(Path("out"), "this folder"), replaced_together(Path("out"), ("items.txt", "header.txt")) as place:
    (place / "items.txt").write_text("half")
    Path("out/.items.txt.abcd1234.tmp").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


def test_a_killed_writer_holds_nothing_and_what_it_left_is_swept_by_the_next(tmp_path: Path) -> None:
    put(tmp_path / "out", items="old", header="old")
    with subprocess.Popen([sys.executable, "-c", KILLED], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "writing\n"
        with pytest.raises(RunError, match=f"process {writer.pid}"), held(tmp_path / "out", "this folder"):
            pass
        writer.send_signal(signal.SIGKILL)
    kept = found(tmp_path / "out" / ".assay-new") | {
        name: (tmp_path / "out" / name).read_text() for name in ("items.txt", "header.txt")
    }
    assert kept == {"items.txt": "old", "header.txt": "old"}, "nothing was replaced yet"
    put(tmp_path / "out", items="new", header="new")
    assert found(tmp_path / "out") == {"items.txt": "new", "header.txt": "new"}


def test_what_is_not_written_anew_goes_with_the_rest(tmp_path: Path) -> None:
    put(tmp_path, items="old", notes="old", header="old")
    (tmp_path / "mine.txt").write_text("stays")
    put(tmp_path, items="new", header="new")
    assert found(tmp_path) == {"items.txt": "new", "header.txt": "new", "mine.txt": "stays"}


def test_nothing_changes_where_writing_fails(tmp_path: Path) -> None:
    put(tmp_path, items="old", header="old")
    with pytest.raises(StorageError), replaced_together(tmp_path, NAMES) as place:
        write_text(place / "items.txt", "new")
        raise StorageError("the disk is full")
    assert found(tmp_path) == {"items.txt": "old", "header.txt": "old"}


def test_between_two_replacements_the_folder_does_not_look_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, items="old", notes="old", header="old")
    seen: list[set[str]] = []
    real = os.replace

    def replace(source: str | Path, target: str | Path) -> None:
        if Path(target).parent == tmp_path:
            seen.append({path.name for path in tmp_path.iterdir() if path.suffix == ".txt"})
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    put(tmp_path, items="new", notes="new", header="new")
    assert len(seen) == 3 and all("header.txt" not in names for names in seen)


def test_many_at_once_take_turns_or_are_refused(tmp_path: Path) -> None:
    """Each that gets the folder finds it as the one before left it."""
    script = (
        "import sys; from pathlib import Path; from assay.locks import held; from assay.errors import RunError\n"
        "done = 0\n"
        "while done < 40:\n"
        "    try:\n"
        "        with held(Path('out'), 'it'):\n"
        "            file = Path('out/count'); n = int(file.read_text()) if file.exists() else 0\n"
        "            file.write_text(str(n + 1)); done += 1\n"
        "    except RunError: pass\n"
    )
    started = time.monotonic()
    several = [subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path) for _ in range(3)]
    assert [process.wait(timeout=60) for process in several] == [0, 0, 0], time.monotonic() - started
    assert (tmp_path / "out" / "count").read_text() == "120"


def test_a_folder_is_held_by_a_living_process_alone(tmp_path: Path) -> None:
    assert (is_held(tmp_path), holder(tmp_path)) == (False, None)
    holding = subprocess.Popen([sys.executable, "-c", HOLDING, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holding.stdout is not None
    assert holding.stdout.readline() == "held\n"
    assert (is_held(tmp_path), holder(tmp_path)) == (True, holding.pid)
    holding.kill()
    holding.wait()
    assert {".lock", ".holder.json"} <= set(found(tmp_path))
    assert (is_held(tmp_path), holder(tmp_path)) == (False, None)


def test_who_is_named_as_holder_and_holds_nothing_is_not_it(tmp_path: Path) -> None:
    with held(tmp_path, "this folder"):
        (tmp_path / ".holder.json").write_text('{"process": 1, "since": ""}')
        assert (is_held(tmp_path), holder(tmp_path)) == (True, None)


HOLDING = """
import sys, time
from pathlib import Path
from assay.locks import held
with held(Path(sys.argv[1]), "this folder"):
    print("held", flush=True)
    time.sleep(60)
"""
