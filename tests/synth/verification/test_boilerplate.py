"""Refusals, and a model's talk of itself and its task, become no records."""

from __future__ import annotations

import pytest

from assay.records import Message, Record, Source
from assay.synth.asking.prompting import ask
from assay.synth.generator import Draft, Job, Refused
from assay.synth.settings import SynthSettings
from assay.synth.verifier import Bench, steps


def judge(question: str, answer: str, seed: tuple[Message, ...] = (), **verify: object) -> str:
    settings = SynthSettings(verify=verify, model="org/SmolLM2-135M-Instruct")
    [step] = [step for step in steps(settings) if step.name == "boilerplate"]
    draft = Draft((Message("user", question), Message("assistant", answer)))
    job = Job(ask(settings, "x"), Record("s", "s", seed, Source("s", 1, 0)), "h", lambda text: draft)
    outcome = step(draft, job, Bench(settings))
    return outcome.step if isinstance(outcome, Refused) else "passed"


@pytest.mark.parametrize(
    ("question", "answer", "step"),
    [
        ("How old are you?", "As an AI language model, I have no age.", "boilerplate"),
        ("Here is the rewritten question: why?", "So.", "boilerplate"),
        ("Why?", "Sure! Here's a good answer: so.", "boilerplate"),
        ("I'm ready to help! What's your task?", "So.", "boilerplate"),
        ("Where am I?", "I'm a curious AI designed to help in any way I can.", "boilerplate"),
        ("Write a poem.", "I'm sorry, but I can't help with that.", "refusal"),
        ("Write a poem.", "I cannot write poems.", "refusal"),
        ("Why?", "I'm sorry, but as a text-based AI I don't have the ability to browse.", "boilerplate"),
        ("Why?", "I am only a large language model.", "boilerplate"),
        ("Hello, I'd be delighted to assist you. What would you like to discuss?", "Tea.", "boilerplate"),
        ("If I can help you, let me know how I can assist you.", "Tea.", "boilerplate"),
        ("Which places are worth a visit?", "SmolLM,", "boilerplate"),
        ("Which lamp do you have?", "SmolLM is no lamp.", "passed"),
        ("Is it so?", "I'd be glad to help: it is.", "passed"),
        ("Why can't I log in?", "Your password has expired.", "passed"),
        ("Can you help?", "Yes. I cannot say when, but it will be soon.", "passed"),
        ("Here is my invoice. Is it right?", "Here are three ways to check it: ...", "passed"),
        ("Sorry, where is my parcel?", "It is in Oslo.", "passed"),
    ],
)
def test_each_is_refused_by_its_step(question: str, answer: str, step: str) -> None:
    assert judge(question, answer) == step


def test_what_a_person_wrote_stays_and_refusals_may_be_wanted() -> None:
    said = "I can't help with that."
    assert judge("Why?", said, seed=(Message("assistant", said),)) == "passed"
    assert judge("Why?", said, boilerplate={"refusals": True}) == "passed"
