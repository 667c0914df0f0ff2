"""A question from a document comes with a quote that really stands there, and one document is one family."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.errors import SettingsError
from assay.families import assign_families
from assay.split import split

PARTS = ["valve", "pump", "seal", "meter", "boiler", "router", "lamp", "sensor", "filter", "hinge", "motor", "clock"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    docs.mkdir()
    for number, part in enumerate(PARTS):
        sections = [
            f"## The {part} in case {case}\n\nIn case {case} the warranty of the {part} lasts for "
            f"{number + 10 * case} months from the day of delivery, and the shop that sold the {part} has to be told "
            "within a week. Nothing else is needed from the customer in such a case."
            for case in (1, 2, 3)
        ]
        (docs / f"{part}.md").write_text(f"# {part}\n\n" + "\n\n".join(sections), encoding="utf-8")
    return docs


def honest(asked: str) -> str:
    text = asked.split("Text:\n")[1]
    case, part = text.split("In case ")[1].split(" ")[0], text.split("warranty of the ")[1].split(" ")[0]
    months = text.split("lasts for ")[1].split(" ")[0]
    return json.dumps(
        {
            "question": f"For how many months is the {part} covered in case {case}?",
            "answer": f"The warranty lasts for {months} months.",
            "quote": f"the warranty of the {part}\nlasts for {months} MONTHS",
        }
    )


def test_a_record_quotes_the_span_that_supports_it(api: Any, generate: Any, folder: Path) -> None:
    api.reply = honest
    result = generate([], "document_qa", count=6, documents=[str(folder)])
    assert len(result.data) == 6
    for record in result.data.records():
        [source] = record.meta["synth"]["sources"]
        path = next(path for path in folder.iterdir() if source["location"].startswith(str(path)))
        text = path.read_text(encoding="utf-8")
        assert text[source["start"] : source["end"]] == source["quote"]
        assert source["quote"].startswith("the warranty of the ")
        assert record.parents == (source["id"],)
        assert "quote" in record.meta["synth"]["checks"]


def test_an_invented_quote_is_refused_and_counted(api: Any, generate: Any, folder: Path) -> None:
    def lying(asked: str) -> str:
        answer = json.loads(honest(asked))
        return json.dumps({**answer, "quote": "the warranty lasts for ever"})

    api.reply = lying
    result = generate([], "document_qa", count=3, documents=[str(folder)])
    assert len(result.data) == 0 and set(result.refused) == {"quote"}
    step = next(step for step in result.steps if step.step == "quote")
    assert step.entered == step.refused == len(result.ledger)


@pytest.mark.parametrize(
    ("changed", "step"),
    [
        ({"question": "What does the text say?"}, "context"),
        ({"answer": "Penguins dance under purple volcanoes tonight."}, "unsupported"),
        ({"quote": ""}, "parse"),
        ({"answer": ["24"]}, "parse"),
        ({"quote": "lasts for"}, "quote"),
    ],
)
def test_each_fault_is_refused_by_its_step(
    changed: dict[str, Any], step: str, api: Any, generate: Any, folder: Path
) -> None:
    api.reply = lambda asked: json.dumps({**json.loads(honest(asked)), **changed})
    result = generate([], "document_qa", count=1, documents=[str(folder / "valve.md")])
    assert set(result.refused) == {step}


def test_records_of_one_document_are_never_on_both_sides_of_a_split(api: Any, generate: Any, folder: Path) -> None:
    api.reply = honest
    result = generate([], "document_qa", count=36, documents=[str(folder)])
    divided = split(assign_families(result.data), validation=0.3, seed=1)
    sides: dict[str, set[str]] = {}
    for record in divided.records():
        sides.setdefault(record.parents[0], set()).add(record.split)
    assert len(result.data) == 36 and len(sides) == len(PARTS)
    assert all(len(side) == 1 for side in sides.values())
    assert {record.split for record in divided.records()} == {"train", "validation"}


def test_no_documents_and_an_unknown_splitter_are_said(generate: Any, folder: Path) -> None:
    with pytest.raises(SettingsError, match="no documents"):
        generate([], "document_qa", count=1)
    with pytest.raises(SettingsError, match="llama_index"):
        generate([], "document_qa", count=1, documents=[str(folder)], splitter="lama_index")


def test_stepwise_asks_for_question_answer_and_quote_one_after_the_other(api: Any, generate: Any, folder: Path) -> None:
    def small(asked: str) -> str:
        text = asked.split("Text:\n")[1]
        months = text.split("lasts for ")[1].split(" ")[0]
        if "Reply with the question alone" in asked:
            return f'Question: "How long is the warranty of the {text.split("warranty of the ")[1].split(" ")[0]}?"'
        return (
            "It lasts for " + months + " months." if "in one sentence" in asked else f"lasts for {months} months from"
        )

    api.reply = small
    result = generate([], "document_qa", count=2, documents=[str(folder)], stepwise=True)
    for record in result.data.records():
        assert record.messages[0].content.startswith("How long is the warranty of the ")
        assert record.meta["synth"]["requests"] == 3
        assert record.answer.split(" ")[3] in record.meta["synth"]["sources"][0]["quote"]
    assert len(result.data) == 2


def test_stepwise_what_is_no_question_is_asked_no_further(api: Any, generate: Any, folder: Path) -> None:
    api.reply = lambda asked: "This text is about valves."
    result = generate([], "document_qa", count=1, documents=[str(folder / "valve.md")], stepwise=True)
    assert set(result.refused) == {"parse"} and len(api.answered) == len(result.ledger)
