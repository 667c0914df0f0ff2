"""An API server on loopback that speaks OpenAI's and Anthropic's protocols and misbehaves on request."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from assay.dataset import Dataset
from assay.findings import Fate, Ledger, LedgerRow
from assay.protocols import Judged
from assay.records import Message, Record, Source, record_id, row_id
from tests.synth.api_server import ApiServer, api_server


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with api_server() as server:
        yield server


def seed_record(number: int, prompt: str, answer: str = "Yes.") -> Record:
    messages = (Message("user", prompt), Message("assistant", answer))
    return Record(record_id(messages), row_id("seeds", number), messages, Source("seeds.jsonl", number + 1, number))


@pytest.fixture
def seeds() -> Dataset:
    things = ["parcel", "refund", "invoice", "thermostat", "sensor", "valve", "account", "subscription"]
    return Dataset.from_records(
        seed_record(number, f"Where is the {thing} of my order BW-{number}17?") for number, thing in enumerate(things)
    )


@pytest.fixture
def keep_new() -> Callable[[Dataset], Judged]:
    """A judge that drops exact copies and keeps the rest; curate's own is tried in tests/test_pipeline.py."""

    def audit(data: Dataset) -> Judged:
        seen: set[str] = set()
        rows = []
        for record in data.records():
            fate = Fate.DROPPED if record.id in seen else Fate.KEPT
            reasons = ("exact_duplicate",) if record.id in seen else ()
            rows.append(LedgerRow(record.row_id, record.id, record.source, fate, reasons))
            seen.add(record.id)
        return Judged(Ledger.of(rows), ())

    return audit
