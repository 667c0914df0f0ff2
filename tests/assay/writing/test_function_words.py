from __future__ import annotations

import pytest

from assay.writing.function_words import likely_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The parcel will arrive on Monday if it is not too heavy.", "en"),
        ("Das Paket kommt am Montag, wenn es nicht zu schwer ist.", "de"),
        ("El paquete llega el lunes si no es muy pesado para el coche.", "es"),
        ("Le colis arrive lundi s'il n'est pas trop lourd pour la voiture.", "fr"),
        ("Il pacco arriva lunedì se non è troppo pesante per la macchina.", "it"),
        ("A encomenda chega na segunda se não for muito pesada para o carro.", "pt"),
        ("Het pakket komt op maandag als het niet te zwaar is voor de auto.", "nl"),
        ("包裹如果不太重，星期一就会到。", "zh"),
        ("荷物は月曜日に届きます。", "ja"),
        ("소포는 월요일에 도착합니다.", "ko"),
        ("Посылка придёт в понедельник.", "ru"),
        ("سيصل الطرد يوم الاثنين.", "ar"),
    ],
)
def test_a_sentence_is_known_by_its_script_or_its_function_words(text: str, language: str) -> None:
    assert likely_language(text) == language


@pytest.mark.parametrize("text", ["", "ok", "42", "BW-1 DHL", "\ud800\ud800", "x = y + z"])
def test_where_nothing_tells_no_language_is_named(text: str) -> None:
    assert likely_language(text) == ""
