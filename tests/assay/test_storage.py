"""A reader sees the old file or the new one, never half of one."""

import errno
import os
from pathlib import Path
from typing import IO

import pytest

from assay.errors import StorageError
from assay.storage import GROUP_BYTES, sha256_file, sha256_folder, write_atomically, write_json, write_table, write_text


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_text(path, "old")

    def write(file: IO[bytes]) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, write)
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.json"]


def test_a_full_disk_is_one_line_that_says_nothing_was_left(tmp_path: Path) -> None:
    """/dev/full refuses every write as a full disk does."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")

    def write(file: IO[bytes]) -> None:
        with Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"x")

    with pytest.raises(StorageError, match=r"the disk is full.*make room"):
        write_atomically(tmp_path / "a", write)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_json(tmp_path / "file" / "a.json", {})


def test_files_get_the_permissions_that_a_plain_write_gives(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "x")
    (tmp_path / "b").write_text("x")
    assert os.stat(tmp_path / "a").st_mode == os.stat(tmp_path / "b").st_mode  # noqa: PTH116


def test_lone_surrogates_are_written_escaped(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "x\ud800")
    assert (tmp_path / "a").read_text() == "x\\ud800"


def test_a_folders_digest_names_each_file(tmp_path: Path) -> None:
    write_text(tmp_path / "sub" / "a", "x")
    assert sha256_folder(tmp_path) == {"sub/a": sha256_file(tmp_path / "sub" / "a")}


def test_the_errno_of_a_quota_counts_as_a_full_disk() -> None:
    from assay.errors import storage_error

    assert "the disk is full" in str(storage_error(OSError(errno.EDQUOT, "quota"), "writing a"))


def test_one_row_of_a_large_table_is_in_a_row_group_of_a_bounded_size(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"text": ["x" * 1000] * 40_000, "row": list(range(40_000))})
    write_table(table, tmp_path / "a.parquet")
    written = pq.ParquetFile(tmp_path / "a.parquet")
    groups = [written.metadata.row_group(number) for number in range(written.num_row_groups)]
    assert max(group.total_byte_size for group in groups) <= GROUP_BYTES
    assert pq.read_table(tmp_path / "a.parquet").equals(table)
    write_table(table.slice(0, 0), tmp_path / "empty.parquet")
    assert pq.read_table(tmp_path / "empty.parquet").num_rows == 0
