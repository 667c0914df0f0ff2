"""An evaluation on disk: `items.parquet` with every answer, and `evaluation.json` with all the rest."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assay.errors import SuiteError
from assay.locks import replaced_together
from assay.storage import write_json, write_table

from .evaluation import ITEM_COLUMNS, AdapterEvidence, Evaluation, Leak, ModelScore, SuiteResult

VERSION = 1
ITEMS, HEADER, JUDGEMENTS = "items.parquet", "evaluation.json", "judgements.parquet"

_TYPES = {"score": pa.float64(), "logprob": pa.float64(), "ended": pa.bool_()}
ITEM_SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in ITEM_COLUMNS])


def write(evaluation: Evaluation, folder: Path) -> None:
    """All files take the place of earlier ones together, so that a header never speaks of other items. The caller holds
    the folder. Raises StorageError.

    Paths become relative to the folder: a folder of runs may move as a whole, and no report names a home directory.
    """
    given = evaluation.settings
    paths = {name: _relative(given[name], folder) for name in ("suites", "include_path", "paths") if name in given}
    settings = {"paths": {}, **given, **paths}
    with replaced_together(folder, (ITEMS, JUDGEMENTS, HEADER)) as place:
        write_table(evaluation.items.select(list(ITEM_COLUMNS)).cast(ITEM_SCHEMA), place / ITEMS)
        if evaluation.judgements is not None:
            write_table(evaluation.judgements, place / JUDGEMENTS)
        write_json(place / HEADER, to_json(replace(evaluation, settings=settings)))


def _relative(paths: Any, folder: Path) -> Any:
    """Every absolute path in `paths`, from the folder."""
    if isinstance(paths, Mapping):
        return {name: _relative(value, folder) for name, value in paths.items()}
    if isinstance(paths, list | tuple):
        return [_relative(value, folder) for value in paths]
    if paths is None or not Path(paths).is_absolute():
        return paths
    return Path(os.path.relpath(paths, folder.resolve())).as_posix()


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """All but the items; the shape that `assay evaluate --json` promises."""
    return {
        "version": VERSION,
        "suites": [asdict(suite) for suite in evaluation.suites],
        "identity": _plain(evaluation.identity),
        "evidence": {name: asdict(evidence) for name, evidence in evaluation.evidence.items()},
        "leaks": None if evaluation.leaks is None else [asdict(leak) for leak in evaluation.leaks],
        "settings": _plain(evaluation.settings),
    }


def read(folder: Path) -> Evaluation:
    """Raises SuiteError when the folder does not hold an evaluation that `write` wrote."""
    header = folder / HEADER
    try:
        text = header.read_text(encoding="utf-8")
        data = json.loads(text)
        items = _with_later_columns(pq.read_table(folder / ITEMS)).select(list(ITEM_COLUMNS)).cast(ITEM_SCHEMA)
        if data["version"] != VERSION:
            raise SuiteError(f"is of version {data['version']}; this assay reads {VERSION}", where=str(header))
        kept = pq.read_table(folder / JUDGEMENTS) if (folder / JUDGEMENTS).is_file() else None
        if header.read_text(encoding="utf-8") != text:
            raise SuiteError("was written anew while it was read", where=str(folder), fix="run it again")
        return replace(from_json(data, items), judgements=kept)
    except OSError as error:
        where, why = str(error.filename or folder), error.strerror or error
        raise SuiteError(f"is no evaluation: {why}", where=where, fix="`assay evaluate` writes one") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SuiteError(
            f"the evaluation is damaged ({error})", where=str(folder), fix="run `assay evaluate` again"
        ) from error


LATER_COLUMNS = ("context", "option_logprobs", "ended")


def _with_later_columns(items: pa.Table) -> pa.Table:
    """Evaluations of earlier versions, which kept less of an answer, lack them."""
    for name in LATER_COLUMNS:
        if name not in items.column_names:
            items = items.append_column(name, pa.nulls(len(items), pa.string()))
    return items


def option_text(logprobs: Sequence[float] | None) -> str | None:
    """For the column `option_logprobs`."""
    return None if logprobs is None else json.dumps(list(logprobs))


def from_json(data: Mapping[str, Any], items: pa.Table) -> Evaluation:
    leaks = data["leaks"]
    return Evaluation(
        suites=tuple(
            SuiteResult(**{**suite, "scores": tuple(ModelScore(**score) for score in suite["scores"])})
            for suite in data["suites"]
        ),
        items=items,
        identity=data["identity"],
        evidence={name: AdapterEvidence(**evidence) for name, evidence in data["evidence"].items()},
        leaks=None if leaks is None else tuple(Leak(**leak) for leak in leaks),
        settings=data["settings"],
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
