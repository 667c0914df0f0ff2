"""What would be trained, before any weights are loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assay.chat import ChatTarget, extended

from .before.shown import EXAMPLES, Masked, three
from .before.shown import render as render_examples
from .order import padding_share, training_order
from .prepared import Prepared


@dataclass(frozen=True)
class Preview:
    """Tokens are those of one epoch; padding is the share of computed positions that hold padding."""

    prepared: Prepared
    tokens: int
    trained_tokens: int
    padding: float
    examples: tuple[Masked, ...]

    def to_json(self, *, redact: bool = False) -> dict[str, Any]:
        rows, recipe = self.prepared.rows, self.prepared.recipe
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
            "examples": [example.to_json(redact=redact) for example in self.examples],
        }


def preview(prepared: Prepared, target: ChatTarget) -> Preview:
    """Of the rows, order and recipe that `train` would use."""
    rows, recipe = prepared.rows, prepared.recipe
    target = extended(target, recipe.new_tokens)
    lengths = [len(row.input_ids) for row in rows.training]
    order = training_order(lengths, recipe.num_train_epochs, recipe.effective_batch_size, recipe.seed)
    return Preview(
        prepared,
        tokens=sum(lengths),
        trained_tokens=sum(row.trained_tokens for row in rows.training),
        padding=padding_share(lengths, order, recipe.per_device_train_batch_size),
        examples=three(rows, target),
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
        lines += ["", EXAMPLES, *render_examples(shown.examples)]
    return "\n".join(lines)


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
