"""The wrong_language check."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from assay.findings import Finding, Severity
from assay.records import Record
from assay.writing.function_words import likely_language

from ..answers.language import READ_CHARACTERS, Language, has_letters, language_of, predictions, prose_of, script_of
from ..answers.markup import blank_code, looks_like_code
from ..answers.turns import before, exchanges
from ..check import Context, Decision, record_check
from ..example import Example

LEAST_LETTERS = 40
LEAST_LETTERS_OF_ONE_LANGUAGE = 10
"""Where the script tells the language."""

COMMON = 0.9
RECORDS_THAT_TELL = 1_000

_ENGLISH = (" the ", " of ", " and ", " to ", " is ", " in ", " a ", " that ", " for ", " are ")
_ENGLISH_ONLY = frozenset((
    "the", "what", "how", "with", "which", "this", "these", "write", "give", "describe", "explain", "create",
    "generate", "following", "your", "you", "from", "should", "would", "does", "suggest", "provide", "name", "list",
    "tell", "edit", "rewrite", "summarize", "classify", "identify", "compare", "who", "when", "where", "why",
))  # fmt: skip
_FIRST_CHARACTERS = 40
"""Of a question: nearly always a word among them tells already."""

_LIKE = (
    frozenset(("no", "nn", "da", "sv")), frozenset(("id", "ms", "jv", "su", "min")), frozenset(("cs", "sk")),
    frozenset(("sr", "hr", "bs", "sh", "sl", "mk", "bg")), frozenset(("ru", "uk", "be", "bg")),
    frozenset(("es", "gl", "pt", "ca", "ast", "an", "it", "oc")), frozenset(("nl", "af", "nds", "li")),
    frozenset(("hi", "mr", "ne", "sa", "bh", "mai", "gom")), frozenset(("zh", "yue", "wuu", "ja")),
    frozenset(("ar", "arz", "fa", "ur", "ckb", "ps", "sd", "ug")),
    frozenset(("tr", "az", "uz", "tk", "kk", "ky", "tt")),
    frozenset(("fi", "et")), frozenset(("de", "lb", "als", "bar", "nds")), frozenset(("bn", "as")),
    frozenset(("en", "sco", "pam", "war", "ceb", "tl", "ia", "ie", "io", "eo", "la", "vo", "nov", "jbo")),
)  # fmt: skip
"""Languages that the model takes for one another, and constructed ones that it takes scattered words for."""

_ASKED = re.compile(
    r"translat|interpret(?:er|ation)|language|multilingual|bilingual|dialect|vocabulary|grammar|conjugat|phrase\s?book"
    r"|\b(?:english|german|french|spanish|italian|portuguese|dutch|swedish|danish|norwegian|finnish|icelandic|polish"
    r"|czech|slovak|hungarian|romanian|bulgarian|russian|ukrainian|greek|turkish|arabic|hebrew|persian|farsi|hindi|urdu"
    r"|bengali|punjabi|tamil|telugu|marathi|gujarati|kannada|malayalam|thai|vietnamese|indonesian|malay|tagalog"
    r"|filipino|swahili|chinese|mandarin|cantonese|japanese|korean|latin|croatian|serbian|slovenian|lithuanian|latvian"
    r"|estonian|catalan|basque|galician|irish|welsh|scottish|gaelic|afrikaans|esperanto|yoruba|hausa|zulu|amharic"
    r"|mongolian|nepali|sinhala|khmer|lao|burmese|tibetan|armenian|georgian|azerbaijani|kazakh|uzbek|maori|hawaiian)\b"
    r"|übersetz|\b(?:auf\s+)?(?:englisch|deutsch|französisch|spanisch|italienisch|russisch|chinesisch|japanisch|türkisch"
    r"|arabisch)|sprache|traduc|tradui|traduz|tradur|idioma|langue|lingua|língua|inglés|español|alemán|francés|anglais"
    r"|français|espagnol|allemand|inglese|tedesco|spagnolo|francese|inglês|espanhol|перев[её]д|перевод|язык|английск"
    r"|русск|немецк|翻译|翻譯|翻訳|英语|英語|英文|中文|汉语|漢語|日语|日語|日文|日本語|德语|法语|法文|韩语|韓国語|語で|번역|한국어|영어"
    r"|일본어|ترجم|الإنجليزية|العربية|بالعربي|اللغة|लिखें|अनुवाद|हिन्दी|हिंदी|अंग्रेज",
    re.IGNORECASE,
)


@record_check(
    severity=Severity.ERROR,
    decision=Decision.HOLD,
    examples=(
        Example(
            found=[
                (
                    "Wie wird das Wetter morgen in Wien, und muss ich einen Schirm mitnehmen?",
                    "Tomorrow it will be sunny and warm in the whole of the city, so you can leave it at home.",
                ),
                ("明天天气怎么样？我需要带伞吗？", "Tomorrow it will be sunny and warm in the whole of the city."),
            ],
            not_found=[
                (
                    "Say it in German: tomorrow it will be warm in the whole of the city, and there will be no rain.",
                    "Morgen wird es in der ganzen Stadt warm, und es wird keinen Regen geben.",
                ),
                (
                    "Wie wird das Wetter morgen in Wien, und muss ich einen Schirm mitnehmen?",
                    "Morgen wird es in der ganzen Stadt sonnig und warm, Sie können ihn zu Hause lassen.",
                ),
                ("Wie heißt der Film, den wir gestern im Kino gesehen haben?", "The Grand Budapest Hotel"),
            ],
        ),
    ),
)
def wrong_language(
    record: Record, context: Context, *, min_confidence: float = 0.8, rare_share: float = 0.005
) -> Iterator[Finding]:
    """The answer is in another language than the prompt, and nobody asked for that.

    Why: the model learns to change the language on its users.

    Languages are told by script and by fastText's lid.176; below `min_confidence`, below 40 letters of prose (10 in
    a script of one language) and between languages that the model mixes up, nothing is said. A prompt that names a
    language or speaks of translation asks for one, and a prompt in two languages may be answered in either. Code is
    passed over. Where nine of ten answers are in one language, an answer in one that fewer than `rare_share` of them
    have is a fact to know (severity info).

    Example: "Wie wird das Wetter morgen in Wien?" "Tomorrow it will be sunny and warm in the whole of the city."
    """
    for index, question, answer in exchanges(record):
        if _both_english(question, answer) or not _long_enough(answer):
            continue
        likely = likely_language(answer[: 2 * READ_CHARACTERS])
        if likely and likely == likely_language(question[: 2 * READ_CHARACTERS]):
            if likely != "en" and rare_share:
                yield from _rare(record, index, Language(likely, 1.0), context, rare_share)
            continue
        given = _prose_language(answer, min_confidence)
        if given is None:
            continue
        asked = _prose_language(question, min_confidence)
        if asked is None or _alike(asked.code, given.code):
            if asked is not None and asked.code == given.code and rare_share:
                yield from _rare(record, index, given, context, rare_share)
            continue
        if _permitted(record, index, question, given.code):
            continue
        yield wrong_language.about(
            record,
            f"asked in {asked.code}, answered in {given.code}",
            evidence={
                "message": index,
                "asked": asked.code,
                "answered": given.code,
                "confidence": round(min(asked.confidence, given.confidence), 3),
            },
        )


def _both_english(question: str, answer: str) -> bool:
    """Cheap, and true for most records of most data: no model is asked about them."""
    opening = answer[: 2 * READ_CHARACTERS]
    found = 0
    for word in _ENGLISH:
        if word in opening:
            found += 1
            if found == 3:
                break
    else:
        return False
    asked = question[: 2 * READ_CHARACTERS]
    return (
        " the " in asked
        or not _ENGLISH_ONLY.isdisjoint(asked[:_FIRST_CHARACTERS].lower().split()[:-1])
        or not _ENGLISH_ONLY.isdisjoint(asked.lower().split())
    )


def _long_enough(text: str) -> bool:
    return len(text) >= (LEAST_LETTERS if text.isascii() else LEAST_LETTERS_OF_ONE_LANGUAGE)


def _prose_language(text: str, min_confidence: float) -> Language | None:
    """None where it is too short, too unsure, or code. The confidence is that it is this language or one like it."""
    if "`" in text or "$" in text or "http" in text:
        text = " ".join(blank_code(text[:4_000]).split())
    sample = prose_of(text)
    script = script_of(sample) or ""
    letters = _LEAST.get(script, LEAST_LETTERS_OF_ONE_LANGUAGE)
    if text.lstrip()[:1] in ("{", "[", "<") or not has_letters(sample, letters):
        return None
    if script not in _LEAST:
        return language_of(text)
    found = predictions(sample.lower() if sample.isupper() else sample, 5)
    confidence = sum(other.confidence for other in found if _alike(found[0].code, other.code))
    if not found or confidence < min_confidence or looks_like_code(text[:2_000]):
        return None
    return Language(found[0].code, min(1.0, confidence))


_LEAST = {"Latin": LEAST_LETTERS, "Cyrillic": LEAST_LETTERS, "Arabic": 20, "Devanagari": 20, "Bengali": 20}
"""Vowels are no letters in the last three."""


def _alike(one: str, other: str) -> bool:
    return one == other or any(one in group and other in group for group in _LIKE)


def _permitted(record: Record, index: int, question: str, given: str) -> bool:
    """Whether the turns before speak of languages, or are themselves in the language of the answer."""
    said = before(record, index)
    if _ASKED.search(said[:20_000]):
        return True
    paragraphs = [part for part in question.split("\n")[:40] if len(part) > LEAST_LETTERS]
    turns = [message.content[:400] for message in record.messages[:index] if message.content and message.role != "tool"]
    for piece in (question[-READ_CHARACTERS:], *paragraphs, *turns[-6:]):
        found = language_of(piece)
        if found is not None and _alike(found.code, given):
            return True
    return False


def _rare(record: Record, index: int, given: Language, context: Context, rare_share: float) -> Iterator[Finding]:
    shares: Mapping[str, float] = context.once("wrong_language.shares", lambda: _shares(context.sample))
    common = max(shares, key=lambda code: shares[code], default="")
    if not common or shares[common] < COMMON or shares.get(given.code, 0.0) >= rare_share or _alike(common, given.code):
        return
    yield wrong_language.about(
        record,
        f"an answer in {given.code}, where {shares[common]:.0%} are in {common}",
        severity=Severity.INFO,
        evidence={"message": index, "answered": given.code, "usual": common, "usual_share": round(shares[common], 3)},
    )


def _shares(sample: Sequence[Record]) -> dict[str, float]:
    """{language: its share of the answers whose language can be told}, of up to RECORDS_THAT_TELL records."""
    step = max(1, len(sample) // RECORDS_THAT_TELL)
    counts: Counter[str] = Counter()
    for record in sample[::step]:
        found = language_of(record.answer)
        if found is not None:
            counts[found.code] += 1
    total = sum(counts.values())
    return {code: count / total for code, count in counts.items()} if total >= 50 else {}
