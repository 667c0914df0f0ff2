"""`assay synth`, as it is typed: what it refuses, and what it says of why it stopped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from assay.cli import main
from assay.dataset import Dataset
from assay.errors import AssayError, Exit, SettingsError
from assay.locks import held
from assay.protocols import Price
from assay.synth.asking.personal import make_guarded_provider
from assay.synth.costs.estimate import foretold_cost
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings
from assay.synth.stage import synth


def arguments(api: Any, folder: Path, *more: str) -> list[str]:
    return [
        "synth", str(folder / "seeds.parquet"), "-o", str(folder / "more"), "--provider", "openai_compatible",
        "--model", "m", "--set", f"synth.base_url={api.url}/v1", "--set", "synth.methods={paraphrase: {count: 2}}",
        *more,
    ]  # fmt: skip


def test_a_second_process_does_not_pay_for_what_the_first_has_under_way(
    api: Any, seeds: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds.write_parquet(tmp_path / "seeds.parquet")
    with held(tmp_path / "more", "this folder"), pytest.raises(SystemExit) as ended:
        main(arguments(api, tmp_path))
    assert ended.value.code == Exit.FAILED
    assert "another assay process is working on this folder" in capsys.readouterr().err
    assert api.seen == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"price": Price(-1, 1)}, "synth.price.input should be 0 or more"),
        ({"price": Price(1, float("nan"))}, "synth.price.output should be 0 or more"),
        ({"max_usd": float("nan")}, "synth.max_usd should be above zero"),
        ({"max_retries": -1}, "synth.max_retries should be 0 or more"),
        ({"methods": {}}, "synth.methods names no method"),
        ({"base_url": "http://me:secret@host/v1"}, "synth.base_url holds a name or password; set api_key_env"),
    ],
)
def test_settings_with_which_no_cap_or_secret_would_hold_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        SynthSettings(**given)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"methods": {"paraphrase": {"count": -3}}}, "synth.methods.paraphrase: count is -3"),
        ({"verify": {"agreement": {"k": 0}}}, "synth.verify.agreement: k is 0"),
        ({"provider": "antropic"}, "no provider 'antropic'; did you mean 'anthropic'"),
        ({"provider": "anthropic"}, "provider 'anthropic' needs a model"),
    ],
)
def test_what_is_mistyped_is_said_before_anything_is_asked(more: dict[str, Any], said: str, seeds: Dataset) -> None:
    with pytest.raises(AssayError, match=said):
        foretold_cost(seeds, SynthSettings(**more))


@pytest.mark.parametrize("provider", ["anthropic", "bedrock", "vertex"])
def test_a_temperature_that_would_not_be_sent_is_refused(provider: str) -> None:
    with pytest.raises(SettingsError, match="without a temperature"):
        make_guarded_provider(SynthSettings(provider=provider, model="m", temperature=0.3), None)


@pytest.mark.parametrize(
    ("faults", "more", "said"),
    [
        (
            [500] * 99,
            {"max_retries": 1},
            "asked 2 times without an answer; the last time openai_compatible answered 500",
        ),
        (["cut"] * 99, {"max_retries": 0}, "the last time openai_compatible: the connection was cut"),
        ([], {"max_requests": 1}, "the cap of 1 requests is reached; raise max_requests"),
        ([], {"price": Price(1, 1), "max_usd": 0.0004}, "the next request could cost .* raise max_usd"),
    ],
)
def test_who_stops_short_says_what_was_in_the_way(
    faults: list[Any], more: dict[str, Any], said: str, api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    api.faults = faults
    given: dict[str, Any] = {"methods": {"paraphrase": {"count": 3}}, "concurrency": 1, **more}
    settings = SynthSettings(provider="openai_compatible", model="m", base_url=f"{api.url}/v1", **given)
    result = synth(seeds, settings, make_provider(settings, None), keep_new, tmp_path / "journal.sqlite")
    assert result.stopped is not None and re.search(said, result.stopped), result.stopped
