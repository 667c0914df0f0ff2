"""The figures that docs/planning.md holds against what people say are those of a plan."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.train.before.checked import checked_shape
from assay.train.planning.cards import load_cards
from assay.train.planning.effort import UTILISATION, UTILISATION_SHORT, operations_a_token
from assay.train.planning.reading import from_config
from assay.train.planning.stage import Plan, Subject, plan
from assay.train.planning.workload import Lengths, Method, Setup, Workload
from assay.train.settings import TrainSettings

ROOT = Path(__file__).resolve().parents[3]
QWEN_7B = {
    "model_type": "qwen2", "vocab_size": 151936, "hidden_size": 4096, "intermediate_size": 11008,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32, "tie_word_embeddings": False,
}  # fmt: skip
SECONDS_A_STEP: dict[Method, dict[int, float]] = {
    "lora": {256: 1.2, 512: 1.5, 1024: 2.8, 2048: 5.2, 4096: 10.1, 8192: 21.3},
    "qlora": {256: 3.0, 512: 3.0, 1024: 3.5, 2048: 7.0, 4096: 11.6, 8192: 22.3},
}
"""Of 8 sequences on an A100-80GB: README.md of QwenLM/Qwen, "Profiling of Memory and Speed"."""


def row(start: str) -> list[str]:
    """Cells of the table's line that begins so."""
    text = (ROOT / "docs" / "planning.md").read_text(encoding="utf-8")
    found = re.search(rf"^\| {re.escape(start)}.*$", text, re.MULTILINE)
    assert found, start
    return [cell.strip() for cell in found.group().strip("|").split("|")]


@pytest.fixture(scope="module")
def planned(subject: Callable[[str], Subject]) -> Callable[..., Plan]:
    def made(name: str, tokens: int = 500, **settings: Any) -> Plan:
        lengths = Lengths(5000, 5000 * tokens, tokens, checked_shape([tokens] * 4), 0.5, unequal=False)
        cards = tuple(card for card in load_cards(None) if card.name == "a100-80gb")
        return plan(subject(name), lengths, TrainSettings(**settings), cards)

    return made


def gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def test_full_fine_tuning_of_seven_billion(planned: Callable[..., Plan]) -> None:
    peak = planned("llama-2-7b").peaks["full"].peak
    assert 80e9 < peak < 120e9
    assert row("full fine-tuning of 7B")[1] == gigabytes(peak)


@pytest.mark.parametrize(
    ("start", "name", "settings", "limit"),
    [
        ("LoRA of 7B", "llama-2-7b", {"load_in_4bit": False}, 24564 * 2**20),
        ("QLoRA of 7B", "llama-2-7b", {}, 12288 * 2**20),
        ("QLoRA of 70B", "llama-3.1-70b", {"per_device_train_batch_size": 1}, 81920 * 2**20),
    ],
)
def test_a_step_fits_where_people_say_and_the_run_takes_what_the_page_says(
    start: str, name: str, settings: dict[str, Any], limit: int, planned: Callable[..., Plan]
) -> None:
    found = planned(name, **settings)
    assert found.step.peak < limit
    assert row(start)[1:3] == [gigabytes(found.step.peak), gigabytes(found.peaks[found.planned].peak)]


def test_a_rank_16_adapter(planned: Callable[..., Plan]) -> None:
    least = planned("llama-2-7b", lora_target_modules=("q_proj", "v_proj")).adapter_bytes
    most = planned("llama-2-7b").adapter_bytes
    assert row("a rank-16 adapter")[1] == f"{least / 1e6:.0f} to {most / 1e6:.0f} MB"


def test_hours_and_dollars_on_an_a100(planned: Callable[..., Plan]) -> None:
    found = planned("llama-2-7b", load_in_4bit=False).cards[0].effort
    assert found is not None and found.usd is not None
    assert row("5,000 examples")[1] == f"{found.hours[0]:.1f} to {found.hours[1]:.1f} h"
    assert row("and cost under")[1] == f"${found.usd[0]:.2f} to ${found.usd[1]:.2f}"
    long = planned("llama-3.1-8b", tokens=1500, load_in_4bit=False).cards[0].effort
    assert long is not None and long.usd is not None and long.usd[1] < 20
    assert f"{long.hours[0]:.1f} to {long.hours[1]:.1f} h" in row("5,000 examples")[3]
    assert f"${long.usd[0]:.2f} to ${long.usd[1]:.2f}" in row("and cost under")[3]


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_the_shares_of_a_cards_peak_are_those_of_qwens_measurements(method: Method) -> None:
    architecture = from_config(QWEN_7B, "Qwen-7B")
    assert architecture.parameters == 7_721_324_544
    shares = {}
    for tokens, seconds in SECONDS_A_STEP[method].items():
        work = Workload(1, tokens, tokens, padded=False, eager=False, checkpointing=True, dropout=0.05)
        setup = Setup(method, "bfloat16", 2, True, True, 64, "all-linear", False, work, None)
        shares[tokens] = operations_a_token(architecture, setup) * 8 * tokens / seconds / 312e12
    low, high = UTILISATION[method]
    assert low - 0.01 <= min(share for tokens, share in shares.items() if tokens >= 512)
    assert high == pytest.approx(max(shares.values()), abs=0.01)
    assert UTILISATION_SHORT[method] == pytest.approx((shares[256], shares[512]), abs=0.01)
