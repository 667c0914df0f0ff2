"""What is told apart in each judged language, over the sets of the benchmark; other languages are not judged."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assay.curate.check import CHECKS
from assay.curate.contradictions.clash import Question, find_clash
from benchmarks.languages import KINDS, LANGUAGES, cases, score

ALL = [(language, kind) for language in LANGUAGES for kind in KINDS if language != "fr" or kind == "cut-off answers"]


@pytest.mark.parametrize(("language", "kind"), ALL)
def test_each_set_has_thirty_of_each_and_is_told_apart(language: str, kind: str) -> None:
    own = [case for case in cases(language) if case.kind == kind]
    assert sum(case.positive for case in own) >= 30
    assert sum(not case.positive for case in own) >= 30
    result = score(language, kind, None)
    assert result.recall >= 0.7
    assert result.precision >= 0.9


def test_the_checks_declare_the_languages_that_are_measured() -> None:
    assert set(CHECKS.get("cut_off_answer").languages) == {"en", *LANGUAGES}
    assert set(CHECKS.get("contradiction").languages) == {"en", *LANGUAGES} - {"fr"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "La livraison contient en tout 40 pièces dans la boîte.",
            "La livraison contient en tout 50 pièces dans la boîte.",
        ),
        ("A loja não abre aos domingos com os funcionários.", "A loja abre aos domingos com os funcionários."),
        (
            "Il contratto comincia il 5 marzo per la ditta di Roma.",
            "Il contratto comincia il 6 marzo per la ditta di Roma.",
        ),
        ("Магазин открыт в воскресенье до 9 часов.", "Магазин открыт в воскресенье до 7 часов."),
        ("가게는 일요일에 9시까지 엽니다.", "가게는 일요일에 7시까지 엽니다."),
        ("De winkel is op zondag niet open voor klanten.", "De winkel is op zondag open voor klanten."),
        ("این فروشگاه روزهای یکشنبه تا ساعت 9 باز است.", "این فروشگاه روزهای یکشنبه تا ساعت 7 باز است."),
    ],
)
def test_statements_in_other_languages_are_not_judged(one: str, other: str) -> None:
    assert find_clash(one, other, Question("", False, ())) is None


def test_json_and_bare_figures_are_judged_in_any_language() -> None:
    assert find_clash('{"итого": 3}', '{"итого": 4}', Question("Сколько будет всего?", False, ())) is not None
    assert find_clash("17", "18", Question("Сколько будет всего?", False, ())) is not None
