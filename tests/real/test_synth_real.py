"""Real seeds and real documents, put to the embedded model: few requests, each accounted for.

How many of a few hundred are accepted, and what a person says of them, is in docs/decisions/0089.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.api import make_audit
from assay.chat import ChatTarget, load_target
from assay.dataset import Dataset
from assay.errors import ModelError
from assay.models import resolve
from assay.models.embedded import DEFAULT_MODEL
from assay.records import Message, Record, Source, record_id, row_id
from assay.synth.documents.reading import read_documents
from assay.synth.documents.splitting import split_sections
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings
from assay.synth.stage import Synthesized, synth
from assay.synth.verifier import Bench

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def target() -> ChatTarget:
    try:
        resolve(DEFAULT_MODEL)
    except ModelError as error:
        pytest.skip(f"the embedded model cannot be had here: {error}")
    return load_target(DEFAULT_MODEL)


def seeds_of(shared: Path) -> Dataset:
    path = shared / "data/instruction/self_instruct/human_eval/user_oriented_instructions.jsonl"
    records = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()[:24]):
        task = json.loads(line)
        question = "\n\n".join(filter(str.strip, (task["instruction"], task["instances"][0]["input"])))
        messages = (Message("user", question), Message("assistant", task["instances"][0]["output"]))
        records.append(
            Record(record_id(messages), row_id("s", number), messages, Source(path.name, number + 1, number))
        )
    return Dataset.from_records(records)


def run(seeds: Dataset, target: ChatTarget, folder: Path, **methods: Any) -> Synthesized:
    settings = SynthSettings(provider="local", model=DEFAULT_MODEL, methods=methods, max_requests=24, max_tokens=64)
    provider, audit = make_provider(settings, DEFAULT_MODEL), make_audit(target=target)
    return synth(seeds, settings, provider, audit, folder / "journal", bench=Bench(settings, target))


def adds_up(result: Synthesized) -> None:
    assert len(result.ledger) == len(result.data) + sum(result.refused.values())
    assert sum(step.refused for step in result.steps) == sum(result.refused.values())
    assert result.steps[0].entered == len(result.ledger) > 0
    assert result.spent.requests <= 24


def test_real_seeds_are_expanded_and_every_answer_is_accounted_for(
    shared: Path, target: ChatTarget, tmp_path: Path
) -> None:
    seeds = seeds_of(shared)
    result = run(seeds, target, tmp_path, self_instruct={"count": 6})
    adds_up(result)
    ids = {record.id for record in seeds.records()}
    for record in result.data.records():
        assert record.parents and set(record.parents) <= ids
    again = run(seeds, target, tmp_path, self_instruct={"count": 6})
    assert again.data.digest == result.data.digest and again.spent.requests == result.spent.requests


def test_what_is_accepted_of_documents_quotes_them(target: ChatTarget, tmp_path: Path) -> None:
    docs = str(ROOT / "docs")
    result = run(
        Dataset.from_records([]), target, tmp_path, document_qa={"count": 4, "documents": [docs], "max_words": 80}
    )
    adds_up(result)
    texts = {document.id: document.text for document in read_documents([docs])}
    for record in result.data.records():
        for source in record.meta["synth"]["sources"]:
            assert texts[source["id"]][source["start"] : source["end"]] == source["quote"]


def test_every_piece_of_the_documents_stands_where_it_says() -> None:
    documents = read_documents([str(ROOT / "docs")])
    pieces = [piece for document in documents for piece in split_sections(document, 30, 120)]
    assert len(documents) > 20 and len(pieces) > 300
    for piece in pieces:
        assert piece.text == piece.document.text[piece.start : piece.end]
        assert len(piece.text.split()) <= 120
