"""What a process said last: as a terminal would show it, without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.train.web.output import READ, last_lines


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"one\ntwo\n", "one\ntwo"),
        (b"10 %\r55 %\r100 %\ndone\n", "100 %\ndone"),
        (b"loading\r", "loading"),
        (b"\x1b[31mred\x1b[0m \x1b]0;title\x07and \x1b[2Kplain\n\n\n", "red and plain"),
        (b"\xff\xfe broken", "\ufffd\ufffd broken"),
        (b"", ""),
    ],
)
def test_it_is_shown_as_a_terminal_would(tmp_path: Path, written: bytes, shown: str) -> None:
    (tmp_path / "log.txt").write_bytes(written)
    assert last_lines(tmp_path / "log.txt") == shown


def test_of_a_long_log_the_last_whole_lines_are_read(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("".join(f"line {number:07}\n" for number in range(READ // 4)))
    found = last_lines(tmp_path / "log.txt", 3).split("\n")
    assert found == [f"line {number:07}" for number in range(READ // 4 - 3, READ // 4)]


def test_there_may_be_none(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "nowhere") == ""


def test_no_secret_of_the_environment_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefghijkl")
    monkeypatch.setenv("SERVICE_API_KEY", "a?b&c/d+e=f")
    (tmp_path / "log.txt").write_text("asked with hf_abcdefghijkl at https://host/?key=a?b&c/d+e=f\n")
    assert last_lines(tmp_path / "log.txt") == "asked with (HF_TOKEN) at https://host/?key=(SERVICE_API_KEY)"
