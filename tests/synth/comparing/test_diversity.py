"""New records are measured against what was there, and generation stops when they stop being new."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.dataset import Dataset
from assay.synth.comparing.diversity import WINDOW, Novelty, distinct, grams, measure, nearest_by_words
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings
from assay.synth.stage import synth


def test_distinct_ngrams_are_those_over_all() -> None:
    assert distinct(["a b a b"], 1) == 0.5
    assert distinct(["a b c", "a b d"], 2) == 0.75
    assert distinct([], 2) == 0.0 and distinct(["a"], 2) == 0.0


def test_short_texts_are_one_run_and_scripts_without_spaces_have_words_too() -> None:
    assert len(grams("two words")) == 1 and grams("...") == set()
    assert len(grams("你好世界再见")) == 3
    assert nearest_by_words("the red cat", ["a blue dog", "the cat"]) == pytest.approx(2 / 3)


def test_a_draft_is_new_by_what_stands_nowhere_yet() -> None:
    novelty = Novelty()
    novelty.add("one two three four five")
    assert novelty.share_new("one two three four five") == 0.0
    assert novelty.share_new("one two three four five six") == pytest.approx(1 / 3)
    assert novelty.share_new("six seven eight nine ten") == 1.0


def test_a_method_is_spent_when_its_last_drafts_brought_too_little() -> None:
    novelty = Novelty()
    for number in range(WINDOW - 1):
        novelty.judge(f"a text of number {number} and {number + 1}", accepted=False)
    assert not novelty.is_spent(0.2)
    novelty.judge("the last", accepted=False)
    assert novelty.is_spent(0.2) and not novelty.is_spent(0.0)
    assert not novelty.fresh().is_spent(0.2)


def test_coverage_and_nearness_by_vectors() -> None:
    """Existing texts on a circle: new ones at one side of it are near those, and cover only them."""

    def encode(texts: Any) -> Any:
        angles = np.array([float(text) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    existing = [str(number / 10) for number in range(20)]
    same = measure(existing, existing, encode)
    assert same.coverage == 1.0 and same.nearest == (1.0, 1.0, 1.0)
    part = measure(["0.5"], existing, encode)
    assert part.coverage is not None and 0.2 < part.coverage < 0.6
    far = measure(["-2.0"], existing, encode)
    assert far.coverage == 0.0 and far.nearest is not None and far.nearest[1] < 0


def test_without_an_encoder_words_are_compared() -> None:
    found = measure(["the red cat"], ["the cat", "a dog"])
    assert found.measured_by == "words" and found.coverage is None
    assert found.nearest == (0.6667, 0.6667, 0.6667)
    assert measure([], ["x"]).nearest is None


def test_generation_stops_when_new_records_stop_being_new(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    """A model that knows twelve answers: the others are copies, and asking on would only cost."""
    words = ["north", "south", "east", "west", "up", "down", "left", "right", "near", "far", "here", "there"]
    api.reply = lambda text: (
        f"New task: Tell a long story of the {words[len(api.seen) % 12]} side of the big house"
        if "New task:" in text
        else f"A story: {text} " * 3
    )
    settings = SynthSettings(
        provider="openai_compatible", model="m", base_url=f"{api.url}/v1", concurrency=1,
        methods={"self_instruct": {"count": 1000, "per_seed": 100}},
    )  # fmt: skip
    result = synth(seeds, settings, make_provider(settings, None), keep_new, tmp_path / "j.sqlite")
    assert result.stopped is not None and "stopped being new" in result.stopped
    assert len(result.data) <= 12
    assert len(result.ledger) < 800
