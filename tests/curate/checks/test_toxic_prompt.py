"""toxic_prompt: off unless a model is named; what it says comes from the model's own classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.curate.settings import CurateSettings
from assay.curate.stage import audit
from assay.curate.toxicity.classifier import counted_classes, load_classifier
from assay.dataset import Dataset
from assay.errors import ModelError, SettingsError
from assay.records import Record

Make = Callable[..., Record]


def test_without_a_model_it_is_not_judged(make: Make) -> None:
    audited = audit(Dataset.from_records([make("a", "b")]))
    assert audited.not_judged["toxic_prompt"] == "no model was named (curate.checks.toxic_prompt.model)"


def test_every_prompt_is_judged_by_the_model_in_the_order_of_the_records(make: Make, classifier_folder: Path) -> None:
    texts = [f"{'cat ' * (n % 7 + 1)}{n}" for n in range(80)] + ["", "\ud800", "x" * 20_000]
    classifier = load_classifier(str(classifier_folder))
    judged = list(classifier.judge(texts))
    alone = [next(iter(classifier.judge([text]))).probability for text in texts]
    assert [item.probability for item in judged] == pytest.approx(alone, abs=1e-4)
    assert {item.label for item in judged} == {"toxic"}
    middle = sorted(alone)[len(alone) // 2]
    settings = CurateSettings(checks={"toxic_prompt": {"model": str(classifier_folder), "threshold": middle}})
    records = [make(text, "an answer") for text in texts]
    found = [f for f in audit(Dataset.from_records(records), settings).findings if f.check == "toxic_prompt"]
    expected = [record.row_id for record, chance in zip(records, alone, strict=True) if chance >= middle]
    assert abs(len(found) - len(expected)) <= 2
    assert all(finding.evidence["kind"] == "toxic" and "probability" in finding.message for finding in found)


def test_a_name_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        load_classifier(str(tmp_path / "none"), offline=True)


@pytest.mark.parametrize(
    ("classes", "counted"),
    [
        ({0: "neutral", 1: "toxic"}, {1}),
        ({0: "non-toxic", 1: "toxic"}, {1}),
        ({0: "toxic", 1: "severe_toxic", 2: "obscene", 3: "threat", 4: "insult", 5: "identity_hate"}, set(range(6))),
        ({0: "safe", 1: "unsafe"}, {1}),
        ({0: "NOT_HATE", 1: "HATE"}, {1}),
        ({0: "harmless", 1: "harmful"}, {1}),
    ],
)
def test_classes_that_speak_of_harm_count(classes: dict[int, str], counted: set[int]) -> None:
    assert set(counted_classes(classes, (), "m")) == counted


def test_classes_can_be_named_and_have_to_be_there() -> None:
    classes = {0: "LABEL_0", 1: "LABEL_1"}
    assert counted_classes(classes, ["LABEL_1"], "m") == {1: "LABEL_1"}
    with pytest.raises(SettingsError, match="no class 'spam'"):
        counted_classes(classes, ["spam"], "m")
    with pytest.raises(SettingsError, match="no class of m is named like harm"):
        counted_classes(classes, (), "m")
