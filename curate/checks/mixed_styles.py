"""The mixed_styles check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from assay.findings import Finding, Severity
from assay.records import Record
from assay.writing.style import FEATURES

from ..check import Context, Decision, dataset_check
from ..column import hash_of
from ..example import Example
from ..styles.alike import alike_prompts
from ..styles.columns import (
    OPENING_WORDS,
    TEMPLATE_WORDS,
    answer_styles,
    first_exchange,
    opening_words,
    prompt_kinds,
    source_of,
)
from ..styles.explained import OF_THE_SPEAKER, asks_for, other_lengths, telling_word
from ..styles.mixes import Mix, find_mixes

if TYPE_CHECKING:
    from ..column import Array

COMPARED_PROMPTS = 300
"""Of each side so many prompts are compared when a word is looked for that tells them apart."""

READ_PROMPTS = 3_000
"""So many prompts of the majority are looked through for some that are like a dissenter's."""

WHEREVER = ("form", "address", "language", "emoji")
"""Features that do not depend on what was asked."""

MOST_EXPLAINED = 0.6
"""When the prompts of so many of a minority ask for its style, the others' do too, in words that we do not know."""

ASKED_MORE_OFTEN = 1.5
"""Prompts explain a style when those of the minority ask for it so many times as often as those of the majority."""

OF_TASTE = ("contractions", "exclamation", "closing")

EXAMPLES = 3

_ASK = "How do I return the broken {}?"
_THINGS = ("lamp", "chair", "clock", "radio", "kettle", "carpet", "mirror", "drawer")
_PLAIN = [
    (_ASK.format(thing), f"Put the {thing} back into its box, print the label and hand it to the driver on Monday.")
    for thing in _THINGS
]
_LISTED = [
    (_ASK.format(thing), f"To return the {thing}:\n- put it back into its box\n- print the label")
    for thing in ("jug", "vase", "bin")
]


@dataset_check(
    severity=Severity.WARNING,
    decision=Decision.KEEP,
    columns=(answer_styles, prompt_kinds),
    examples=(
        Example(found=_LISTED, not_found=_PLAIN, settings={"min_group": 8}),
        Example(
            not_found=[*((f"{prompt} As a list.", answer) for prompt, answer in _LISTED), *_PLAIN],
            settings={"min_group": 8},
        ),
    ),
)
def mixed_styles(
    records: Sequence[Record],
    context: Context,
    *,
    majority: float = 0.7,
    min_group: int = 20,
    min_minority: int = 3,
    fewest_alike: int = 3,
) -> Iterator[Finding]:
    """A few answers have another style than most answers to prompts that are alike.

    Why: a model that has seen two styles for one kind of prompt chooses between them by chance.

    Prompts are alike when they begin with the same words under the same system turn (two words, or the six of a
    template), are near in meaning (where an encoder is installed), or share a system turn, or the value of a column
    such as `category`. Of the first answers are compared:
    JSON, code or prose; concise or long-form; headings, lists, bold, code blocks; person (I, we, you, impersonal);
    formal or informal address; contractions, exclamation marks, emoji, apologies; how it ends; language. Person and
    address are judged in English, German, Spanish, French, Chinese and Japanese and in no other language.

    A mix is told of when at least `majority` of at least `min_group` answers stand against at least `min_minority`,
    and nothing in the prompts explains it: that they ask for it ("in detail", "as JSON", "list three"), show it
    themselves, are of another length, or share a word that the others have not. The wider the group, the larger the
    majority has to be. Beyond one template a record is told of for its layout or person only where `fewest_alike`
    prompts of the majority have half of their words in common with its own, and the evidence names them; with 0 also
    where the prompts have nothing in common. Contractions, exclamation
    marks and endings are facts (severity info).

    Example: 45 answers to "How do I return the ..." are a paragraph, 5 are a list
    """
    styles = context.column(answer_styles)
    found = find_mixes(
        context.column(prompt_kinds), styles, _topics(context, len(styles)), majority, min_group, min_minority
    )
    for mix in found:
        yield from _told(mix, records, min_minority, fewest_alike)


def _topics(context: Context, records: int) -> Array:
    """By meaning where the check of meaning had its vectors made; otherwise no record has a topic."""
    import numpy as np

    from ..meaning.columns import meanings
    from ..styles.topics import topics

    codes = context.columns.get(meanings.name)
    return np.zeros(records, np.uint64) if codes is None else topics(codes)


class Dissenter(NamedTuple):
    """A record, and some of the majority to hold it against."""

    record: Record
    others: Sequence[Record]


def _told(mix: Mix, records: Sequence[Record], min_minority: int, fewest_alike: int) -> Iterator[Finding]:
    style, usual = (FEATURES[mix.feature][value] for value in reversed(mix.values))
    dissenters = _dissenters(mix, records, style, fewest_alike)
    if len({dissenter.record.id for dissenter in dissenters}) < min_minority:
        return
    alike = _alike(mix, dissenters[0].record)
    counts = {usual: len(mix.majority), style: len(dissenters)}
    for record, others in dissenters:
        yield mixed_styles.about(
            record,
            f"{style}; of {mix.known:,} answers {alike} {len(mix.majority):,} have: {usual}",
            severity=_severity(mix),
            evidence={
                "kind": mix.feature,
                "style": style,
                "usual": usual,
                "counts": counts,
                "alike": alike,
                "other": [other.row_id for other in others],
            },
            group=f"{hash_of(f'{mix.level} {mix.key} {mix.feature} {style}'):016x}",
        )


def _dissenters(mix: Mix, records: Sequence[Record], style: str, fewest_alike: int) -> list[Dissenter]:
    """The minority where its prompts do not explain it; none where those of most of them do."""
    typical = [records[int(position)] for position in _evenly(mix.majority, COMPARED_PROMPTS)]
    minority = _unexplained([records[int(position)] for position in mix.minority], typical, mix.feature, style)
    if len(minority) < (1 - MOST_EXPLAINED) * len(mix.minority):
        return []
    few = [first_exchange(record).prompt for record in minority[:COMPARED_PROMPTS]]
    many = [first_exchange(record).prompt for record in typical]
    if telling_word(few, many) is not None or (mix.feature == "length" and other_lengths(few, many)):
        return []
    if mix.level == "template" or mix.feature in WHEREVER or fewest_alike < 1:
        return [Dissenter(record, typical[:EXAMPLES]) for record in minority]
    read = [records[int(position)] for position in _evenly(mix.majority, READ_PROMPTS)]
    return _beside_alike(minority, read, fewest_alike)


def _beside_alike(minority: Sequence[Record], majority: Sequence[Record], fewest_alike: int) -> list[Dissenter]:
    """Those of the minority whose prompts several of the majority have nearly as they do."""
    prompts, others = ([first_exchange(record).prompt for record in side] for side in (minority, majority))
    return [
        Dissenter(record, [majority[index] for index in alike[:EXAMPLES]])
        for record, alike in zip(minority, alike_prompts(prompts, others), strict=True)
        if len(alike) >= fewest_alike
    ]


def _unexplained(minority: Sequence[Record], typical: Sequence[Record], feature: str, style: str) -> list[Record]:
    """Those whose prompts do not ask for their style; what the majority's prompts ask for as often explains nothing.

    But in a letter or a story nobody speaks for the house, however many of the prompts ask for one.
    """
    asked = [asks_for(first_exchange(record).prompt, feature, style) for record in minority]
    usually = sum(asks_for(first_exchange(record).prompt, feature, style) for record in typical) / len(typical)
    if feature not in OF_THE_SPEAKER and sum(asked) / len(asked) <= ASKED_MORE_OFTEN * usually:
        return list(minority)
    return [record for record, explained in zip(minority, asked, strict=True) if not explained]


def _severity(mix: Mix) -> Severity:
    """What is a matter of taste is a fact."""
    return Severity.INFO if mix.feature in OF_TASTE else Severity.WARNING


def _alike(mix: Mix, record: Record) -> str:
    """How the prompts of a mix are alike, in words."""
    if mix.level == "system":
        return "under this system turn"
    if mix.level == "source":
        column, value = source_of(record) or ("", "")
        return f"with {column} {value:.40}"
    if mix.level == "topic":
        return "to prompts near in meaning"
    if mix.level == "all":
        return "in all of the data"
    count = TEMPLATE_WORDS if mix.level == "template" else OPENING_WORDS
    return f'to prompts that begin "{opening_words(first_exchange(record).prompt, count):.60}"'


def _evenly(positions: Array, most: int) -> Array:
    return positions[:: max(1, -(-len(positions) // most))]
