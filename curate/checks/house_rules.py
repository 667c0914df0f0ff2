"""The house_rules check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from assay.findings import Finding, Severity, Span
from assay.records import Record
from assay.writing.house_rules import STARTER, Breach, HouseRules, read_house_rules

from ..check import Context, Decision, Need, record_check
from ..example import Example

SHOWN = 5


def _needs(file: Path) -> tuple[Need, ...]:
    """A rule that counts tokens needs a tokenizer."""
    return ("target",) if read_house_rules(file).counts_tokens is not None else ()


def _with_approved_wording(record: Record, *, file: str = "") -> Record:
    return read_house_rules(Path(file)).replaced(record)


@record_check(
    severity=Severity.WARNING,
    decision=Decision.KEEP,
    repair=_with_approved_wording,
    reads={"file": _needs},
    examples=(
        Example(
            found=[
                ("How do I pay?", "Please login and open the page of your invoices."),
                ("Which is better?", "We are cheaper than Samplecorp."),
                ("May they sue me?", "They may, within two years."),
                ("Where is my parcel?", "I have looked, and it is at the depot."),
                ("Is it paid?", "**Yes**, it is."),
            ],
            not_found=[
                ("How do I pay?", "Sign in at https://pay.example/login and open your invoices."),
                ("May they sue me?", "They may, within two years. This is not legal advice."),
                ("Where is my parcel?", "We have looked, and it is at the depot."),
            ],
            settings={"file": str(STARTER)},
        ),
    ),
)
def house_rules(record: Record, context: Context, *, file: str = "", sha256: str = "") -> Iterator[Finding]:
    """An answer breaks a rule of the house, as your file of house rules has it.

    Why: a model writes as its examples do. One that must say "sign in" and never name a competitor has to have read
    nothing else. Evaluation scores the same file (scorer `house_rules`), so that what was asked of the data is asked
    of the model.

    `file` is the file of rules, found beside assay.yaml; each rule says its severity. Without it nothing is judged.
    With the decision `repair`, forbidden wording is replaced where its rule says `replace: true`, and nothing else
    is changed: a record in which only other rules are broken is held.

    Example: "Please login first.", where the house says "sign in"
    """
    rules = cast(HouseRules, context.once(f"house_rules {file}", lambda: read_house_rules(Path(file))))
    target = context.target
    tokens = None
    if rules.counts_tokens is not None and target is not None:

        def tokens(text: str) -> int:
            return len(target.tokenizer.encode(text, add_special_tokens=False))

    for breach in rules.breaches(record, tokens):
        yield _finding(record, breach)


def _finding(record: Record, breach: Breach) -> Finding:
    first = breach.hits[0]
    content = record.messages[breach.message].content or ""
    span = Span(breach.message, first.start, first.end, content[first.start : first.end]) if first.end else None
    more = f" and {len(breach.hits) - 1} more" if len(breach.hits) > 1 else ""
    evidence = {
        "rule": breach.rule.id,
        "kind": breach.rule.name,
        "reason": breach.rule.reason,
        "times": len(breach.hits),
        "message": breach.message,
        "places": [[hit.start, hit.end] for hit in breach.hits[:SHOWN]],
    }
    if first.replacement is not None:
        evidence |= {"before": content[first.start : first.end], "after": first.replacement}
    return house_rules.about(
        record,
        f"{breach.rule.id}: {first.message}{more}",
        severity=breach.rule.severity,
        span=span,
        evidence=evidence,
    )
