"""Which records fit which model, and what differs between a template and its marked variant."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.curate.pages.matrix import render_matrix
from assay.curate.pages.matrix_page import kinds_of, lines_of, matrix_page
from assay.curate.template.kinds import MOST_SHOWN, OTHERS, kind_of, most_usual
from assay.curate.template.matrix import FITS, Matrix, Row, matrix, matrix_table
from assay.curate.template.models import Loaded, Named, load_models, templates_in
from assay.errors import SettingsError
from assay.records import Message, Record
from tests.curate.template.conftest import (
    CHATML,
    ENDLESS,
    MARKED,
    MARKED_SHORT,
    NO_SYSTEM,
    THINKS_IN_THE_PROMPT,
    Write,
)

Make = Callable[..., Record]


def loaded(*paths: Path) -> list[Loaded]:
    return load_models([Named(path.stem, str(path)) for path in paths], offline=True, say=lambda _: None)


@pytest.fixture
def records(make: Make) -> list[Record]:
    return [make("the cat?", "yes."), make("a mat?", "no.", system="be brief"), make("a", "one", "b", "two")]


def test_rows_are_models_and_columns_are_records_with_a_problem(template: Write, records: list[Record]) -> None:
    models = loaded(
        template("chatml", CHATML),
        template("no_system", NO_SYSTEM),
        template("thinks", THINKS_IN_THE_PROMPT),
        template("broken", "{% for %}"),
    )
    found = matrix(records, models)
    assert [(row.model, row.judged, row.fits, row.problems) for row in found.rows] == [
        ("chatml", "text alone", 3, {}),
        ("no_system", "text alone", 2, {"template_renders": 1}),
        ("thinks", "text alone", 0, {"prompt_prefix": 3}),
        ("broken", "not", 0, {}),
    ]
    assert "not valid Jinja" in found.rows[3].why
    assert found.fitting_everywhere() == (2, 2)


def test_a_model_with_its_tokenizer_is_judged_by_tokens_too(tiny_model: Path, records: list[Record]) -> None:
    (row,) = matrix(records, loaded(tiny_model), max_length=20).rows
    assert (row.judged, row.problems) == ("text and tokens", {"over_long_answer": 2})


def test_the_table_of_records_has_one_row_a_model_and_record(template: Write, records: list[Record]) -> None:
    models = loaded(template("chatml", CHATML), template("no_system", NO_SYSTEM), template("broken", "{% for %}"))
    table = matrix_table(matrix(records, models), records).to_pylist()
    assert [(row["model"], row["source_line"], row["fits"]) for row in table] == [
        ("chatml", 1, True), ("chatml", 2, True), ("chatml", 3, True),
        ("no_system", 1, True), ("no_system", 2, False), ("no_system", 3, True),
    ]  # fmt: skip
    assert table[4]["problems"] == ["template_renders:refused"] and "no system turn" in table[4]["message"]


def test_a_marked_variant_is_held_against_the_plain_template(template: Write, records: list[Record]) -> None:
    models = loaded(
        template("a", CHATML), template("a_training", MARKED),
        template("b", CHATML), template("b_training", MARKED_SHORT),
        template("c", CHATML), template("c_training", MARKED.replace("im_start", "begin")),
    )  # fmt: skip
    pairs = {pair.plain: pair for pair in matrix(records, models).pairs}
    assert (pairs["a"].compared, pairs["a"].texts_differ, pairs["a"].masks_differ) == (3, 0, 0)
    assert (pairs["b"].texts_differ, pairs["b"].masks_differ) == (0, 3)
    assert "leave out '<|im_end|>" in pairs["b"].example
    assert pairs["c"].texts_differ == 3


def test_a_hostile_template_costs_a_few_seconds_and_no_other_row(template: Write, records: list[Record]) -> None:
    hostile = "{% if messages[-1].content == 'two' %}" + ENDLESS + "{% endif %}" + CHATML
    huge = "{% if messages[-1].content == 'two' %}{% for a in range(99999) %}{{ 'x' * 1000 }}{% endfor %}{% endif %}"
    began = time.monotonic()
    found = matrix(
        records, loaded(template("hostile", hostile), template("huge", huge + CHATML), template("x", CHATML))
    )
    assert time.monotonic() - began < 30
    assert [row.fits for row in found.rows] == [2, 2, 3]
    kinds = [fits[2].problems[0][1] for fits in found.fits[:2]]
    assert kinds == ["time", "output"]


def test_undefined_variables_are_a_problem_of_the_record(template: Write, records: list[Record]) -> None:
    wants_system = "{% if messages | length > 3 %}{{ settings.name.first }}{% endif %}" + CHATML
    found = matrix(records, loaded(template("x", wants_system)))
    assert found.fits[0][2].problems[0][:2] == ("template_renders", "undefined")


def test_what_is_shown_is_escaped(template: Write, records: list[Record]) -> None:
    path = template("x<script>\x1b[31m", CHATML)
    found = matrix(records, loaded(path))
    assert "<script>" not in matrix_page(found)
    assert "\x1b[31m" not in render_matrix(found, 100).replace("\x1b[31m\x1b[1m", "")


def test_alike_models_share_a_row(template: Write, records: list[Record]) -> None:
    text = render_matrix(matrix(records, loaded(template("a", CHATML), template("b", CHATML))), 100)
    assert text.count("\x1b[32m") == 1 and "and b" in text


def test_templates_are_found_in_folders_and_by_globs(template: Write, tmp_path: Path) -> None:
    template("a", CHATML), template("b", CHATML)
    folder = tmp_path / "templates" / "model"
    folder.mkdir()
    (folder / "tokenizer_config.json").write_text('{"chat_template": "x", "bos_token": {"content": "<s>"}}')
    (folder / "chat_template.jinja").write_text(CHATML)
    assert [named.name for named in templates_in([str(tmp_path / "templates")])] == ["a", "b", "model"]
    assert [named.name for named in templates_in([str(tmp_path / "templates" / "*.jinja")])] == ["a", "b"]
    with pytest.raises(SettingsError, match="no chat template"):
        templates_in([str(tmp_path / "nothing" / "*")])


def test_a_folder_without_tokenizer_uses_its_special_tokens(tmp_path: Path, make: Make) -> None:
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": {"content": "<end>"}, "bos_token": "<go>"}')
    (tmp_path / "chat_template.jinja").write_text(
        "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}{{ eos_token if m.role == 'assistant' }}"
        "{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}"
    )
    found = matrix([make("a", "b")], loaded(tmp_path))
    assert found.rows[0].problems == {}


def test_tools_are_judged_as_text(template: Write, make: Make) -> None:
    """Declared tools, calls whose arguments are an object or text, and their results."""
    from assay.records import ToolCall

    with_calls = "{% for t in tools or [] %}{{ t.function.name }}{% endfor %}" + CHATML.replace(
        "{{ m.content }}",
        "{{ m.content or '' }}{% for c in m.tool_calls or [] %}{{ c.function.name }}"
        "{{ c.function.arguments | tojson }}{% endfor %}",
    )
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    turns = [
        "where?",
        Message("assistant", None, (ToolCall("look", {"at": "cat"}, "c1"),)),
        Message("tool", "a mat", tool_call_id="c1"),
        Message("assistant", "on a mat"),
    ]
    as_text = [*turns[:1], Message("assistant", None, (ToolCall("look", '{"at": "cat"}', "c1"),)), *turns[2:]]
    records = [make(*turns, tools=[tool]), make(*as_text, tools=[tool]), make("a", "b")]
    found = matrix(records, loaded(template("calls", with_calls), template("none", CHATML)))
    assert [row.problems for row in found.rows] == [{}, {"mask_coverage": 2, "template_renders": 2}]


def test_the_page_says_which_kinds_of_conversations_fit(template: Write, records: list[Record]) -> None:
    found = matrix(records, loaded(template("chatml", CHATML), template("no_system", NO_SYSTEM)))
    kinds = kinds_of(found)
    assert [(kind.name, kind.records) for kind in kinds] == [
        ("1 question", 1), ("2 questions", 1), ("system turn, 1 question", 1),
    ]  # fmt: skip
    lines = {line.row.model: [(cell.fits, cell.level) for cell in line.cells] for line in lines_of(found, kinds)}
    assert lines == {"chatml": [(1, "all")] * 3, "no_system": [(1, "all"), (1, "all"), (0, "none")]}
    page = matrix_page(found)
    assert page.count('class="cell all"') == 5 and page.count('class="cell none"') == 1
    assert "<li>system turn, 1 question: 1 record</li>" in page


def test_no_more_kinds_are_columns_than_a_page_is_wide() -> None:
    kinds = [f"kind {number}" for number in range(40) for _ in range(40 - number)]
    shown = most_usual(kinds)
    assert len(shown) == MOST_SHOWN and shown[0] == "kind 0" and shown[-1] == OTHERS
    found = Matrix(len(kinds), (Row("m", "text alone", len(kinds), {}, {}),), (), tuple(kinds), ((FITS,) * len(kinds),))
    (line,) = lines_of(found, kinds_of(found))
    assert sum(cell.fits for cell in line.cells) == len(kinds)
    assert {cell.level for cell in line.cells} == {"all"}


def test_kinds_say_what_templates_tell_apart(make: Make) -> None:
    assert kind_of(make("a", "<think>\nhm\n</think>\n\nb")) == "1 question, thinking"
    assert kind_of(make("a", "b", "c", "d", "e", "f", "g", "h", system="s")) == "system turn, 3 or more questions"
    assert kind_of(make("a", "b", "c")) == "2 questions, ends without an answer"
