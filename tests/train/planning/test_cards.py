"""Cards and shapes: what comes with assay, and files of a user's own, faults in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import AssayError, ModelError, SettingsError, UnknownNameError
from assay.train.planning.cards import SHIPPED, choose, load_cards
from assay.train.planning.shapes import load_shapes


def test_the_list_goes_from_eight_gigabytes_to_more_than_eighty_and_dates_its_prices() -> None:
    cards = load_cards(None)
    assert cards[0].memory < 9e9 and cards[-1].memory > 100e9
    assert [card.memory for card in cards] == sorted(card.memory for card in cards)
    assert all(card.as_of and card.source for card in cards if card.usd)
    assert {card.name for card in cards if not card.computes_bf16} == {"t4"}


def test_every_card_has_a_price_or_stands_among_those_that_none_was_found_for() -> None:
    without = {card.name for card in load_cards(None) if card.usd is None}
    said = next(line for line in SHIPPED.read_text().splitlines() if "Without one are" in line)
    assert without == {"rtx-4060", "rtx-4060-ti-16gb"} and "rtx-4060 and" in said


PROCESSORS: dict[str, tuple[int, int, float]] = {
    "rtx-4060": (24, 512, 2.46), "rtx-3060": (28, 512, 1.777), "t4": (40, 1024, 1.59), "l4": (58, 1024, 2.04),
    "rtx-4060-ti-16gb": (34, 512, 2.535), "rtx-3090": (82, 512, 1.695), "rtx-4090": (128, 512, 2.52),
    "rtx-5090": (170, 512, 2.407), "a100-40gb": (108, 2048, 1.41), "a100-80gb": (108, 2048, 1.41),
    "l40s": (142, 1024, 2.52), "rtx-a6000": (84, 1024, 1.8), "h100-80gb": (132, 4096, 1.83), "h200": (132, 4096, 1.83),
    "b200": (148, 8192, 1.86),
}  # fmt: skip
"""Streaming multiprocessors, operations of each a clock in 16 bits with float32 accumulation, and the boost in GHz: 512
of GeForce, 1,024 of Turing and the professional cards of Ampere and Ada, doubled in each of A100, H100 and B200."""


def test_throughputs_are_processors_times_operations_times_clock() -> None:
    cards = {card.name: card.tflops for card in load_cards(None)}
    assert cards.keys() == PROCESSORS.keys()
    for name, (processors, operations, clock) in PROCESSORS.items():
        assert cards[name] == pytest.approx(processors * operations * clock / 1e3, rel=0.02), name


def test_a_card_of_the_users_goes_before_that_of_the_list(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("as_of: 2026-11-01\ncards:\n  rtx-4090: {memory_mib: 24000, bf16_tflops: 100, usd_per_hour: 0.5}\n")
    mine = {card.name: card for card in load_cards(path)}["rtx-4090"]
    assert (mine.tflops, mine.usd, mine.as_of) == (100, (0.5, 0.5), "2026-11-01")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cards: []", "should hold `cards`"),
        ("cards: {x: 5}", "should be a mapping"),
        ("cards: {x: {memory_mib: 10}}", "bf16_tflops should be a number above 0"),
        ("cards: {x: {memory_mib: many, bf16_tflops: 1}}", "memory_mib should be a number above 0"),
        ("cards: {x: {memory_mib: 1, bf16_tflops: 1, price: 2}}", "has no field 'price'"),
        ("cards: {x: {memory_mib: 1, bf16_tflops: 1, usd_per_hour: 2}}", "a price without its day"),
        ("as_of: 2026-01-01\ncards: {x: {memory_mib: 1, bf16_tflops: 1, usd_per_hour: [3, 2]}}", "above the highest"),
        ("as_of: 2026-01-01\ncards: {x: {memory_mib: 1, bf16_tflops: 1, usd_per_hour: [1, 2, 3]}}", "a price or two"),
    ],
)
def test_a_list_with_wrong_fields_is_one_line_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=said) as caught:
        load_cards(path)
    assert "\n" not in str(caught.value) and "mine.yaml" in str(caught.value)


def test_an_unknown_card_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'rtx-4090'"):
        choose(load_cards(None), ("rtx-4009",))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("llama-3.1-13b", "there is no llama-3.1-13b: llama-3.1 comes in 8B, 70B, 405B"),
        ("meta-llama/Llama-3.1-13B-Instruct", "llama-3.1 comes in 8B, 70B, 405B"),
        ("mistral-7b", "mistral comes in 7B; name one of mistral-7b-v0.1, mistral-7b-v0.3"),
        ("qwen3-7b", "qwen3 comes in 0.6B, 1.7B, 4B, 8B"),
        ("lama-3.1-8b", "did you mean 'llama-3.1-8b'"),
    ],
)
def test_a_model_that_does_not_exist_is_said_with_those_that_do(name: str, said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        load_shapes(None).config(name)
    assert "\n" not in str(caught.value) and caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["Qwen/Qwen3-8B", "meta-llama/Llama-3.1-8B-Instruct", "google/gemma-3-1b-it", "phi-4"])
def test_names_of_the_hub_are_found_without_owner_and_variant(name: str) -> None:
    assert load_shapes(None).config(name)["model_type"]


def test_a_shape_of_the_users_is_found(tmp_path: Path) -> None:
    path = tmp_path / "shapes.yaml"
    path.write_text("models: {mine-1b: {model_type: llama, hidden_size: 64}}")
    assert load_shapes(path).config("mine-1b")["hidden_size"] == 64
    path.write_text("models: [1]")
    with pytest.raises(AssayError, match="should hold `models`"):
        load_shapes(path)
