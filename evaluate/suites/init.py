"""Sets a domain suite aside from the user's data, before anything is generated or trained.

Whole families leave training: by time or by a group column where there is one, else at random. What becomes of each
record is counted: training + items + relatives of items that are in neither = read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assay.dataset import Dataset, dump_json
from assay.errors import LedgerError, SettingsError, SourceError, SuiteError
from assay.records import Record, message_to_json
from assay.storage import write_text
from assay.suites import read_suite

from ..wording import count, names, size
from .columns import Columns, find_columns
from .proposal import MOST_NEW_TOKENS, Proposal, estimated_tokens, propose_scorer, tokens_for
from .records import Candidates, curates_opinion, find_candidates
from .selection import Bounds, choose_newest, choose_random
from .size import LARGE_DIFFERENCE, independent_items, provable_difference

MOST_ITEMS = 300
DATA_SHARE = 0.25
"""Of the records, and of those that curate would keep, a suite takes this share at most."""

ASKED_SHARE = 0.5
"""The same where the user names the number of items."""

MOST_SLICES = 20
SLICE_COVERAGE = 0.8

SUITE = """\
# A domain suite: {items} set aside from {sources} before anything was generated or trained.
# {training} holds the rest: train on that, never on the data from which this was taken.
# docs/suites.md explains each key; `assay suite check {yaml}` validates the suite after an edit.
version: 1
name: {name}
data: {data}

# Proposed because {why}.
{notes}scorer: {scorer}

# The longest answer takes about {longest} tokens.
max_new_tokens: {tokens}
apply_chat_template: true
"""


@dataclass(frozen=True)
class SuiteInit:
    """What was written, and in words what was decided. items + training + set_aside = records read.

    set_aside  relatives of items that are in neither file
    """

    suite_path: Path
    items_path: Path
    training_path: Path
    notes: tuple[str, ...]
    items: int = 0
    training: int = 0
    set_aside: int = 0


@dataclass(frozen=True)
class SuitePlan:
    """A suite before it is written. rows: the items as they stand in its file; longest: tokens of an answer."""

    name: str
    rows: tuple[Mapping[str, Any], ...]
    proposal: Proposal
    max_new_tokens: int
    longest: int
    training: Dataset
    sources: tuple[str, ...]
    set_aside: int
    notes: tuple[str, ...]


def init_suite(
    dataset: Dataset,
    folder: Path,
    *,
    name: str,
    seed: int = 0,
    items: int | None = None,
    by: str | None = None,
    force: bool = False,
) -> SuiteInit:
    """Writes NAME.yaml, NAME.jsonl (the items) and NAME_training.parquet (all other records) into the folder.

    items  [default: up to 300, at most a quarter of the records]
    by     the column of groups or times to go by [default: a plausible one, else none]
    force  overwrites files that are there, but never the data itself

    Raises SettingsError, SuiteError when no suite can be made of the data, SourceError when it holds no record.
    """
    _check_name(name)
    paths = SuiteInit(folder / f"{name}.yaml", folder / f"{name}.jsonl", folder / f"{name}_training.parquet", ())
    _check_paths(paths, dataset, force)
    plan = plan_suite(dataset, name=name, seed=seed, items=items, by=by)
    return _write(plan, paths)


def plan_suite(
    dataset: Dataset,
    *,
    name: str,
    seed: int = 0,
    items: int | None = None,
    by: str | None = None,
) -> SuitePlan:
    """What `init_suite` would write."""
    if not len(dataset):
        raise _no_records(dataset)
    opinion = curates_opinion(dataset)
    records = list(dataset.records())
    found = find_columns(records, by)
    for columns in [found] if by is not None or found == Columns() else [found, Columns()]:
        candidates = find_candidates(dataset, opinion, columns.group)
        proposal = propose_scorer(candidates.records)
        candidates = _scorable(candidates, proposal)
        bounds = _bounds(len(records), candidates, items)
        if columns.time is not None:
            chosen = choose_newest(candidates, columns.times, bounds)
        else:
            chosen = choose_random(candidates, proposal.labels, bounds, seed)
        if chosen:
            return _plan(dataset, name, candidates, proposal, columns, chosen, seed)
    raise SuiteError(
        f"no family can be set aside: the smallest holds more than {bounds.records:,} of the {len(records):,} records"
        + (f", tied together by '{columns.group}'" if columns.group else ""),
        fix="name another column with --by, or write a suite by hand (docs/suites.md)",
    )


def _plan(
    dataset: Dataset,
    name: str,
    candidates: Candidates,
    proposal: Proposal,
    columns: Columns,
    chosen: set[str],
    seed: int,
) -> SuitePlan:
    families = candidates.families
    items = [record for record in candidates.records if families[record.row_id] in chosen]
    slices = _slices(items, proposal)
    rows = tuple(_item(record, proposal, families[record.row_id], slices) for record in items)
    answers = [_answer(record, proposal) for record in items]
    _check_references(rows, answers, proposal)
    training = Dataset.from_records(record for record in dataset.records() if families[record.row_id] not in chosen)
    set_aside = len(dataset) - len(training) - len(rows)
    if set_aside < 0 or set_aside != sum(candidates.sizes[family] for family in chosen) - len(rows):
        raise LedgerError("records read, set aside and left to train on do not add up", fix="please report this")
    return SuitePlan(
        name=name,
        rows=rows,
        proposal=proposal,
        max_new_tokens=tokens_for(answers),
        longest=max(map(estimated_tokens, answers)),
        training=training,
        sources=tuple(dict.fromkeys(record.source.file for record in items)),
        set_aside=set_aside,
        notes=(
            _how_chosen(dataset, name, rows, training, columns, items, seed, set_aside),
            *_what_was_left(dataset, candidates),
            f"scorer {proposal.name}: {proposal.why}",
            *proposal.notes,
            *_what_it_proves(rows),
        ),
    )


def _check_name(name: str) -> None:
    if not name or not all(letter.isalnum() or letter in "-_" for letter in name):
        raise SettingsError(f"'{name}' is no name for a suite", fix="use letters, digits, - and _")


def _check_paths(paths: SuiteInit, dataset: Dataset, force: bool) -> None:
    data = {Path(name).resolve() for name in dataset.table.column("source_file").unique().to_pylist()}
    for path in (paths.suite_path, paths.items_path, paths.training_path):
        if path.resolve() in data:
            raise SettingsError(
                "is the data itself", where=str(path), fix="give another folder with -o, or another --name"
            )
        if path.exists() and not force:
            raise SettingsError("is there already", where=str(path), fix="--force overwrites it")


def _no_records(dataset: Dataset) -> SourceError:
    if not dataset.faults:
        return SourceError("there is no record to set aside")
    first = dataset.faults[0]
    return SourceError(
        f"no valid row: none of {len(dataset.faults):,} could be read; the first: {first.message}",
        where=str(first.source),
        fix="name its format with --format, or its columns with --columns",
    )


def _scorable(candidates: Candidates, proposal: Proposal) -> Candidates:
    """Without the records whose answers the scorer, or the longest output, has no place for."""
    refused = dict(candidates.refused)
    kept = []
    for record in candidates.records:
        why = None
        if record.messages[-1].tool_calls and proposal.name != "tool_call":
            why = "whose answer is a tool call"
        elif record.row_id not in proposal.fitting:
            why = f"whose answer is not what {proposal.name} compares"
        elif estimated_tokens(_answer(record, proposal)) > MOST_NEW_TOKENS:
            why = f"whose answer may take more than {MOST_NEW_TOKENS:,} tokens"
        if why is None:
            kept.append(record)
        else:
            refused[why] = refused.get(why, 0) + 1
    return replace(candidates, records=tuple(kept), refused=refused)


def _bounds(records: int, candidates: Candidates, items: int | None) -> Bounds:
    """Raises SuiteError when there are too few records, SettingsError when more are asked for than there are."""
    usable = min(candidates.usable, records)
    if items is None:
        wanted = min(MOST_ITEMS, int(DATA_SHARE * usable), len(candidates.records))
        if wanted < 1:
            raise SuiteError(
                f"of {count(records, 'record')} only {len(candidates.records):,} can be an item"
                + (f" ({_refused(candidates)})" if candidates.refused else "")
                + ", too few to take any from training",
                fix="add records, or write a suite by hand (docs/suites.md)",
            )
        return Bounds(wanted, max(1, int(DATA_SHARE * records)))
    most = min(int(ASKED_SHARE * usable), len(candidates.records))
    if not 1 <= items <= most:
        raise SettingsError(
            f"--items is {items:,}, but {count(most, 'item')} at most can be set aside: at least half of the "
            f"{usable:,} usable records must be left to train on",
            fix=f"ask for {most:,} or fewer" if most else "add records",
        )
    return Bounds(items, int(ASKED_SHARE * records))


def _item(record: Record, proposal: Proposal, family: str, slices: Mapping[str, str]) -> dict[str, Any]:
    """In the keys that `assay.suites` reads."""
    messages = [message_to_json(replace(message, train=None)) for message in record.messages[:-1]]
    reference = proposal.references.get(record.row_id, record.answer.strip())
    row: dict[str, Any] = {"id": record.id, "messages": messages, "reference": reference}
    if record.row_id in proposal.sources:
        row["source"] = proposal.sources[record.row_id]
    if record.row_id in proposal.choices:
        row["choices"] = list(proposal.choices[record.row_id])
    if record.tools:
        row["tools"] = list(record.tools)
    if record.row_id in slices:
        row["slice"] = slices[record.row_id]
    row["cluster"] = family
    return row


def _slices(items: Sequence[Record], proposal: Proposal) -> dict[str, str]:
    """{row id: slice}: the label of the answer, else the first column that takes few values."""
    if proposal.labels:
        return {record.row_id: proposal.labels[record.row_id] for record in items if record.row_id in proposal.labels}
    for column in dict.fromkeys(name for record in items for name in record.meta):
        found = {
            record.row_id: str(value)
            for record in items
            if isinstance(value := record.meta.get(column), str | int) and value != "" and len(str(value)) <= 60
        }
        distinct = len(set(found.values()))
        if len(found) >= SLICE_COVERAGE * len(items) and 2 <= distinct <= min(MOST_SLICES, len(found) // 5):
            return found
    return {}


def _answer(record: Record, proposal: Proposal) -> str:
    """What a model should write, in text."""
    if proposal.name == "tool_call":
        return json.dumps(proposal.references.get(record.row_id), ensure_ascii=False)
    return record.answer.strip()


def _check_references(rows: Sequence[Mapping[str, Any]], answers: Sequence[str], proposal: Proposal) -> None:
    """Every answer of the data scores 1 under the scorer that was proposed for it, or nothing is written."""
    scorer = proposal.ready("suite init")
    for row, answer in zip(rows, answers, strict=True):
        given = row["reference"]
        reference = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
        context = {key: row[key] for key in scorer.scorer.needs}
        if scorer(answer, reference, f"item '{row['id']}'", context) < 1.0:
            raise SuiteError(f"the answer of '{row['id']}' fails {proposal.name}", fix="please report this")


def _how_chosen(
    dataset: Dataset,
    name: str,
    rows: Sequence[Mapping[str, Any]],
    training: Dataset,
    columns: Columns,
    items: Sequence[Record],
    seed: int,
    set_aside: int,
) -> str:
    if columns.time is not None:
        dates = [columns.times[item.row_id] for item in items if item.row_id in columns.times]
        read_as = f", read as {columns.format}" if columns.format else ""
        how = f"the newest by the column '{columns.time}'{read_as} ({min(dates):%Y-%m-%d} to {max(dates):%Y-%m-%d})"
    else:
        labels = len({row["slice"] for row in rows if "slice" in row})
        how = f"at random (seed {seed})" + (f", in proportion over {labels} slices" if labels > 1 else "")
    whole = f"whole groups of the column '{columns.group}'" if columns.group else "whole families of duplicates"
    return (
        f"suite {name}: {count(len(rows), 'item')} set aside from {count(len(dataset), 'record')}, {whole}, {how}; "
        f"{len(training):,} are left to train on"
        + (f", {set_aside:,} relatives of items are in neither" if set_aside else "")
    )


def _what_was_left(dataset: Dataset, candidates: Candidates) -> list[str]:
    notes = []
    if candidates.refused:
        total = sum(candidates.refused.values())
        notes.append(f"{count(total, 'record')} cannot be items: {_refused(candidates)}")
    if dataset.faults:
        rows = count(len(dataset.faults), "row")
        notes.append(f"{rows} could not be read, so neither file has them: `assay audit` on the data names them")
    return notes


def _refused(candidates: Candidates) -> str:
    ordered = sorted(candidates.refused.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{number:,} {why}" for why, number in ordered)


def _what_it_proves(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    clusters = [row["cluster"] for row in rows]
    independent = independent_items(clusters)
    proved = provable_difference(independent)
    alike = f" in {count(len(set(clusters)), 'family')}" if len(set(clusters)) < len(rows) else ""
    what = f"{count(len(rows), 'item')}{alike} can prove"
    if proved is None:
        return [f"{what} nothing: the gate will end INCONCLUSIVE"]
    if proved > LARGE_DIFFERENCE:
        return [f"{what} only a difference of about {size(proved)} or more: a smaller gain ends INCONCLUSIVE"]
    return [f"{what} a difference of about {size(proved)}"]


def _write(plan: SuitePlan, paths: SuiteInit) -> SuiteInit:
    """The suite's YAML last: what is there is complete. What was written before a failure is taken away again."""
    new = [path for path in (paths.items_path, paths.training_path, paths.suite_path) if not path.exists()]
    try:
        write_text(paths.items_path, "".join(f"{dump_json(row)}\n" for row in plan.rows))
        plan.training.write_parquet(paths.training_path)
        write_text(paths.suite_path, _yaml(plan, paths))
        read_suite(paths.suite_path)
    except BaseException:
        for path in new:
            path.unlink(missing_ok=True)
        raise
    return replace(paths, notes=plan.notes, items=len(plan.rows), training=len(plan.training), set_aside=plan.set_aside)


def _yaml(plan: SuitePlan, paths: SuiteInit) -> str:
    settings = "".join(
        f", {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in plan.proposal.settings.items()
    )
    return SUITE.format(
        items=count(len(plan.rows), "item"),
        sources=names([Path(source).name for source in plan.sources], 3),
        training=paths.training_path.name,
        yaml=paths.suite_path.name,
        name=json.dumps(plan.name, ensure_ascii=False),
        data=json.dumps(paths.items_path.name, ensure_ascii=False),
        why=" ".join(plan.proposal.why.split()),
        notes="".join(f"# {' '.join(note.split())}.\n" for note in plan.proposal.notes),
        scorer=f"{{name: {plan.proposal.name}{settings}}}",
        longest=plan.longest,
        tokens=plan.max_new_tokens,
    )
