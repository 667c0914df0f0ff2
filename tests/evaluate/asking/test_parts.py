"""Answers are found again by all that decides them, and by nothing else; half a file is no answer."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assay.errors import StorageError
from assay.evaluate.asking import parts
from assay.evaluate.asking.examination import Answer
from assay.evaluate.asking.parts import PartStore, part_key

ANSWERS = [
    Answer(1.0, "yes", -0.25, (-3.5, -0.25)),
    Answer(0.5, "half\nof ü it", None),
    Answer(0.0, "", None),
]


def test_answers_come_back_as_they_were_given(tmp_path: Path) -> None:
    store = PartStore(tmp_path / "answers")
    store.put("k", ANSWERS)
    assert store.get("k", 3) == ANSWERS


def test_another_number_of_answers_is_another_part(tmp_path: Path) -> None:
    store = PartStore(tmp_path)
    store.put("k", ANSWERS)
    assert store.get("k", 2) is None and store.get("other", 3) is None


@pytest.mark.parametrize("keep", [0, 10, -1])
def test_half_a_file_is_no_part(tmp_path: Path, keep: int) -> None:
    store = PartStore(tmp_path)
    store.put("k", ANSWERS)
    (path,) = tmp_path.glob("*.parquet")
    path.write_bytes(path.read_bytes()[:keep])
    assert store.get("k", 3) is None


def test_a_file_of_something_else_is_no_part(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"score": [1.0]}), tmp_path / "k.parquet")
    assert PartStore(tmp_path).get("k", 1) is None


def test_the_key_changes_with_everything_that_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    key = part_key(base="a", numbers=[1, 2])
    assert key == part_key(numbers=[1, 2], base="a")
    assert len({key, part_key(base="b", numbers=[1, 2]), part_key(base="a", numbers=[1])}) == 3
    monkeypatch.setattr(parts, "library_versions", lambda: {"torch": "0"})
    assert part_key(base="a", numbers=[1, 2]) != key


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        PartStore(tmp_path / "file" / "below").put("k", ANSWERS)


PUT = """
import sys, time
from pathlib import Path
from assay.evaluate.asking.parts import PartStore
folder = Path(sys.argv[1])
PartStore(folder).put("k1", [])
if len(sys.argv) > 2:
    (folder / ".k2.parquet.abcd1234.tmp").write_bytes(b"half")
    print("writing", flush=True)
    time.sleep(60)
"""


def test_what_a_killed_process_left_half_written_is_swept_once_nobody_writes(tmp_path: Path) -> None:
    half = tmp_path / ".k2.parquet.abcd1234.tmp"
    put = [sys.executable, "-c", PUT, str(tmp_path)]
    with subprocess.Popen([*put, "and wait"], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "writing\n"
        subprocess.run(put, check=True)
        assert half.exists(), "its writer is at work"
        writer.send_signal(signal.SIGKILL)
    assert half.exists()
    subprocess.run(put, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["k1.parquet"], "nor is a lock left"
