"""The secret check."""

from __future__ import annotations

from collections.abc import Sequence

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, record_check
from ..example import Example
from ..personal.common import entities_of, findings, masked
from ..personal.shapes import CUES


@record_check(
    severity=Severity.ERROR,
    decision=Decision.HOLD,
    repair=masked("secret"),
    cues=CUES,
    choices={"entities": entities_of("secret")},
    examples=(
        Example(
            found=[
                ("Here: password = 'Xk9!vbQ2rr'", "Please change it."),
                ("Connect to postgres://bob:Xy72kfl@db.host.io:5432/x", "Connected."),
            ],
            not_found=[
                ("Connect to postgres://user:password@localhost/x", "Connected."),
                ("Which key?", "AKIAIOSFODNN7EXAMPLE, or api_key = 'your-api-key-goes-here'"),
                ("How do I read it?", "password = os.environ['DB_PASSWORD']"),
            ],
        ),
    ),
)
def secret(record: Record, context: Context, *, entities: Sequence[str] = ()) -> Sequence[Finding]:
    """A key, token or password: of a cloud, a code host or a model provider, a private key, a connection string.

    Why: the model would give it to whoever asks in the right way. It has been in a file, so it has to be revoked
    whatever becomes of the record: therefore a person should see it, and the record is held. `decision: repair`
    masks it (<GITHUB_TOKEN_1>), in turns, tool calls, tool results, declared tools, and the columns beside them.

    Keys of some 35 kinds are known by the form that their issuers give them; a value behind password= or api_key:
    has to look random. Placeholders and published specimens (AKIA...EXAMPLE, your-api-key, xxxx, $TOKEN) are passed
    over; a password that the prompt asks to make up is a fact (severity info).
    `entities` narrows it down: `entities: [github_token, private_key]`; all by default.

    No report, log or table of assay shows a secret, whichever check quotes the text around it. The record itself is
    in held.parquet, or where you decide otherwise in data.parquet or dropped.parquet.

    Example: "export GITHUB_TOKEN=ghp_" and 36 letters and digits
    """
    return findings(secret, record, context, "secret", entities)
