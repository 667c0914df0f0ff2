"""What the workbench keeps in the store stays within its bound, and what is in use is not pulled away."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from assay.curate.web.columns import columns_of
from assay.curate.web.keeping import IN_USE_SECONDS, UNUSED_SECONDS, note_use, tidy
from assay.curate.web.lengths import lengths_of
from tests.curate.web.record_store import chat, curated, holder, write_rows


def kept(folder: Path, name: str, size: int, unused: float) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - unused,) * 2)
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_beyond_the_bound_the_least_recently_used_go_first(tmp_path: Path) -> None:
    for number in range(5):
        kept(tmp_path, f"lengths-{number}.i32", 100, 2 * IN_USE_SECONDS + number)
    tidy(tmp_path, most=250)
    assert names(tmp_path) == {"lengths-0.i32", "lengths-1.i32"}


def test_what_was_not_used_for_long_goes_and_what_is_in_use_stays_whatever_the_bound_says(tmp_path: Path) -> None:
    kept(tmp_path, "lengths-old.i32", 1, UNUSED_SECONDS + 60)
    kept(tmp_path, "meanings-used.npz", 1000, IN_USE_SECONDS / 2)
    kept(tmp_path, "lengths-small.i32", 1, 2 * IN_USE_SECONDS)
    kept(tmp_path, ".lengths-a.i32.abcd1234.tmp", 1, 2 * IN_USE_SECONDS)
    kept(tmp_path, ".lengths-b.i32.abcd1234.tmp", 1, 1)
    tidy(tmp_path, most=500)
    assert names(tmp_path) == {"meanings-used.npz", ".lengths-b.i32.abcd1234.tmp"}
    tidy(tmp_path / "nowhere")


def test_a_use_is_noted_and_keeps_a_file(tmp_path: Path) -> None:
    path = kept(tmp_path, "lengths-a.i32", 10, UNUSED_SECONDS + 60)
    note_use(path)
    tidy(tmp_path, most=5)
    assert path.is_file()
    note_use(tmp_path / "nowhere")


def test_a_list_by_length_notes_its_use_and_is_measured_again_where_the_file_is_gone(tmp_path: Path) -> None:
    write_rows(tmp_path / "data.jsonl", [chat("How?", "So."), chat("Why is that?", "Because.")])
    columns, cache = columns_of(curated(tmp_path, "data.jsonl").path), tmp_path / "cache"
    lengths = lengths_of(columns, cache)
    lengths.extend(60)
    (path,) = cache.iterdir()
    assert np.fromfile(path, np.int32).tolist() == [8, 21]
    os.utime(path, (1.0, 1.0))
    lengths_of(columns, cache)
    assert time.time() - path.stat().st_mtime < 60
    path.unlink()
    assert lengths_of(columns, cache).characters.tolist() == [8, 21]


def test_a_server_that_starts_tidies(tmp_path: Path) -> None:
    cache = tmp_path / ".assay" / "cache" / "workbench"
    old = kept(cache, "lengths-old.i32", 1, UNUSED_SECONDS + 60)
    with holder(tmp_path):
        until = time.monotonic() + 30
        while old.exists() and time.monotonic() < until:
            time.sleep(0.05)
    assert not old.exists()
