"""What would be trained, before any weights are loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from assay.chat import IGNORED, ChatTarget

from .order import padding_share, training_order
from .rows import Row
from .stage import Prepared


@dataclass(frozen=True)
class Part:
    """A stretch of a record's text that is trained on throughout, or not at all."""

    text: str
    trained: bool


@dataclass(frozen=True)
class Preview:
    """Tokens are those of one epoch; padding is the share of computed positions that hold padding."""

    prepared: Prepared
    tokens: int
    trained_tokens: int
    padding: float
    example: Row
    parts: tuple[Part, ...]

    def to_json(self, *, redact: bool = False) -> dict[str, Any]:
        rows, recipe = self.prepared.rows, self.prepared.recipe
        parts = [{"text": None if redact else part.text, "trained": part.trained} for part in self.parts]
        return {
            "recipe": recipe.to_json(),
            "records": {"train": len(rows.training), "validation": len(rows.validation)},
            "mixture": rows.mixture.to_json() if rows.mixture is not None else None,
            "counts": rows.ledger.counts(),
            "tokens": self.tokens,
            "trained_tokens": self.trained_tokens,
            "padding": round(self.padding, 4),
            "longest": rows.longest,
            "steps": recipe.steps,
            "warnings": list(rows.warnings),
            "example": {"record_id": self.example.record_id, "parts": parts},
        }


def preview(prepared: Prepared, target: ChatTarget) -> Preview:
    """Of the rows, order and recipe that `train` would use."""
    rows, recipe = prepared.rows, prepared.recipe
    lengths = [len(row.input_ids) for row in rows.training]
    order = training_order(lengths, recipe.num_train_epochs, recipe.effective_batch_size, recipe.seed)
    example = rows.training[0]
    return Preview(
        prepared,
        tokens=sum(lengths),
        trained_tokens=sum(row.trained_tokens for row in rows.training),
        padding=padding_share(lengths, order, recipe.per_device_train_batch_size),
        example=example,
        parts=tuple(_parts(example, target)),
    )


def render(shown: Preview, *, redact: bool = False) -> str:
    """For the terminal; [[ ]] stand around what is trained on."""
    rows, recipe = shown.prepared.rows, shown.prepared.recipe
    lines = [
        f"{len(rows.training):,} records train, {len(rows.validation):,} validate; {shown.tokens:,} tokens an epoch, "
        f"{shown.trained_tokens:,} of them trained on; the longest record has {rows.longest:,}",
        f"{recipe.steps:,} steps of {recipe.effective_batch_size} records; {shown.padding:.1%} of what is computed "
        "is padding",
        *(f"warning: {warning}" for warning in rows.warnings),
        "",
        "recipe",
    ]
    values = recipe.to_json()
    for name, value in values.items():
        if name not in ("grounds", "steps", "processes"):
            lines.append(f"  {name:<29}{_short(value):<22}{recipe.grounds.get(name, 'set')}")
    if not redact:
        lines += ["", f"the first record ({shown.example.record_id}); [[ ]] stand around what is trained on", ""]
        text = "".join(f"[[{part.text}]]" if part.trained else part.text for part in shown.parts)
        lines += [f"  {line}" for line in text.splitlines()]
    return "\n".join(lines)


def _parts(row: Row, target: ChatTarget) -> Iterator[Part]:
    start = 0
    for end in range(1, len(row.labels) + 1):
        trained = row.labels[start] != IGNORED
        if end == len(row.labels) or (row.labels[end] != IGNORED) != trained:
            text = target.tokenizer.decode(row.input_ids[start:end], clean_up_tokenization_spaces=False)
            yield Part(str(text), trained)
            start = end


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
