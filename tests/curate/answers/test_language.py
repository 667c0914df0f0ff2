"""Languages by script and model, without a network; short and doubtful text is not judged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.curate.answers.language import language_of, predictions, prose_of, script_of
from assay.curate.check import Context
from assay.curate.checks.wrong_language import wrong_language
from assay.curate.testing import check_examples
from assay.findings import Finding, Severity
from assay.records import Record

Make = Callable[..., Record]

TEXTS = {
    "en": "The parcel was sent on Monday and should be with you before the end of the week.",
    "de": "Das Paket wurde am Montag verschickt und sollte vor dem Ende der Woche bei Ihnen sein.",
    "es": "El paquete salió el lunes y debería estar con usted antes de que termine la semana.",
    "fr": "Le colis est parti lundi et devrait être chez vous avant la fin de la semaine.",
    "it": "Il pacco è partito lunedì e dovrebbe arrivare da lei prima della fine della settimana.",
    "pl": "Paczka została wysłana w poniedziałek i powinna dotrzeć przed końcem tygodnia.",
    "ru": "Посылка была отправлена в понедельник и должна прийти до конца недели.",
    "zh": "包裹已于星期一寄出，应该会在本周末之前送到。",
    "ja": "荷物は月曜日に発送され、今週中に届くはずです。",
    "ko": "소포는 월요일에 발송되었으며 이번 주 안에 도착할 것입니다.",
    "ar": "تم إرسال الطرد يوم الاثنين ومن المفترض أن يصل قبل نهاية الأسبوع.",
    "hi": "पार्सल सोमवार को भेजा गया था और सप्ताह के अंत से पहले पहुँच जाना चाहिए।",
    "el": "Το δέμα στάλθηκε τη Δευτέρα και θα φτάσει πριν το τέλος της εβδομάδας.",
    "th": "พัสดุถูกส่งเมื่อวันจันทร์และควรถึงก่อนสิ้นสัปดาห์",
}


@pytest.mark.parametrize(("code", "text"), TEXTS.items())
def test_languages_are_told(code: str, text: str) -> None:
    found = language_of(text)
    assert found is not None and found.code == code and 0.5 <= found.confidence <= 1.0


@pytest.mark.parametrize(
    "text", ["", "ok", "12 + 7 = 19", "billing_question", "https://example.org/a/b/c", "!!!", "是的"]
)
def test_short_text_and_text_without_prose_is_not_judged(text: str) -> None:
    assert language_of(text) is None


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("abc", "Latin"),
        ("été", "Latin"),
        ("привет abc", "Cyrillic"),
        ("漢字かな", "Kana"),
        ("漢字", "Han"),
        ("1 + 2", None),
    ],
)
def test_scripts_are_told(text: str, script: str | None) -> None:
    assert script_of(text) == script


@given(st.text(max_size=300))
def test_no_text_makes_it_fail(text: str) -> None:
    found = language_of(text)
    assert found is None or 0.0 <= found.confidence <= 1.0
    assert "\n" not in prose_of(text)


def test_lone_surrogates_are_no_obstacle() -> None:
    assert predictions("a\ud800b the cat sat on the mat", 1)


def test_threads_get_the_same_answers() -> None:
    expected = {code: language_of(text) for code, text in TEXTS.items()}
    wrong: list[str] = []

    def work() -> None:
        for _ in range(200):
            wrong.extend(code for code, text in TEXTS.items() if language_of(text) != expected[code])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_model_comes_with_the_package_and_no_network_is_used(guarded: object) -> None:
    code = f"from assay.curate.answers.language import language_of; print(language_of({TEXTS['de']!r}).code)"
    done = guarded.python("-c", code)  # type: ignore[attr-defined]
    assert (done.stdout.strip(), guarded.attempted) == ("de", ""), done.stderr  # type: ignore[attr-defined]


def test_the_examples_are_judged_rightly() -> None:
    assert check_examples(wrong_language) == 5


def found(*records: Record) -> list[Finding]:
    context = Context(records)
    return [finding for record in records for finding in wrong_language.function(record, context)]


@pytest.mark.parametrize("asked", TEXTS)
@pytest.mark.parametrize("answered", ["en", "de", "es", "zh", "ja", "ar"])
def test_each_pair_of_languages(make: Make, asked: str, answered: str) -> None:
    alike = asked == answered or {asked, answered} in ({"zh", "ja"}, {"es", "it"})
    assert bool(found(make(TEXTS[asked], TEXTS[answered]))) is not alike


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (f"Translate: {TEXTS['en']}", TEXTS["de"]),
        (f"Antworte auf Deutsch. {TEXTS['en']}", TEXTS["de"]),
        (f"请用英文回答：{TEXTS['zh']}", TEXTS["en"]),
        (f"Summarise this.\n\n{TEXTS['de']}", TEXTS["de"]),
        (f"Summarise the text below in one or two sentences, please.\n\n{TEXTS['de']}", TEXTS["en"]),
        (TEXTS["de"], "```python\nprint('the answer to the question is that of the day')\n```"),
        (TEXTS["de"], '{"intent": "delivery_date", "answer": "the parcel is on the way to you"}'),
        (TEXTS["de"], "delivery_question"),
        ("hi", TEXTS["es"]),
    ],
)
def test_what_was_asked_for_or_cannot_be_judged_is_left_alone(make: Make, question: str, answer: str) -> None:
    assert found(make(question, answer)) == []


def test_a_system_turn_may_set_the_language(make: Make) -> None:
    assert found(make(TEXTS["de"], TEXTS["en"], system="Always answer in English.")) == []
    assert found(make(TEXTS["de"], TEXTS["en"], system="You are the assistant of a shop and help its customers.")) == []
    assert len(found(make(TEXTS["de"], TEXTS["en"], system="Be kind."))) == 1


def test_a_rare_language_is_a_fact(make: Make) -> None:
    usual = [make(f"{TEXTS['en']} {n}", f"{TEXTS['en']} {n}") for n in range(300)]
    rare = make(TEXTS["pl"], TEXTS["pl"])
    assert [(f.row_id, f.severity) for f in found(*usual, rare)] == [(rare.row_id, Severity.INFO)]


@pytest.mark.parametrize("unit", ["a", "ä ", "漢", "<", "`", "{", "$", "https://", "\\", "a\n", "@", "1"])
def test_a_million_characters_of_the_worst_kind_are_bounded(make: Make, unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    started = time.perf_counter()
    found(make(TEXTS["de"] + text, text), make(text, TEXTS["ru"] + text))
    assert time.perf_counter() - started < 10


def test_the_module_loads_no_model_when_it_is_imported(guarded: object) -> None:
    code = "import sys, assay.curate.checks.wrong_language; print('fasttext' in sys.modules)"
    assert guarded.python("-c", code).stdout.strip() == "False"  # type: ignore[attr-defined]
