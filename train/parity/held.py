"""Models that transformers holds here: an adapter over its base, as it was gated, and the folder of a merged model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import ModelError
from assay.models import ModelRef, load_base, load_config, load_generation_config, load_tokenizer, resolve
from assay.models.devices import in_double
from assay.releases.proofs import NOT_SHIPPED
from assay.storage import sha256_folder

from .artefact import NO_ORIGIN, Conversation, Held, Origin, Passage, RefusedError, TokenScores, UnprovedError
from .loading import compute_in_float32, lay_over, load_as_trained
from .provenance import DTYPES, FULL, Trained, read_card

if TYPE_CHECKING:
    from assay.chat import ChatTarget

BATCH_TOKENS = 2048
BATCH_LOGITS = 2**26
"""Four bytes each."""


@dataclass(frozen=True)
class InMemory:
    """A causal language model of transformers, with or without PEFT around it, that computes in float32."""

    model: Any

    def token_scores(self, passages: Sequence[Passage]) -> list[TokenScores]:
        """In batches of like length; in float32 no figure depends on what stands beside it by more than 1e-5."""
        import torch

        found: dict[int, TokenScores] = {}
        with torch.inference_mode():
            for batch in _batches(passages, int(self.model.get_input_embeddings().weight.shape[0])):
                found.update(zip(batch, self._scores([passages[number] for number in batch]), strict=True))
        return [found[number] for number in range(len(passages))]

    def _scores(self, batch: Sequence[Passage]) -> list[TokenScores]:
        """Padded on the right, where no token of a causal model looks."""
        import numpy as np
        import torch

        device = self.model.device
        width = max(len(passage.ids) for passage in batch)
        ids = torch.zeros(len(batch), width, dtype=torch.long)
        mask = torch.zeros(len(batch), width, dtype=torch.long)
        for row, passage in enumerate(batch):
            ids[row, : len(passage.ids)] = torch.tensor(passage.ids)
            mask[row, : len(passage.ids)] = 1
        kept = _places(batch)
        logits = self.model(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            logits_to_keep=torch.tensor(kept, device=device),
            use_cache=False,
        ).logits
        column = {place: number for number, place in enumerate(kept)}
        found = []
        for row, passage in enumerate(batch):
            own = in_double(logits[row, [column[place - 1] for place in passage.answer]])
            if not bool(torch.isfinite(own).all()):
                raise ModelError("the model gives NaN or infinite logits", fix="its weights or its adapter are damaged")
            targets = torch.tensor([passage.ids[place] for place in passage.answer], device=own.device)
            logprobs = own.log_softmax(-1)[torch.arange(len(targets), device=own.device), targets]
            found.append(TokenScores(logprobs.cpu().numpy(), own.argmax(-1).cpu().numpy().astype(np.int64)))
        return found

    def answers(
        self, prompts: Sequence[Sequence[int]], max_new_tokens: int, stops: frozenset[int], pad_token_id: int
    ) -> list[tuple[int, ...]]:
        import torch
        from transformers import GenerationConfig

        settings = GenerationConfig(
            do_sample=False, max_new_tokens=max_new_tokens, eos_token_id=sorted(stops), pad_token_id=pad_token_id
        )
        found = []
        for prompt in prompts:
            ids = torch.tensor([list(prompt)], device=self.model.device)
            with torch.inference_mode():
                out = self.model.generate(
                    input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=settings
                )
            new = [int(token) for token in out[0, ids.shape[1] :]]
            found.append(tuple(new[:-1] if new and new[-1] in stops else new))
        return found


def _places(batch: Sequence[Passage]) -> list[int]:
    """Columns whose logits are read in any row."""
    return sorted({place - 1 for passage in batch for place in passage.answer})


def _batches(passages: Sequence[Passage], vocabulary: int) -> Iterator[list[int]]:
    """Numbers of passages, the longest first."""
    batch: list[int] = []
    for number in sorted(range(len(passages)), key=lambda number: -len(passages[number].ids)):
        both = [passages[one] for one in (*batch, number)]
        tokens = len(both) * len(both[0].ids)
        if batch and (tokens > BATCH_TOKENS or len(both) * len(_places(both)) * vocabulary > BATCH_LOGITS):
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


@dataclass(frozen=True)
class AdapterOverBase:
    """What was gated: the base as training held it, with the adapter beside it."""

    trained: Trained
    memory: InMemory
    held: Held
    kind: str = "adapter"

    @classmethod
    def load(cls, trained: Trained, *, trust_remote_code: bool = False, device: str | None = None) -> AdapterOverBase:
        """Raises ModelError, MissingExtraError."""
        model = load_as_trained(
            trained.target.ref, trained.precision, device=device, trust_remote_code=trust_remote_code
        )
        model = lay_over(model, [trained.folder], ["default"])
        return cls(trained, InMemory(model), Held(trained.precision.base, "float32"))

    @property
    def name(self) -> str:
        return str(self.trained.folder)

    @property
    def target(self) -> ChatTarget:
        return self.trained.target

    @property
    def origin(self) -> Origin:
        return NO_ORIGIN

    def place(self) -> Path:
        return self.trained.folder

    def files(self) -> Mapping[str, str]:
        return sha256_folder(self.trained.folder)

    def token_texts(self) -> Sequence[str | None]:
        return texts_of(self.target.tokenizer)

    def prompt_ids(self, conversation: Conversation) -> tuple[int, ...]:
        return prompt_ids(conversation, self.target)

    def stop_ids(self) -> frozenset[int]:
        return frozenset(self.target.stop_token_ids)

    def engine_stops(self) -> frozenset[int]:
        return frozenset()

    def token_scores(self, passages: Sequence[Passage]) -> list[TokenScores]:
        return self.memory.token_scores(passages)

    def answers(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> list[tuple[int, ...]]:
        return self.memory.answers(prompts, max_new_tokens, self.stop_ids(), self.target.pad_token_id)

    @contextmanager
    def switched_off(self) -> Iterator[InMemory]:
        """Within the block the base alone answers."""
        with self.memory.model.disable_adapter():
            yield self.memory


@dataclass(frozen=True)
class ModelFolder:
    """A merged model, read as transformers reads it: its own template, tokenizer and generation_config.json."""

    folder: Path
    ref: ModelRef
    tokenizer: Any
    held: Held
    memory: InMemory
    kind: str = "merged"

    @classmethod
    def load(cls, folder: Path, *, trust_remote_code: bool = False, device: str | None = None) -> ModelFolder:
        """Raises ModelError, MissingExtraError."""
        ref = resolve(str(folder), offline=True)
        held = held_in(folder, ref)
        tokenizer = load_tokenizer(ref, trust_remote_code=trust_remote_code)
        model = load_base(ref, dtype=held.dtype, device=device, trust_remote_code=trust_remote_code)
        return cls(folder, ref, tokenizer, held, InMemory(compute_in_float32(model)))

    @property
    def name(self) -> str:
        return str(self.folder)

    @property
    def origin(self) -> Origin:
        return origin_of(self.folder)

    def place(self) -> Path:
        return self.folder

    def files(self) -> Mapping[str, str]:
        return {name: digest for name, digest in sha256_folder(self.folder).items() if name not in NOT_SHIPPED}

    def token_texts(self) -> Sequence[str | None]:
        return texts_of(self.tokenizer)

    def prompt_ids(self, conversation: Conversation) -> tuple[int, ...]:
        """What `apply_chat_template` gives whoever loads the folder."""
        import jinja2

        given = messages_for(self.tokenizer, conversation)
        try:
            ids = self.tokenizer.apply_chat_template(
                given,
                tools=list(conversation.tools) or None,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=False,
            )
        except (jinja2.TemplateError, ValueError, TypeError, KeyError) as error:
            raise RefusedError(str(error)) from error
        return tuple(int(token) for token in ids)

    def stop_ids(self) -> frozenset[int]:
        """What `generate` stops at: generation_config.json, else config.json."""
        config = load_config(self.ref)
        found = load_generation_config(self.ref)
        value = getattr(found, "eos_token_id", None) if found is not None else None
        value = value if value is not None else getattr(config, "eos_token_id", None)
        if value is None:
            return frozenset()
        return frozenset(int(token) for token in (value if isinstance(value, list | tuple) else [value]))

    def engine_stops(self) -> frozenset[int]:
        return frozenset()

    def token_scores(self, passages: Sequence[Passage]) -> list[TokenScores]:
        self._check_vocabulary(passages)
        return self.memory.token_scores(passages)

    def answers(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> list[tuple[int, ...]]:
        stops = self.stop_ids()
        pad = next(iter(sorted(stops)), 0)
        return self.memory.answers(prompts, max_new_tokens, stops, pad)

    def _check_vocabulary(self, passages: Sequence[Passage]) -> None:
        size = int(self.memory.model.get_input_embeddings().weight.shape[0])
        highest = max((max(passage.ids) for passage in passages), default=0)
        if highest >= size:
            raise UnprovedError(f"token {highest} is none of its {size:,}")


def held_in(folder: Path, ref: ModelRef) -> Held:
    """In what numbers the folder's weights are. A merge of another tool is taken for one into the unquantised base."""
    card = read_card(folder)
    dtype = str(getattr(load_config(ref), "dtype", None) or "float32").removeprefix("torch.")
    merge = card.get("merge")
    base = merge.get("weights") if isinstance(merge, dict) else None
    return Held(str(base or FULL), dtype if dtype in DTYPES else "float32")


def texts_of(tokenizer: Any) -> list[str | None]:
    """What each token is called, by id."""
    found: list[str | None] = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    return found


def origin_of(folder: Path) -> Origin:
    """As `assay merge` notes it beside a model."""
    merge = read_card(folder).get("merge")
    if not isinstance(merge, dict):
        return NO_ORIGIN
    adapters = merge.get("adapters")
    first = adapters[0] if isinstance(adapters, list) and adapters and isinstance(adapters[0], dict) else {}
    return Origin(_digests(first.get("files")), _digests(merge.get("files")))


def _digests(value: object) -> dict[str, str]:
    return {str(name): str(digest) for name, digest in value.items()} if isinstance(value, dict) else {}


def prompt_ids(conversation: Conversation, target: ChatTarget) -> tuple[int, ...]:
    """As training and evaluation make them. Raises RefusedError."""
    from assay.chat import TemplateProblem, inference_prompt

    try:
        return tuple(inference_prompt(conversation.messages, target, conversation.tools))
    except TemplateProblem as problem:
        raise RefusedError(str(problem)) from problem


def messages_for(tokenizer: Any, conversation: Conversation) -> list[dict[str, Any]]:
    """As whoever uses the model must write them for its template: content as text or in parts, arguments as the
    template reads them."""
    from assay.chat.conversation import find_style, template_messages
    from assay.chat.special_tokens import special_tokens_map
    from assay.chat_templates.templating import shared_renderer

    own: Any = tokenizer.chat_template
    if isinstance(own, dict):
        own = (own.get("tool_use") if conversation.tools else None) or own.get("default") or ""
    style = find_style(str(own or ""), special_tokens_map(tokenizer), shared_renderer())
    return template_messages(conversation.messages, style, str(own or ""))
