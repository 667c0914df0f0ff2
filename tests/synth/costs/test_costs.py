"""What a run costs is known before it starts, and what has no price is not bought."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from assay.calls.caller import Caller
from assay.calls.journal import Journal
from assay.cli import main
from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.protocols import GenerationRequest, Price
from assay.records import Message
from assay.synth.costs.estimate import estimate
from assay.synth.costs.prices import MOST_DAYS, listed_price
from assay.synth.provider import make_provider, price_of, priced
from assay.synth.settings import SynthSettings
from assay.synth.stage import synth

LISTED = SynthSettings(provider="anthropic", model="claude-haiku-4-5")


def test_a_listed_price_says_where_and_when_it_was_so() -> None:
    found = listed_price("anthropic", "claude-haiku-4-5")
    assert found is not None and found.source.startswith("https://")
    given = priced(LISTED, found.as_of + timedelta(days=MOST_DAYS))
    assert (given.price.input, given.price.output) == (1, 5)
    assert str(found.as_of) in given.of


def test_an_old_price_is_not_used_and_says_its_age() -> None:
    found = listed_price("anthropic", "claude-haiku-4-5")
    assert found is not None
    with pytest.raises(SettingsError, match=r"184 days ago.*synth\.price"):
        priced(LISTED, found.as_of + timedelta(days=MOST_DAYS + 1))


@pytest.mark.parametrize(
    ("provider", "model", "base_url"),
    [
        ("openai", "gpt-6-luna-2026-09-22", None),
        ("openai", "claude-haiku-4-5", None),
        ("azure", "gpt-6-luna", None),
        ("openai", "gpt-6-luna", "https://elsewhere.example/v1"),
    ],
)
def test_a_price_is_of_that_model_at_that_host_and_of_no_other(provider: str, model: str, base_url: str | None) -> None:
    with pytest.raises(SettingsError, match="no price is known"):
        price_of(SynthSettings(provider=provider, model=model, base_url=base_url))


def test_every_listed_price_can_be_read() -> None:
    for name in ("openai", "anthropic"):
        import yaml

        from assay.synth.costs.prices import LIST

        for model in yaml.safe_load(LIST.read_text())[name]["models"]:
            found = listed_price(name, model)
            assert found is not None and 0 < found.price.input < found.price.output and found.as_of < date.today()


def test_the_range_holds_what_a_run_really_costs(api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path) -> None:
    given = SynthSettings(
        provider="openai_compatible", model="m", base_url=f"{api.url}/v1", price=Price(100, 100), max_usd=50,
        methods={"paraphrase": {"count": 8}},
    )  # fmt: skip
    expected = estimate(seeds, given, Price(100, 100))
    api.tokens = (90, 40)
    result = synth(seeds, given, make_provider(given, None), keep_new, tmp_path / "journal.sqlite")
    assert len(result.data) == 8
    assert expected.low.requests <= result.spent.requests <= expected.high.requests
    assert expected.low.usd <= expected.likely.usd <= expected.high.usd
    assert result.spent.usd <= expected.high.usd


def test_the_estimate_counts_what_verification_asks(seeds: Dataset) -> None:
    plain = SynthSettings(methods={"paraphrase": {"count": 8}})
    asking = SynthSettings(methods={"paraphrase": {"count": 8}}, verify={"agreement": {"k": 2}, "judge": True})
    one, other = (estimate(seeds, given, Price(1, 1)).low.requests for given in (plain, asking))
    assert (one, other) == (8, 8 + 3 * 8)


def test_seeds_that_cannot_give_as_many_are_told_before(seeds: Dataset) -> None:
    given = SynthSettings(methods={"paraphrase": {"count": 500, "per_seed": 2}})
    found = estimate(seeds, given, Price(1, 1))
    assert found.jobs == 16 and found.may_stop_short


class Ran(NamedTuple):
    exit_code: int
    stdout: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[[list[str]], Ran]:
    def command(arguments: list[str]) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return Ran(int(ended.value.code or 0), capsys.readouterr().out)

    return command


@pytest.fixture
def seed_file(tmp_path: Path) -> Path:
    path = tmp_path / "seeds.jsonl"
    rows = [{"prompt": f"Where is the order BW-{n}17 of dora{n}@lane.co.uk?", "completion": "Yes."} for n in range(9)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_dry_run_shows_bodies_and_cost_and_needs_no_key(
    seed_file: Path, run: Any, monkeypatch: pytest.MonkeyPatch, api: Any
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    arguments = ["synth", str(seed_file), "--provider", "anthropic", "--model", "claude-haiku-4-5", "--dry-run"]
    done = run([*arguments, "--json", "synth.price={input: 1, output: 5}"])
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert len(said["prompts"]) == 3
    body = said["prompts"][0]["request"]
    assert body["model"] == "claude-haiku-4-5" and body["max_tokens"] == 256
    assert "<EMAIL_1>" in str(body) and "lane.co.uk" not in done.stdout
    assert said["estimate"]["low"]["usd"] <= said["estimate"]["likely"]["usd"] <= said["estimate"]["high"]["usd"]
    plain = run([*arguments, "synth.price={input: 1, output: 5}"])
    assert "at most:" in plain.stdout and "$1 in, $5 out" in plain.stdout
    assert not api.seen


SEEDS = {
    "Where is the thermostat of order BW-117?": "Could you tell me when my thermostat, order BW-117, gets here?",
    "My leak sensor 22 went silent on Monday.": "Since Monday I hear nothing from leak sensor 22.",
    "Please cancel the Care subscription C-31.": "I want to end subscription C-31, the Care one; please cancel it.",
    "How do I reset the valve controller V9?": "Which buttons reset the controller V9 of my valve?",
    "The invoice 4410 charges me twice.": "I was billed two times: see invoice 4410, it charges again.",
    "Can the app in Fenwick Gardens show humidity?": "Does the Fenwick Gardens app show me the humidity?",
    "Send the refund for parcel P-88 to my bank.": "For parcel P-88 my bank should get the refund, please send it.",
    "Does the doorbell D4 work without wifi?": "If wifi is down, will my D4 doorbell still work?",
}


def test_a_run_that_stops_at_a_cap_keeps_what_there_is_and_says_so_by_its_exit_code(
    run: Any, api: Any, tmp_path: Path
) -> None:
    api.reply = lambda text: SEEDS[text]
    seeds = tmp_path / "seeds.jsonl"
    seeds.write_text(
        "".join(json.dumps({"prompt": text, "completion": f"Yes: {n}."}) + "\n" for n, text in enumerate(SEEDS))
    )
    arguments = ["synth", str(seeds), "-o", str(tmp_path / "out"), "--provider", "openai_compatible", "--model", "m"]
    arguments += [f"synth.base_url={api.url}/v1", "synth.methods={paraphrase: {count: 8, per_seed: 1}}", "--json"]
    short = run([*arguments, "synth.max_requests=4"])
    assert short.exit_code == 4
    said = json.loads(short.stdout)
    assert said["spent"]["requests"] == 4 and said["stopped"]
    assert 0 < said["accepted"] == len(Dataset.read_parquet(tmp_path / "out" / "accepted.parquet"))
    more = json.loads(run(arguments).stdout)
    assert more["spent"]["requests"] == 8 and sorted(api.answered) == sorted(set(api.answered))
    assert more["accepted"] > said["accepted"]


def test_the_cap_is_spent_to_the_end_though_worst_costs_are_reserved(api: Any, tmp_path: Path) -> None:
    """Calls under way hold more than they will cost: what waits for room is asked once they have said so."""
    requests = [GenerationRequest((Message("user", f"n {number}"),), 1000) for number in range(40)]
    given = SynthSettings(provider="openai_compatible", model="m", base_url=f"{api.url}/v1", concurrency=8)
    api.tokens = (10, 10)
    with Journal(tmp_path / "journal.sqlite", max_requests=100, max_usd=0.0035) as book:
        answers = Caller(make_provider(given, None), book, Price(0, 1), 0).ask(requests)
        spent = book.spent()
    assert all(answer is not None for answer in answers)
    assert spent.usd == pytest.approx(40 * 10 / 1e6)
    assert len(api.seen) == 40
