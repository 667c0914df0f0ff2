"""The contact_details check."""

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
    severity=Severity.WARNING,
    decision=Decision.KEEP,
    repair=masked("contact"),
    cues=CUES,
    choices={"entities": entities_of("contact"), "countries": known_countries},
    examples=(
        Example(
            found=[
                ("Write to maria.keller@mailbox.org", "I did."),
                ("Meine Nummer ist +49 30 901820.", "Danke."),
                ("电话：010 6552 9988", "好的。"),
                ("The host is 81.23.45.67", "It answers."),
            ],
            not_found=[
                ("Write to jane@example.com", "That is an address of examples."),
                ("Write to support@bank.de or call us at 650-636-4884", "Anybody may."),
                ("Which version is it?", "2.55.0.1, behind 192.168.0.1"),
                ("@someone wrote in 2020-2021", "a @ b"),
            ],
        ),
    ),
)
def contact_details(
    record: Record, context: Context, *, entities: Sequence[str] = (), countries: Sequence[str] = ()
) -> Sequence[Finding]:
    """An e-mail address, a telephone number, a street address, an IP or MAC address.

    Why: it may be a customer's, and then a model must not repeat it; or it may be your own desk's, which the model is
    there to give. Nobody but you can tell, so such a record is reported and kept. `decision: repair` masks
    (<EMAIL_1>, <PHONE_1>, the same one for the same value throughout the record), `hold` and `drop` are stricter.

    A telephone number has its country code, or a form that is valid where it is used, or a word like "call" before
    it. A street address counts with its postal code, or after a word like "address". Addresses of private networks,
    of documentation, and of public name servers are passed over.

    What leads to nobody in particular is not told: e-mail addresses at example.com and the like, those of desks
    (info@, support@), 555 and toll-free numbers, a number behind "call us" or "hotline", a street address without a
    word of somebody who lives there or gets things sent, and what a declared tool shows as a default. A mask takes
    them along, and `entities` that names their kind tells them. `entities` and `countries` narrow it down:
    `entities: [email, phone]`; all by default.

    Example: "Write to maria.keller@mailbox.org or call +49 30 901820."
    """
    return findings(contact_details, record, context, "contact", entities, countries)
