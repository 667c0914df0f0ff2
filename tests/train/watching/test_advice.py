"""One thing to try next, the gravest first, with its evidence; and nothing where nothing is wrong."""

from __future__ import annotations

from typing import Any

from assay.train.watching.advice import Facts, advise
from assay.train.watching.steps import StepLog


def facts(validation: dict[int, float], training: tuple[float, float] = (2.0, 0.5), **other: Any) -> Facts:
    """A run of 12 steps and 3 epochs. training: the first and the last loss."""
    scores = other.pop("scores", {})
    log = [StepLog(1, 0, 0, training[0]), StepLog(12, 0, 0, training[1])]
    log += [StepLog(s, 0, 0, validation_loss=loss, score=scores.get(s)) for s, loss in validation.items()]
    trained = {step: loss for step, loss in validation.items() if step}
    known: dict[str, Any] = {
        "log": log, "best_step": min(trained, key=lambda s: trained[s], default=12), "steps": 12, "epochs": 3.0,
        "learning_rate": 3e-4, "lora_r": 16, "lora_alpha": 32, "signs": (), **other,
    }  # fmt: skip
    return Facts(**known)


LEVEL = {0: 2.0, 4: 1.0, 8: 0.9, 12: 0.895}


def test_nothing_is_advised_when_the_validation_loss_has_levelled_off() -> None:
    assert advise(facts(LEVEL)) == ()


def test_divergence_asks_for_a_lower_rate_and_for_nothing_else() -> None:
    (only,) = advise(facts({0: 2.0, 4: 1.0, 8: 1.5, 12: 1.9}, signs=("divergence", "overfitting")))
    assert (only.setting, only.now) == ("learning_rate", 3e-4) and round(only.then, 6) == 1e-4


def test_a_stall_asks_for_a_higher_rate() -> None:
    (only,) = advise(facts({0: 2.0, 12: 2.0}, signs=("stall",)))
    assert (only.setting, round(only.then, 6)) == ("learning_rate", 9e-4)


def test_validation_that_turned_asks_for_fewer_epochs_and_then_for_a_lower_rank() -> None:
    first, second = advise(facts({0: 2.0, 4: 1.0, 8: 1.2, 12: 1.5}, signs=("overfitting",)))
    assert (first.setting, first.now, first.then) == ("num_train_epochs", 3.0, 1.0)
    assert (second.setting, second.then) == ("lora_r", 8)
    assert first.line == (
        "train.num_train_epochs=1 (now 3): the validation loss was lowest at step 4 of 12 (1.000) and rose to 1.500"
    )


def test_with_no_epoch_to_spare_the_rank_comes_first() -> None:
    first, *rest = advise(facts({0: 2.0, 4: 1.0, 8: 1.2, 12: 1.5}, epochs=1.0, signs=("overfitting",)))
    assert (first.setting, first.then, rest) == ("lora_r", 8, [])
    assert advise(facts({0: 2.0, 4: 1.0, 8: 1.2, 12: 1.5}, epochs=1.0, lora_r=4, signs=("overfitting",))) == ()


def test_flat_scores_ask_for_a_higher_rank_when_the_data_is_clean() -> None:
    flat = {0: 0.50, 4: 0.51, 8: 0.52, 12: 0.50}
    (only,) = advise(facts(LEVEL, scores=flat, items=50, curated=True))
    assert (only.setting, only.now, only.then) == ("lora_r", 16, 32)
    assert "50.0% before, 52.0% at best of 50 items" in only.because and "the data is curated" in only.because
    assert advise(facts(LEVEL, scores=flat, items=50)) == ()
    assert advise(facts(LEVEL, scores={0: 0.1, 4: 0.5, 8: 0.6, 12: 0.6}, items=50, curated=True)) == ()
    assert advise(facts(LEVEL, (2.0, 1.9), scores=flat, items=50, curated=True)) == ()


def test_one_answer_to_everything_asks_for_a_lower_alpha() -> None:
    same = facts(LEVEL, answers=["refund", "refund ", "refund"], references=["refund", "login", "card"])
    (only,) = advise(same)
    assert (only.setting, only.now, only.then) == ("lora_alpha", 32, 16)
    assert "all 3 unseen prompts got one answer" in only.because
    assert advise(facts(LEVEL, answers=["refund"] * 3, references=["refund"] * 3)) == ()
    assert advise(facts(LEVEL, answers=["refund", "login", "card"], references=["refund", "login", "card"])) == ()


def test_a_loss_that_still_falls_asks_for_an_epoch_more() -> None:
    (only,) = advise(facts({0: 2.0, 4: 1.0, 8: 0.8, 12: 0.7}))
    assert (only.setting, only.then) == ("num_train_epochs", 4.0)
