"""A prompt template is the user's; the text of records is a value in it, and neither reaches beyond it."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import SettingsError
from assay.synth.asking.prompting import PROMPTS, load_prompt


def own(folder: Path, text: str) -> str:
    path = folder / "own.jinja"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_what_looks_like_a_template_in_a_record_stays_text(tmp_path: Path) -> None:
    prompt = load_prompt("paraphrase", own(tmp_path, "Say: {{ prompt }}"))
    assert prompt.render(prompt="{{ 7 * 7 }} {% raise %} {#x#}") == "Say: {{ 7 * 7 }} {% raise %} {#x#}"


@pytest.mark.parametrize(
    "text",
    [
        "{{ prompt.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ examples.append('x') }}",
        "{% include '/etc/passwd' %}",
        "{{ nothing }}",
        "{{ prompt | no_such_filter }}",
        "{{ 1 / 0 }}",
    ],
)
def test_a_template_that_reaches_out_or_asks_for_what_is_not_there_is_one_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        load_prompt("paraphrase", own(tmp_path, text)).render(prompt="x", examples=["y"])
    assert "own.jinja" in str(raised.value) and "\n" not in str(raised.value)


def test_a_broken_template_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"own\.jinja:2"):
        load_prompt("paraphrase", own(tmp_path, "fine\n{% if %}"))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read"):
        load_prompt("paraphrase", str(tmp_path / "none.jinja"))


@pytest.mark.parametrize("path", sorted(PROMPTS.glob("*.jinja")), ids=lambda path: path.stem)
def test_each_prompt_is_a_template(path: Path) -> None:
    assert len(load_prompt(path.stem).sha256) == 64
