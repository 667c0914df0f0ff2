from __future__ import annotations

import pytest

from assay.writing.voice import Address, Person, address_of, address_words, person_of, person_words

PERSONS = [
    ("en", "I have looked into the matter and found my mistake.", Person.I),
    ("en", "We have looked into the matter and found our mistake.", Person.WE),
    ("en", "I think that we should look into it together.", Person.UNKNOWN),
    ("en", "You can change the address on the page of settings.", Person.YOU),
    ("en", "The address can be changed on the page of settings.", Person.IMPERSONAL),
    ("en", "On the page of settings.", Person.UNKNOWN),
    ("de", "Ich habe das geprüft und meinen Fehler gefunden.", Person.I),
    ("de", "Wir haben das geprüft und unseren Fehler gefunden.", Person.WE),
    ("es", "Yo puedo cambiar la dirección en la página de ajustes.", Person.I),
    ("es", "Nosotros cambiamos la dirección en nuestra página de ajustes.", Person.WE),
    ("fr", "Je change l'adresse sur la page des réglages.", Person.I),
    ("fr", "Nous changeons l'adresse sur la page des réglages.", Person.WE),
    ("zh", "我在设置里修改地址。", Person.I),
    ("zh", "我们在设置里修改地址。", Person.WE),
    ("ja", "私は設定で住所を変更します。", Person.I),
    ("ja", "弊社は設定で住所を変更します。", Person.WE),
    ("ja", "私たちは設定で住所を変更します。", Person.WE),
    ("ru", "Мы изменили адрес.", Person.UNKNOWN),
]

ADDRESSES = [
    ("de", "Bitte klicken Sie auf den Knopf.", Address.FORMAL),
    ("de", "Bitte klick auf den Knopf, dann bekommst du eine Mail.", Address.INFORMAL),
    ("de", "Sie kam gestern. Sie ging heute.", Address.UNKNOWN),
    ("de", "Wenn du willst, können Sie klicken.", Address.UNKNOWN),
    ("es", "Usted puede cambiar la dirección.", Address.FORMAL),
    ("es", "Haga clic en el botón.", Address.FORMAL),
    ("es", "Puedes cambiar tu dirección.", Address.INFORMAL),
    ("fr", "Vous pouvez changer votre adresse.", Address.FORMAL),
    ("fr", "Tu peux changer tes réglages.", Address.INFORMAL),
    ("zh", "您可以修改地址。", Address.FORMAL),
    ("zh", "你可以修改地址。", Address.INFORMAL),
    ("ja", "住所を変更できます。設定を開いてください。", Address.FORMAL),
    ("ja", "住所を変更できる。設定を開くのが早い。これは仕様である。", Address.INFORMAL),
    ("en", "You can change the address.", Address.UNKNOWN),
]


@pytest.mark.parametrize(("language", "text", "person"), PERSONS)
def test_who_speaks_is_told_by_pronouns(language: str, text: str, person: Person) -> None:
    assert person_of(text, set(text.split()), language) is person


@pytest.mark.parametrize(("language", "text", "address"), ADDRESSES)
def test_the_form_of_address_is_told_where_it_is_certain(language: str, text: str, address: Address) -> None:
    assert address_of(text, set(text.split()), language) is address


def test_each_pronoun_is_found_without_its_punctuation() -> None:
    text = "Thanks, (we) looked at our list."
    assert [text[a:b] for a, b in person_words(text, "en", Person.WE)] == ["we", "our"]
    assert list(person_words(text, "en", Person.I)) == []
    assert [*person_words("我们和我", "zh", Person.I)] == [(3, 4)]


def test_words_of_address_are_found_but_for_a_sie_that_begins_a_sentence() -> None:
    text = "Sie kam. Bitte klicken Sie. Du auch?"
    assert [text[a:b] for a, b in address_words(text, "de", Address.FORMAL)] == ["Sie"]
    assert [*address_words(text, "de", Address.INFORMAL)] == [(28, 30)]
    assert list(address_words(text, "en", Address.FORMAL)) == []
