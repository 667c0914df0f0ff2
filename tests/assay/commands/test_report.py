"""What `-o` of another stage wrote has no page in the workbench, and the line says where to look instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.cli import main


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("gate.html", "gate.html, which `assay gate` wrote"),
        ("evaluation.json", "--policy policy.yaml -o release` writes the page of its verdict"),
    ],
)
def test_a_folder_of_a_verdict_or_an_evaluation_says_where_its_page_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], file: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / file).write_text("{}")
    with pytest.raises(SystemExit) as ended:
        main(["report", "given"])
    assert ended.value.code == 2
    shown = capsys.readouterr().err.strip()
    assert said in shown and "curated" not in shown and "\n" not in shown
