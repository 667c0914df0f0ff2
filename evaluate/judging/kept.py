"""What a judge was asked and said, as it is kept with an evaluation: from it every score follows again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from assay.protocols import Generation

from .calibration import Labelled
from .labels import Label, Verdict
from .outcomes import Question
from .questions import Asked
from .settings import JudgeSettings

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = (
    "suite",
    "item_id",
    "model",
    "against",
    "order",
    "key",
    "reply",
    "judge",
    "input_tokens",
    "output_tokens",
    "label",
)
"""judgements.parquet, one row a request. order is 1 where the two answers were shown the other way round; reply is null
where none came; judge is the model as its server calls it; label is the JSON of a human verdict with the texts that it
is about, null where an answer of the evaluation was judged."""

_INTEGERS = ("order", "input_tokens", "output_tokens")


def judgements_table(
    suite: str,
    asked: Sequence[Question],
    labelled: Sequence[Labelled],
    settings: JudgeSettings,
    replies: Mapping[str, Generation],
) -> pa.Table:
    rows = [
        _row(suite, question.item, question.model, question.against, question.order, question.key, replies, None)
        for question in asked
    ]
    for each in labelled:
        text = _label_json(each)
        rows += [
            _row(suite, each.label.item, each.label.model, each.label.against, order, key, replies, text)
            for order, key in enumerate(each.keys(settings))
        ]
    import pyarrow as pa

    return pa.Table.from_pylist(rows, schema=schema())


def schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(name, pa.int64() if name in _INTEGERS else pa.string()) for name in COLUMNS])


def _row(
    suite: str,
    item: str,
    model: str | None,
    against: str | None,
    order: int,
    key: str,
    replies: Mapping[str, Generation],
    label: str | None,
) -> dict[str, Any]:
    reply = replies.get(key)
    return {
        "suite": suite,
        "item_id": item,
        "model": model,
        "against": against,
        "order": order,
        "key": key,
        "reply": None if reply is None else reply.text,
        "judge": None if reply is None else reply.model,
        "input_tokens": None if reply is None else reply.input_tokens,
        "output_tokens": None if reply is None else reply.output_tokens,
        "label": label,
    }


def _label_json(each: Labelled) -> str:
    value = {
        "verdict": each.label.verdict,
        "messages": list(each.asked.messages),
        "reference": each.asked.reference,
        "output": each.output,
        "other": each.other,
    }
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def replies_of(table: pa.Table, suite: str) -> dict[str, str]:
    """Replies by key."""
    rows = table.select(["suite", "key", "reply"]).to_pylist()
    return {row["key"]: row["reply"] for row in rows if row["suite"] == suite and row["reply"] is not None}


def labelled_of(table: pa.Table, suite: str) -> list[Labelled]:
    """The labels that the judge was held against. Raises ValueError, KeyError for a table that assay did not write."""
    rows = [row for row in table.to_pylist() if row["suite"] == suite and row["label"] is not None and not row["order"]]
    found = []
    for row in rows:
        value = json.loads(row["label"])
        if value["verdict"] not in get_args(Verdict):
            raise ValueError(f"{value['verdict']!r} is no verdict")
        label = Label(row["item_id"], value["verdict"], value["output"], value["other"], row["model"], row["against"])
        found.append(
            Labelled(label, Asked(tuple(value["messages"]), value["reference"]), value["output"], value["other"])
        )
    return found
