"""The shouting check."""

from collections.abc import Iterator

from assay.curate.check import Context, Decision, record_check
from assay.curate.example import Example
from assay.findings import Finding, Severity
from assay.records import Record


@record_check(
    severity=Severity.WARNING,
    decision=Decision.HOLD,
    languages=("en", "de"),
    examples=(
        Example(
            found=[("Where is my order?", "IT IS ON ITS WAY TO YOU AND COMES TOMORROW!")],
            not_found=[
                ("Where is my order?", "It is on its way to you and comes tomorrow."),
                ("Which code?", "ABC-123"),
            ],
        ),
        Example(settings={"min_share": 0.3}, found=[("Where?", "It is ON ITS WAY, says DHL EXPRESS")]),
    ),
)
def shouting(record: Record, context: Context, *, min_share: float = 0.7, min_letters: int = 20) -> Iterator[Finding]:
    """An answer is written in capital letters.

    Why: the model learns to shout at customers.

    An answer counts from `min_letters` letters on, when `min_share` of them are capitals; shorter ones are codes
    and names.

    Example: "IT IS ON ITS WAY TO YOU AND COMES TOMORROW!"
    """
    letters = [letter for letter in record.answer if letter.isalpha()]
    capitals = sum(letter.isupper() for letter in letters)
    if len(letters) >= min_letters and capitals >= min_share * len(letters):
        yield shouting.about(
            record,
            f"{capitals} of {len(letters)} letters of the answer are capitals",
            evidence={"capitals": capitals, "letters": len(letters)},
        )
