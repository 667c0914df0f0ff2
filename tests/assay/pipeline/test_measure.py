"""Whether new records helped is measured on equal terms, and never on items that generation has seen."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from assay import stages
from assay.chat import load_target
from assay.dataset import Dataset
from assay.errors import SettingsError, SuiteError
from assay.findings import Verdict
from assay.pipeline.measure import Measured, Question, SuiteMeasure, arms, measure, refuse_known_items, same_budget
from assay.project import concatenate
from assay.records import Message, Record, Source, record_id, row_id
from assay.runs import RunStore
from assay.suites import read_suite


def record(number: int, prompt: str, answer: str, parents: Sequence[str] = (), split: str = "") -> Record:
    messages = (Message("user", prompt), Message("assistant", answer))
    return Record(
        record_id(messages),
        row_id("synth" if parents else "data", number),
        messages,
        Source("data.jsonl", number + 1, number),
        origin="synthetic" if parents else "human",
        parents=tuple(parents),
        meta={"synth": {"method": "m"}} if parents else {},
        split=split,
    )


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Question:
    """Data that knows nothing of cats, and new records that do; the suite asks about cats and mats."""
    folder = tmp_path_factory.mktemp("measure")
    mats = [record(number, f"the mat sat on {number}", "no") for number in range(48)]
    cats = [record(number, f"the cat sat on {number}", "yes", [mats[number].id]) for number in range(48)]
    items = [
        {"id": f"{word}{number}", "prompt": f"the {word} sat on the {number}", "reference": answer}
        for number in range(100, 140)
        for word, answer in (("mat", "no"), ("cat", "yes"))
    ]
    (folder / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    (folder / "suite.yaml").write_text(
        "{version: 1, name: animals, data: items.jsonl, scorer: exact_match, max_new_tokens: 3}"
    )
    train = stages.TrainSettings(
        load_in_4bit=False, dtype="float32", device="cpu", lora_r=16, learning_rate=1e-2, num_train_epochs=2,
        effective_batch_size=16, validation=0.1,
    )  # fmt: skip
    evaluate = stages.EvaluateSettings(damaged_items=20, slightly_damaged_items=0)
    target = load_target(str(tiny_model))
    existing = Dataset.from_records(mats)
    combined = concatenate([existing, Dataset.from_records(cats)])
    return Question(existing, combined, (read_suite(folder / "suite.yaml"),), train, evaluate, target)


def test_two_adapters_are_trained_and_held_against_each_other_once(question: Question, tmp_path: Path) -> None:
    """The tiny model is too small to learn what the records say: what is proved of real gains is the gate's affair, and
    tried in tests/evaluate/gate/test_between.py."""
    found = measure(question, RunStore(tmp_path))
    [suite] = found.suites
    assert 20 <= suite.n <= 60  # half of the items
    assert suite.with_new - suite.without == pytest.approx(suite.difference)
    assert suite.ci[0] <= suite.difference <= suite.ci[1]
    assert found.records == (43, 86)
    assert found.lines()[0] == (
        f"Trained twice for {found.steps} steps, same recipe and seed: on 43 records, and on 86 with the new ones."
    )
    runs = RunStore(tmp_path).manifests()
    assert sorted(run.stage for run in runs) == ["measure", "train", "train"]
    steps = [run.data["facts"]["steps"] for run in runs if run.stage == "train"]
    assert steps == [found.steps, found.steps]
    assert measure(question, RunStore(tmp_path)) == found
    assert len(RunStore(tmp_path).manifests()) == len(runs)


def test_both_arms_take_the_same_steps_and_validate_on_the_same_records(question: Question) -> None:
    without, with_new = arms(question.existing, question.combined, question.train)
    settings, steps = same_budget(question, (without, with_new))
    for data, own in zip((without, with_new), settings, strict=True):
        prepared = stages.prepare_training(data, own, question.target)
        assert prepared.recipe.steps == steps
        assert prepared.recipe.effective_batch_size == 16
    assert settings[0].max_length == settings[1].max_length and settings[0].seed == settings[1].seed
    validate = [set(data.select_split("validation").row_ids()) for data in (without, with_new)]
    assert validate[0] == validate[1] and validate[0] <= set(question.existing.row_ids()) and validate[0]


def test_neither_arm_trains_on_general_data(question: Question) -> None:
    mixed = dataclasses.replace(question.train, general_data="not-there.jsonl", general_ratio=0.3)
    data = arms(question.existing, question.combined, mixed)
    settings, _ = same_budget(dataclasses.replace(question, train=mixed), data)
    assert [(own.general_data, own.general_ratio) for own in settings] == [((), None)] * 2


def test_a_new_record_whose_parent_validates_does_not_train() -> None:
    kept, aside = record(0, "a", "b", split="train"), record(1, "c", "d", split="validation")
    new = [record(0, "e", "f", [kept.id]), record(1, "g", "h", [aside.id])]
    existing = Dataset.from_records([kept, aside])
    without, with_new = arms(existing, concatenate([existing, Dataset.from_records(new)]), stages.TrainSettings())
    assert without.row_ids() == existing.row_ids()
    assert [(r.id, r.split) for r in with_new.records()] == [
        (kept.id, "train"), (aside.id, "validation"), (new[0].id, "train"),
    ]  # fmt: skip


def test_existing_records_whose_place_new_ones_take_train_in_one_arm_alone() -> None:
    existing = Dataset.from_records([record(number, f"q{number}", "a", split="train") for number in range(3)])
    new = Dataset.from_records([record(0, "n", "a", ["x"])])
    combined = concatenate([existing.select_rows(existing.row_ids()[1:]), new])
    without, with_new = arms(existing, combined, stages.TrainSettings())
    assert without.row_ids() == existing.row_ids()
    assert with_new.row_ids() == [*existing.row_ids()[1:], *new.row_ids()]


@pytest.mark.parametrize(
    ("where", "says"), [("existing", "generation has seen items"), ("new", "the new records hold items")]
)
def test_nothing_is_measured_on_items_that_are_known(question: Question, where: str, says: str) -> None:
    prompt = "Which of our three depots is closest to the harbour, and when does it open on Saturdays?"
    suite = question.suites[0]
    asked = replace(suite.items[0], id="known", messages=(Message("user", prompt),))
    known = record(7_000, prompt, "The second, at nine.", ["x"] if where == "new" else ())
    existing = concatenate([question.existing, Dataset.from_records([known] if where == "existing" else [])])
    combined = concatenate([question.combined, Dataset.from_records([known])])
    with pytest.raises(SuiteError, match=says):
        refuse_known_items(
            replace(
                question, existing=existing, combined=combined, suites=(replace(suite, items=(*suite.items, asked)),)
            )
        )
    refuse_known_items(question)


def test_nothing_to_measure_is_said_before_anything_is_trained(question: Question, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no record was accepted"):
        measure(replace(question, combined=question.existing), RunStore(tmp_path))
    with pytest.raises(SettingsError, match="--suite"):
        measure(replace(question, suites=()), RunStore(tmp_path))
    assert not (tmp_path / "runs").exists()


def verdict(suite: str, said: Verdict, needed: int | None = None) -> SuiteMeasure:
    return SuiteMeasure(suite, 200, 0.61, 0.64, 0.03, (-0.02, 0.08), said, needed, "answers do not vary")


def test_the_verdict_is_in_words_and_says_how_many_items_it_would_take() -> None:
    unknown = verdict("support", Verdict.INCONCLUSIVE, 640)
    assert unknown.sentence == (
        "support: without 61.0%, with 64.0%: +3.0 points (95 % interval -2.0 to +8.0, 200 items): it cannot be told; a "
        "difference of this size would take about 640 more items in this half of the suite, 1,280 in both"
    )
    assert "more items would not tell" in verdict("support", Verdict.INCONCLUSIVE).sentence
    decided = replace(verdict("support", Verdict.PASS), limits=(0.0004, 0.061), difference=-0.0001)
    assert decided.sentence.endswith("0.0 points (90 % interval 0.0 to +6.1, 200 items): helped")
    assert verdict("s", Verdict.INVALID).sentence == "s: the suite could not have shown it: answers do not vary"


@pytest.mark.parametrize(
    ("suites", "whole"),
    [
        ([Verdict.PASS, Verdict.PASS], Verdict.PASS),
        ([Verdict.PASS, Verdict.INCONCLUSIVE], Verdict.INCONCLUSIVE),
        ([Verdict.PASS, Verdict.BLOCK], Verdict.BLOCK),
        ([Verdict.PASS, Verdict.INVALID], Verdict.INVALID),
    ],
)
def test_of_several_suites_each_has_to_show_it(suites: list[Verdict], whole: Verdict) -> None:
    found = Measured(tuple(verdict(f"s{n}", said) for n, said in enumerate(suites)), 10, (5, 9), ("a", "b"))
    assert found.verdict is whole
    assert found.to_json()["verdict"] == str(whole) and len(found.lines()) == 2 + len(suites)
