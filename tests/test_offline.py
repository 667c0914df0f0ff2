"""Nothing leaves the machine: no socket to another host, and one line where that host would be needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).resolve().parent.parent / "sample_data"
TICKETS, SUITE = str(SAMPLES / "tickets.jsonl"), str(SAMPLES / "suites" / "support.yaml")


def one_line(text: str) -> str:
    (line,) = text.strip().splitlines()
    assert line.startswith("assay: ")
    return line


@pytest.mark.parametrize(
    ("code", "host"),
    [
        ("import socket; socket.socket().connect(('192.0.2.1', 80))", "192.0.2.1"),
        ("import urllib.request; urllib.request.urlopen('http://host.invalid')", "host.invalid"),
        ("import huggingface_hub; huggingface_hub.HfApi().model_info('a/b')", "huggingface.co"),
    ],
)
def test_the_guard_of_these_tests_notes_and_refuses_other_hosts(guarded: Any, code: str, host: str) -> None:
    assert guarded.python("-c", code).returncode == 1
    assert host in guarded.attempted


def test_audit_and_curate_for_a_model_in_a_folder_ask_no_host(guarded: Any, tiny_model: Path) -> None:
    """The audit is not even told to stay offline."""
    arguments = (TICKETS, "--model", str(tiny_model), "--limit", "40")
    audit = guarded.assay("audit", *arguments, hidden=())
    assert (audit.returncode, guarded.attempted) == (0, ""), audit.stderr
    curate = guarded.assay("curate", *arguments, "-o", "clean", "--offline")
    assert (curate.returncode, guarded.attempted) == (0, ""), curate.stderr
    assert (guarded.folder / "work" / "clean" / "data.parquet").is_file()


def test_train_and_evaluate_ask_no_host_even_where_they_are_not_told_to_stay_offline(
    guarded: Any, tiny_model: Path, tmp_path: Path
) -> None:
    """The libraries beneath would count downloads of data that lies on the disk."""
    rows = [{"instruction": f"Which colour is number {n}?", "output": f"Number {n} is red."} for n in range(12)]
    data = tmp_path / "data.json"
    data.write_text(json.dumps(rows), encoding="utf-8")
    model = ("--model", str(tiny_model), "-q")
    quick = ("train.num_train_epochs=1", "train.load_in_4bit=false")
    trained = guarded.assay("train", str(data), *model, "-o", "trained", *quick, hidden=())
    assert (trained.returncode, guarded.attempted) == (0, ""), trained.stderr
    suites = ("--suite", SUITE, "--include-path", "bundled", "--limit", "3")
    scored = guarded.assay("evaluate", *model, *suites, "-o", "scored", hidden=())
    assert (scored.returncode, guarded.attempted) == (0, ""), scored.stderr
    assert "assay_facts" in scored.stdout


def test_the_report_refers_to_no_host(guarded: Any) -> None:
    guarded.assay("audit", TICKETS, "-o", "looked", "-q")
    page = (guarded.folder / "work" / "looked" / "report.html").read_text(encoding="utf-8")
    for word in ("src=", "href=", "url(", "@import"):
        for place in page.split(word)[1:]:
            assert not place.lstrip("\"' ").startswith(("http:", "https:", "//")), place[:80]


def test_a_hub_model_that_is_not_here_is_one_line_and_not_asked_for(guarded: Any, tmp_path: Path) -> None:
    done = guarded.assay(
        "audit", TICKETS, "--model", "some-owner/some-model", "--offline", "-q", HF_HOME=str(tmp_path / "hub")
    )
    assert (done.returncode, guarded.attempted) == (2, "")
    assert "'some-owner/some-model' is not in the local cache" in one_line(done.stderr)


def test_an_embedded_model_that_is_not_here_is_one_line_and_not_fetched(guarded: Any, tmp_path: Path) -> None:
    done = guarded.assay(
        "audit", TICKETS, "--model", "smollm2-135m-instruct", "--offline", "-q", ASSAY_CACHE=str(tmp_path / "cache")
    )
    assert (done.returncode, guarded.attempted) == (2, "")
    assert "assay model install" in one_line(done.stderr)


def test_a_hub_data_set_is_one_line_and_not_asked_for(guarded: Any) -> None:
    done = guarded.assay("audit", "some-owner/some-data", "--offline", "-q")
    assert (done.returncode, guarded.attempted) == (2, "")
    assert "--offline forbids" in one_line(done.stderr)


@pytest.mark.parametrize("provider", ["openai", "anthropic", "openai_compatible"])
def test_a_remote_provider_is_one_line_and_not_asked(guarded: Any, provider: str) -> None:
    done = guarded.assay(
        "synth", TICKETS, "--provider", provider, "--model", "a", "-o", "more", "--offline", "-q",
        "--set", "synth.base_url=http://192.0.2.1/v1", "--set", "synth.price={input: 1, output: 1}",
        OPENAI_API_KEY="a", ANTHROPIC_API_KEY="a",
    )  # fmt: skip
    assert (done.returncode, guarded.attempted) == (2, "")
    assert "is remote" in one_line(done.stderr)
