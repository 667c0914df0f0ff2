"""A GGUF file, asked through llama.cpp (the package llama-cpp-python)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from assay.errors import ModelError
from assay.storage import sha256_file

from ..exporting.artefacts import ADAPTER_METADATA
from .artefact import (
    NO_ORIGIN,
    UNKNOWN,
    Artefact,
    Conversation,
    Held,
    Origin,
    Passage,
    RefusedError,
    TokenScores,
    UnprovedError,
)
from .provenance import FULL

FILE_TYPES = {
    0: "float32", 1: "float16", 2: "q4_0", 3: "q4_1", 7: "q8_0", 8: "q5_0", 9: "q5_1", 10: "q2_k", 11: "q3_k_s",
    12: "q3_k_m", 13: "q3_k_l", 14: "q4_k_s", 15: "q4_k_m", 16: "q5_k_s", 17: "q5_k_m", 18: "q6_k", 32: "bfloat16",
}  # fmt: skip
"""`general.file_type` of the GGUF specification."""

WHOLE = ("float32", "float16", "bfloat16")
WEIGHTS = "assay.weights"
"""Metadata of a file that says whose numbers the base's weights are; without it they are taken for the base's own."""

CONTEXT = 2048


@dataclass(frozen=True)
class NotHere:
    """An artefact that nothing here can ask. why is for people; file is where it is."""

    name: str
    kind: str
    why: str
    file: Path
    held: Held = UNKNOWN
    origin: Origin = NO_ORIGIN

    def place(self) -> Path:
        return self.file.parent

    def files(self) -> Mapping[str, str]:
        return {self.file.name: sha256_file(self.file)}

    def token_texts(self) -> Sequence[str | None]:
        raise UnprovedError(self.why)

    def prompt_ids(self, conversation: Conversation) -> tuple[int, ...]:
        raise UnprovedError(self.why)

    def stop_ids(self) -> frozenset[int]:
        raise UnprovedError(self.why)

    def engine_stops(self) -> frozenset[int]:
        return frozenset()

    def token_scores(self, passages: Sequence[Passage]) -> list[TokenScores]:
        raise UnprovedError(self.why)

    def answers(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> list[tuple[int, ...]]:
        raise UnprovedError(self.why)


def open_gguf(path: Path, over: Path | None = None) -> Artefact:
    """over: the GGUF of the base, for that of an adapter.

    Raises ModelError for a file that is not there, or that llama.cpp cannot read, and for an adapter without its base.
    """
    for file in (path, over):
        if file is not None and not file.is_file():
            raise ModelError("there is no such file", where=str(file))
    is_adapter, dtype = _header(path)
    if is_adapter and over is None:
        raise ModelError(
            "is the GGUF of an adapter, which answers over a base alone",
            where=str(path),
            fix="name its GGUF with --over",
        )
    if not is_adapter and over is not None:
        raise ModelError(
            "is a whole model, and no adapter to lay over another", where=str(path), fix="leave out --over"
        )
    try:
        import llama_cpp  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return NotHere(str(path), "gguf", "llama.cpp is not here to be asked; pip install llama-cpp-python", path)
    try:
        with _silence():
            model = llama_cpp.Llama(
                model_path=str(over or path),
                lora_path=str(path) if over is not None else None,
                n_ctx=CONTEXT,
                n_batch=CONTEXT,
                logits_all=True,
                type_k=0,
                type_v=0,
                verbose=False,
            )
    except (ValueError, RuntimeError, OSError) as error:
        raise ModelError(f"llama.cpp cannot read it: {error}", where=str(path)) from error
    held = _held(model.metadata)
    return GgufModel(path, model, held if over is None else _coarser(held, dtype), over)


def _header(path: Path) -> tuple[bool, str]:
    """(whether the file is an adapter's, the type of its tensors). Raises ModelError, MissingExtraError."""
    from ..exporting.gguf_reading import read_gguf

    facts = read_gguf(path)
    return facts.kind == "adapter", facts.main_type


def _coarser(base: Held, adapter: str) -> Held:
    """In what numbers an adapter over a base is: those of the file that was rounded more."""
    name = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}.get(adapter, adapter)
    order = ("float32", "float16", "bfloat16")
    if base.dtype not in order:
        return base
    if name not in order:
        return Held(name, name)
    return Held(base.base, order[max(order.index(base.dtype), order.index(name))])


@contextmanager
def _silence() -> Iterator[None]:
    """llama.cpp writes to the file descriptor of stderr, past Python."""
    kept = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def _held(metadata: Mapping[str, str]) -> Held:
    try:
        dtype = FILE_TYPES.get(int(metadata.get("general.file_type", "")), "unknown")
    except ValueError:
        dtype = "unknown"
    return Held(metadata.get(WEIGHTS, FULL) if dtype in WHOLE else dtype, dtype)


@dataclass(frozen=True)
class GgufModel:
    """llama.cpp with keys and values in float32. over: the base's file, where `path` is an adapter's."""

    path: Path
    model: Any
    held: Held
    over: Path | None = None
    kind: str = "gguf"

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def origin(self) -> Origin:
        known = self.model.metadata
        return Origin({file: str(known[key]) for key, file in ADAPTER_METADATA.items() if key in known}, {})

    def place(self) -> Path:
        return self.path.parent

    def files(self) -> Mapping[str, str]:
        found = {self.path.name: sha256_file(self.path)}
        if self.over is None:
            return found
        beside = Path(os.path.relpath(self.over.resolve(), self.path.parent.resolve())).as_posix()
        return {**found, beside: sha256_file(self.over)}

    def token_texts(self) -> Sequence[str | None]:
        from ..exporting.gguf_reading import read_gguf

        return read_gguf(self.over or self.path).tokens

    def prompt_ids(self, conversation: Conversation) -> tuple[int, ...]:
        """The file's own template, its text tokenised by llama.cpp with special tokens read as such."""
        from assay.chat.conversation import find_style, variables
        from assay.chat_templates.templating import TemplateProblem, shared_renderer

        template = self._template(conversation)
        special = {"bos_token": self._text(self._bos), "eos_token": self._text(self._eos)}
        renderer = shared_renderer()
        given = variables(
            conversation.messages,
            conversation.tools,
            template=template,
            style=find_style(template, special, renderer),
            special_tokens=special,
            add_generation_prompt=True,
        )
        try:
            text = renderer.render(template, given).text
        except TemplateProblem as problem:
            raise RefusedError(str(problem)) from problem
        return self._tokens(text)

    def _tokens(self, text: str) -> tuple[int, ...]:
        """As llama.cpp's server: a beginning that the tokenizer adds is not written a second time."""
        adds = self.model.metadata.get("tokenizer.ggml.add_bos_token") == "true"
        beginning = self._text(self._bos)
        if adds and beginning and text.startswith(beginning):
            text = text.removeprefix(beginning)
        return tuple(self.model.tokenize(text.encode(), add_bos=adds, special=True))

    def _template(self, conversation: Conversation) -> str:
        known = self.model.metadata
        found = (known.get("tokenizer.chat_template.tool_use") if conversation.tools else None) or known.get(
            "tokenizer.chat_template"
        )
        if not found:
            raise RefusedError("the file holds no chat template")
        return str(found)

    @property
    def _bos(self) -> int:
        return int(self.model.token_bos())

    @property
    def _eos(self) -> int:
        return int(self.model.token_eos())

    def _text(self, token: int) -> str:
        return self.model.detokenize([token], special=True).decode("utf-8", "replace") if token >= 0 else ""

    def stop_ids(self) -> frozenset[int]:
        """What the file declares: the ends of text, of turn and of message."""
        names = (f"tokenizer.ggml.{kind}_token_id" for kind in ("eos", "eot", "eom"))
        return frozenset(int(self.model.metadata[name]) for name in names if name in self.model.metadata)

    def engine_stops(self) -> frozenset[int]:
        """llama.cpp ends at tokens called `<|im_end|>`, `<|endoftext|>` and the like (`llama_vocab_is_eog`)."""
        return self._ends - self.stop_ids()

    @cached_property
    def _ends(self) -> frozenset[int]:
        import llama_cpp

        vocabulary = llama_cpp.llama_model_get_vocab(self.model.model)
        size = llama_cpp.llama_vocab_n_tokens(vocabulary)
        return frozenset(token for token in range(size) if llama_cpp.llama_vocab_is_eog(vocabulary, token))

    def token_scores(self, passages: Sequence[Passage]) -> list[TokenScores]:
        return [self._scores(passage) for passage in passages]

    def _scores(self, passage: Passage) -> TokenScores:
        import numpy as np

        if len(passage.ids) > CONTEXT:
            raise UnprovedError(f"an answer ends at token {len(passage.ids)}, and {CONTEXT} are asked at once")
        self.model.reset()
        self.model.eval(list(passage.ids))
        logits = np.asarray(self.model.scores[[place - 1 for place in passage.answer]], dtype=np.float64)
        if not np.isfinite(logits).all():
            raise ModelError("llama.cpp gives NaN or infinite logits", where=str(self.path))
        highest = logits.max(axis=-1, keepdims=True)
        normaliser = highest[:, 0] + np.log(np.exp(logits - highest).sum(axis=-1))
        targets = np.array([passage.ids[place] for place in passage.answer])
        chosen = logits[np.arange(len(targets)), targets]
        return TokenScores(chosen - normaliser, logits.argmax(axis=-1).astype(np.int64))

    def answers(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> list[tuple[int, ...]]:
        import numpy as np

        found = []
        for prompt in prompts:
            self.model.reset()
            self.model.eval(list(prompt))
            new: list[int] = []
            while len(new) < max_new_tokens:
                token = int(np.argmax(self.model.scores[self.model.n_tokens - 1]))
                if token in self._ends:
                    break
                new.append(token)
                self.model.eval([token])
            found.append(tuple(new))
        return found
