"""Token counts word by word: the very numbers that tokenising whole texts gives, or every text is tokenised."""

from __future__ import annotations

import random

import pytest
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from assay.curate.styles import token_counts as module
from assay.curate.styles.token_counts import CUTTING_PATTERNS, TokenCounter, cuts_at_spaces

ALPHABET = [
    *"abcde",
    *"abcde",
    *"    ",
    "  ",
    "\n",
    " \n",
    "\n ",
    "\t",
    "'s",
    "'ll",
    ".",
    "!?",
    "1",
    "23",
    "é",
    "e\u0301",
]
ALPHABET += [
    "\u0301",
    "\u00a0",
    "\u3000",
    "\x85",
    "\x1c",
    "你好",
    "😀",
    "<|end|>",
    "A",
    "Z",
    "\r\n",
    "/",
    "\ud800",
    "\u2028",
]


def trained(pre_tokenizer: object, normalizer: object = None) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    texts = [made(seed).encode("utf-8", "replace").decode() for seed in range(200)]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=700, initial_alphabet=alphabet, special_tokens=["<|end|>"], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def made(seed: int) -> str:
    chosen = random.Random(seed)
    return "".join(chosen.choices(ALPHABET, k=chosen.randrange(60)))


def split_by(pattern: str) -> object:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def byte_level(**options: bool) -> object:
    return pre_tokenizers.ByteLevel(**{"add_prefix_space": False, **options})


CUTTING = {
    "gpt2": trained(byte_level()),
    "digits": trained(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level()])),
    "nfc": trained(byte_level(), normalizers.NFC()),
    **{f"pattern {n}": trained(split_by(pattern)) for n, pattern in enumerate(sorted(CUTTING_PATTERNS))},
}


@pytest.mark.parametrize("name", CUTTING)
def test_words_have_together_as_many_tokens_as_their_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = CUTTING[name]
    assert cuts_at_spaces(tokenizer)
    texts = [
        "",
        " ",
        *(made(seed) for seed in range(1000, 2500)),
        "a  b",
        " a",
        "a ",
        "plain words here",
        "plain words",
    ]
    readable = [text.encode("utf-8", "replace").decode() for text in texts]
    whole = [len(item) for item in tokenizer.encode_batch_fast(readable, add_special_tokens=False)]
    counter = TokenCounter(tokenizer)
    assert counter.count(texts).tolist() == whole
    monkeypatch.setattr(module, "_lengths", refuse)
    assert counter.count(texts).tolist() == whole


def refuse(tokenizer: Tokenizer, texts: list[str]) -> None:
    raise AssertionError("every word was tokenised before")


def test_words_that_were_forgotten_are_counted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED_CHARACTERS", 10)
    counter, texts = TokenCounter(CUTTING["gpt2"]), [made(seed) for seed in range(1000)]
    assert counter.count(texts).tolist() == TokenCounter(CUTTING["gpt2"]).count(texts).tolist()


def added(token: AddedToken) -> Tokenizer:
    tokenizer = trained(byte_level())
    tokenizer.add_tokens([token])
    return tokenizer


def padded() -> Tokenizer:
    tokenizer = trained(byte_level())
    tokenizer.enable_padding(length=8)
    return tokenizer


@pytest.mark.parametrize(
    "tokenizer",
    [
        trained(byte_level(add_prefix_space=True)),
        trained(byte_level(use_regex=False)),
        trained(pre_tokenizers.Metaspace()),
        trained(split_by(r"[ab] ?|\s+")),
        trained(byte_level(), normalizers.NFKC()),
        trained(byte_level(), normalizers.Replace(" ", "_")),
        added(AddedToken("a b")),
        added(AddedToken("abc", lstrip=True)),
        added(AddedToken("abc", single_word=True)),
        padded(),
        Tokenizer(models.BPE()),
    ],
)
def test_where_a_token_may_reach_over_a_space_whole_texts_are_tokenised(tokenizer: Tokenizer) -> None:
    assert not cuts_at_spaces(tokenizer)
    texts = [made(seed).encode("utf-8", "replace").decode() for seed in range(50)]
    whole = [len(item) for item in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
    assert TokenCounter(tokenizer).count(texts).tolist() == whole
