"""The earlier_release check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, dataset_check


@dataset_check(severity=Severity.WARNING, decision=Decision.KEEP, needs=("releases",))
def earlier_release(records: Sequence[Record], context: Context, *, threshold: float = 0.8) -> Iterator[Finding]:
    """The record stands in an earlier release of the data, or nearly does: verified Jaccard similarity of word 5-grams.

    Earlier releases are known from an index in a Redis server (`--index URL`), to which `assay curate --release NAME`
    adds what it keeps; their files are not read again. System turns are left out of the comparison, and so is what a
    tenth of the first release's records have in their first user turn.

    Why: a batch of new data is paid for twice where it repeats what is there. The default keeps such records, since a
    new version of the whole data repeats the old one on purpose; for a batch that is added to a release, ask for
    `decision: drop`.

    Example: line 12 of march.jsonl is line 801 of the release "february".
    """
    assert context.releases is not None
    for record, earlier in zip(records, context.releases.look_up(records, threshold), strict=True):
        if earlier is not None:
            how = "the same as" if earlier.identical else f"{earlier.similarity:.0%} of word 5-grams shared with"
            yield earlier_release.about(
                record,
                f"{how} {earlier.source} of the release {earlier.release}",
                evidence={
                    "release": earlier.release,
                    "source": earlier.source,
                    "other": earlier.row_id,
                    "similarity": round(earlier.similarity, 4),
                },
            )
