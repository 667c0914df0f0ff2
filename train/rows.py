"""Records as token ids and labels, ready to train on, with the fate of every row; and what forbids to start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assay.chat import IGNORED, ChatTarget, Encoded, TemplateProblem, encode_all
from assay.dataset import Dataset
from assay.errors import SettingsError, SourceError, TrainingError, did_you_mean
from assay.findings import Fate, Ledger, LedgerRow
from assay.records import Record
from assay.split import TRAIN, VALIDATION
from assay.suites import PromptKeys, prompt_keys, prompt_text

from .methods.labels import chosen_labels
from .mixing import DEFAULT_RATIO, GeneralFile, Mixture, general_row_ids, mix
from .settings import TrainSettings

if TYPE_CHECKING:
    import pyarrow as pa

DOMAIN, GENERAL = "domain", "general"
"""The role of a row: of the task, or mixed in against forgetting; suites have the same two."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record as the model sees it. input_ids and labels are of equal length; prompt is for leak checks."""

    row_id: str
    record_id: str
    family: str
    input_ids: list[int]
    labels: list[int]
    prompt: PromptKeys
    role: str = DOMAIN

    @property
    def trained_tokens(self) -> int:
        return sum(label != IGNORED for label in self.labels)


@dataclass(frozen=True)
class Rows:
    """What trains, what validates, and what became of every row that came in.

    ledger   kept: trains or validates as it was; repaired: truncated; dropped: over-long; held: other splits;
             general rows that do not train are held or dropped, see `mixing`
    mixture  None without general data
    """

    training: tuple[Row, ...]
    validation: tuple[Row, ...]
    ledger: Ledger
    warnings: tuple[str, ...]
    mixture: Mixture | None = None

    @property
    def longest(self) -> int:
        return max(len(row.input_ids) for row in (*self.training, *self.validation))

    def trained_records(self) -> pa.Table:
        """What `trained_records.parquet` holds: one row a record that trains or validates."""
        import pyarrow as pa

        both = [(TRAIN, row) for row in self.training] + [(VALIDATION, row) for row in self.validation]
        return pa.table(
            {
                "row_id": pa.array([row.row_id for _, row in both], pa.string()),
                "record_id": pa.array([row.record_id for _, row in both], pa.string()),
                "family": pa.array([row.family for _, row in both], pa.string()),
                "split": pa.array([split for split, _ in both], pa.string()),
                "role": pa.array([row.role for _, row in both], pa.string()),
                "tokens": pa.array([len(row.input_ids) for _, row in both], pa.int64()),
                "trained_tokens": pa.array([row.trained_tokens for _, row in both], pa.int64()),
                "prompt_sha256": pa.array([row.prompt.exact for _, row in both], pa.string()),
                "normalised_prompt_sha256": pa.array([row.prompt.normalised for _, row in both], pa.string()),
            }
        )


def encode_rows(
    data: Dataset, settings: TrainSettings, target: ChatTarget, general: Sequence[GeneralFile] = ()
) -> Rows:
    """Encodes every record of the splits "train" (or none) and "validation", and the general records that are drawn.

    Raises SourceError when nothing trains; TrainingError when records cannot be rendered, would be cut under
    `truncation: raise`, are masked away, or when validation shares a family with training.
    """
    parts = [_encode(list(data.records()), settings, target)]
    others: list[LedgerRow] = [_fault(fault.row_id, fault.source) for fault in data.faults]
    mixture = None
    if general:
        ratio = DEFAULT_RATIO if settings.general_ratio is None else settings.general_ratio
        mixed = mix(data, len(parts[0].training), general, ratio, settings.seed)
        drawn = _encode(list(mixed.drawn.records()), settings, target)
        parts.append(replace(drawn, training=[replace(row, role=GENERAL) for row in drawn.training]))
        others.extend(mixed.others)
        mixture = mixed.mixture.without(len(mixed.drawn) - len(drawn.training))
    _refuse_unusable([problem for part in parts for problem in part.unusable])
    too_long = [found for part in parts for found in part.too_long]
    warnings = _length_warnings(too_long, _length_limit(settings, target), settings)
    if mixture is not None and mixture.shortage is not None:
        warnings = (*warnings, mixture.shortage)
    if not settings.assistant_only_loss:
        warnings = (*warnings, *_marked(data))
    rows = Rows(
        tuple(row for part in parts for row in part.training),
        tuple(row for part in parts for row in part.validation),
        Ledger.of([*(fate for part in parts for fate in part.fates), *others]),
        warnings,
        mixture,
    )
    _check(rows, [*data.row_ids(), *general_row_ids(general)])
    return rows


@dataclass(frozen=True)
class _Part:
    """Records of the data, or of what was mixed in, as rows; too_long with their lengths in tokens."""

    training: list[Row]
    validation: list[Row]
    fates: list[LedgerRow]
    unusable: list[tuple[Record, str]]
    too_long: list[tuple[Record, int]]


def _encode(records: Sequence[Record], settings: TrainSettings, target: ChatTarget) -> _Part:
    limit = _length_limit(settings, target)
    part = _Part([], [], [], [], [])
    wanted = [record for record in records if record.split in ("", TRAIN, VALIDATION)]
    part.fates.extend(
        _fate(record, Fate.HELD, f"split_{record.split}")
        for record in records
        if record.split not in ("", TRAIN, VALIDATION)
    )
    for record, encoded in zip(wanted, encode_all(wanted, target), strict=True):
        if isinstance(encoded, TemplateProblem):
            part.unusable.append((record, str(encoded)))
            continue
        row = _row(record, encoded, settings)
        if limit is not None and len(row.input_ids) > limit:
            part.too_long.append((record, len(row.input_ids)))
            cut = _cut(row, limit) if settings.truncation == "truncate" else None
            part.fates.append(_fate(record, Fate.REPAIRED if cut else Fate.DROPPED, "over_long"))
            if cut is None:
                continue
            row = cut
        else:
            part.fates.append(_fate(record, Fate.KEPT))
        (part.validation if record.split == VALIDATION else part.training).append(row)
    return part


def padding_token(settings: TrainSettings, target: ChatTarget) -> int:
    """Raises SettingsError when the token asked for does not exist or ends turns."""
    replacement = target.tokenizer.convert_ids_to_tokens(target.pad_token_id)
    if target.pad_token_id in target.stop_token_ids:
        raise TrainingError(f"the padding token {replacement!r} ends turns too, so the model would never learn to stop")
    if settings.pad_token is None:
        return target.pad_token_id
    vocabulary: dict[str, int] = target.tokenizer.get_vocab()
    token = settings.pad_token
    if token == "eos_token":
        token = str(target.tokenizer.eos_token)
    if token not in vocabulary:
        raise SettingsError(f"pad_token {token!r} is not in the vocabulary", fix=did_you_mean(token, vocabulary))
    if vocabulary[token] in target.stop_token_ids:
        raise SettingsError(
            f"pad_token {token!r} is the token that ends a turn: whoever masks padding then masks the stop token "
            f"too, and the model never learns to stop",
            fix=f"leave pad_token out; {replacement!r} (id {target.pad_token_id}) is used in its place",
        )
    return vocabulary[token]


def _length_limit(settings: TrainSettings, target: ChatTarget) -> int | None:
    known = [limit for limit in (settings.max_length, target.context_length) if limit is not None]
    return min(known) if known else None


def _row(record: Record, encoded: Encoded, settings: TrainSettings) -> Row:
    prompt = prompt_keys(prompt_text(record.prompt))
    labels = chosen_labels(encoded, settings)
    return Row(record.row_id, record.id, record.family, encoded.input_ids, labels, prompt)


def _cut(row: Row, limit: int) -> Row | None:
    """The beginning of the row, or None when no trained token would be left."""
    cut = replace(row, input_ids=row.input_ids[:limit], labels=row.labels[:limit])
    return cut if cut.trained_tokens else None


def _fate(record: Record, fate: Fate, *reasons: str) -> LedgerRow:
    return LedgerRow(record.row_id, record.id, record.source, fate, reasons)


def _fault(row_id: str, source: object) -> LedgerRow:
    return LedgerRow(row_id, "", source, Fate.DROPPED, ("unreadable_row",))  # type: ignore[arg-type]


def _refuse_unusable(unusable: Sequence[tuple[Record, str]]) -> None:
    if unusable:
        record, problem = unusable[0]
        raise TrainingError(
            f"{len(unusable)} records cannot be trained on with this chat template, the first because {problem}",
            where=str(record.source),
            fix="`assay curate` with this model holds such records back",
        )


def _length_warnings(
    too_long: Sequence[tuple[Record, int]], limit: int | None, settings: TrainSettings
) -> tuple[str, ...]:
    """Raises TrainingError under `truncation: raise`."""
    if not too_long:
        return ()
    record, length = max(too_long, key=lambda item: item[1])
    if settings.truncation == "raise":
        raise TrainingError(
            f"{len(too_long)} records are longer than {limit} tokens (this one {length}): answers would be cut",
            where=str(record.source),
            fix="curate holds them back for this model; or raise max_length, or set truncation: drop",
        )
    done = "left out" if settings.truncation == "drop" else "cut, so their answers have no end"
    return (f"{len(too_long)} records longer than {limit} tokens were {done}",)


def _marked(data: Dataset) -> tuple[str, ...]:
    """What `train: false` was meant to keep out of the loss, where whole texts train."""
    count = sum(any(message.train is False for message in record.messages) for record in data.records())
    if not count:
        return ()
    return (
        f"assistant_only_loss: false trains on whole texts, so on the turns marked `train: false` of {count:,} records "
        "too; leave it out to keep them out of the loss",
    )


def _check(rows: Rows, read_row_ids: Sequence[str]) -> None:
    rows.ledger.check(read_row_ids)
    if not any(row.role == DOMAIN for row in rows.training):
        raise SourceError(
            "there is no record to train on",
            fix="the column `split` should say train for some rows, and `assay audit` says what is wrong with others",
        )
    if not any(row.trained_tokens for row in rows.training):
        raise TrainingError("every label is masked, so nothing would be learned", fix="check `train: false` marks")
    shared = {row.family for row in rows.validation if row.family} & {row.family for row in rows.training}
    copied = {row.record_id for row in rows.validation} & {row.record_id for row in rows.training}
    if shared or copied:
        what = f"family {min(shared)}" if shared else f"record {min(copied)}"
        raise TrainingError(
            f"{len(shared or copied)} families are in training and in validation ({what}), so the validation loss "
            "would flatter the model",
            fix="split with `assay curate`, which keeps families together",
        )
