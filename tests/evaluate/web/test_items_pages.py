"""What moved, item by item: losses first, filters, both answers, and never markup or a formula."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from assay.evaluate.evaluation import Evaluation
from assay.runs import Run
from assay.storage import sha256_file
from tests.evaluate.web.conftest import HOSTILE, with_outputs

Judge = Callable[..., tuple[str, str]]
Put = Callable[..., Run]


def page(client: TestClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    return str(answer.text)


def tags(text: str) -> list[str]:
    return re.findall(r'<span class="tag[^"]*">(lost|gained|same score|no score)', text)


def total(text: str) -> int:
    found = re.search(r"<h2>([\d,]+) items?:", text)
    assert found is not None
    return int(found.group(1).replace(",", ""))


def test_the_list_begins_with_the_suite_that_blocks_and_its_losses(
    client: TestClient, judged: Judge, blocked: Evaluation
) -> None:
    _, gate = judged(blocked)
    text = page(client, f"/evaluation/{gate}/items")
    assert "What moved on grammar" in text
    assert tags(text) == ["lost"] * 10
    text = page(client, f"/evaluation/{gate}/items?suite=support")
    last = -(-total(text) // 10)
    assert tags(text)[0] == "lost"
    assert tags(page(client, f"/evaluation/{gate}/items?suite=support&page={last}"))[-1] == "gained"


@pytest.mark.parametrize(("moved", "word"), [("lost", "lost"), ("gained", "gained"), ("same", "same score")])
def test_each_kind_of_move_is_a_list_of_its_own(
    client: TestClient, put: Put, blocked: Evaluation, moved: str, word: str
) -> None:
    run = put(blocked).id
    assert set(tags(page(client, f"/evaluation/{run}/items?suite=support&moved={moved}"))) == {word}


def test_the_kinds_add_up_to_all_items(client: TestClient, put: Put, blocked: Evaluation) -> None:
    run = put(blocked).id
    of = {
        moved: total(page(client, f"/evaluation/{run}/items?suite=support&moved={moved}"))
        for moved in ("lost", "gained", "same", "changed", "all")
    }
    assert of["lost"] + of["gained"] == of["changed"] and of["changed"] + of["same"] == of["all"] == 200


def test_slice_text_and_the_previous_release_narrow_the_list(client: TestClient, put: Put, blocked: Evaluation) -> None:
    run = put(blocked).id
    assert total(page(client, f"/evaluation/{run}/items?suite=support&moved=all&slice=refund")) == 100
    found = page(client, f"/evaluation/{run}/items?suite=support&moved=all&q=SUPPORT-17")
    assert total(found) == 11  # 17 and 170 to 179
    against = page(client, f"/evaluation/{run}/items?suite=support&against=previous")
    assert "Held against the previous release" in against and "previous release" in against


def test_hostile_answers_are_shown_and_not_run(client: TestClient, put: Put, blocked: Evaluation) -> None:
    run = put(blocked).id
    text = page(client, f"/evaluation/{run}/items?suite=grammar&moved=lost")
    assert "<script>alert" not in text and "<img" not in text and "\x1b" not in text and "\u202e" not in text
    assert "&lt;script&gt;" in text and "{{ 7*7 }}" in text
    hostile = page(client, f"/evaluation/{run}/items?suite=grammar&q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in hostile


def test_an_item_has_its_neighbours_in_the_list(client: TestClient, put: Put, blocked: Evaluation) -> None:
    run = put(blocked).id
    text = page(client, f"/evaluation/{run}/items?suite=grammar&moved=lost")
    first, second = re.findall(r'href="([^"]*/item\?[^"]*)"', text)[:2]
    shown = page(client, unescape(first))
    assert unescape(second) in unescape(shown)
    assert 'data-key="n"' in shown and 'data-key="p"' not in shown
    assert "damaged candidate" in shown
    assert "has no item" in page(client, f"/evaluation/{run}/item?suite=grammar&id=nobody%3Cb%3E", 404)


def test_the_words_that_only_one_of_two_answers_has_are_marked(
    client: TestClient, put: Put, blocked: Evaluation
) -> None:
    def say(row: dict[str, Any]) -> None:
        if row["item_id"] == "support-3" and row["model"] in ("base", "candidate"):
            row["output"] = "the parcel comes " + ("today" if row["model"] == "base" else "tomorrow")
            row["reference"] = "the parcel comes tomorrow"

    run = put(with_outputs(blocked, say)).id
    text = page(client, f"/evaluation/{run}/item?suite=support&moved=all&id=support-3")
    assert '<mark class="removed">today</mark>' in text and '<mark class="added">tomorrow</mark>' in text
    text = page(client, f"/evaluation/{run}/item?suite=support&moved=all&id=support-3&diff=reference")
    assert '<mark class="added">today</mark>' in text and ">tomorrow</mark>" not in text


def test_csv_holds_the_list_and_no_formula(client: TestClient, put: Put, blocked: Evaluation) -> None:
    def formula(row: dict[str, Any]) -> None:
        if row["item_id"] == "support-3":
            row["output"] = '=HYPERLINK("http://evil.example")'

    run = put(with_outputs(blocked, formula)).id
    answer = client.get(f"/evaluation/{run}/items.csv?suite=support&moved=all")
    assert (
        answer.headers["content-type"].startswith("text/csv") and "attachment" in answer.headers["content-disposition"]
    )
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 200
    row = next(row for row in rows if row["item"] == "support-3")
    assert row["candidate answer"] == '\'=HYPERLINK("http://evil.example")'
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


def test_a_gate_with_redact_shows_scores_and_no_text(client: TestClient, judged: Judge, blocked: Evaluation) -> None:
    _, gate = judged(blocked, "version: 1\nmargin: 0.03\nguardrail: 0.1\n", "--redact")
    addresses = ["items?suite=grammar", "item?suite=grammar&moved=all&id=grammar-0", "items.csv?suite=grammar"]
    for address in (f"/evaluation/{gate}", *(f"/evaluation/{gate}/{rest}" for rest in addresses)):
        text = page(client, address)
        assert "billing" not in text and "warranty" not in text and "evil" not in text
    assert "left out" in page(client, f"/evaluation/{gate}/items?suite=grammar")


def test_items_that_are_gone_or_damaged_are_a_line_and_the_verdict_stays(
    client: TestClient, judged: Judge, blocked: Evaluation, tmp_path: Path
) -> None:
    evaluation, gate = judged(blocked)
    items = tmp_path / ".assay" / "runs" / evaluation / "items.parquet"
    items.write_bytes(b"PAR1 not a table")
    for address in ("items", "item?id=x", "items.csv"):
        assert "the answers are damaged" in page(client, f"/evaluation/{gate}/{address}", 404)
    items.unlink()
    for address in ("items", "item?id=x", "items.csv"):
        assert "cannot be read" in page(client, f"/evaluation/{gate}/{address}", 404)
    assert "should not be released" in page(client, f"/evaluation/{gate}")
    assert "the answers are gone" in page(client, f"/evaluation/{evaluation}")


def test_an_answer_without_a_score_is_listed_under_all_alone(client: TestClient, put: Put, blocked: Evaluation) -> None:
    """As a judge may leave one."""

    def unscored(row: dict[str, Any]) -> None:
        if row["item_id"] == "support-3":
            row["score"] = None

    run = put(with_outputs(blocked, unscored)).id
    assert total(page(client, f"/evaluation/{run}/items?suite=support&moved=all")) == 200
    assert total(page(client, f"/evaluation/{run}/items?suite=support&moved=all&q=support-3")) == 11
    text = page(client, f"/evaluation/{run}/item?suite=support&moved=all&id=support-3")
    assert "no score" in text


def test_the_prompt_is_shown_as_a_conversation_while_its_file_is_what_was_scored(
    client: TestClient, put: Put, blocked: Evaluation, make_suite: Callable[..., Path], tmp_path: Path
) -> None:
    messages = [{"role": "system", "content": "Be <b>kind</b>."}, {"role": "user", "content": "Where is my parcel?"}]
    rows = [{"id": f"support-{i}", "messages": messages, "reference": "billing"} for i in range(200)]
    path = make_suite("support", rows)
    data = path.with_suffix(".jsonl")
    suites = tuple(
        replace(result, data_sha256=sha256_file(data)) if result.suite == "support" else result
        for result in blocked.suites
    )
    run = put(replace(blocked, suites=suites, settings={"suites": [str(path)]})).id
    item = f"/evaluation/{run}/item?suite=support&moved=all&id=support-3"
    text = page(client, item)
    assert "Where is my parcel?" in text and "Be &lt;b&gt;kind&lt;/b&gt;." in text and 'class="turn system"' in text
    assert total(page(client, f"/evaluation/{run}/items?suite=support&moved=all&q=my%20PARCEL")) == 200
    data.write_text(json.dumps(rows[0] | {"reference": "changed"}) + "\n", encoding="utf-8")
    again = put(replace(blocked, suites=(*suites[:-1], replace(suites[-1], data_sha256="f" * 64)),
                        settings={"suites": [str(path)]}), "two").id  # fmt: skip
    assert "not the one that was scored" in page(client, item.replace(run, again))


def test_options_of_multiple_choice_stand_with_their_likelihoods(
    client: TestClient, put: Put, blocked: Evaluation
) -> None:
    def choose(row: dict[str, Any]) -> None:
        if row["item_id"] == "arc_easy-0":
            candidate = row["model"] == "candidate"
            row |= {"reference": "Paris", "output": "Rome" if candidate else "Paris"}
            row |= {"option_logprobs": "[-0.1, -2.5]" if candidate else "[-2.0, -1.0]"}
            row |= {"logprob": -0.1 if candidate else -1.0}

    run = put(with_outputs(blocked, choose)).id
    text = page(client, f"/evaluation/{run}/item?suite=arc_easy&moved=all&id=arc_easy-0")
    table = text[text.index("<thead>") :]
    assert "Paris" in table and "Rome" in table and "(-0.10)" in table and "92 %" in table and "chosen" in table


def test_a_suite_that_is_not_there_is_an_empty_list(client: TestClient, put: Put, blocked: Evaluation) -> None:
    run = put(blocked).id
    for suite in ("nowhere", HOSTILE):
        assert total_or_none(client, run, suite) == 0


def total_or_none(client: TestClient, run: str, suite: str) -> int:
    answer = client.get(f"/evaluation/{run}/items", params={"suite": suite, "page": "99999999999", "moved": "x"})
    assert answer.status_code == 200 and "<script>alert" not in answer.text
    return total(answer.text)


def test_a_megabyte_is_cut_in_the_list_and_whole_on_its_own_page(
    client: TestClient, put: Put, blocked: Evaluation
) -> None:
    def talk(row: dict[str, Any]) -> None:
        if row["item_id"] == "support-3":
            row["output"] = "👩‍💻 word " * 80_000 + "the end"
            row["reference"] = "r " * 500_000

    run = put(with_outputs(blocked, talk)).id
    listed = page(client, f"/evaluation/{run}/items?suite=support&moved=all&q=the%20end")
    assert total(listed) == 1 and len(listed) < 30_000 and "characters …" in listed
    whole = page(client, f"/evaluation/{run}/item?suite=support&moved=all&id=support-3")
    assert len(whole) > 3_000_000 and "the end" in whole
