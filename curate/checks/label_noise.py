"""The label_noise check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record
from assay.text import words

from ..check import Context, Decision, dataset_check, evenly
from ..example import Example

MOST_RECORDS = 20_000
"""Of more records an even sample of this size is judged."""

FEWEST_OF_A_LABEL = 5
LEAST_ACCURACY = 0.6
"""Where the labels are predicted less well than this, text says too little about them to doubt any."""


_CARDS = [(f"My card has not come by post, it is {n} days late", "card_arrival") for n in range(7)]
_RATES = [(f"What is the exchange rate of {n} euros in yen?", "exchange_rate") for n in range(7)]


@dataset_check(
    severity=Severity.WARNING,
    decision=Decision.KEEP,
    examples=(
        Example(
            found=[("My card has not come by post, it is late", "exchange_rate")],
            not_found=[*_CARDS, *_RATES],
            settings={"given": 0.5, "fewest_records": 10},
        ),
    ),
)
def label_noise(
    records: Sequence[Record],
    context: Context,
    *,
    suspected: float = 0.5,
    given: float = 0.01,
    fewest_records: int = 200,
) -> Iterator[Finding]:
    """The label of a record does not fit its text, by what the other records of this data set teach.

    Only in data that classifies, which is found out: the answers are few short labels, or JSON with a field of such.
    Confident learning over out-of-sample probabilities; besides, the suspected label must have at least the
    probability `suspected`, and the given one at most `given`, and of the ten texts most like this one at least five
    have the suspected label and at most two the given one. A text that holds more of the words of its own label
    than of the other is left alone. Labels of fewer than five records are not doubted, nor is any where there are
    fewer than `fewest_records` or the labels cannot be predicted from the text. Of more than 20,000 records an even
    sample is judged.

    Why: a few per cent of wrong labels cost more accuracy than many more records bring.

    Example: "My card has not come yet" is labelled `exchange_rate`, where all others like it are `card_arrival`.
    """
    from assay.split import labels_of

    from ..meaning.columns import prompt_text
    from ..meaning.encoder import load_encoder, why_missing
    from ..meaning.features import features
    from ..meaning.label_noise import accuracy, doubts, label_probabilities, numbered, seconded

    if len(records) < fewest_records or labels_of(context.sample) is None:
        return
    judged = evenly(records, MOST_RECORDS)
    names, labels, positions = numbered(labels_of(judged) or [], FEWEST_OF_A_LABEL)
    if len(names) < 2 or len(positions) < fewest_records:
        return
    encoder = None if why_missing(context.encoder) else load_encoder(context.encoder)
    rows = features([prompt_text(judged[position]) for position in positions], encoder)
    probabilities = label_probabilities(rows, labels, len(names))
    if accuracy(probabilities, labels) < LEAST_ACCURACY:
        return
    for doubt in seconded(doubts(probabilities, labels, suspected, given), rows, labels):
        record = judged[positions[doubt.position]]
        label, other = names[labels[doubt.position]], names[doubt.suspected]
        if _names(prompt_text(record), label, other):
            continue
        yield label_noise.about(
            record,
            f"labelled {label!r}, but its text is as those labelled {other!r} are",
            evidence={
                "label": label,
                "suspected": other,
                "confidence": round(doubt.suspected_probability, 4),
                "given_probability": round(doubt.given_probability, 4),
            },
        )


STEM = 4
"""Letters at its beginning by which a word of a label is known again: working, works."""


def _names(text: str, label: str, other: str) -> bool:
    """Whether more words of the label than of the other stand in the text, of those that tell the two apart."""
    said, own, others = (
        {word[:STEM] for word in words(part.replace("_", " ")) if len(word) > 2 or not word.isascii()}
        for part in (text, label, other)
    )
    return len(said & (own - others)) > len(said & (others - own))
