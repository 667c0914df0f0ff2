"""What `assay ui` was given and cannot show is one line; nothing is left out in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.cli import main


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a/out", "b/out", "one/runs", "two/runs"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere: is no folder; name a run store"),
        (["one", "two"], "two: is a second run store; one `assay ui` for each"),
        (["a/out", "b/out"], "a/out: has the name of another folder given"),
        (["-c", "nowhere.yaml"], "nowhere.yaml: cannot read settings (no such file)"),
    ],
)
def test_what_cannot_be_shown_is_one_line(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["ui", "--no-browser", *arguments])
    assert ended.value.code == 2
    shown = capsys.readouterr().err.strip()
    assert said in shown and "\n" not in shown
