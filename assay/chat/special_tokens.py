"""Which tokens end a turn, and which token can pad without ever being one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from assay.errors import ModelError

if TYPE_CHECKING:
    from transformers import GenerationConfig, PretrainedConfig, PreTrainedTokenizerFast

PADDING_NAMES = (
    "<pad>",
    "[PAD]",
    "<|pad|>",
    "<|padding|>",
    "<|PAD_TOKEN|>",
    "<|finetune_right_pad_id|>",
    "<|fim_pad|>",
    "<|vision_pad|>",
    "<|endoftext|>",
)
UNUSED_WORDS = ("pad", "unused", "reserved", "dummy", "placeholder", "extra", "empty")


def special_tokens_map(tokenizer: PreTrainedTokenizerFast) -> dict[str, str]:
    """What templates see by name: bos_token, eos_token, ...; a token that is not set is not in it."""
    return {name: str(value) for name, value in tokenizer.special_tokens_map.items() if isinstance(value, str)}


def named_stops(tokenizer: PreTrainedTokenizerFast | None, generation_config: GenerationConfig | None) -> set[str]:
    """The stop tokens that a generation config names, as text."""
    named = getattr(generation_config, "eos_token_id", None)
    ids = named if isinstance(named, list) else [] if named is None else [named]
    return set() if tokenizer is None else {str(tokenizer.convert_ids_to_tokens(index)) for index in ids}


def turn_end(tail: str, tokenizer: PreTrainedTokenizerFast | None, stops: Iterable[str] = ()) -> str:
    """What ends a turn, from what a template writes after an answer.

    That is the text through the first run of special tokens: through the first of them that is one of `stops`,
    else through the last. (Command-R7B closes the answer with one token and the turn with the next.)
    Without a tokenizer whatever looks like a control token counts as one.
    """
    if tokenizer is None:
        token = r"(?:<[|｜][^<>\s]+[|｜]>|</?[a-z_]+>)"
    else:
        special = {*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()}
        token = (
            "(?:" + "|".join(re.escape(name) for name in sorted(special, key=len, reverse=True) if name.strip()) + ")"
        )
    run = re.search(f"{token}+", tail)
    if run is None:
        return tail.strip()
    ends = [match.end() for match in re.finditer(token, run.group()) if match.group() in stops]
    return tail[: run.start() + (ends[0] if ends else len(run.group()))].strip()


def turn_end_token(tokenizer: PreTrainedTokenizerFast, end: str) -> int | None:
    """The token at the end of what `turn_end` found; None when it is none of the special ones."""
    ids = tokenizer(end, add_special_tokens=False, verbose=False)["input_ids"]
    special = set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values())
    return int(ids[-1]) if ids and ids[-1] in special else None


def stop_token_ids(
    tokenizer: PreTrainedTokenizerFast,
    turn_ends: Iterable[int | None],
    config: PretrainedConfig | None,
    generation_config: GenerationConfig | None,
) -> tuple[int, ...]:
    """Every token that ends generation, the ones that the template writes first.

    The template is asked first because configurations are wrong: Llama 3's names `<|end_of_text|>` as its end
    of sequence while its turns end in `<|eot_id|>`.
    """
    found: list[int] = [token for token in turn_ends if token is not None]
    for source in (generation_config, config, tokenizer):
        value = getattr(source, "eos_token_id", None)
        found.extend(value if isinstance(value, list | tuple) else [value] if value is not None else [])
    return tuple(dict.fromkeys(token for token in found if 0 <= token < len(tokenizer)))


def pad_token_id(tokenizer: PreTrainedTokenizerFast, stops: Sequence[int], renderings: Sequence[str]) -> int:
    """The tokenizer's padding token, unless it ends turns or stands in prompts; else an unused special token.

    Padding with the end-of-turn token teaches a model never to stop: whoever masks padding masks the stop
    token too. Nothing is added to the vocabulary, so embeddings keep their size.
    Raises ModelError when the vocabulary has no token to spare.
    """
    used = "".join(renderings)
    vocabulary: Mapping[str, int] = tokenizer.get_vocab()
    special = {str(token.content): index for index, token in sorted(tokenizer.added_tokens_decoder.items())}

    def fits(token: str, index: int | None) -> bool:
        return index is not None and index not in stops and index != tokenizer.bos_token_id and token not in used

    candidates = [
        tokenizer.pad_token,
        *PADDING_NAMES,
        *(token for word in UNUSED_WORDS for token in special if word in token.lower()),
        tokenizer.unk_token,
        *special,
    ]
    for token in candidates:
        if token is not None and fits(token, vocabulary.get(token)):
            return vocabulary[token]
    raise ModelError(
        "no token can serve as padding: every special token ends a turn or stands in prompts",
        fix="set pad_token in the model's tokenizer_config.json to a token that occurs nowhere else",
    )
