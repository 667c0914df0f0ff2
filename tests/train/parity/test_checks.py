"""Each check by itself, with artefacts that answer as they are told: what engines do that cannot run here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from assay.errors import ModelError
from assay.records import Message
from assay.train.parity.artefact import (
    NO_ORIGIN,
    Conversation,
    Held,
    Origin,
    Passage,
    RefusedError,
    TokenScores,
    UnprovedError,
)
from assay.train.parity.checks import (
    Outcome,
    check_logprobs,
    check_origin,
    check_prompts,
    check_stops,
    same_weights,
)
from assay.train.parity.difference import difference
from assay.train.parity.gguf import FILE_TYPES, _coarser, _held, open_gguf

ASK = Conversation("one turn", (Message("user", "Hello?"),))
PASSAGE = Passage((5, 6, 7, 2), (2, 3))


@dataclass
class Told:
    """An artefact of figures."""

    stops: frozenset[int] = frozenset({2})
    engine: frozenset[int] = frozenset()
    ids: tuple[int, ...] = (5, 6)
    logprobs: tuple[float, ...] = (-1.0, -0.5)
    held: Held = field(default_factory=lambda: Held("full", "float32"))
    refuses: bool = False
    absent: bool = False
    name: str = "told"
    kind: str = "merged"
    origin: Origin = NO_ORIGIN
    tokens: tuple[str | None, ...] = ("<0x00>", "a", None, "b")

    def token_texts(self) -> tuple[str | None, ...]:
        if self.absent:
            raise UnprovedError("it is not here")
        return self.tokens

    def place(self) -> None:
        return None

    def files(self) -> dict[str, str]:
        return {}

    def prompt_ids(self, conversation: Conversation) -> tuple[int, ...]:
        if self.absent:
            raise UnprovedError("it is not here")
        if self.refuses:
            raise RefusedError("no system turn")
        return self.ids

    def stop_ids(self) -> frozenset[int]:
        if self.absent:
            raise UnprovedError("it is not here")
        return self.stops

    def engine_stops(self) -> frozenset[int]:
        return self.engine

    def token_scores(self, passages: Sequence[Passage]) -> list[TokenScores]:
        if self.absent:
            raise UnprovedError("it is not here")
        return [TokenScores(np.array(self.logprobs), np.array([7, 2])) for _ in passages]

    def answers(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> list[tuple[int, ...]]:
        return [(7,) for _ in prompts]


FILES = {"adapter_model.safetensors": "a", "adapter_config.json": "c", "assay.json": "x"}


@pytest.mark.parametrize(
    ("origin", "shipped", "outcome", "said"),
    [
        (NO_ORIGIN, {}, Outcome.UNPROVED, "does not say of which adapter"),
        (Origin({"adapter_model.safetensors": "a", "assay.json": "y"}, {}), {}, Outcome.PASS, "by its own word"),
        (Origin({"adapter_model.safetensors": "b"}, {}), {}, Outcome.FAIL, "another adapter than the one"),
        (Origin({"adapter_config.json": "d"}, {}), {}, Outcome.FAIL, r"adapter_config.json is another"),
        (Origin({"chat_template.jinja": "t"}, {}), {}, Outcome.FAIL, "chat_template.jinja is another"),
        (Origin({}, {"model.safetensors": "w"}), {"model.safetensors": "w"}, Outcome.PASS, "by its own word"),
        (Origin(FILES, {"model.safetensors": "w"}), {"model.safetensors": "v"}, Outcome.FAIL, "weights are not those"),
        (Origin(FILES, {"model.safetensors": "w"}), {}, Outcome.FAIL, "weights are not those"),
    ],
)
def test_what_an_artefact_says_of_itself_is_held_against_what_was_gated(
    origin: Origin, shipped: dict[str, str], outcome: Outcome, said: str
) -> None:
    found = check_origin(FILES, shipped, origin)
    assert found.outcome is outcome and said in found.sentence
    assert found.required is (outcome is Outcome.FAIL)


@pytest.mark.parametrize(
    ("tokens", "outcome"),
    [
        (("\x00", "a", "padding", "b", "more"), Outcome.PASS),
        (("<0x00>", "b", None, "a"), Outcome.FAIL),
        (("<0x00>", "a", None), Outcome.FAIL),
    ],
)
def test_a_token_with_another_number_fails_whether_a_conversation_holds_it_or_not(
    tokens: tuple[str | None, ...], outcome: Outcome
) -> None:
    found = check_prompts(Told(), Told(tokens=tokens), [ASK])
    assert found.outcome is outcome
    assert (outcome is Outcome.PASS) or "another tokenizer" in found.sentence


def test_what_an_engine_ends_at_beside_the_file_is_named_unless_an_answer_holds_it() -> None:
    """llama.cpp ends at every token that is called <|endoftext|>, whatever the file says."""
    found = check_stops(Told(), Told(engine=frozenset({0})), [PASSAGE])
    assert found.outcome is Outcome.PASS and "the engine itself ends at 0 too" in found.sentence
    cut = check_stops(Told(), Told(engine=frozenset({7})), [PASSAGE])
    assert cut.outcome is Outcome.FAIL and "token 7 ends answers now" in cut.sentence


def test_a_stop_that_the_engine_knows_by_name_is_not_lacking() -> None:
    gated = Told(stops=frozenset({1, 2}))
    assert check_stops(gated, Told(stops=frozenset({2}), engine=frozenset({1}))).outcome is Outcome.PASS
    assert check_stops(gated, Told(stops=frozenset({2}))).outcome is Outcome.FAIL


def test_conversations_that_the_gated_template_refuses_are_not_compared() -> None:
    assert check_prompts(Told(refuses=True), Told(), [ASK]).outcome is Outcome.UNPROVED
    found = check_prompts(Told(), Told(refuses=True), [ASK])
    assert found.outcome is Outcome.FAIL and "takes none such: no system turn" in found.sentence


def test_a_prompt_that_is_longer_fails_with_the_place_where_it_parts() -> None:
    found = check_prompts(Told(), Told(ids=(1, 5, 6)), [ASK])
    assert "2 tokens were gated and 3 are shipped; at place 1 stood token 5, and now stands token 1" in found.sentence
    shorter = check_prompts(Told(), Told(ids=(5,)), [ASK])
    assert "at place 2 stood token 6, and now stands its end" in shorter.sentence


@pytest.mark.parametrize(
    ("held", "logprobs", "outcome"),
    [
        (Held("full", "float32"), (-1.0009, -0.5), Outcome.PASS),
        (Held("full", "float32"), (-1.0011, -0.5), Outcome.FAIL),
        (Held("full", "bfloat16"), (-1.09, -0.5), Outcome.PASS),
        (Held("full", "bfloat16"), (-1.11, -0.5), Outcome.FAIL),
        (Held("full", "float16"), (-1.019, -0.5), Outcome.PASS),
        (Held("full", "float16"), (-1.03, -0.5), Outcome.FAIL),
        (Held("nf4", "float32"), (-3.0, -0.5), Outcome.STATED),
        (Held("q4_k_m", "q4_k_m"), (-1.0, -0.5), Outcome.STATED),
    ],
    ids=str,
)
def test_the_tolerance_is_that_of_the_weights(held: Held, logprobs: tuple[float, ...], outcome: Outcome) -> None:
    assert check_logprobs(Told(), Told(held=held, logprobs=logprobs), [PASSAGE]).outcome is outcome


@pytest.mark.parametrize(("nats", "outcome"), [(0.002, Outcome.PASS), (0.009, Outcome.PASS), (0.011, Outcome.FAIL)])
def test_another_engine_may_compute_otherwise_from_the_same_weights(nats: float, outcome: Outcome) -> None:
    found = check_logprobs(Told(), Told(kind="gguf", logprobs=(-1.0 - nats, -0.5)), [PASSAGE])
    assert found.outcome is outcome and "another engine's arithmetic" in found.sentence


def test_what_is_absent_is_unproved_in_every_check() -> None:
    absent = Told(absent=True)
    found = [
        check_prompts(Told(), absent, [ASK]),
        check_stops(Told(), absent),
        check_logprobs(Told(), absent, [PASSAGE]),
    ]
    assert [check.outcome for check in found] == [Outcome.UNPROVED] * 3
    assert all(check.sentence == "it is not here" for check in found)


def test_a_difference_is_of_every_token_and_without_its_sign() -> None:
    one = [TokenScores(np.array([-1.0, -2.0]), np.array([3, 4])), TokenScores(np.array([-4.0]), np.array([5]))]
    other = [TokenScores(np.array([-1.5, -1.0]), np.array([3, 9])), TokenScores(np.array([-4.0]), np.array([5]))]
    found = difference(one, other)
    assert (found.tokens, found.answers, found.flips) == (3, 2, 1)
    assert (found.mean, found.most, found.of_answer) == pytest.approx((0.5, 1.0, 0.75))
    assert (found.loss, found.other_loss) == pytest.approx((7 / 3, 6.5 / 3))


def test_a_gguf_file_without_llama_cpp_is_unproved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    shipped = open_gguf(write_gguf(tmp_path / "model.gguf", "model"))
    with pytest.raises(UnprovedError, match="pip install llama-cpp-python"):
        shipped.stop_ids()
    found = check_logprobs(Told(), shipped, [PASSAGE])
    assert found.outcome is Outcome.UNPROVED


def write_gguf(path: Path, kind: str, *, lora_type: str = "float32") -> Path:
    """The header of one, with a tensor of no meaning."""
    import gguf

    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_type(kind)
    writer.add_tensor("blk.0.attn_q.weight.lora_a", np.zeros((4, 8), dtype=lora_type))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_the_gguf_of_an_adapter_answers_over_that_of_its_base_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    adapter = write_gguf(tmp_path / "adapter.gguf", "adapter")
    base = write_gguf(tmp_path / "base.gguf", "model")
    with pytest.raises(ModelError, match=r"is the GGUF of an adapter.*; name its GGUF with --over"):
        open_gguf(adapter)
    with pytest.raises(ModelError, match="is a whole model, and no adapter to lay over another"):
        open_gguf(base, over=base)
    with pytest.raises(ModelError, match="there is no such file"):
        open_gguf(adapter, over=tmp_path / "gone.gguf")
    with pytest.raises(UnprovedError):
        open_gguf(adapter, over=base).stop_ids()


def test_a_file_that_was_cut_off_is_refused_with_or_without_llama_cpp(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "model.gguf", "model")
    path.write_bytes(path.read_bytes()[:-64])
    with pytest.raises(ModelError, match="is no GGUF file that can be read"):
        open_gguf(path)


@pytest.mark.parametrize(
    ("base", "adapter", "held"),
    [
        (Held("full", "float32"), "f32", Held("full", "float32")),
        (Held("full", "float32"), "f16", Held("full", "float16")),
        (Held("nf4", "bfloat16"), "f16", Held("nf4", "bfloat16")),
        (Held("full", "float16"), "q8_0", Held("q8_0", "q8_0")),
        (Held("q4_k_m", "q4_k_m"), "f32", Held("q4_k_m", "q4_k_m")),
    ],
    ids=str,
)
def test_an_adapter_over_a_base_is_as_coarse_as_the_coarser_of_both(base: Held, adapter: str, held: Held) -> None:
    assert _coarser(base, adapter) == held


def test_the_type_of_a_gguf_file_says_what_its_weights_are() -> None:
    assert _held({"general.file_type": "15"}) == Held("q4_k_m", "q4_k_m")
    assert _held({"general.file_type": "1"}) == Held("full", "float16")
    assert _held({"general.file_type": "0", "assay.weights": "nf4"}) == Held("nf4", "float32")
    assert _held({}) == Held("unknown", "unknown")
    assert not same_weights(Held("full", "float32"), _held({}))
    assert FILE_TYPES[32] == "bfloat16"


def test_types_of_gguf_are_those_of_the_gguf_package() -> None:
    gguf = pytest.importorskip("gguf")
    names = {"float32": "ALL_F32", "float16": "MOSTLY_F16", "bfloat16": "MOSTLY_BF16"}
    for number, name in FILE_TYPES.items():
        wanted = names.get(name, f"MOSTLY_{name.upper()}")
        assert gguf.LlamaFileType(number).name == wanted
