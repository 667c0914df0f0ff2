"""`--backend openai`: models on a real server on loopback, asked through lm-eval's own clients."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.errors import AssayError, ModelError, SettingsError, SuiteError
from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.gate import gate
from assay.evaluate.gate.policy import Policy
from assay.evaluate.identity import Models
from assay.evaluate.models import served_client
from assay.evaluate.settings import EvaluateSettings
from assay.evaluate.stage import evaluate
from assay.suites import read_suites

WORDS = ("cat", "mat", "yes", "no", "sat", "user")
NAMES = {"base": "plain", "candidate": "tuned"}
Run = Callable[..., Evaluation]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served_client, "TRIES", 1)


@pytest.fixture
def suites(make_suite: Callable[..., Path]) -> list[Path]:
    asked = [{"id": f"a{n}", "prompt": f"the {word} {n}", "reference": "cat"} for n, word in enumerate(WORDS)]
    choices = [{**item, "choices": ["cat", "the mat sat", "no"]} for item in asked]
    return [
        make_suite("free", asked, scorer="contains", max_new_tokens=8),
        make_suite("choice", choices, scorer="multiple_choice"),
    ]


@pytest.fixture
def tasks(make_task: Callable[..., Path]) -> Path:
    rows = [{"id": f"t{n}", "question": f"the {word}", "choices": ["cat", "mat on"], "answer": n % 2} for n, word in
            enumerate(WORDS)]  # fmt: skip
    make_task("options", rows)
    return make_task(
        "written",
        rows,
        output_type="generate_until",
        doc_to_choice=None,
        doc_to_target="cat",
        generation_kwargs={"until": ["at"], "max_gen_toks": 8},
        metric_list=[{"metric": "exact_match"}],
    )


@pytest.fixture
def run(target: Any, suites: list[Path], tmp_path: Path, openai_server: Any) -> Run:
    """run(suites=None, adapter=None, **settings): an evaluation of what the server serves, with answers kept."""

    def evaluation(paths: list[Path] | None = None, adapter: Path | None = None, **given: Any) -> Evaluation:
        settings = EvaluateSettings(**{"backend": "openai", "base_url": openai_server.url, "served": NAMES, **given})
        chosen = read_suites(map(str, suites if paths is None else paths))
        return evaluate(Models(target, adapter), chosen, settings, answers_folder=tmp_path / "answers")

    return evaluation


@pytest.mark.parametrize("how", [{}, {"num_concurrent": 3}, {"tokenized_requests": False}])
def test_scores_and_answers_are_those_of_assays_own(
    run: Run, target: Any, tiny_adapter: Path, suites: list[Path], tasks: Path, how: Mapping[str, Any]
) -> None:
    settings = EvaluateSettings(include_path=str(tasks), damaged_items=0, slightly_damaged_items=0, zero_items=0)
    own = evaluate(Models(target, tiny_adapter), read_suites(map(str, suites)), settings).items.to_pylist()
    theirs = run(include_path=str(tasks), adapter=tiny_adapter, **how).items.to_pylist()
    assert len(own) == len(theirs) and {row["suite"] for row in theirs} == {"free", "choice", "options", "written"}
    for a, b in zip(own, theirs, strict=True):
        for column in ("suite", "item_id", "model", "score", "output", "prompt_hash", "ended"):
            assert a[column] == b[column], (column, a, b)
        assert (a["logprob"] is None) == (b["logprob"] is None)
        assert a["logprob"] is None or abs(a["logprob"] - b["logprob"]) < 1e-4


@pytest.mark.parametrize("how", [{}, {"num_concurrent": 3}])
def test_a_notebook_whose_event_loop_runs_already_asks_as_a_script_does(
    run: Run, tiny_adapter: Path, how: Mapping[str, Any]
) -> None:
    async def cell() -> Evaluation:
        return run(adapter=tiny_adapter, **how)

    assert asyncio.run(cell()).items.num_rows == 2 * 2 * len(WORDS)


def test_a_model_on_a_server_of_its_own_is_asked_there(
    run: Run, target: Any, tiny_adapter: Path, suites: list[Path], openai_server: Any, other_server: Any
) -> None:
    """Whatever it is called there: a server of one model calls every model the same."""
    settings = EvaluateSettings(damaged_items=0, slightly_damaged_items=0, zero_items=0)
    own = evaluate(Models(target, tiny_adapter), read_suites(map(str, suites)), settings).items.to_pylist()
    served = {"base": f"plain@{openai_server.url}", "candidate": f"plain@{other_server.url}/"}
    found = run(adapter=tiny_adapter, base_url=None, served=served)
    theirs = found.items.to_pylist()
    assert [(row["model"], row["score"], row["output"]) for row in theirs] == [
        (row["model"], row["score"], row["output"]) for row in own
    ]
    server = found.identity["server"]
    assert server["base_url"] == openai_server.url  # type: ignore[index]
    assert server["models"]["candidate"]["base_url"] == other_server.url  # type: ignore[index]
    asked = {body["model"] for path, _, body in other_server.asked if path.endswith("completions")}
    assert asked == {"plain"} and all(body.get("model") != "tuned" for _, _, body in openai_server.asked)


def test_what_answered_is_recorded_and_what_was_not_scored_is_said(run: Run, openai_server: Any) -> None:
    openai_server.said["tuned"] = {"parent": "plain", "root": "/adapters/tuned", "owned_by": "vllm", "permission": [1]}
    found = run()
    server = found.identity["server"]
    assert server["base_url"] == openai_server.url and server["api"] == "completions"  # type: ignore[index]
    tuned = server["models"]["candidate"]  # type: ignore[index]
    assert tuned["name"] == tuned["answered_as"] == "tuned" and tuned["root"] == "/adapters/tuned"
    assert "permission" not in tuned and len(tuned["probe_sha256"]) == 64
    assert found.identity["base"]["weights_sha256"] is None  # type: ignore[index]
    assert found.evidence["candidate"].max_logit_difference > 0
    assert found.leaks is None, "nobody said what the candidate was trained on"
    assert "no weights were hashed, and no damaged and no zero adapter was scored" in found.settings["notes"][0]  # type: ignore[index]


def test_a_suite_that_no_damaged_model_was_asked_bars_pass_unless_the_policy_allows_it(run: Run) -> None:
    found = run()
    decision = gate(found, Policy())
    assert decision.verdict.name == "INVALID"
    checks = {check.name: check.ok for check in decision.suites[0].sensitivity.checks}
    assert checks["damage_shows"] is None and checks["zero_changes_nothing"] is None
    allowed = gate(found, Policy(on_missing_check="warn"))
    assert not any("damaged model was scored" in reason for reason in allowed.reasons)


def test_answers_are_kept_and_asked_anew_when_the_model_behind_a_name_is_another(
    run: Run, openai_server: Any, served_weights: dict[str, Any]
) -> None:
    first = run().items.to_pylist()
    asked = len(openai_server.asked)
    assert run().items.to_pylist() == first
    probes = 1 + 2 * 2  # what is served, and two requests a model
    assert len(openai_server.asked) == asked + probes
    with served_weights["tuned"].disable_adapter():
        before = len(openai_server.asked)
        with pytest.raises(ModelError, match="'tuned' gives every token of a probe the likelihood that the base"):
            run()
        assert len(openai_server.asked) == before + probes
    openai_server.models = {"plain": served_weights["tuned"], "tuned": served_weights["plain"]}
    swapped = run().items.to_pylist()
    assert len(openai_server.asked) > asked + 3 * probes
    of = {(row["suite"], row["item_id"], row["model"]): row["logprob"] for row in first}
    row = next(row for row in swapped if row["suite"] == "choice" and row["model"] == "base")
    assert row["logprob"] != of["choice", row["item_id"], "base"]


def test_a_killed_evaluation_goes_on_where_it_was(run: Run, openai_server: Any) -> None:
    def after_the_first(path: str, body: Mapping[str, Any]) -> tuple[int, str] | None:
        given = [
            body for path, _, body in openai_server.asked if path.endswith("/completions") and not body.get("echo")
        ]
        return (500, "{}") if len(given) > 2 + len(WORDS) else None  # two probes, and one model's suite

    openai_server.fault = after_the_first
    with pytest.raises(ModelError, match=r"answers with an error \(500\)"):
        run()
    openai_server.fault = lambda path, body: None
    openai_server.asked.clear()
    run()
    prompts = [body["prompt"] for _, _, body in openai_server.asked if body and body["model"] == "plain"]
    assert len(prompts) == 2 + 3 * len(WORDS), "the base's free answers are there already: its choices are asked alone"


class TestChat:
    CHAT = {"api": "chat"}  # noqa: RUF012

    def test_answers_are_those_of_the_template_that_the_server_lays_around(
        self, run: Run, target: Any, tiny_adapter: Path, suites: list[Path]
    ) -> None:
        settings = EvaluateSettings(damaged_items=0, slightly_damaged_items=0, zero_items=0)
        own = evaluate(Models(target, tiny_adapter), read_suites([str(suites[0])]), settings).items.to_pylist()
        found = run(suites[:1], **self.CHAT)
        theirs = found.items.to_pylist()
        assert [row["output"] for row in own] == [row["output"] for row in theirs]
        assert [row["ended"] for row in own] == [row["ended"] for row in theirs]
        share = sum(a["output"] != b["output"] for a, b in zip(theirs[:6], theirs[6:], strict=True)) / 6
        assert found.evidence["candidate"].max_logit_difference == pytest.approx(share)
        assert found.identity["template_sha256"] is None, "the server's own, which nobody has seen"

    def test_a_task_goes_in_as_a_conversation(self, run: Run, tasks: Path, openai_server: Any) -> None:
        found = run([], include_path=str(tasks), tasks=("written",), apply_chat_template=True, **self.CHAT)
        assert {row["suite"] for row in found.items.to_pylist()} == {"written"}
        sent = [body["messages"] for path, _, body in openai_server.asked if path == "/v1/chat/completions"]
        assert [{"role": "user", "content": "the cat"}] in sent

    def test_likelihoods_and_plain_text_are_refused_before_an_item_is_asked(
        self, run: Run, tasks: Path, make_suite: Callable[..., Path], openai_server: Any
    ) -> None:
        with pytest.raises(SuiteError, match="scored by log-likelihoods, and a chat endpoint gives no"):
            run(**self.CHAT)
        with pytest.raises(SuiteError, match="outside the chat template"):
            run([], include_path=str(tasks), tasks=("written",), **self.CHAT)
        plain = make_suite("plain", [{"id": "a", "prompt": "the", "reference": "cat"}], apply_chat_template=False)
        with pytest.raises(SuiteError, match="outside the chat template"):
            run([plain], **self.CHAT)
        sent = [body for path, _, body in openai_server.asked if path == "/v1/chat/completions"]
        assert len(sent) == 3 * 2, "the probes alone"

    def test_a_candidate_that_answers_as_the_base_is_not_let_out(
        self, run: Run, make_suite: Callable[..., Path], openai_server: Any, served_weights: dict[str, Any]
    ) -> None:
        openai_server.models = {"plain": served_weights["plain"], "tuned": served_weights["plain"]}
        rows = [{"id": f"{n}", "prompt": f"the {n} cat", "reference": "cat"} for n in range(8)]
        decision = gate(run([make_suite("many", rows, max_new_tokens=4)], **self.CHAT), Policy(on_missing_check="warn"))
        assert decision.verdict.name == "INVALID" and "not really there" in " ".join(decision.reasons)


REFUSED = [
    (lambda path, body: (401, '{"error": {"message": "no"}}'), "wants a key"),
    (lambda path, body: (404, "not found"), "has no such place"),
    (lambda path, body: (200, "<html>"), "something that is no completion"),
    (lambda path, body: (200, '{"models": []}') if "models" in path else None, "as an OpenAI-compatible server's does"),
    (lambda path, body: (429, '{"error": "slow down"}') if body else None, r"429.*slow down"),
    (lambda path, body: (500, "trouble") if body else None, r"an error \(500\): trouble"),
    (lambda path, body: (200, '{"choices": [') if body else None, "something that is no completion"),
    (lambda path, body: (200, '{"choices": [{}]}') if body else None, "something that is no completion"),
    (lambda path, body: (200, '{"error": "x"}') if body else None, "something that is no completion"),
]


@pytest.mark.parametrize(("fault", "match"), REFUSED)
def test_a_server_that_does_not_answer_is_one_line(run: Run, openai_server: Any, fault: Any, match: str) -> None:
    openai_server.fault = fault
    with pytest.raises(ModelError, match=match) as raised:
        run()
    assert "\n" not in str(raised.value) and openai_server.url in str(raised.value)


@pytest.mark.parametrize("status", [400, 429, 500])
def test_a_failure_while_scoring_is_one_line_with_the_servers_words(
    run: Run, openai_server: Any, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(path: str, body: Mapping[str, Any]) -> tuple[int, str] | None:
        scored = body.get("max_tokens") == 8  # as the suite has it, and no probe
        return (status, '{"error": {"message": "out of\\nluck"}}') if scored else None

    openai_server.fault = fault
    monkeypatch.setattr(logging.getLogger("lm_eval"), "level", logging.ERROR)  # as LMEVAL_LOG_LEVEL has it
    for concurrent in (1, 2):
        with pytest.raises(ModelError, match=rf"{status}.*: out of") as raised:
            run(num_concurrent=concurrent)
        assert "\n" not in str(raised.value)


def test_nobody_listening_is_one_line(run: Run) -> None:
    with pytest.raises(ModelError, match="cannot be reached"):
        run(base_url="http://127.0.0.1:9/v1")


def test_a_name_that_is_not_served_is_refused_with_those_that_are(run: Run, openai_server: Any) -> None:
    with pytest.raises(
        ModelError, match=r"serves no .tunde., which evaluate\.served\.candidate names; it serves plain"
    ) as raised:
        run(served={"base": "plain", "candidate": "tunde"})
    assert "tuned" in str(raised.value.fix)
    assert [path for path, _, _ in openai_server.asked] == ["/v1/models"]


def test_an_adapter_on_another_base_is_refused(run: Run, openai_server: Any) -> None:
    openai_server.said["tuned"] = {"parent": "other"}
    openai_server.models["other"] = openai_server.models["plain"]
    with pytest.raises(ModelError, match="'tuned' is an adapter on 'other', and the base here is 'plain'"):
        run()


def test_a_server_that_answers_with_another_model_is_refused(run: Run, openai_server: Any) -> None:
    whole = openai_server.answer

    def one_for_all(path: str, body: Mapping[str, Any]) -> tuple[int, str] | None:
        return (200, json.dumps(whole(path, {**body, "model": "plain"}))) if body else None

    openai_server.fault = one_for_all
    with pytest.raises(ModelError, match="asked for 'tuned', 'plain' answered"):
        run()


def test_a_server_with_another_tokenizer_is_refused(run: Run, openai_server: Any) -> None:
    def longer(path: str, body: Mapping[str, Any]) -> tuple[int, str] | None:
        if not body.get("echo"):
            return None
        found = openai_server.answer(path, dict(body))
        logprobs = found["choices"][0]["logprobs"]
        logprobs["token_logprobs"].insert(1, -1.0), logprobs["top_logprobs"].insert(1, {"x": -1.0})
        return 200, json.dumps(found)

    openai_server.fault = longer
    with pytest.raises(ModelError, match=r"reads a prompt of .* another tokenizer than --model"):
        run()

    def other_text(path: str, body: Mapping[str, Any]) -> tuple[int, str] | None:
        found = openai_server.answer(path, dict(body)) if body.get("echo") else None
        return None if found is None else (200, json.dumps(found).replace("quick", "slow"))

    openai_server.fault = other_text
    with pytest.raises(ModelError, match="its tokenizer is not that of --model"):
        run()


def test_without_likelihoods_of_a_prompt_choices_are_refused_and_texts_are_not(
    run: Run, suites: list[Path], openai_server: Any
) -> None:
    for fault in (
        lambda path, body: (400, '{"error": "echo is not supported"}') if body.get("echo") else None,
        lambda path, body: (200, json.dumps(openai_server.answer(path, {**body, "echo": False}))) if body else None,
    ):
        openai_server.fault = fault
        with pytest.raises(SuiteError, match="scored by log-likelihoods, and the server"):
            run()
        assert run(suites[:1]).evidence["candidate"].max_logit_difference > 0


SETTINGS = [
    ({"base_url": None}, "needs the address"),
    ({"base_url": "127.0.0.1:8000"}, "no address"),
    ({"base_url": "http://me:secret@127.0.0.1/v1"}, "more than an address"),
    ({"served": {}}, "under which the server serves the base"),
    ({"served": {"base": "plain", "candidate": "plain"}}, "two models one name"),
    ({"served": {"base": "plain"}, "stop_early": True}, "stopping early takes"),
]


@pytest.mark.parametrize(("given", "match"), SETTINGS)
def test_settings_that_name_nothing_to_ask_are_refused(run: Run, given: Mapping[str, Any], match: str) -> None:
    with pytest.raises(SettingsError, match=match) as raised:
        run(**given)
    assert "secret" not in str(raised.value)


def test_an_adapter_is_not_scored_without_the_name_that_it_is_served_under(run: Run, tiny_adapter: Path) -> None:
    with pytest.raises(SettingsError, match="nothing says under which name"):
        run(adapter=tiny_adapter, served={"base": "plain"})
    with pytest.raises(SettingsError, match="names models of a server"):
        run(backend="assay")


def test_the_key_comes_from_the_environment_and_goes_nowhere_else(
    run: Run, suites: list[Path], openai_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    found = run(suites[:1])
    assert {headers.get("Authorization") for _, headers, _ in openai_server.asked} == {"Bearer sk-very-secret"}
    assert "very-secret" not in json.dumps([dict(found.identity), dict(found.settings)], default=str)
    assert not any(b"very-secret" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    openai_server.fault = lambda path, body: (500, "the key sk-very-secret is worn out") if body else None
    with pytest.raises(AssayError, match=r"the key \*\*\* is worn out"):
        run(suites[:1])


def test_a_previous_release_is_asked_too(run: Run, suites: list[Path], openai_server: Any) -> None:
    from transformers import AutoModelForCausalLM

    other = AutoModelForCausalLM.from_pretrained(openai_server.models["plain"].name_or_path)
    other.lm_head.weight.data[7] *= 3
    openai_server.models["older"] = other
    found = run(suites[1:], served={**NAMES, "previous": "older"})
    assert {row["model"] for row in found.items.to_pylist()} == {"base", "previous", "candidate"}
    assert replace(found).evidence.keys() == {"previous", "candidate"}


def test_a_certificate_of_it_is_verified_but_no_server_is_asked_again(
    run: Run, target: Any, suites: list[Path], tmp_path: Path
) -> None:
    from assay.evaluate import evaluation_files
    from assay.evaluate.release.certificate import make_certificate, sources_of
    from assay.evaluate.release.rerun import rerun
    from assay.evaluate.release.verify import verify
    from assay.storage import write_json

    policy = tmp_path / "policy.yaml"
    policy.write_text("{version: 1, on_missing_check: warn}")
    evaluation_files.write(run(), tmp_path / "evaluated")
    found = evaluation_files.read(tmp_path / "evaluated")
    decision, sources = gate(found, Policy(on_missing_check="warn")), sources_of(found, tmp_path / "evaluated", policy)
    path = tmp_path / "certificate.json"
    write_json(path, make_certificate(decision, found, sources, path, policy.read_text()))
    claims = {claim.name: claim.ok for claim in verify(path)}
    assert claims["verdict"] and claims["identity"] and claims["scores of choice"] and False not in claims.values()
    (claim,) = rerun(path, 2, target)
    assert claim.ok is None and "a server gave them" in claim.detail
