"""`assay audit --scores`: scores of the usable records, their distribution, and two subsets to train on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from assay.dataset import Dataset
from assay.errors import SettingsError, did_you_mean
from assay.records import Json
from assay.storage import write_table

from ..corpus import Corpus
from .likelihood import FOUND, NAMES, Score, score
from .subset import Subsets, choose

if TYPE_CHECKING:
    from assay.chat import ChatTarget
    from assay.console import Options

    from ..stage import Audited

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Scored(NamedTuple):
    """lines: for the terminal. facts: what --json says."""

    lines: list[str]
    facts: Mapping[str, Json]


def names_of(text: str | None, subset: int | None, target: ChatTarget | None, options: Options) -> tuple[str, ...]:
    """`perplexity,ifd` -> names; () when no score is asked for.

    Raises SettingsError, before any work, with the nearest known name, without a model, and for a subset that cannot be
    chosen or written.
    """
    if text is None:
        if subset is not None:
            raise SettingsError("--subset chooses by scores", fix=f"name them: --scores {','.join(NAMES)}")
        return ()
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        if name not in NAMES:
            raise SettingsError(f"--scores: there is no score '{name}'", fix=did_you_mean(name, NAMES))
    if not names:
        raise SettingsError("--scores names no score", fix=f"write {','.join(NAMES)}")
    if target is None:
        raise SettingsError("--scores needs a model", fix="name it with --model, for example smollm2-135m-instruct")
    if subset is not None and options.output is None:
        raise SettingsError("--subset writes two files", fix="say where with -o OUT")
    return names


def score_usable(
    audited: Audited, names: Sequence[str], subset: int | None, target: ChatTarget | None, options: Options
) -> Scored:
    """Scores of the records that would train; with -o scores.parquet and the subsets are written there.

    Raises MissingExtraError without PyTorch, ModelError.
    """
    from assay.models import load_base

    from ..stage import parted

    assert target is not None  # names_of has asked for it
    usable, *_ = parted(audited.data, audited.decided)
    records = list(Corpus(usable.table))
    options.say(f"scoring {len(records):,} records with {target.name}")
    scores = score(records, load_base(target.ref), target, names, options.say)
    subsets = choose(scores, subset, audited.settings.seed) if subset is not None else None
    if options.output is not None:
        _write(scores, usable, subsets, options.output)
    return Scored(list(_lines(scores, names, subsets, options.output)), _json(scores, names, subsets))


def _write(scores: Sequence[Score], usable: Dataset, subsets: Subsets | None, folder: Path) -> None:
    import pyarrow as pa

    table = pa.table(
        {
            "row_id": pa.array([item.row_id for item in scores], pa.string()),
            "record_id": pa.array([item.record_id for item in scores], pa.string()),
            "answer_tokens": pa.array([item.tokens for item in scores], pa.int64()),
            "cut": pa.array([item.cut for item in scores], pa.bool_()),
            "loss": pa.array([item.loss for item in scores], pa.float64()),
            "loss_alone": pa.array([item.loss_alone for item in scores], pa.float64()),
            "perplexity": pa.array([item.perplexity for item in scores], pa.float64()),
            "ifd": pa.array([item.ifd for item in scores], pa.float64()),
        }
    )
    write_table(table, folder / "scores.parquet")
    if subsets is not None:
        for name, positions in (("score", subsets.by_score), ("random", subsets.at_random)):
            chosen = Dataset.from_records(Corpus(usable.table).take(positions))
            chosen.write_parquet(folder / f"subset_{'by_score' if name == 'score' else name}.parquet")


def _values(scores: Sequence[Score], name: str) -> list[float]:
    values = (item.ifd if name == "ifd" else item.perplexity for item in scores)
    return sorted(value for value in values if value is not None)


def _at(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))]


def _lines(
    scores: Sequence[Score], names: Sequence[str], subsets: Subsets | None, folder: Path | None
) -> Iterator[str]:
    yield f"  {'scores, as facts':20}" + "".join(f"{share:>9.0%}" for share in SHARES) + "   records"
    for name in names:
        values = _values(scores, name)
        shown = "".join(f"{_at(values, share):>9,.2f}" for share in SHARES) if values else " " * 9 * len(SHARES)
        yield f"  {name:20}{shown}{len(values):>10,}"
    if any(item.cut for item in scores):
        yield f"  of {sum(item.cut for item in scores):,} long records only the beginning was scored"
    yield "  what papers found about choosing records by scores:"
    yield from (f"    arXiv {number}: {found}" for number, found in FOUND)
    if subsets is not None and folder is not None:
        yield f"  {folder / 'subset_by_score.parquet'}    {len(subsets.by_score):,} records: {subsets.rule}"
        yield f"  {folder / 'subset_random.parquet'}    {len(subsets.at_random):,} at random: train on both and compare"


def _json(scores: Sequence[Score], names: Sequence[str], subsets: Subsets | None) -> dict[str, Json]:
    out: dict[str, Json] = {"found_by_papers": [{"arxiv": number, "found": found} for number, found in FOUND]}
    for name in names:
        values = _values(scores, name)
        at = {f"p{share * 100:.0f}": round(_at(values, share), 4) for share in SHARES} if values else {}
        out[name] = {"records": len(values), **at}
    if subsets is not None:
        sizes = {"by_score": len(subsets.by_score), "random": len(subsets.at_random), "rule": subsets.rule}
        out["subset"] = sizes
    return out
