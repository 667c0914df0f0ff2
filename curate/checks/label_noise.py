"""The label_noise check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record

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
    probability `suspected`, and the given one at most `given`. Labels of fewer than five records are not doubted, nor
    is any where there are fewer than `fewest_records` or the labels cannot be predicted from the text. Of more than
    20,000 records an even sample is judged.

    Why: a few per cent of wrong labels cost more accuracy than many more records bring.

    Example: "My card has not come yet" is labelled `exchange_rate`, where all others like it are `card_arrival`.
    """
    from assay.split import labels_of

    from ..meaning.columns import prompt_text
    from ..meaning.encoder import load_encoder, why_missing
    from ..meaning.features import features
    from ..meaning.label_noise import accuracy, doubts, label_probabilities, numbered

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
    for doubt in doubts(probabilities, labels, suspected, given):
        record = judged[positions[doubt.position]]
        label, other = names[labels[doubt.position]], names[doubt.suspected]
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
