"""A sequence-classification model is loaded in one place, and says the same of a text in any company."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from assay.curate.sequence_model import by_length, load_sequence_model
from assay.errors import ModelError


def test_items_are_judged_by_length_and_answered_in_their_order() -> None:
    seen: list[list[str]] = []

    def judge(texts: list[str]) -> list[str]:
        seen.append(texts)
        return [text.upper() for text in texts]

    texts = ["ccc", "a", "bb"] * 20
    assert by_length(texts, len, judge) == [text.upper() for text in texts]
    assert [len(batch) for batch in seen] == [32, 28]
    assert [text for batch in seen for text in batch] == sorted(texts, key=len)


def test_a_text_is_told_the_same_alone_and_beside_a_longer_one(classifier_folder: Path) -> None:
    model = load_sequence_model(str(classifier_folder), "the classifier", offline=True)
    assert model.classes == {0: "non-toxic", 1: "toxic"} and not model.independent
    together = model.probabilities(["the cat", "the cat sat on the mat. " * 20, "", "\ud800"])
    assert together.shape == (4, 2) and together.sum(-1).tolist() == pytest.approx([1.0] * 4, abs=1e-5)
    assert model.probabilities(["the cat"])[0].tolist() == pytest.approx(together[0].tolist(), abs=1e-4)


def test_damaged_weights_are_one_line(classifier_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(classifier_folder, tmp_path / "damaged"))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ModelError, match="the classifier cannot be loaded") as error:
        load_sequence_model(str(folder), "the classifier", offline=True)
    assert "\n" not in str(error.value)
