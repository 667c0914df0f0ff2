"""Suites are read strictly: what cannot be meant is one line with its place."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import SuiteError
from assay.records import Message
from assay.storage import sha256_file
from assay.suites import evaluation_texts, prompt_keys, prompt_text, read_suite, read_suites, suite_name

HEADER = "version: 1\nname: desk\ndata: {data}\nscorer: {{name: json_fields, fields: [intent]}}\nmax_new_tokens: 32\n"
ITEM = {"id": "a", "prompt": "Where is it?", "reference": "delivery"}


def write_suite(folder: Path, lines: Sequence[str], header: str = HEADER, data: str = "desk.jsonl") -> Path:
    (folder / data).write_text("\n".join(lines), encoding="utf-8")
    path = folder / "desk.yaml"
    path.write_text(header.format(data=data), encoding="utf-8")
    return path


def items(*rows: dict[str, Any]) -> list[str]:
    return [json.dumps(row) for row in rows]


def test_a_suite_is_read_with_its_scorer_its_files_and_its_items(tmp_path: Path) -> None:
    path = write_suite(tmp_path, items(ITEM, {**ITEM, "id": 7, "slice": "late", "cluster": 3}))
    suite = read_suite(path)
    assert (suite.name, suite.scorer, suite.scorer_settings) == ("desk", "json_fields", {"fields": ["intent"]})
    assert (suite.max_new_tokens, suite.apply_chat_template) == (32, True)
    assert suite.path == path and suite.data_path == tmp_path / "desk.jsonl"
    assert suite.data_sha256 == sha256_file(tmp_path / "desk.jsonl")
    first, second = suite.items
    assert first.messages == (Message("user", "Where is it?"),) and first.reference == "delivery"
    assert (second.id, second.slice, second.cluster) == ("7", "late", "3")


def test_a_scorer_may_be_a_name_alone(tmp_path: Path) -> None:
    path = write_suite(tmp_path, items(ITEM), "name: desk\ndata: {data}\nscorer: contains\n")
    assert (read_suite(path).scorer, read_suite(path).scorer_settings) == ("contains", {})


@pytest.mark.parametrize(
    ("reference", "choices", "text"),
    [
        (3, None, "3"),
        (2.5, None, "2.5"),
        ({"intent": "é"}, None, '{"intent": "é"}'),
        (True, None, "true"),
        ("oak", ["elm", "oak"], "oak"),
        (1, ["elm", "oak"], "oak"),
    ],
)
def test_references_become_text(tmp_path: Path, reference: Any, choices: Any, text: str) -> None:
    row = {**ITEM, "reference": reference, **({"choices": choices} if choices else {})}
    assert read_suite(write_suite(tmp_path, items(row))).items[0].reference == text


BAD_ITEMS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({**ITEM, "referense": "x"}, "unknown key 'referense'; did you mean 'reference'?"),
    "no id": ({"prompt": "a", "reference": "b"}, "'id' is missing"),
    "no reference": ({"id": "b", "prompt": "a"}, "'reference' is missing"),
    "null reference": ({"id": "b", "prompt": "a", "reference": None}, "'reference' is missing"),
    "empty id": ({**ITEM, "id": ""}, "'id' should be text or a whole number"),
    "id a list": ({**ITEM, "id": ["b"]}, "'id' should be text or a whole number"),
    "no prompt": ({"id": "b", "reference": "a"}, "either 'messages' or 'prompt'"),
    "both": ({**ITEM, "messages": []}, "either 'messages' or 'prompt'"),
    "blank prompt": ({**ITEM, "prompt": " "}, "'prompt' should be text"),
    "prompt a number": ({**ITEM, "prompt": 3}, "'prompt' should be text"),
    "no messages": ({"id": "b", "messages": [], "reference": "a"}, "a list of messages"),
    "unknown role": (
        {"id": "b", "messages": [{"role": "bot", "content": "a"}], "reference": "a"},
        "one of the roles system, developer, user, assistant, tool",
    ),
    "ends with the answer": (
        {"id": "b", "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
         "reference": "a"},
        "the last message is of role 'assistant'",
    ),
    "message key": (
        {"id": "b", "messages": [{"role": "user", "content": "q", "contnt": "q"}], "reference": "a"},
        "unknown key 'contnt' in a message; did you mean 'content'?",
    ),
    "content a list": (
        {"id": "b", "messages": [{"role": "user", "content": ["q"]}], "reference": "a"}, "content of a message",
    ),
    "reference no choice": ({**ITEM, "choices": ["elm", "oak"]}, "'delivery' is none of the choices"),
    "index beyond": ({**ITEM, "reference": 2, "choices": ["elm", "oak"]}, "2 is none of the choices"),
    "one choice": ({**ITEM, "choices": ["delivery"]}, "two or more, all different"),
    "same choices": ({**ITEM, "choices": ["delivery", "delivery"]}, "two or more, all different"),
    "choices text": ({**ITEM, "choices": "delivery"}, "a list of texts"),
    "empty choice": ({**ITEM, "choices": ["delivery", ""]}, "a list of texts, none empty"),
    "tools a number": ({**ITEM, "tools": 5}, "'tools' should be a list of objects"),
    "tools text": ({**ITEM, "tools": "look_up"}, "'tools' should be a list of objects"),
    "tools of text": ({**ITEM, "tools": ["look_up"]}, "'tools' should be a list of objects"),
    "slice a list": ({**ITEM, "slice": ["a"]}, "'slice' should be text"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_ITEMS)
def test_a_faulty_item_is_one_line_with_its_place(tmp_path: Path, name: str) -> None:
    row, words = BAD_ITEMS[name]
    path = write_suite(tmp_path, items({**ITEM, "id": "first"}, row))
    with pytest.raises(SuiteError) as raised:
        read_suite(path)
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / 'desk.jsonl'}:2: ") and words in message and "\n" not in message
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("lines", "place", "words"),
    [
        ([*items(ITEM), "", *items(ITEM)], ":3", "id 'a' was given before, at"),
        ([*items(ITEM), *items({**ITEM, "id": 1}), *items({**ITEM, "id": "1"})], ":3", "id '1' was given before"),
        ([*items(ITEM), '{"id": "b", "prompt": "Where'], ":2", "is not JSON"),
        ([*items(ITEM), '["b", "Where"]'], ":2", "should be a JSON object"),
        ([*items(ITEM), "hello"], ":2", "is not JSON"),
        (["", "  "], "", "the suite holds no items"),
    ],
    ids=["duplicate id", "1 and '1'", "half-written line", "a list", "prose", "no item"],
)
def test_a_faulty_file_of_items_is_one_line_with_its_place(
    tmp_path: Path, lines: list[str], place: str, words: str
) -> None:
    with pytest.raises(SuiteError) as raised:
        read_suite(write_suite(tmp_path, lines))
    assert words in str(raised.value) and "\n" not in str(raised.value)
    assert str(raised.value).startswith(f"{tmp_path / 'desk.jsonl'}{place}: ")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("name: desk\ndata: desk.jsonl\nscorer: contains\nmax_tokens: 3\n", ":4: .*max_tokens"),
        ("name: desk\ndata: desk.jsonl\nscorr: contains\n", "did you mean 'scorer'"),
        ("version: 2\nname: desk\ndata: desk.jsonl\nscorer: contains\n", ":1: is of version 2; this assay reads 1"),
        ("name: ' '\ndata: desk.jsonl\nscorer: contains\n", ":1: 'name' is empty"),
        ("name: desk\ndata: desk.jsonl\nscorer: contains\nmax_new_tokens: 0\n", ":4: 'max_new_tokens'"),
        ("name: desk\ndata: nothere.jsonl\nscorer: contains\n", ":2: there is no data file 'nothere.jsonl'"),
        ("name: desk\ndata: desk.jsonl\nscorer: {fields: [a]}\n", ":3: the scorer has no name"),
        ("name: desk\ndata: desk.yaml\nscorer: contains\n", "'.yaml' is no format of suite data"),
        ("name: [desk\n", "desk.yaml"),
        ("- desk\n", "desk.yaml"),
        ("", "desk.yaml"),
    ],
)
def test_a_faulty_header_is_one_line_with_its_place(tmp_path: Path, header: str, words: str) -> None:
    write_suite(tmp_path, items(ITEM))
    (tmp_path / "desk.yaml").write_text(header, encoding="utf-8")
    with pytest.raises(SuiteError, match=words) as raised:
        read_suite(tmp_path / "desk.yaml")
    assert "\n" not in str(raised.value)


def test_a_suite_that_is_not_there_and_a_file_that_is_not_utf_8_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"desk\.yaml: there is no such suite; `assay suite init DATA`"):
        read_suite(tmp_path / "desk.yaml")
    path = write_suite(tmp_path, items(ITEM))
    (tmp_path / "desk.jsonl").write_bytes(json.dumps(ITEM).encode() + b"\n\xff\xfe\n")
    with pytest.raises(SuiteError, match=r"desk\.jsonl:2: is not UTF-8"):
        read_suite(path)


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path: Path) -> None:
    path = write_suite(tmp_path, items(ITEM))
    (tmp_path / "desk.jsonl").write_bytes(b"\xef\xbb\xbf" + json.dumps(ITEM).encode() + b"\r\n")
    assert len(read_suite(path).items) == 1


def test_items_may_be_csv_or_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = write_suite(tmp_path, [], data="desk.csv")
    choices = '["elm", "oak"]'
    rows = [
        {"id": "a", "prompt": "Which, then?", "reference": "oak", "choices": choices, "slice": ""},
        {"id": "b", "prompt": "One\nline?", "reference": "elm", "choices": choices, "slice": "x"},
    ]
    with (tmp_path / "desk.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    from_csv = read_suite(path).items
    assert [(item.choices, item.slice) for item in from_csv] == [(("elm", "oak"), None), (("elm", "oak"), "x")]
    table = [{**row, "choices": ["elm", "oak"], "slice": row["slice"] or None} for row in rows]
    pq.write_table(pa.Table.from_pylist(table), tmp_path / "desk.parquet")
    (tmp_path / "desk.yaml").write_text(HEADER.format(data="desk.parquet"), encoding="utf-8")
    assert read_suite(path).items == from_csv


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,prompt,reference\na,b\n", "desk.csv:2: the row has more or fewer cells than the header"),
        ("id,prompt,reference\na,b,c,d\n", "more or fewer cells"),
        ("id,prompt,reference,choices\na,b,c,[c\n", "'choices' should be JSON in a CSV file"),
    ],
)
def test_faulty_csv_is_one_line_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SuiteError, match=words):
        read_suite(write_suite(tmp_path, text.split("\n"), data="desk.csv"))


def test_two_suites_of_one_name_are_refused(tmp_path: Path) -> None:
    path = write_suite(tmp_path, items(ITEM))
    other = tmp_path / "other.yaml"
    other.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    assert [suite.name for suite in read_suites([path])] == ["desk"]
    with pytest.raises(SuiteError, match=r"other\.yaml: 'desk' is also the name of .*desk\.yaml"):
        read_suites([path, other])


def test_the_text_of_an_item_is_what_its_users_wrote(tmp_path: Path) -> None:
    turns = [("system", "Be brief."), ("user", "One"), ("assistant", "Yes?"), ("user", "Two")]
    messages = [{"role": role, "content": content} for role, content in turns]
    suite = read_suite(write_suite(tmp_path, items({"id": "m", "messages": messages, "reference": "x"})))
    assert prompt_text(suite.items[0].messages) == "One\nTwo"
    assert [(text.suite, text.item_id, text.text) for text in evaluation_texts([suite])] == [("desk", "m", "One\nTwo")]


def test_keys_of_a_prompt_tell_outer_space_from_nothing_and_the_second_case_and_punctuation_too() -> None:
    first, shouted, other = prompt_keys("Where is it?"), prompt_keys(" WHERE is it"), prompt_keys("Where is he?")
    assert first.exact == prompt_keys(" Where is it?\n").exact != shouted.exact
    assert first.normalised == shouted.normalised != other.normalised
    assert all(len(key) == 16 for key in first)


@given(st.text(max_size=30))
def test_every_text_has_keys_lone_surrogates_included(text: str) -> None:
    assert prompt_keys(text) == prompt_keys(text) and prompt_keys(text + "\ud800")


@pytest.mark.parametrize(
    ("source", "name"),
    [("a/tickets.jsonl", "tickets"), ("data/my file.tar.gz", "my_file"), ("owner/set-1", "set-1"), ("", "domain")],
)
def test_the_name_of_a_suite_is_taken_from_its_source(source: str, name: str) -> None:
    assert suite_name(source) == name


@given(st.text(max_size=40))
def test_a_name_is_always_one_for_files(source: str) -> None:
    name = suite_name(source)
    assert name and all(letter.isalnum() or letter in "-_" for letter in name)


def read_or_refused(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_suite(Path(folder), items(ITEM))
        (Path(folder) / "desk.jsonl").write_bytes(data)
        try:
            read_suite(path)
        except SuiteError as error:
            assert "\n" not in str(error)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["id", "messages", "prompt", "reference", "choices", "slice", "cluster", "tools"])


@given(row=st.dictionaries(KEYS, JSON_VALUES, max_size=8))
def test_any_json_is_read_or_refused_in_one_line(row: dict[str, Any]) -> None:
    read_or_refused(json.dumps(row).encode())


@given(key=KEYS, value=JSON_VALUES)
def test_any_value_of_a_key_is_read_or_refused_in_one_line(key: str, value: Any) -> None:
    rest = {name: given for name, given in ITEM.items() if not (name == "prompt" and key == "messages")}
    read_or_refused(json.dumps({**rest, key: value}).encode())


@given(junk=st.binary(max_size=60), at=st.integers(0, 50))
def test_any_bytes_are_read_or_refused_in_one_line(junk: bytes, at: int) -> None:
    line = json.dumps(ITEM).encode()
    read_or_refused(line[:at] + junk + line[at:])
