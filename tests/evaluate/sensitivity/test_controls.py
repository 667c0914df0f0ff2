"""Controls answer enough items to show something, and take less than a third of an evaluation."""

from __future__ import annotations

import pytest

from assay.evaluate.evaluation import ModelName
from assay.evaluate.sensitivity.controls import FEWEST_DAMAGED, control_items
from assay.evaluate.settings import EvaluateSettings

CONTROLS: tuple[ModelName, ...] = ("damaged", "slightly_damaged", "zero")


def answers(items: int) -> int:
    return sum(min(items, control_items(arm, items, EvaluateSettings()) or 0) for arm in CONTROLS)


@pytest.mark.parametrize("items", [120, 150, 200, 300, 500, 3000])
def test_they_take_less_than_a_third_of_all_answers(items: int) -> None:
    assert answers(items) / (2 * items + answers(items)) < 1 / 3


def test_a_small_suite_still_shows_damage_and_settings_are_kept_to() -> None:
    assert control_items("damaged", 80, EvaluateSettings()) == FEWEST_DAMAGED
    assert control_items("damaged", 80, EvaluateSettings(damaged_items=10)) == 10
    assert control_items("slightly_damaged", 80, EvaluateSettings(slightly_damaged_items=3)) == 3
    assert control_items("base", 80, EvaluateSettings()) is None
