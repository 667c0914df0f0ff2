"""A record as a model sees it, token by token."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from assay.chat import ChatTarget, TextTarget, encode, inference_prompt, load_target
from assay.chat.text_target import load_text_target
from assay.curate.pages.tokens import render_tokens
from assay.curate.template.tokens import find_record, show_record
from assay.errors import SettingsError
from assay.records import Message, Record, Source
from tests.curate.template.conftest import CHATML, NO_SYSTEM, THINKS_IN_THE_PROMPT, Write

Make = Callable[..., Record]
Build = Callable[[str], ChatTarget]


@pytest.fixture
def with_template(tiny_model: Path) -> Build:
    return lambda text: load_target(str(tiny_model), chat_template=text)


@pytest.fixture
def text_target(template: Write) -> TextTarget:
    return load_text_target(str(template("chatml", CHATML)))


def plain(text: str) -> str:
    return re.sub(r"\x1b\[\d+m", "", text)


def test_tokens_are_those_that_are_trained_on(make: Make, with_template: Build) -> None:
    target, record = with_template(CHATML), make("the cat?", "yes.", "a mat?", "no.", system="be brief")
    encoded, shown = encode(record, target), show_record(record, target)
    assert [token.id for token in shown.tokens] == encoded.input_ids
    assert [token.trained for token in shown.tokens] == [label != -100 for label in encoded.labels]
    assert "".join(token.text for token in shown.tokens) == encoded.text
    assert [(turn.role, encoded.text[turn.start or 0 :][:16]) for turn in shown.turns] == [
        ("system", "<|im_start|>syst"), ("user", "<|im_start|>user"), ("assistant", "<|im_start|>assi"),
        ("user", "<|im_start|>user"), ("assistant", "<|im_start|>assi"),
    ]  # fmt: skip
    stops = [token.turn for token in shown.tokens if token.trained and token.stop]
    assert stops == [2, 4]


def test_the_inference_prompt_is_what_training_begins_with(make: Make, with_template: Build) -> None:
    target, record = with_template(CHATML), make("the cat?", "yes.", "a mat?", "no.")
    prompts = show_record(record, target).prompts
    assert [(prompt.turn, prompt.diverges_at) for prompt in prompts] == [(1, None), (3, None)]
    assert prompts[1].tokens == len(inference_prompt(record.messages[:3], target))


def test_where_prompt_and_training_part_is_shown(make: Make, with_template: Build) -> None:
    shown = show_record(make("a", "b"), with_template(THINKS_IN_THE_PROMPT))
    assert shown.problem is not None and shown.problem[0] == "prompt_prefix"
    assert shown.prompts[0].diverges_at is not None and shown.prompts[0].asked.startswith("<think>")
    text = plain(render_tokens(shown, 100))
    assert "not trained on" in text and "training differs from token" in text


def test_the_prompt_is_that_of_production_where_its_variables_are_known(make: Make, with_template: Build) -> None:
    target = with_template(CHATML.replace("assistant\n{% endif %}", "assistant\n{{ start }}{% endif %}"))
    record = make("a", "b")
    assert show_record(record, target).prompts[0].diverges_at is None
    asked = show_record(record, target, {"start": "yes"}).prompts[0]
    assert asked.asked == "yes" and asked.seen.startswith("b")


def test_a_template_that_refuses_the_record_is_said(make: Make, with_template: Build) -> None:
    shown = show_record(make("a", "b", system="c"), with_template(NO_SYSTEM))
    assert shown.tokens == () and shown.problem is not None
    assert "no system turn" in plain(render_tokens(shown, 100))


def test_without_a_tokenizer_pieces_of_text_are_shown(make: Make, text_target: TextTarget) -> None:
    shown = show_record(make("the cat?", "yes."), text_target)
    assert "".join(piece.text for piece in shown.tokens).startswith("<|im_start|>user\nthe cat?")
    assert [piece.text for piece in shown.tokens if piece.trained] == ["yes.<|im_end|>"]
    assert shown.to_json()["trained_tokens"] is None and "no token was judged" in render_tokens(shown, 80)


def test_marks_say_without_colour_what_is_trained(make: Make, with_template: Build) -> None:
    target = with_template(CHATML)
    text = plain(render_tokens(show_record(make("the cat?", "yes."), target), 100))
    stop = target.stop_token_ids[0]
    assert f"#{stop} <|im_end|>" in text and f" {stop} <|im_end|>" in text
    assert re.search(r"\+\d+ yes", text) and not re.search(r"\+\d+ .?cat", text)


@pytest.mark.parametrize("text", ["\x1b[2J\x1b]0;x\x07", "\u202egnp", "a\x00b\u2028", "\ud83d", "漢字🙂é", "\u0301"])
def test_no_text_moves_the_cursor_or_fails(
    make: Make, with_template: Build, text_target: TextTarget, text: str
) -> None:
    record = make(text, f"yes {text}", Message("user", text, name=text), "no")
    for target in (with_template(CHATML), text_target):
        shown = show_record(record, target)
        out = plain(render_tokens(shown, 60))
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2028]", out)
        shown.to_json()


@pytest.mark.parametrize("width", [40, 80, 130])
def test_lines_keep_within_the_width(make: Make, with_template: Build, width: int) -> None:
    text = plain(
        render_tokens(show_record(make("the cat sat on the mat. " * 20, "no. " * 30), with_template(CHATML)), width)
    )
    cells = [line for line in text.splitlines() if re.match(r"  [ +#]\d", line)]
    assert len(cells) > 5 and max(map(len, cells)) <= width


def test_a_record_is_found_by_its_ids_and_its_place(make: Make) -> None:
    records = [make("a", "b"), make("c", "d"), make("a", "b")]
    assert find_record(records, records[1].id) == [records[1]]
    assert find_record(records, records[2].row_id) == [records[2]]
    assert find_record(records, records[0].id) == [records[0], records[2]]
    assert find_record(records, "a.jsonl:2") == [records[1]]
    for missing in ("b.jsonl:2", "a.jsonl:9", "xa.jsonl:2", "zz", ":", ""):
        with pytest.raises(SettingsError, match="no record"):
            find_record(records, missing)


def test_of_one_file_the_line_or_row_is_enough(make: Callable[..., Record]) -> None:
    lines = [replace(make("a", "b"), source=Source("a.jsonl", n + 1, n)) for n in range(3)]
    assert find_record(lines, "line 2") == find_record(lines, "row 1") == [lines[1]]
    elsewhere = replace(make("c", "d"), source=Source("b.json", None, 1))
    with pytest.raises(SettingsError, match="row 1 is in several files"):
        find_record([*lines, elsewhere], "row 1")


def test_a_place_is_named_as_findings_name_it(make: Callable[..., Record]) -> None:
    lines = replace(make("a", "b"), source=Source("/data/set/a.jsonl", 3, 2))
    rows = replace(make("c", "d"), source=Source("/data/set/a.json", None, 2))
    for name in ("/data/set/a.jsonl:3", "a.jsonl:3", "set/a.jsonl:3", ".../a.jsonl:3"):
        assert find_record([lines, rows], name) == [lines]
    for name in ("/data/set/a.json row 2", "a.json row 2", ".../set/a.json row 2"):
        assert find_record([lines, rows], name) == [rows]
    for name in ("b/a.jsonl:3", "a.jsonl:2", "a.json:2", "a.json row 3", "a.jsonl row 2", "l:3", ":3"):
        with pytest.raises(SettingsError, match="'FILE row N'"):
            find_record([lines, rows], name)


def test_of_many_turns_the_later_ones_begin_where_their_content_stands(
    make: Make, with_template: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rendering a beginning for each turn takes time and memory in the square of their number."""
    turns = [word for number in range(20) for word in ("again?", f"yes {number}.")]
    record, target = make(*turns), with_template(CHATML)
    whole = show_record(record, target)
    monkeypatch.setattr("assay.curate.template.tokens.MOST_RENDERED", 8)
    shown = show_record(record, target)
    assert shown.turns[:8] == whole.turns[:8] and len(shown.turns) == 40
    text = "".join(token.text for token in shown.tokens)
    assert [text[turn.start :].partition("<")[0] for turn in shown.turns[8:] if turn.start is not None] == turns[8:]
    assert len(shown.prompts) == 8 and shown.prompts == whole.prompts[-8:]
