from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from assay.errors import MissingExtraError, SuiteError
from assay.evaluate.scorer import make_scorer
from assay.suites import read_suite

SCHEMA = {
    "type": "object",
    "properties": {"intent": {"enum": ["refund", "status"]}, "due": {"type": "string", "format": "date"}},
    "required": ["intent"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("output", "settings", "expected"),
    [
        ('{"intent": "refund"}', {}, 1),
        ('Sure:\n```json\n{"intent": "status", "due": "2025-02-28"}\n```', {}, 1),
        ('Sure: {"intent": "status"}', {"alone": True}, 0),
        (' {"intent": "status"}\n', {"alone": True}, 1),
        ('{"intent": "status", "due": "2025-02-31"}', {}, 0),
        ('{"intent": "other"}', {}, 0),
        ('{"intent": "refund", "more": 1}', {}, 0),
        ('[{"intent": "refund"}]', {}, 0),
        ("no JSON {", {}, 0),
        ("", {}, 0),
        ("[" * 50_000, {}, 0),
        ("[" * 900 + "]" * 900, {}, 0),
    ],
)
def test_the_first_json_of_an_output_is_held_against_the_schema(
    output: str, settings: dict[str, Any], expected: float
) -> None:
    assert make_scorer("json_schema", settings, "here")(output, json.dumps(SCHEMA)) == expected
    assert make_scorer("json_schema", {"schema": SCHEMA, **settings}, "here")(output, "") == expected


def test_drafts_go_by_what_the_schema_names() -> None:
    old = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "number",
        "maximum": 3,
        "exclusiveMaximum": True,
    }
    assert make_scorer("json_schema", {"alone": True}, "here")("3", json.dumps(old)) == 0
    assert make_scorer("json_schema", {"alone": True}, "here")("2", json.dumps(old)) == 1


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ('{"type": "objekt"}', "is no JSON schema"),
        ("[1]", "the schema is not a JSON object"),
        ("not JSON", "JSONDecodeError"),
    ],
)
def test_a_reference_that_is_no_schema_names_the_item(reference: str, words: str) -> None:
    with pytest.raises(SuiteError, match=rf"failed on item 'a'.*{words}"):
        make_scorer("json_schema", {}, "here")("{}", reference, "item 'a'")


def test_a_wrong_schema_in_the_suite_is_found_before_anything_is_scored() -> None:
    with pytest.raises(SuiteError, match="is no JSON schema"):
        make_scorer("json_schema", {"schema": {"type": 5}}, "desk.yaml:4")


def test_nothing_is_fetched_for_a_reference_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: Any) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket, "create_connection", no_network)
    monkeypatch.setattr(socket.socket, "connect", no_network)
    schema = '{"$ref": "http://127.0.0.1:9/schema.json"}'
    with pytest.raises(SuiteError, match="Unresolvable"):
        make_scorer("json_schema", {}, "here")("{}", schema)


def test_a_file_beside_the_suite_is_read_and_must_stay_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "ticket.json").write_text(json.dumps(SCHEMA))
    (tmp_path / "s.jsonl").write_text('{"id": "a", "prompt": "x", "reference": {"intent": "refund"}}\n')
    header = "name: s\ndata: s.jsonl\nscorer: {name: json_schema, file: ticket.json}\n"
    (tmp_path / "s.yaml").write_text(header)
    suite = read_suite(tmp_path / "s.yaml")
    ready = make_scorer(suite.scorer, suite.scorer_settings, "s.yaml")
    assert ready.is_answer and ready('{"intent": "refund"}', "") == 1 and ready('{"intent": 5}', "") == 0
    (tmp_path / "ticket.json").write_text("{}")
    with pytest.raises(SuiteError, match="has changed since the suite was read"):
        ready('{"intent": "refund"}', "")


def test_without_the_library_the_line_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for name in ("json_schema", "rouge", "chrf"):
        with pytest.raises(MissingExtraError, match=r"pip install 'assay\[scorers\]'"):
            make_scorer(name, {}, "here")
