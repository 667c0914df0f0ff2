"""The model card says what is known, says what is not, and interprets nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from assay.releases.model_card import Known, model_card

HOSTILE = "a|b `c` <script>alert(1)</script> [x](javascript:1)\n# d\u202e {{ 7*7 }}"
SUITE: dict[str, Any] = {
    "suite": "support", "role": "domain", "n": 300, "base": 0.1, "candidate": 0.575, "difference": 0.475,
    "ci": [0.41, 0.54], "sensitivity": {"valid": True}, "leaked": 0,
}  # fmt: skip


def certificate(*suites: dict[str, Any], **decision: Any) -> dict[str, Any]:
    said = {
        "verdict": "PASS",
        "reasons": ["support rose"],
        "suites": list(suites),
        "macro": {"margin": 0.02},
        "notes": [],
    }
    return {"decision": said | decision, "base": {"quantisation": "nf4"}, "data": [{"digest": "d"}]}


def known(**changed: Any) -> Known:
    given: dict[str, Any] = {
        "title": "support version 1", "config": {"r": 16}, "card": {"base": "some/base", "quantisation": "nf4"},
        "certificate": certificate(SUITE), "facts": {},
    }  # fmt: skip
    return Known(**given | changed)


def metadata(card: str) -> dict[str, Any]:
    return dict(yaml.safe_load(card.split("---\n")[1]))


def test_scores_stand_with_their_intervals_and_in_the_hubs_metadata() -> None:
    card = model_card(known())
    assert "| support | domain | 300 | 10.0 | 57.5 | \\+47.5 | \\+41.0 to \\+54.0 |" in card
    found = metadata(card)
    assert (found["base_model"], found["library_name"]) == ("some/base", "peft")
    assert found["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.575


def test_a_suite_that_could_not_have_shown_a_regression_is_no_score() -> None:
    invalid = SUITE | {"suite": "arc", "sensitivity": {"valid": False}}
    card = model_card(known(certificate=certificate(SUITE, invalid, notes=["arc was set aside"])))
    assert "| arc |" not in card and "- arc was set aside" in card
    assert len(metadata(card)["model-index"][0]["results"]) == 1


def test_without_a_certificate_nothing_is_claimed() -> None:
    card = model_card(known(certificate=None))
    assert "No gate has judged it" in card and "Nothing was measured" in card
    assert "model-index" not in metadata(card)


def test_settings_and_losses_are_those_of_the_run() -> None:
    facts = {
        "recipe": {"lora_r": 16, "learning_rate": 1e-3, "use_dora": False},
        "counts": {"read": 10, "kept": 7, "repaired": 1, "dropped": 2, "held": 0},
        "validation_loss_before": 3.5, "validation_loss": 0.25, "best_step": 62,
    }  # fmt: skip
    card = model_card(known(facts=facts))
    assert "| learning rate | 0.001 |" in card and "DoRA" not in card
    assert "8 records; 2 of 10 that were read did not train" in card
    assert "Validation loss 3.500 before, 0.250 at step 62" in card


def test_general_records_that_were_mixed_in_are_told() -> None:
    files = [{"name": "/home/ana/gen`eral.jsonl", "drawn": 3}]
    facts = {
        "counts": {"read": 12, "kept": 10, "repaired": 0, "dropped": 2, "held": 0},
        "mixture": {"drawn": 3, "reached": 0.3, "files": files},
    }
    card = model_card(known(facts=facts))
    assert "3 of them are general records, mixed in against forgetting (30.0% of what trained" in card
    assert "/home/ana" not in card
    assert "general records" not in model_card(known(facts={**facts, "mixture": {"drawn": 0, "reached": 0.0}}))


def test_text_of_others_is_no_markup_no_row_and_no_heading() -> None:
    card = model_card(
        known(
            title=HOSTILE, card={"base": HOSTILE},
            certificate=certificate(SUITE | {"suite": HOSTILE}, notes=[HOSTILE], reasons=[HOSTILE]),
        )
    )  # fmt: skip
    body = card.split("---\n", 2)[2]
    assert "<script>" not in body.replace("\\<script\\>", "").replace("`a|b  c  <script>alert(1)</script>", "")
    assert "\n# d" not in body and "\u202e" not in body
    headings = [line for line in body.splitlines() if line.startswith("#")]
    assert [line for line in headings if line.startswith("## ")] == [
        "## Is it fit to release?", "## Scores", "## Training data", "## Training", "## Use", "## Limits",
    ]  # fmt: skip
    metadata(card)


def test_a_base_in_a_folder_is_named_without_its_path(tmp_path: Path) -> None:
    base = tmp_path / "alice" / "private-base"
    base.mkdir(parents=True)
    card = model_card(known(card={"base": str(base)}))
    assert "private-base" in card and "alice" not in card
    assert "base_model" not in metadata(card)
