"""Every record says where it comes from, and accepted ones stand with curate's own judgement beside what exists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.api import curate, make_audit
from assay.curate.settings import CurateSettings, SplitSettings
from assay.dataset import Dataset
from assay.findings import Fate, Ledger, LedgerRow
from assay.protocols import Judged, Price
from assay.records import Message
from assay.suites import Suite, SuiteItem
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings
from assay.synth.stage import Synthesized, synth

TOPICS = ["bread", "chess", "glaciers", "violins", "compost", "sundials", "lighthouses", "beavers", "origami", "comets"]


def run(api: Any, seeds: Dataset, audit: Any, path: Path, **more: Any) -> Synthesized:
    given: dict[str, Any] = {"provider": "openai_compatible", "model": "m", "base_url": f"{api.url}/v1", **more}
    settings = SynthSettings(**given)
    return synth(seeds, settings, make_provider(settings, None), audit, path / "journal.sqlite")


def test_a_record_names_its_method_prompt_model_settings_parents_cost_and_checks(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    methods = {"paraphrase": {"count": 2, "per_seed": 1}}
    result = run(api, seeds, keep_new, tmp_path, methods=methods, price=Price(1.0, 2.0), temperature=0.5, seed=3)
    ids = {record.id for record in seeds.records()}
    for record in result.data.records():
        lineage = record.meta["synth"]
        assert lineage["method"] == "paraphrase" and lineage["model"] == "m"
        assert len(lineage["prompt_template_sha256"]) == 64
        assert lineage["settings"] == {"count": 2, "per_seed": 1, "max_tokens": 256, "seed": 3}
        assert lineage["temperature"] == 0.5
        assert lineage["usd"] == pytest.approx((10 * 1.0 + 5 * 2.0) / 1e6)
        assert lineage["checks"] == ["boilerplate", "quote", "scorer", "template", "curate"]
        assert lineage["reviewer"] is None
        assert set(record.parents) <= ids
    json.dumps([record.meta for record in result.data.records()])


def test_another_prompt_template_is_another_hash(api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path) -> None:
    own = tmp_path / "own.jinja"
    own.write_text("Say it otherwise. Message: {{ prompt }}", encoding="utf-8")
    result = run(api, seeds, keep_new, tmp_path, methods={"paraphrase": {"count": 1, "template": str(own)}})
    import hashlib

    [record] = result.data.records()
    assert record.meta["synth"]["prompt_template_sha256"] == hashlib.sha256(own.read_bytes()).hexdigest()
    assert api.answered[0].startswith("Say it otherwise.")


def test_what_curate_finds_beside_the_seeds_is_refused_by_its_own_name(
    api: Any, seeds: Dataset, tmp_path: Path
) -> None:
    """One seed is copied by the model with other punctuation: curate's duplicates see it."""
    copied = next(seeds.records()).messages[0].content
    fresh = iter(TOPICS)
    shown = "New task:"

    def model(text: str) -> str:
        if shown not in text:
            return "Where your own heart is, and nowhere else in this world."
        topic = next(fresh, None)
        return copied.upper() if topic == "chess" else f"Explain the making of {topic} to a curious neighbour."

    api.reply = model
    result = run(
        api,
        seeds,
        make_audit(),
        tmp_path,
        methods={"self_instruct": {"count": 4, "max_similarity": 1.1}},
        concurrency=1,
    )
    curated = next(step for step in result.steps if step.step == "curate")
    assert curated.refused >= 1
    assert set(result.refused) - {"surplus"}
    assert all(TOPICS[1] not in str(record.messages) for record in result.data.records())


def test_items_of_an_evaluation_suite_are_refused(api: Any, seeds: Dataset, tmp_path: Path) -> None:
    item = "Explain to a neighbour how beavers build a dam across a river that never freezes"
    suite = Suite("held_out", Path("held_out.yaml"), (SuiteItem("1", (Message("user", item),), "x"),), "exact_match")
    shown = iter([item, "Describe how a lighthouse keeper spends the longest night of the whole year"])

    def model(text: str) -> str:
        return next(shown) if "New task:" in text else "With patience, branches, mud, and a great deal of time."

    api.reply = model
    settings = {"self_instruct": {"count": 2, "per_seed": 1}}
    result = run(api, seeds, make_audit(suites=[suite]), tmp_path, methods=settings, concurrency=1, max_requests=4)
    assert result.refused.get("evaluation_leak") == 1
    assert item not in [record.messages[0].content for record in result.data.records()]


def test_a_family_never_stands_on_both_sides_of_curate_s_split(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    number = iter(range(10_000))
    api.reply = lambda text: (
        f"Explain the {TOPICS[next(number) % 10]} of year {next(number)} in the voice of person {next(number)}"
        if "New task:" in text
        else f"Once, in {next(number)}, there were {next(number)} of them, and {next(number)} more came by."
    )
    made = run(api, seeds, keep_new, tmp_path, methods={"self_instruct": {"count": 24, "per_seed": 8}}, concurrency=1)
    assert len(made.data) == 24
    off = dict.fromkeys(("near_duplicate", "edited_duplicate", "same_meaning", "off_topic_answer"), False)
    curated = curate(made.combined(seeds), CurateSettings(split=SplitSettings(validation=0.3), checks=off))
    side = {record.id: record.split for record in curated.data.records()}
    judged = [record for record in curated.data.records() if record.origin == "synthetic"]
    assert {record.split for record in judged} == {"train", "validation"}
    for record in judged:
        assert {side[parent] for parent in record.parents if parent in side} == {record.split}


def test_audits_over_all_rounds_are_linear_in_the_answers(api: Any, seeds: Dataset, tmp_path: Path) -> None:
    """With rounds of 64 it would be 25 audits over ever more rows, 20,000 in all; with growing ones it is less."""
    read: list[int] = []

    def audit(data: Dataset) -> Judged:
        read.append(len(data))
        return Judged(Ledger.of(LedgerRow(r.row_id, r.id, r.source, Fate.KEPT) for r in data.records()), ())

    many = Dataset.from_records(list(seeds.records()))
    result = run(
        api, many, audit, tmp_path, methods={"paraphrase": {"count": 1600, "per_seed": 200}}, min_new=0.0,
        max_requests=5000,
    )  # fmt: skip
    assert len(result.data) == 1600
    assert sum(read) <= 6 * 1600
