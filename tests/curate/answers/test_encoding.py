"""Text decoded with the wrong encoding is found and repaired; sound text of all scripts stays as it is."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.curate.answers.encoding import damages, is_lost, repaired
from assay.curate.check import Context
from assay.curate.checks.mojibake import mojibake
from assay.curate.settings import CurateSettings
from assay.curate.stage import curate
from assay.findings import Severity
from assay.records import Record

Make = Callable[..., Record]

SOUND = [
    "Die schöne Größe der Straße ist 3 m² – „das“ weiß jeder…",
    "La niñez, ¿qué más? ¡Sí! Él comió jalapeños.",
    "L’été, où ça ? « Voilà », dit-il. Ça coûte 5 €.",
    "Não há situação; SÃO PAULO, IRMÃ, À VISTA.",
    "Zażółć gęślą jaźń. Příliš žluťoučký kůň.",
    "İstanbul'da çiğ köfte, ağaç, ŞİŞLİ.",
    "Съешь ещё этих мягких французских булок. Её моё.",
    "Її їжак єсть. Щастя й мир.",
    "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. Ώρα.",
    "我们的退货期限是三十天。",
    "日本語のテキスト、カタカナ。",
    "한국어 문장입니다.",
    "هذا نص عربي، أليس كذلك؟",
    "זה טקסט בעברית.",
    "यह एक वाक्य है।",
    "Đây là tiếng Việt, đẹp quá.",
    "ข้อความภาษาไทย",
    "👩‍👩‍👧 🇩🇪 ✅ → ≤ ∑ ∂ √2 ≈ 1.41, α²+β²",
    "┌──┬──┐\n│ a│ b│\n└──┴──┘ ╔═╗",
    "50 °C, £5, ©, ®, ½, ±3, 5×4, naïve, Œuvre",
    "Ä Ö Ü Å Â Ê Ã alone, ¡Ñandú!",
    "\ufeffA mark at the start",
]


@pytest.mark.parametrize("text", SOUND)
def test_sound_text_stays(text: str) -> None:
    assert repaired(text) == text
    assert list(damages(text)) == []


@pytest.mark.parametrize("page", ["latin-1", "cp1252", "mac-roman"])
@pytest.mark.parametrize(
    "text",
    [
        "Die schöne Größe der Straße",
        "Il a mangé une crème brûlée à l’hôtel",
        "¿Qué pasó mañana?",
        "Zażółć gęślą jaźń",
        "日本語のテキスト",
        "我们的退货期限是三十天",
        "“It’s done” – he said…",
    ],
)
def test_wrongly_decoded_text_is_found_and_repaired_to_the_letter(text: str, page: str) -> None:
    try:
        broken = text.encode().decode(page)
    except UnicodeDecodeError:
        pytest.skip(f"{page} cannot show these bytes")
    assert repaired(broken) == text
    assert [damage.kind for damage in damages(broken)] == ["wrong_decoding"]


@pytest.mark.parametrize(
    ("broken", "sound"),
    [
        ("cafÃƒÂ©", "café"),
        ("ï»¿Hello", "Hello"),
        ("Sound 日本 and schÃ¶n in one line\nüber", "Sound 日本 and schön in one line\nüber"),
        ("\ud83d\ude00", "😀"),
        ("It\x92s \x93here\x94", "It’s “here”"),
        ("РџСЂРёРІРµС‚", "Привет"),
        ("Fertig âœ… ðŸ‘\x8d", "Fertig ✅ 👍"),
    ],
)
def test_doubled_mixed_and_paired_damage_is_repaired(broken: str, sound: str) -> None:
    assert repaired(broken) == sound


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("l\ufffdt\ufffd", "replacement_character"),
        ("a\ud83d b", "lone_surrogate"),
        ("a\x8db", "control_character"),
    ],
)
def test_what_is_lost_is_told_and_not_repaired(text: str, kind: str) -> None:
    assert [(damage.kind, damage.after) for damage in damages(text)] == [(kind, None)]
    assert is_lost(text) and repaired(text) == text


@given(st.text(max_size=200))
def test_a_repair_never_fails_and_loses_nothing(text: str) -> None:
    assert is_lost(repaired(text)) <= is_lost(text)
    for damage in damages(text):
        assert 0 <= damage.start <= damage.end <= len(text)


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=200))
def test_ascii_is_never_touched(text: str) -> None:
    assert repaired(text) == text


def test_curate_repairs_what_can_be_repaired_and_holds_the_rest(make: Make) -> None:
    broken = {"prompt": "Say it.", "completion": "cafÃ© is schÃ¶n"}
    lost = {"prompt": "Say it again.", "completion": "caf\ufffd is schÃ¶n"}
    curated = curate([broken, lost], CurateSettings())
    assert [record.answer for record in curated.data.records()] == ["café is schön"]
    assert [record.answer for record in curated.held.records()] == ["caf\ufffd is schÃ¶n"]


def test_before_and_after_are_in_the_evidence(make: Make) -> None:
    record = make("Say cafÃ©.", "A\ncafÃ©\nschÃ¶n")
    found = list(mojibake.function(record, Context([])))
    assert [finding.severity for finding in found] == [Severity.WARNING, Severity.ERROR]
    assert found[1].evidence["changes"] == [{"before": "Ã©", "after": "é"}, {"before": "Ã¶", "after": "ö"}]
    assert found[1].span is not None and "A\ncafÃ©\nschÃ¶n"[found[1].span.start : found[1].span.end] == "Ã©"


def test_talk_of_encodings_and_code_is_left_alone(make: Make) -> None:
    about = make("Why do I see Ã© with UTF-8?", "Because é was read as Latin-1: Ã©.")
    code = make("How is it shown?", "As `\ufffd` in the log.")
    for record in (about, code):
        assert list(mojibake.function(record, Context([]))) == []
    assert mojibake.repair is not None and mojibake.repair(about) == about


@pytest.mark.parametrize("unit", ["Ã©", "Ã", "é", "\ud800", "\ufffd", "â€", "漢", "Ã©\n", "├", "\x85"])
def test_a_million_characters_of_the_worst_kind_are_bounded(make: Make, unit: str) -> None:
    started = time.perf_counter()
    list(mojibake.function(make("q", unit * (1_000_000 // len(unit))), Context([])))
    assert time.perf_counter() - started < 30
