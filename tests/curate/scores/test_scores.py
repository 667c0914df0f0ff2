"""Scores are the model's own losses, whatever the batches; subsets are of equal size and one of them is random."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.console import Options
from assay.curate.scores.likelihood import FOUND, LONGEST, Score, score
from assay.curate.scores.show import names_of, score_usable
from assay.curate.scores.subset import choose
from assay.curate.stage import audit, parted
from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.records import Message, Record

Make = Callable[..., Record]


def records(make: Make) -> list[Record]:
    return [
        make("the cat", "sat on the mat."),
        make("yes", "no", "the mat", "the cat sat on the mat. " * 8),
        make("no", "yes " * 40),
        make("the mat", "yes"),
    ]


@pytest.fixture(scope="module")
def loaded(tiny_model: Path):  # type: ignore[no-untyped-def]
    pytest.importorskip("torch")
    from assay.chat import load_target
    from assay.models import load_base

    target = load_target(str(tiny_model), offline=True)
    return load_base(target.ref), target


def test_the_loss_is_that_of_transformers_record_by_record(make: Make, loaded) -> None:  # type: ignore[no-untyped-def]
    import torch

    from assay.chat import encode_all

    model, target = loaded
    rows = records(make)
    for encoded, found in zip(encode_all(rows, target), score(rows, model, target), strict=True):
        ids, labels = torch.tensor([encoded.input_ids]), torch.tensor([encoded.labels])
        with torch.inference_mode():
            whole = model(input_ids=ids, labels=labels).loss.item()
            answer = [i for i, label in zip(encoded.input_ids, encoded.labels, strict=True) if label != -100]
            start = [target.tokenizer.eos_token_id]
            alone = model(input_ids=torch.tensor([start + answer]), labels=torch.tensor([[-100, *answer]])).loss.item()
        assert found.tokens == len(answer)
        assert found.loss == pytest.approx(whole, rel=1e-4)
        assert found.loss_alone == pytest.approx(alone, rel=1e-4)
        assert found.perplexity == pytest.approx(math.exp(whole), rel=1e-3)
        assert found.ifd == pytest.approx(math.exp(whole) / math.exp(alone), rel=1e-3)


def test_batches_change_nothing(make: Make, loaded, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    from assay.curate.scores import likelihood

    model, target = loaded
    rows = records(make)
    together = score(rows, model, target)
    monkeypatch.setattr(likelihood, "TOKENS_A_BATCH", 1)
    for one, other in zip(score(rows, model, target), together, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-5)
        assert one.loss_alone == pytest.approx(other.loss_alone, rel=1e-5)


def test_what_cannot_be_scored_is_none_and_what_is_too_long_is_told(make: Make, loaded, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from assay.curate.scores import likelihood

    model, target = loaded
    monkeypatch.setattr(likelihood, "LONGEST", 40)
    rows = [make("no answer"), make("yes", "the cat sat on the mat " * 9), make(Message("user", "x" * 200), "yes")]
    found = score(rows, model, target, ["perplexity"])
    assert [item.loss is None for item in found] == [True, False, True]
    assert [item.cut for item in found] == [False, True, True]
    assert all(item.ifd is None for item in found)
    assert LONGEST > 40


def fact(index: int, loss: float | None, alone: float | None = None) -> Score:
    return Score(f"r{index}", f"i{index}", 5, False, loss, alone)


def test_by_ifd_the_highest_below_one_are_chosen_and_as_many_at_random() -> None:
    scores = [fact(i, 1.0 + i / 10, 2.0) for i in range(20)] + [fact(20, None)]
    subsets = choose(scores, 4, seed=1)
    assert subsets.by_score == (6, 7, 8, 9)  # loss 2.0 and more is an IFD of 1 and more
    assert len(subsets.at_random) == 4 and 20 not in subsets.at_random
    assert choose(scores, 4, seed=1) == subsets
    assert choose(scores, 4, seed=2).at_random != subsets.at_random


def test_without_ifd_the_middle_of_the_perplexities_is_chosen() -> None:
    scores = [fact(i, float(i)) for i in range(9)]
    assert choose(scores, 3, 1).by_score == (3, 4, 5)
    everything = choose(scores, 50, 1)
    assert everything.by_score == everything.at_random == tuple(range(9))


def test_both_subsets_are_of_equal_size_where_few_are_below_one() -> None:
    scores = [fact(i, 3.0, 2.0) for i in range(9)] + [fact(9, 1.0, 2.0)]
    subsets = choose(scores, 5, 1)
    assert subsets.by_score == (9,)
    assert len(subsets.at_random) == 1


def test_files_and_words_are_written_for_people_and_programs(make: Make, loaded, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    import pyarrow.parquet as pq

    _, target = loaded
    audited = audit(Dataset.from_records(records(make)), target=target)
    options = Options(output=tmp_path, quiet=True)
    lines, facts = score_usable(audited, names_of("ifd, perplexity", 2, target, options), 2, target, options)
    table = pq.read_table(tmp_path / "scores.parquet")
    usable = parted(audited.data, audited.decided)[0].row_ids()
    assert table.column("row_id").to_pylist() == usable and usable
    assert all(value > 0 for value in table.column("ifd").to_pylist())
    sizes = [len(Dataset.read_parquet(tmp_path / f"subset_{name}.parquet")) for name in ("by_score", "random")]
    assert sizes[0] == sizes[1] <= 2
    assert facts["perplexity"]["records"] == len(usable)
    for number, _ in FOUND:
        assert any(number in line for line in lines)


@pytest.mark.parametrize(
    ("text", "subset", "words"),
    [
        ("perplexty", None, "did you mean 'perplexity'?"),
        ("", None, "names no score"),
        ("ifd,x", None, "no score 'x'"),
        ("ifd", None, "needs a model"),
        (None, 3, "chooses by scores"),
    ],
)
def test_what_cannot_be_scored_is_one_line_before_any_work(text: str | None, subset: int | None, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        names_of(text, subset, None, Options())
    assert words in str(caught.value)


def test_a_subset_needs_a_place_to_be_written(loaded) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SettingsError, match="-o OUT"):
        names_of("ifd", 3, loaded[1], Options())
    assert names_of(None, None, None, Options()) == ()
