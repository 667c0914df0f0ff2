"""The personal_data check."""

from __future__ import annotations

from collections.abc import Sequence

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, record_check
from ..example import Example
from ..personal.common import countries as known_countries
from ..personal.common import entities_of, findings, masked
from ..personal.shapes import CUES


@record_check(
    severity=Severity.ERROR,
    decision=Decision.HOLD,
    repair=masked("identity"),
    cues=CUES,
    choices={"entities": entities_of("identity"), "countries": known_countries},
    examples=(
        Example(
            found=[
                ("My card is 4539 5787 6362 1486.", "Thank you."),
                ("Mein Konto: DE68 2105 0170 0012 3456 78", "Danke."),
                ("我的身份证号码是11010519491231002X。", "好的。"),
                ("My SSN is 219458273", "Noted."),
            ],
            not_found=[
                ("My card is 4539 5787 6362 1487.", "That number has a typo."),
                ("The order number is 219458273", "Noted."),
                ("How many people live there?", "1,402,938 in 2019-2020."),
            ],
        ),
        Example(
            found=[("It is 12345678Z", "Gracias.")],
            not_found=[("It is 219-45-8273", "Thanks.")],
            settings={"countries": ["ES"]},
        ),
    ),
)
def personal_data(
    record: Record, context: Context, *, entities: Sequence[str] = (), countries: Sequence[str] = ()
) -> Sequence[Finding]:
    """A number that identifies a person or an account: a payment card, an IBAN, a social security or tax number.

    Why: a model repeats what it was trained on, and a number like this is nothing that it should know. Most people
    want to see such a record before anything is done with it, so it is held; `decision: repair` masks instead.

    Numbers with checksums are verified (Luhn, mod 97, Verhoeff, and each country's own). One whose form says
    little, like nine digits in a row, counts only where a word for it stands near. Names of people are not guessed.
    `entities` and `countries` narrow it down; `entities: [iban, us_ssn]`, `countries: [DE, US]`; all by default.
    What belongs to no country, like cards, is always among them.

    The mask is <CARD_1>, <SSN_1> and so on, the same one for the same number throughout the record: in turns, tool
    calls, tool results, declared tools, and in the columns that are kept beside them. No finding shows a number in
    full. A date of birth counts where it is named as one; alone in a record it is a fact (severity info), unless
    `entities` names it.

    Example: "My card is 4000 0012 3456 7899"
    """
    return findings(personal_data, record, context, "identity", entities, countries)
