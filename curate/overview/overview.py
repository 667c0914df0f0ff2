"""Is this fit to train on, for this purpose? What the answer rests on, with the records behind each statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assay.dataset import Dataset
from assay.findings import Fate, Finding, Severity
from assay.records import Json, Record
from assay.reviews.review import Review
from assay.split import labels_of

from ..corpus import Corpus
from ..pages.concealment import MASKED_ALREADY, conceal_record
from ..settings import USABLE_RECORDS, CurateSettings
from .composition import SAMPLED, Composition, compose, kinds_of
from .improvements import Improvement, improvements
from .looked import Looked
from .reading import Reading, draw
from .shape import Shape, measure, shape_of
from .topics import Encode

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from assay.chat import ChatTarget

ALL = "all"
"""The one stratum of data whose answers are no labels."""


@dataclass(frozen=True)
class Overview:
    """purpose: what the data is to teach, and (fewest, most) records that this usually takes.

    looked  the records that composition and shape are counts of
    """

    purpose: str
    usual: tuple[int, int]
    composition: Composition
    reading: Reading
    improvements: tuple[Improvement, ...]
    shape: Shape
    looked: Looked

    def without_text(self) -> Overview:
        """The same without a word of any record in what `to_json` and `looked` give."""
        doing = tuple(replace(item, about="") for item in self.improvements)
        composition = self.composition.without_text()
        pairs = zip(self.composition.parts, composition.parts, strict=True)
        looked = self.looked.named({old.name: new.name for old, new in pairs})
        return replace(self, composition=composition, improvements=doing, looked=looked)

    def to_json(self) -> dict[str, Json]:
        return {
            "purpose": self.purpose,
            "usually_takes": list(self.usual),
            "usable": self.composition.usable,
            "reading": self.reading.to_json(),
            "improvements": [item.to_json() for item in self.improvements],
            "composition": self.composition.to_json(),
            "shape": self.shape.to_json(),
        }


def look_over(
    data: Dataset,
    ledger: pa.Table,
    findings: Sequence[Finding],
    not_judged: Mapping[str, str],
    settings: CurateSettings,
    reviews: Sequence[Review] = (),
    before: Mapping[str, Record] | None = None,
    encode: Encode | None = None,
    target: ChatTarget | None = None,
) -> Overview:
    """The overview of what `curate` would leave.

    data     as the checks saw it
    ledger   one row a row of the data, in its order; faulty rows after them
    before   {row id: the record before a person edited it}
    encode   texts to vectors, for topics by meaning; None for topics by words
    target   whose tokens lengths are counted in; None for words
    """
    usable = _usable(data, ledger)
    sensitive = {finding.row_id for finding in findings if finding.check in MASKED_ALREADY}
    taken = Corpus(data.table).take(_evenly(usable, SAMPLED).tolist())
    sample = [conceal_record(record) if record.row_id in sensitive else record for record in taken]
    flagged = {finding.row_id for finding in findings if finding.severity is not Severity.INFO}
    kinds, measured = kinds_of(sample, settings.seed, encode), measure(sample, target)
    composition = compose(data, usable, sample, kinds, flagged)

    fates = ledger.column("fate")
    reading = draw(data, fates, findings, reviews, settings.reading.count, settings.seed, _strata, before)
    doing = improvements(ledger, findings, not_judged, composition, reading, settings)
    looked = Looked(tuple(record.row_id for record in sample), kinds, measured)
    usual = USABLE_RECORDS[settings.purpose]
    return Overview(settings.purpose, usual, composition, reading, doing, shape_of(measured), looked)


def _usable(data: Dataset, ledger: pa.Table) -> npt.NDArray[np.int64]:
    """Positions of the records that would train."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    trains = pa.array([str(Fate.KEPT), str(Fate.REPAIRED)])
    return np.flatnonzero(pc.is_in(ledger.column("fate").slice(0, len(data)), value_set=trains).to_numpy())


def _evenly(positions: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    import numpy as np

    if len(positions) <= most:
        return positions
    return positions[np.linspace(0, len(positions) - 1, most).astype(np.int64)]


def _strata(records: Sequence[Record]) -> Sequence[str]:
    """The label of each record, or the same for all where answers are no labels."""
    return labels_of(records) or [ALL] * len(records)


def encode_or_none(encoder: str) -> Encode | None:
    """What turns texts into vectors, where the encoder of the settings is at hand: topics are then by meaning."""
    from ..meaning.encoder import load_encoder, why_missing

    return None if why_missing(encoder) is not None else load_encoder(encoder).encode
