"""`assay audit` with several models, templates alone, and records to show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from assay.errors import AssayError
from tests.curate.template.conftest import CHATML, NO_SYSTEM, Write


def run(*arguments: Any) -> Result:
    from assay.cli import cli

    return CliRunner().invoke(cli, ["audit", *map(str, arguments)])


def test_several_models_make_a_table(tiny_model: Path, template: Write, data: Path, tmp_path: Path) -> None:
    done = run(
        data, "--model", tiny_model, "--model", template("no_system", NO_SYSTEM), "-o", tmp_path / "out", "--json"
    )
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["templates"]["rows"]
    assert [(Path(row["model"]).name, row["judged"], row["fits"]) for row in rows] == [
        (tiny_model.name, "text and tokens", 3),
        ("no_system.jinja", "text alone", 2),
    ]
    table = pq.read_table(tmp_path / "out" / "template_matrix.parquet").to_pylist()
    assert len(table) == 6 and [row["fits"] for row in table[3:]] == [True, False, True]
    assert "no_system" in (tmp_path / "out" / "template_matrix.html").read_text()
    assert json.loads((tmp_path / "out" / "template_matrix.json").read_text())["rows"] == rows


def test_a_folder_of_templates_makes_a_table(template: Write, data: Path) -> None:
    folder = template("chatml", CHATML).parent
    template("no_system", NO_SYSTEM), template("broken", "{% for %}")
    done = run(data, "--templates", folder)
    assert done.exit_code == 0, done.output
    assert "no_system*" in done.stdout and "cannot be used" in done.stdout
    assert "no token was judged" in done.stdout


def test_a_template_alone_is_a_model_whose_tokens_are_not_judged(template: Write, data: Path) -> None:
    done = run(data, "--model", template("chatml", CHATML), "--json")
    out = json.loads(done.stdout)
    assert out["templates"]["rows"][0]["judged"] == "text alone"
    assert "no target model" in out["not_judged"]["prompt_prefix"]


def test_one_model_makes_no_table(tiny_model: Path, data: Path) -> None:
    assert "templates" not in json.loads(run(data, "--model", tiny_model, "--json").stdout)


def test_a_record_is_shown_under_each_model(tiny_model: Path, template: Write, data: Path) -> None:
    other = template("chatml", CHATML)
    done = run(data, "--model", tiny_model, "--model", other, "--show", f"{data}:2", "--json")
    assert done.exit_code == 0, done.output
    first, second = json.loads(done.stdout)["shown"]
    assert (first["tokens_judged"], second["tokens_judged"]) == (True, False)
    assert first["source"]["line"] == second["source"]["line"] == 2
    assert "".join(token["text"] for token in first["tokens"]).startswith("<|im_start|>system\nbe brief")
    shown = run(data, "--model", tiny_model, "--show", f"{data.name}:1")
    assert "turn 1 assistant" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--show", "nothing"], "--model NAME"),
        (["--model", "TINY", "--show", "nothing"], "no record nothing"),
        (["--model", "nowhere.jinja"], "nowhere.jinja"),
        (["--templates", "nowhere"], "no chat template"),
        (["--model", "TINY", "--show", "data.jsonl:1", "--redact"], "--redact"),
    ],
)
def test_what_is_wrong_is_one_line(tiny_model: Path, data: Path, arguments: list[str], words: str) -> None:
    done = run(data, *(str(tiny_model) if word == "TINY" else word for word in arguments))
    assert isinstance(done.exception, AssayError), done.output
    assert words in str(done.exception) and "\n" not in str(done.exception)


def test_truncation_is_added_up(tiny_model: Path, data: Path, tmp_path: Path) -> None:
    setting = "curate.checks.over_long_answer.max_length=20"
    done = run(data, "--model", tiny_model, "-o", tmp_path / "out", setting)
    assert "truncation would lose" in done.stdout
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["truncation"]["records"] == 2 and summary["truncation"]["tokens"] > 0
