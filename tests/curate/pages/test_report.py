"""The report and the files: readable from disk, nothing in them run, nothing in them that was to be kept out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from assay.curate.outputs import write_audited, write_curated
from assay.curate.pages.report import render_report
from assay.curate.pages.terminal import render
from assay.curate.settings import CurateSettings
from assay.curate.stage import audit, curate
from assay.dataset import Dataset
from assay.findings import Finding, Severity
from assay.records import Record, Source

Make = Callable[..., Record]

HOSTILE = "<script>alert(1)</script> {{ 7 * 7 }} {% raw %} ]]> =cmd|' /C calc'!A0 &amp;"
SECRET = "zebra-4711"
LONG = (
    "the order that was to come on monday has not come and nobody at the depot knows where it has gone or why that is "
    "so I am asking you to find out and to tell me what can be done about it before the end of the week if you please"
)


def data_with(make: Make, text: str) -> Dataset:
    records = [
        make(f"When is {text}?", f"On 3 May, {text}."),
        make(f"When is {text}?", f"On 4 May, {text}."),
        make(f"{LONG} {text}", "I am sorry."),
        make(f"{LONG} {text} now", "I am sorry."),
        make(f"{text}", ""),
        make(f"{text} a", f"Dear {{{{name}}}}, {text}"),
        make(f"{text} b", f"{text} and {text} " + "I am sorry. " * 20),
        make(f"{text} c", f'{{"a": "{SECRET}", "b'),
    ]
    return Dataset.from_records([*records, make(f"{text} c", f'{{"a": "{SECRET}", "b')])


def test_record_text_is_never_markup_or_template(make: Make) -> None:
    page = render_report(audit(data_with(make, HOSTILE)))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "{{ 7 * 7 }}" in page.replace("&#39;", "'")
    assert "49" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL).replace("4:49", "")


def test_the_page_asks_no_network_for_anything(make: Make) -> None:
    page = render_report(audit(data_with(make, "x")))
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)""", page)
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_contradictions_stand_side_by_side_with_what_clashes_marked(make: Make) -> None:
    page = render_report(audit(data_with(make, "x")))
    assert '<mark class="hit">3 May</mark>' in page
    assert '<mark class="hit">4 May</mark>' in page


def test_duplicates_show_their_difference(make: Make) -> None:
    assert '<mark class="added"> now</mark>' in render_report(audit(data_with(make, "x")))


def test_redaction_keeps_record_text_out_of_everything(make: Make, tmp_path: Path) -> None:
    audited = audit(data_with(make, SECRET))
    write_audited(audited, tmp_path, redact=True)
    findings = pq.read_table(tmp_path / "findings.parquet").to_pylist()
    written = [
        (tmp_path / "report.html").read_text(),
        (tmp_path / "summary.json").read_text(),
        json.dumps(findings),
        json.dumps(audited.to_json(redact=True)),
        render(audited, redact=True),
    ]
    assert len(findings) == len(audited.findings)
    for text in written:
        assert SECRET not in text
    assert SECRET in json.dumps(audited.to_json())


def test_a_redacted_page_names_places_and_kinds_and_repeats_no_sentence(make: Make) -> None:
    page = render_report(audit(data_with(make, "x")), redact=True)
    assert "a.jsonl:1" in page
    assert '<span class="tag error">date</span>' in page
    assert page.count("Two answers to one question cannot both be right") == 2, "in the table and above the findings"


def test_copies_are_shown_once_with_all_their_places(make: Make) -> None:
    records = [make("Name the third planet.", "The third planet is Earth.") for _ in range(3)]
    page = render_report(audit(Dataset.from_records(records)))
    assert "a.jsonl:1, a.jsonl:2, a.jsonl:3" in page
    assert page.count("The third planet is Earth.") == 1


def test_rows_that_could_not_be_read_say_why(make: Make) -> None:
    fault = Finding("unreadable_row", Severity.ERROR, "the JSON breaks off", "", "r", Source("a.jsonl", 9, 8))
    page = render_report(audit(Dataset.from_records([make("Where?", "There.")], [fault])))
    assert "the JSON breaks off" in page
    assert "a.jsonl:9" in page


def test_curate_writes_all_its_files(make: Make, tmp_path: Path) -> None:
    curated = curate(data_with(make, "x"), CurateSettings(min_records=1))
    write_curated(curated, tmp_path, format="messages")
    names = {path.stem for path in tmp_path.iterdir()}
    assert names == {"data", "held", "dropped", "to_read", "ledger", "findings", "overview", "report", "summary"}
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert {key: summary[key] for key in curated.ledger.counts()} == curated.ledger.counts()
    ledger = pq.read_table(tmp_path / "ledger.parquet")
    assert ledger.num_rows == 9
    assert Dataset.read_parquet(tmp_path / "data.parquet").digest == curated.data.digest
    assert len((tmp_path / "data.jsonl").read_text().splitlines()) == len(curated.data)


def test_lone_surrogates_can_be_written(make: Make, tmp_path: Path) -> None:
    write_curated(curate(data_with(make, "a\ud800b")), tmp_path)
    assert (tmp_path / "report.html").stat().st_size > 1000


def test_a_long_path_leaves_room_for_what_was_found(make: Make) -> None:
    place = Source("/home/somebody/data/of/the/year/2027/support/tickets.jsonl", 12, 11)
    fault = Finding("unreadable_row", Severity.ERROR, "the JSON breaks off", "", "r", place)
    text = render(audit(Dataset.from_records([make("Where?", "There.")], [fault])))
    assert ".../tickets.jsonl:12  the JSON breaks off" in text


def test_the_terminal_names_file_and_line_of_two_examples(make: Make) -> None:
    text = render(audit(data_with(make, "x")), next_steps=["assay curate a.jsonl -o OUT"])
    assert "NOT FIT" in text
    assert "a.jsonl:1  date: '3 May' against '4 May' at line 2" in text
    assert text.rstrip().endswith("assay curate a.jsonl -o OUT")
