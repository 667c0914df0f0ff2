"""Which languages the data is in, and which checks do not judge some of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.errors import ModelError
from assay.records import Json, Record

from .check import ANY_LANGUAGE, evenly
from .settings import ActiveCheck

LOOKED_AT = 1_000
"""Records of the sample whose answers tell the languages of the data."""

LEAST_SHARE = 0.01
"""A language of fewer answers is not named: short text is easily taken for another one."""


@dataclass(frozen=True)
class Languages:
    """shares          {ISO 639 code: share of the answers whose language can be told}, most frequent first
    not_judged_in   {check: the codes among them that it was not made for}
    """

    shares: Mapping[str, float]
    not_judged_in: Mapping[str, tuple[str, ...]]

    def to_json(self) -> dict[str, Json]:
        rounded = {code: round(share, 3) for code, share in self.shares.items()}
        return {"shares": rounded, "not_judged_in": {name: list(codes) for name, codes in self.not_judged_in.items()}}

    def lines(self) -> list[str]:
        """For people; nothing where every check judges every language that there is."""
        checks: dict[tuple[str, ...], list[str]] = {}
        for name, codes in self.not_judged_in.items():
            checks.setdefault(codes, []).append(name)
        return [
            f"not judged in {', '.join(f'{code} ({self.shares[code]:.0%} of the answers)' for code in codes)}: "
            + ", ".join(names)
            for codes, names in checks.items()
        ]


def languages_of(sample: Sequence[Record], checks: Sequence[ActiveCheck]) -> Languages:
    """Told from the answers of an even sample."""
    from .answers.language import language_of

    counts: Counter[str] = Counter()
    try:
        for record in evenly(sample, LOOKED_AT):
            found = language_of(record.answer)
            if found is not None:
                counts[found.code] += 1
    except ModelError:
        return Languages({}, {})
    total = counts.total()
    shares = {code: count / total for code, count in counts.most_common() if count >= max(2, LEAST_SHARE * total)}
    limited = {item.name: item.check.languages for item in checks if item.check.languages != ANY_LANGUAGE}
    return Languages(
        shares,
        {
            name: unjudged
            for name, languages in limited.items()
            if (unjudged := tuple(code for code in shares if code not in languages))
        },
    )
