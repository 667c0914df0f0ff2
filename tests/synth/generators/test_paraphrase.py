"""A rewriting asks for the same thing in other words; whatever else a model writes is refused, and why is said."""

from __future__ import annotations

import pytest

from assay.records import Message, Record, Source, record_id, row_id
from assay.synth.generator import GENERATORS, Refused
from assay.synth.settings import SynthSettings


def judge(prompt: str, answer: str) -> str:
    """The step that refuses `answer` as a rewriting of `prompt`, or "accepted"."""
    messages = (Message("user", prompt), Message("assistant", "yes"))
    seed = Record(record_id(messages), row_id("t", 0), messages, Source("t.jsonl", 1, 0))
    [job] = list(GENERATORS.get("paraphrase").function([seed], SynthSettings(), per_seed=1))
    built = job.build(answer)
    return built.step if isinstance(built, Refused) else "accepted"


SEED = "My leak sensor went offline on Tuesday and the app in Fenwick Gardens cannot find it."


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        (SEED, "Since Tuesday the leak sensor is offline; the Fenwick Gardens app does not find it any more."),
        ("Where is my parcel BW-1? It was due yesterday.", "My parcel BW-1 should have come yesterday; where is it?"),
        ("Please cancel my Care subscription before it renews.", "Could you end my Care subscription before renewal?"),
        ("where's my parcel?", "Could you tell me where my package is?"),
        ("Your message of Monday never came.", "I never got the message that you sent on Monday."),
    ],
)
def test_other_words_for_the_same_request_are_accepted(prompt: str, answer: str) -> None:
    assert judge(prompt, answer) == "accepted"


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        ("The message is that the leak sensor went offline on Tuesday in Fenwick Gardens.", "boilerplate"),
        ("Leak sensor offline since Tuesday, Fenwick Gardens app cannot find it. Do not answer it.", "echo"),
        ("The leak sensor has been offline since Tuesday and the app does not find it.", "facts"),
        ("The leak sensor went offline on Tuesday at 10:30, and the Fenwick Gardens app cannot find it.", "facts"),
        (SEED.upper(), "same"),
        ("", "parse"),
        (SEED + " And more of it." * 20, "length"),
        ("As an AI language model I cannot find a leak sensor offline on Tuesday in Fenwick Gardens.", "boilerplate"),
    ],
)
def test_what_is_no_rewriting_is_refused_by_its_step(answer: str, step: str) -> None:
    assert judge(SEED, answer) == step


def test_a_rewriting_about_something_else_is_refused() -> None:
    prompt = "honestly disappointed. used to recommend you to everybody, not any more"
    assert judge(prompt, "It is meant to encourage people to be true to themselves.") == "drift"
