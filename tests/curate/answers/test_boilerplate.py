"""Phrases of other models in eleven languages, told by kind; the same words about others are left alone."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.curate.answers.boilerplate import phrases
from assay.curate.check import Context
from assay.curate.checks.boilerplate import boilerplate
from assay.findings import Severity
from assay.records import Record

Make = Callable[..., Record]


def kinds(answer: str) -> list[str]:
    return [phrase.kind for phrase in phrases(answer)]


@pytest.mark.parametrize(
    "answer",
    [
        "I am ChatGPT.",
        "Hello! I'm Claude, and I can help.",
        "My name is Vicuna.",
        "I was trained by OpenAI.",
        "I'm a large model developed by Google.",
        "As an assistant created by Anthropic, I will do it.",
        "Ich bin ChatGPT und helfe gern.",
        "Ich wurde von OpenAI entwickelt.",
        "Soy ChatGPT.",
        "Fui desarrollado por OpenAI.",
        "Je suis ChatGPT.",
        "J'ai été développé par OpenAI.",
        "Sono ChatGPT.",
        "我是ChatGPT。",
        "我是由OpenAI开发的。",
        "我是阿里云开发的通义千问。",
        "私はChatGPTです。",
        "أنا ChatGPT",
    ],
)
def test_other_names_are_found(answer: str) -> None:
    assert "identity" in kinds(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "As an AI language model, I cannot.",
        "I'm sorry, but as an AI I don't have one.",
        "I am just an AI assistant and cannot see it.",
        "Als KI-Sprachmodell habe ich keine.",
        "Als künstliche Intelligenz kann ich das nicht.",
        "Como modelo de lenguaje, no puedo.",
        "Como una inteligencia artificial, no tengo.",
        "En tant que modèle de langage, je ne peux pas.",
        "En tant qu'intelligence artificielle, je n'ai pas.",
        "In quanto intelligenza artificiale, non ho.",
        "Как языковая модель, я не могу.",
        "作为一个人工智能，我没有。",
        "作为AI语言模型，我不能。",
        "AIとして、私には好みがありません。",
        "私はAI言語モデルなので、できません。",
        "AI로서 저는 할 수 없습니다.",
        "بصفتي نموذج لغوي لا أستطيع.",
    ],
)
def test_talk_of_itself_as_a_model_is_found(answer: str) -> None:
    assert "self_reference" in kinds(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "As of my last knowledge update in 2021, yes.",
        "My knowledge cutoff is 2021.",
        "Mein Wissensstand endet 2021.",
        "Hasta mi última actualización en 2021, sí.",
        "Mes connaissances s'arrêtent en 2021.",
        "我的知识截止到2021年。",
        "私の知識は2021年までです。",
        "حتى آخر تحديث لمعرفتي في 2021",
    ],
)
def test_the_knowledge_cut_off_is_found(answer: str) -> None:
    assert "knowledge_cutoff" in kinds(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "I hope this helps!",
        "Let me know if you have any other questions.",
        "Ich hoffe, das hilft.",
        "Espero que te ayude.",
        "希望这能帮助您！",
    ],
)
def test_closing_phrases_are_found(answer: str) -> None:
    assert kinds(answer) == ["closing"]


@pytest.mark.parametrize(
    "answer",
    [
        "ChatGPT is made by OpenAI, as is GPT-4.",
        "Claude Monet painted it, and Gemini is a sign of the zodiac.",
        "As Google grew, it bought others. Google was founded by two students.",
        "The bridge was built by Microsoft's founder.",
        "It is known as Gemini's twin. Known as Mistral winds, they are cold.",
        "He works as an AI researcher, and as an artificial limb maker.",
        "An AI model is trained on text.",
        "As a language teacher, I know. As a model, she earned well.",
        "I am an AI assistant named Ada.",
        "My knowledge of Rome is small.",
        "Our hope is that this helps them all.",
        "Als Künstler war er frei.",
        "他作为老师工作。",
    ],
)
def test_the_same_words_about_others_are_left_alone(answer: str) -> None:
    assert kinds(answer) == []


def severities(record: Record, **settings: object) -> list[Severity]:
    return [finding.severity for finding in boilerplate.function(record, Context([]), **settings)]


def test_severity_follows_what_was_asked(make: Make) -> None:
    hedge = "As an AI language model, I have no favourite."
    assert severities(make("Which is the best?", hedge)) == [Severity.WARNING]
    assert severities(make("What is your favourite?", hedge)) == [Severity.INFO]
    assert severities(make("Should artificial intelligence have one?", hedge)) == [Severity.INFO]


def test_a_name_that_was_given_is_its_own(make: Make) -> None:
    assert severities(make("Who are you?", "I am ChatGPT.")) == [Severity.ERROR]
    assert severities(make("Who are you?", "I am ChatGPT.", system="You are ChatGPT.")) == []
    assert severities(make("Who are you?", "I am ChatGPT."), own_names=("ChatGPT",)) == []


@given(st.text(max_size=200))
def test_no_text_makes_it_fail(answer: str) -> None:
    for phrase in phrases(answer):
        assert answer[phrase.start : phrase.end].strip() == phrase.text


@pytest.mark.parametrize(
    "unit", ["as an ", "I am ", "as an AI ", "hope ", "作为", "gpt I am a ", "my knowledge ", " ki als "]
)
def test_a_million_characters_of_the_worst_kind_are_bounded(make: Make, unit: str) -> None:
    started = time.perf_counter()
    severities(make("q", unit * (1_000_000 // len(unit))))
    assert time.perf_counter() - started < 10


def test_a_reference_within_a_claim_of_identity_is_told_once(make: Make) -> None:
    assert severities(make("Why is it so?", "As an AI developed by OpenAI, I hold no opinion.")) == [Severity.ERROR]
    assert severities(make("Why is it so?", "I am ChatGPT. As an AI, I hold no opinion on it.")) == [
        Severity.ERROR,
        Severity.WARNING,
    ]
