"""Where a turn ends, and which token can pad without ever ending one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assay.chat.special_tokens import pad_token_id, stop_token_ids, turn_end, turn_end_token
from assay.errors import ModelError
from assay.models import load_tokenizer, resolve


@pytest.fixture
def tokenizer(tiny_model: Path) -> Any:
    """Special: <|endoftext|> 0, <|im_start|> 1, <|im_end|> 2, <unused0> 3."""
    return load_tokenizer(resolve(str(tiny_model)))


@pytest.mark.parametrize(
    ("tail", "stops", "end"),
    [
        ("<|im_end|>\n", (), "<|im_end|>"),
        ("<|im_end|>\nuser: <|im_start|>", (), "<|im_end|>"),
        ("<|im_end|><|endoftext|>", (), "<|im_end|><|endoftext|>"),
        ("<|im_end|><|endoftext|>", ("<|im_end|>",), "<|im_end|>"),
        ("\n\n", (), ""),
        (" [/turn]\n", (), "[/turn]"),
    ],
)
def test_a_turn_ends_with_the_first_run_of_special_tokens(
    tokenizer: Any, tail: str, stops: tuple[str, ...], end: str
) -> None:
    assert turn_end(tail, tokenizer, stops) == end


@pytest.mark.parametrize(
    ("tail", "end"), [("<|eot_id|>\n", "<|eot_id|>"), ("</s>\n", "</s>"), ("<｜end｜>x", "<｜end｜>")]
)
def test_without_a_tokenizer_whatever_looks_like_a_control_token_is_one(tail: str, end: str) -> None:
    assert turn_end(tail, None) == end


def test_the_token_of_an_end_that_is_text_is_none(tokenizer: Any) -> None:
    assert turn_end_token(tokenizer, "<|im_end|>") == 2
    assert turn_end_token(tokenizer, "[/turn]") is None
    assert turn_end_token(tokenizer, "") is None


def test_stop_tokens_are_the_templates_first_then_those_of_every_config(tokenizer: Any) -> None:
    config, generation_config = SimpleNamespace(eos_token_id=0), SimpleNamespace(eos_token_id=[3, 0])
    found: Any = stop_token_ids(tokenizer, [2, None], config, generation_config)  # type: ignore[arg-type]
    assert found == (2, 3, 0)
    beyond: Any = SimpleNamespace(eos_token_id=[10**6, -1])
    assert stop_token_ids(tokenizer, [], None, beyond) == (2,)


def test_padding_is_a_token_that_neither_stops_nor_stands_in_prompts(tokenizer: Any) -> None:
    assert pad_token_id(tokenizer, [2], ["<|im_start|>user\n"]) == 0
    assert pad_token_id(tokenizer, [2, 0], ["<|im_start|>user\n"]) == 3
    assert pad_token_id(tokenizer, [2, 0, 3], []) == 1
    size = len(tokenizer)
    with pytest.raises(ModelError, match="no token can serve as padding"):
        pad_token_id(tokenizer, [2, 0, 3], ["<|im_start|>user\n"])
    assert len(tokenizer) == size
