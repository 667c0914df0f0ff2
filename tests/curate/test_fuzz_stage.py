"""Whatever the records are, every check of the registry comes back, and every row is accounted for, once, and alike.

The checks are taken from the registry, so a new one is tested by being there. What waits for a file, a model or a
server gets it here, and `test_every_check_is_among_those_tested` says so where that was forgotten.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.chat import load_target
from assay.curate.check import CHECK_FAILED, CHECKS, Decision
from assay.curate.duplicates.releases import Releases
from assay.curate.engine.engines import Engine, InProcess
from assay.curate.engine.processes import Processes
from assay.curate.outputs import write_curated
from assay.curate.settings import CurateSettings
from assay.curate.stage import Curated, audit, curate
from assay.dataset import Dataset
from assay.findings import Fate
from assay.records import Record
from assay.suites import EvaluationText, Suite, SuiteItem
from assay.writing.house_rules import STARTER
from tests.hostile import RECORD, TEXT, TIMES, data_sets, dataset_of, fuzz, huge_records

THINKS = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content.split('</think>')[-1] }}"
    "{% for call in m.tool_calls or [] %}{{ call.function.name + call.function.arguments.city }}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if tools %}{{ tools[0].function.name }}{% endif %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""A template that takes for granted what records do not have."""


class Given:
    """Everything that a check may wait for. No dataclass, since hypothesis would print all of it."""

    def __init__(self, checks: dict[str, Any], tiny_model: Path, redis_server: str | None) -> None:
        self.checks = checks
        self.target = load_target(str(tiny_model), offline=True)
        self.careless = load_target(str(tiny_model), offline=True, chat_template=THINKS)
        self.releases = None if redis_server is None else Releases(f"{redis_server}#fuzz")


@pytest.fixture(scope="module")
def everything(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, classifier_folder: Path, redis_server: str | None
) -> Given:
    folder = tmp_path_factory.mktemp("given")
    request = {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Context:\nIt is 5.\nWhy?"},
        ],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "context": "It is 5.",
        "chat_template_kwargs": {"enable_thinking": False},
    }
    (folder / "request.json").write_text(json.dumps(request))
    checks = {
        "house_rules": {"file": str(STARTER)},
        "inference_mismatch": {"request": str(folder / "request.json")},
        "toxic_prompt": {"model": str(classifier_folder)},
    }
    return Given(checks, tiny_model, redis_server)


def assert_sound(curated: Curated, data: Dataset) -> None:
    """No check failed, and read = kept + repaired + dropped + held, row by row."""
    audited = curated.audited
    failed = {name: why for name, why in audited.not_judged.items() if why.startswith("it failed")}
    assert failed == {}
    assert [finding.message for finding in audited.findings if finding.check == CHECK_FAILED] == []
    rows = curated.ledger.rows
    assert Counter(row.row_id for row in rows) == Counter(data.row_ids())
    used, held = Counter(curated.data.row_ids()), Counter(curated.held.row_ids())
    assert used == Counter(row.row_id for row in rows if row.fate in (Fate.KEPT, Fate.REPAIRED))
    assert held == Counter(row.row_id for row in rows if row.fate is Fate.HELD)
    lengths = {record.row_id: [len(m.content or "") for m in record.messages] for record in data.records()}
    for finding in audited.findings:
        assert finding.message and "\n" not in finding.message
        if finding.span is not None:
            own = lengths[finding.row_id][finding.span.message]
            assert 0 <= finding.span.start <= finding.span.end <= own
    for redact in (False, True):
        json.dumps(audited.to_json(redact=redact)).encode("ascii")


def outcome(curated: Curated) -> Any:
    audited = curated.audited
    return audited.to_json(), curated.ledger.table.to_pylist(), list(curated.data.records())


def deciding(decision: Decision | None, checks: dict[str, Any]) -> CurateSettings:
    """Every check with that decision, where it has it."""
    if decision is None:
        return CurateSettings(checks=checks)
    able = {
        name: {**checks.get(name, {}), "decision": str(decision)}
        for name, check in CHECKS.all().items()
        if decision is not Decision.REPAIR or check.repair is not None
    }
    return CurateSettings(checks={**checks, **able})


@fuzz(12)
@given(data_sets())
def test_without_a_model(records: list[Record]) -> None:
    data, settings = dataset_of(records), CurateSettings()
    curated = curate(data, settings, engine=InProcess())
    assert_sound(curated, data)
    assert outcome(curate(data, settings, engine=InProcess(1))) == outcome(curated)


@fuzz(12)
@given(data_sets(8), st.lists(TEXT, max_size=3), st.sampled_from([None, *Decision]), st.booleans(), st.data())
def test_with_all_that_checks_wait_for(
    everything: Given,
    tmp_path: Path,
    records: list[Record],
    texts: list[str | None],
    decision: Decision | None,
    careless: bool,
    drawn: st.DataObject,
) -> None:
    data = dataset_of(records)
    leaked = [record for record in records if drawn.draw(st.booleans())]
    items = tuple(SuiteItem(str(n), record.prompt, record.answer) for n, record in enumerate(leaked))
    suites = [Suite("own", tmp_path / "own.yaml", items, "exact_match")]
    against = [EvaluationText("other", str(n), text or "") for n, text in enumerate(texts)]
    settings = deciding(decision, everything.checks)
    target = everything.careless if careless else everything.target
    curated = curate(data, settings, target, suites, against, releases=everything.releases)
    assert_sound(curated, data)
    write_curated(curated, tmp_path / "out")
    assert pq.read_metadata(tmp_path / "out" / "ledger.parquet").num_rows == data.rows_read
    again = curate(data, settings, target, suites, against, InProcess(1), releases=everything.releases)
    assert outcome(again) == outcome(curated)


@fuzz(4)
@given(st.lists(RECORD, min_size=1, max_size=3))
def test_what_curate_lets_through_is_the_same_data_when_it_is_read_again(tmp_path: Path, records: list[Record]) -> None:
    curated = curate(dataset_of(records), CurateSettings(encoder="off"))
    write_curated(curated, tmp_path / "out")
    assert list(Dataset.read_parquet(tmp_path / "out" / "data.parquet").records()) == list(curated.data.records())


def test_every_check_is_among_those_tested(everything: Given) -> None:
    data = dataset_of(huge_records(turns=2, size=100)[:1])
    texts = [EvaluationText("other", "1", "What is it?")]
    audited = audit(
        data, CurateSettings(checks=everything.checks), everything.target, (), texts, releases=everything.releases
    )
    server = {"earlier_release"} if everything.releases is None else set()
    assert set(audited.not_judged) == server
    assert {item.name for item in audited.checks} == set(CHECKS.all())


def test_records_too_large_to_draw(everything: Given) -> None:
    data = dataset_of(huge_records(turns=min(4_000, 400 * TIMES), size=min(400_000, 20_000 * TIMES)))
    curated = curate(data, CurateSettings(checks={"house_rules": everything.checks["house_rules"]}))
    assert_sound(curated, data)


def test_records_too_large_to_draw_under_a_template(everything: Given) -> None:
    data = dataset_of(huge_records(turns=40, size=2_000 * TIMES))
    curated = curate(data, CurateSettings(checks=everything.checks), everything.target, releases=everything.releases)
    assert_sound(curated, data)


@pytest.mark.parametrize("rows", [1, 7])
def test_several_processes_come_to_the_same(rows: int) -> None:
    drawn: list[Record] = []

    @fuzz(8)
    @given(data_sets(6))
    def draw(records: list[Record]) -> None:
        drawn.extend(records)

    draw()
    data = dataset_of(drawn)
    engines: list[Engine] = [InProcess(), Processes(2, rows * 5)]
    one, other = (curate(data, CurateSettings(), engine=engine) for engine in engines)
    assert_sound(one, data)
    assert outcome(other) == outcome(one)
