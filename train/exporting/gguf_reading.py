"""What a GGUF file says of itself, read with the `gguf` package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.chat import ChatTarget
from assay.errors import ModelError, missing_extra
from assay.models.hub import first_line

from .artefacts import template_sha256
from .staging import Corrections

TYPES_TO_SKIP = ("tokenizer.ggml.merges", "tokenizer.ggml.scores", "tokenizer.ggml.token_type")


@dataclass(frozen=True)
class GgufFacts:
    """The header of one file.

    kind        "model" or "adapter"
    tensors     how many; types: {name of a type: how many tensors}; parameters: elements of all tensors
    stop_ids    eos, eot, eom where they are set
    adds_bos    None where the file leaves it to llama.cpp
    context_length  in tokens, of the model; None where the file does not say it
    """

    path: Path
    kind: str
    architecture: str
    tensors: int
    types: dict[str, int]
    parameters: int
    template: str | None
    tokens: tuple[str, ...]
    bos_id: int | None
    stop_ids: tuple[int, ...]
    adds_bos: bool | None
    lora_alpha: float | None
    context_length: int | None

    @property
    def megabytes(self) -> float:
        return self.path.stat().st_size / 1e6

    @property
    def main_type(self) -> str:
        return max(self.types, key=lambda name: self.types[name], default="none")

    def stop_texts(self) -> tuple[str, ...]:
        return tuple(self.tokens[index] for index in self.stop_ids if index < len(self.tokens))

    def token_text(self, index: int | None) -> str | None:
        return None if index is None or index >= len(self.tokens) else self.tokens[index]


def read_gguf(path: Path) -> GgufFacts:
    """Raises ModelError for what is no GGUF file, MissingExtraError without the `gguf` package."""
    try:
        from gguf import GGUFReader
    except ImportError as error:
        raise missing_extra("train", error) from error
    try:
        reader = GGUFReader(path)
        fields = {name: f.contents() for name, f in reader.fields.items() if name not in TYPES_TO_SKIP}
    except (ValueError, OSError, IndexError, KeyError) as error:
        raise ModelError(f"is no GGUF file that can be read: {first_line(error)}", where=str(path)) from error
    architecture = str(fields.get("general.architecture", "?"))
    types: dict[str, int] = {}
    for tensor in reader.tensors:
        types[tensor.tensor_type.name.lower()] = types.get(tensor.tensor_type.name.lower(), 0) + 1
    return GgufFacts(
        path=path,
        kind=str(fields.get("general.type", "model")),
        architecture=architecture,
        tensors=len(reader.tensors),
        types=types,
        parameters=sum(int(tensor.n_elements) for tensor in reader.tensors),
        template=fields.get("tokenizer.chat_template"),
        tokens=tuple(fields.get("tokenizer.ggml.tokens", ())),
        bos_id=_number(fields, "tokenizer.ggml.bos_token_id"),
        stop_ids=_stops(fields),
        adds_bos=fields.get("tokenizer.ggml.add_bos_token"),
        lora_alpha=fields.get("adapter.lora.alpha"),
        context_length=_number(fields, f"{architecture}.context_length"),
    )


def _number(fields: dict[str, Any], name: str) -> int | None:
    value = fields.get(name)
    return None if value is None else int(value)


def _stops(fields: dict[str, Any]) -> tuple[int, ...]:
    named = [_number(fields, f"tokenizer.ggml.{kind}_token_id") for kind in ("eos", "eot", "eom")]
    return tuple(dict.fromkeys(index for index in named if index is not None))


def check_model(facts: GgufFacts, target: ChatTarget, corrections: Corrections) -> None:
    """Raises ModelError unless the file has the vocabulary, template and stop tokens that were trained."""
    vocabulary = target.tokenizer.convert_ids_to_tokens(list(range(len(target.tokenizer))))
    wrong = {
        "vocabulary": _differs(facts.tokens, vocabulary),
        "chat template": facts.template != target.template,
        "stop tokens": not set(target.stop_token_ids[:3]) <= set(facts.stop_ids),
        "token that begins texts": facts.adds_bos is not corrections.add_special_token.get("bos"),
    }
    found = [name for name, is_wrong in wrong.items() if is_wrong]
    if found:
        raise ModelError(
            f"the converted file has another {' and '.join(found)} than what was trained",
            fix="nothing was written; another version of the converter can be given with --llama-cpp",
        )


def _differs(tokens: Sequence[str], vocabulary: Sequence[str | None]) -> bool:
    """Byte tokens of a sentencepiece vocabulary and holes may be written differently; all others may not."""
    if len(tokens) < len(vocabulary):
        return True
    return any(
        ours is not None and theirs != ours and not ours.startswith("<0x")
        for theirs, ours in zip(tokens, vocabulary, strict=False)
    )


def describe(facts: GgufFacts) -> str:
    """For people."""
    lines = [
        f"{facts.path.name}: {facts.kind}, {facts.megabytes:,.0f} MB, {facts.tensors} tensors mostly in "
        f"{facts.main_type}, {facts.architecture}"
    ]
    if facts.template is not None:
        stops = ", ".join(f"{text} ({index})" for text, index in zip(facts.stop_texts(), facts.stop_ids, strict=False))
        lines += [
            f"  chat template   as trained (sha256 {template_sha256(facts.template)[:12]})",
            f"  turns end with  {stops}",
        ]
    if facts.lora_alpha is not None:
        lines.append(f"  lora_alpha      {facts.lora_alpha:g}")
    return "\n".join(lines)
