"""A second opinion: what it may change, a real cross-encoder with random weights, a judge on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assay.curate.check import CHECKS, Context
from assay.curate.contradictions.clash import Clash
from assay.curate.contradictions.confirm import make_confirmer
from assay.curate.contradictions.confirmers import Confirmer, Opinion, Pair, confirmed, read_confirm
from assay.curate.contradictions.judge import Judge, request_of, verdict
from assay.errors import SettingsError
from assay.findings import Finding
from assay.protocols import Generation, Price
from assay.records import Record
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings

Make = Callable[..., Record]
LONG_ONE = "The lamp is delivered with a bulb in the box and a long cable."
LONG_OTHER = "Nobody will find any sort of light source when opening the parcel."


@dataclass
class Fixed:
    """Says the same of every pair."""

    probability: float
    beyond: frozenset[str] = frozenset()
    name: str = "fixed"
    seen: list[Pair] = field(default_factory=list)

    def judge(self, pairs: Sequence[Pair]) -> list[Opinion | None]:
        self.seen += pairs
        return [Opinion(self.probability, pair.first, pair.second) for pair in pairs]


def found(records: Sequence[Record], confirmer: Confirmer | None, **settings: Any) -> list[Finding]:
    context = Context(records, confirmer=confirmer)
    return list(CHECKS.get("contradiction").function(records, context, **settings))


def test_a_confirmer_finds_what_no_rule_covers(make: Make) -> None:
    records = [make("What is in the box?", LONG_ONE), make("What is in the box?", LONG_OTHER)]
    assert found(records, None) == []
    findings = found(records, Fixed(0.95), confirm={"nli": "any"})
    assert [finding.evidence["kind"] for finding in findings] == ["free", "free"]
    assert findings[0].evidence["spans"][0]["text"] == LONG_ONE
    assert found(records, Fixed(0.6), confirm={"nli": "any"}) == []


def test_a_confirmer_speaks_against_a_rule_and_is_not_asked_of_open_prompts(make: Make) -> None:
    records = [make("How long is it?", "It is 3 m long."), make("How long is it?", "It is 5 m long.")]
    assert len(found(records, Fixed(0.9), confirm={"nli": "any"})) == 2
    assert found(records, Fixed(0.01), confirm={"nli": "any"}) == []
    open_ended = [make("Write a poem.", LONG_ONE), make("Write a poem.", LONG_OTHER)]
    asked = Fixed(0.99)
    assert found(open_ended, asked, confirm={"nli": "any"}) == [] and asked.seen == []


def test_what_a_confirmer_knows_nothing_of_stays_as_it_is() -> None:
    clash = Clash("format", "{}", "text", 0.8)
    assert confirmed(clash, Opinion(0.0, "", ""), Fixed(0.0, frozenset(["format"]))) == clash
    assert confirmed(clash, None, Fixed(0.0)) == clash


@pytest.mark.parametrize(
    "given",
    [
        "nli",
        {},
        {"nli": ""},
        {"nli": "a", "judge": {}},
        {"judge": {"model": "a"}},
        {"judge": {"provider": "openai", "modell": "a"}},
        {"judge": {"provider": "openai", "max_usd": -1}},
        {"judge": {"provider": "openai", "max_usd": True}},
        {"judge": {"provider": "openai", "price": 3}},
    ],
)
def test_a_setting_that_names_no_confirmer_is_one_line(given: object) -> None:
    with pytest.raises(SettingsError) as error:
        read_confirm(given)
    assert "\n" not in str(error.value)


def test_a_judge_needs_a_provider_that_the_command_hands_in() -> None:
    settings = read_confirm({"judge": {"provider": "openai", "model": "a"}})
    assert settings is not None
    with pytest.raises(SettingsError, match="provider"):
        make_confirmer(settings)


# ------------------------------------------------------------------------------------------------ NLI


@pytest.fixture(scope="module")
def nli_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cross-encoder of random weights whose classes stand in an order of their own."""
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    folder = tmp_path_factory.mktemp("nli")
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *["the", "lamp", "is", "red", "blue", "it", "not", "a", "of", "box", "long", "m", "3", "5"],
    ]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=64, id2label={0: "ENTAILMENT", 1: "neutral", 2: "Contradiction"},
    )  # fmt: skip
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_an_nli_model_is_read_by_the_names_of_its_classes_and_judges_both_directions(nli_folder: Path) -> None:
    from assay.curate.contradictions.nli import load_nli

    model = load_nli(str(nli_folder), offline=True)
    assert model.contradiction == 2
    pairs = [Pair("Which?", "the lamp is red", "the lamp is blue"), Pair("Which?", LONG_ONE, LONG_OTHER)]
    opinions = model.judge(pairs)
    turned = model.judge([Pair(pair.question, pair.second, pair.first) for pair in pairs])
    for opinion, other in zip(opinions, turned, strict=True):
        assert opinion is not None and other is not None
        assert 0 < opinion.probability < 1
        assert opinion.probability == pytest.approx(other.probability, abs=1e-5)


def test_an_nli_model_takes_any_text(nli_folder: Path) -> None:
    from assay.curate.contradictions.nli import load_nli

    model = load_nli(str(nli_folder), offline=True)
    texts = ["", "\ud800", "x " * 20_000, "\0", "你好。" * 3000]
    assert all(opinion is not None for opinion in model.judge([Pair("?", text, "the lamp") for text in texts]))
    assert model.judge([]) == []


def test_a_model_without_a_class_of_contradiction_is_refused(nli_folder: Path, tmp_path: Path) -> None:
    import shutil

    from assay.curate.contradictions.nli import load_nli

    other = Path(shutil.copytree(nli_folder, tmp_path / "model"))
    config = json.loads((other / "config.json").read_text())
    config["id2label"] = {"0": "NEGATIVE", "1": "POSITIVE", "2": "NEUTRAL"}
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises(SettingsError, match="no class 'contradiction'"):
        load_nli(str(other), offline=True)


def test_the_check_loads_the_model_that_its_setting_names(make: Make, nli_folder: Path) -> None:
    records = [make("How long is it?", "It is 3 m long."), make("How long is it?", "It is 5 m long.")]
    findings = found(records, None, confirm={"nli": str(nli_folder)}, min_confidence=0.1)
    assert {finding.evidence["kind"] for finding in findings} == {"number"}


# ------------------------------------------------------------------------------------------------ judge


@dataclass
class ChatServer:
    """Answers chat completions with `reply`, and keeps what it was asked."""

    url: str = ""
    reply: str = '{"contradict": true, "confidence": 0.97, "first": "Nobody", "second": "a bulb"}'
    seen: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def api() -> Iterator[ChatServer]:
    state = ChatServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.seen.append(body)
            message = {"role": "assistant", "content": state.reply}
            answer = {
                "id": "c", "object": "chat.completion", "created": 0, "model": body["model"],
                "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                "usage": {"prompt_tokens": 300, "completion_tokens": 30, "total_tokens": 330},
            }  # fmt: skip
            data = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{http.server_port}/v1"
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield state
    http.shutdown()
    http.server_close()


def judge_at(api: ChatServer, folder: Path, said: list[str], *, max_usd: float = 1.0) -> Judge:
    pytest.importorskip("openai")
    settings = SynthSettings(provider="openai_compatible", model="a", base_url=api.url, temperature=0.0)
    provider = make_provider(settings, None)
    return Judge(provider, Price(1.0, 2.0), folder / "journal.sqlite", max_usd, say=said.append)


def test_a_judge_says_its_cost_first_and_is_paid_once(api: ChatServer, make: Make, tmp_path: Path) -> None:
    records = [make("What is in the box?", LONG_ONE), make("What is in the box?", LONG_OTHER)]
    said: list[str] = []
    judge = judge_at(api, tmp_path, said)
    for _ in range(2):
        findings = found(records, judge, confirm={"judge": {"provider": "openai_compatible"}})
        assert [finding.evidence["kind"] for finding in findings] == ["free", "free"]
        assert [span["text"] for span in findings[0].evidence["spans"]] == ["a bulb", "Nobody"]
    assert len(api.seen) == 1
    assert "1 pairs, at most $" in said[0] and "charged for 1 requests" in said[1]


def test_a_judge_asks_nothing_beyond_its_cap_and_that_is_said(api: ChatServer, make: Make, tmp_path: Path) -> None:
    records = [make("What is in the box?", LONG_ONE), make("What is in the box?", LONG_OTHER)]
    for cap in (0.0, 0.000001):
        said: list[str] = []
        judge = judge_at(api, tmp_path, said, max_usd=cap)
        findings = found(records, judge, confirm={"judge": {"provider": "openai_compatible"}})
        assert [finding.evidence for finding in findings] == [{"confirmer": judge.name, "unjudged": 1}]
        assert api.seen == [] and "at most $" in said[0]


def test_what_a_judge_says_otherwise_is_no_opinion() -> None:
    pair = Pair("Q?", "It is red.", "It is blue.")

    def said(text: str) -> Opinion | None:
        return verdict(Generation(text, "m", 1, 1, "stop"), pair)

    assert said("I think they clash.") is None
    assert said('{"contradict": "yes"}') is None
    assert said("{" * 5000) is None
    denied = said('Sure: {"contradict": false, "confidence": 0.9}')
    assert denied is not None and denied.probability == pytest.approx(0.1)
    turned = said('{"contradict": true, "confidence": 1, "first": "blue", "second": "red"}')
    assert turned == Opinion(1.0, "red", "blue")
    assert said('{"contradict": true, "confidence": 1, "first": "green", "second": 3}') == Opinion(1.0, *pair[1:])


def test_the_same_pair_makes_the_same_request_in_either_order() -> None:
    assert request_of(Pair("Q?", "a", "b")) == request_of(Pair("Q?", "b", "a"))
    request_of(Pair("\ud800", "\ud800", "b"))
