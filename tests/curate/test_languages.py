"""What a check does not judge, for want of the language, is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from assay.curate.languages import languages_of
from assay.curate.settings import CurateSettings, active_checks
from assay.records import Record

pytest.importorskip("fasttext")

Make = Callable[..., Record]

ENGLISH = "You can send the parcel back to us within thirty days, and we will return the money to your account."
POLISH = "Paczkę można odesłać do nas w ciągu trzydziestu dni, a pieniądze zwrócimy na Twoje konto bankowe."


def test_languages_are_shares_and_checks_name_those_they_do_not_judge(make: Make) -> None:
    records = [make("?", ENGLISH) for _ in range(15)] + [make("?", POLISH) for _ in range(5)] + [make("?", "ok")]
    found = languages_of(records, active_checks(CurateSettings()))
    assert found.shares == {"en": 0.75, "pl": 0.25}
    assert found.not_judged_in["contradiction"] == ("pl",)
    assert "exact_duplicate" not in found.not_judged_in
    assert any("pl (25% of the answers)" in line and "contradiction" in line for line in found.lines())


def test_where_all_is_judged_nothing_is_said(make: Make) -> None:
    found = languages_of([make("?", ENGLISH)] * 5, active_checks(CurateSettings()))
    assert found.shares == {"en": 1.0} and not found.lines()


def test_a_stray_answer_names_no_language(make: Make) -> None:
    found = languages_of([make("?", ENGLISH)] * 50 + [make("?", POLISH)], active_checks(CurateSettings()))
    assert list(found.shares) == ["en"]
