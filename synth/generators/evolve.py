"""Evolve: an instruction made harder or other, step by step, and answered (Evol-Instruct, Xu et al. 2023)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from assay.errors import SettingsError, did_you_mean
from assay.protocols import GenerationRequest
from assay.records import Message, Record

from ..asking.answers import read_text
from ..asking.prompting import ask, ask_messages
from ..comparing.words import agree, content_words, echoes, overlap
from ..generator import Ask, Draft, Job, Outcome, Prompt, Refused, generator, load_prompt
from ..settings import SynthSettings
from ..starting.seeds import question_of, shuffled, single_turn

DIRECTIONS = {
    "deeper": "Make it need more knowledge or more steps of thought, without changing what it is about.",
    "broader": "Write another one from the same field, about something rarer.",
    "constraint": "Add one condition that the answer has to keep, and that can be checked.",
    "harder_negative": "Change it so little that it looks the same, and so that its right answer becomes another one.",
}


@generator
def evolve(
    seeds: Sequence[Record],
    settings: SynthSettings,
    *,
    count: int = 50,
    per_seed: int = 1,
    directions: tuple[str, ...] = ("deeper", "broader", "constraint", "harder_negative"),
    rounds: int = 1,
    max_length_ratio: float = 4.0,
    template: str | None = None,
) -> Iterator[Job]:
    """Instructions evolved from a seed's, each in one direction, and answered anew.

    Why: seeds are mostly easy and alike; a model learns where its limits are from harder ones, and from pairs that
    look the same and are answered differently.

    count             accepted records wanted
    per_seed          evolutions of one seed in each direction
    directions        of deeper, broader, constraint, harder_negative
    rounds            how many times an instruction is evolved before it is answered, each from the one before
    max_length_ratio  an instruction longer than this many times its seed's rambles
    template          file in place of `prompts/evolve.jinja`; it is given `prompt`, `answer`, `direction`, `how`

    A harder negative whose answer turns out to be the seed's is refused: then nothing changed.

    Example: "Name a river in Spain" becomes "Name a river in Spain that flows into the Atlantic".
    """
    for name in directions:
        if name not in DIRECTIONS:
            raise SettingsError(
                f"no direction '{name}'", where="synth.methods.evolve", fix=did_you_mean(name, DIRECTIONS)
            )
    prompt = load_prompt("evolve", template)
    order = shuffled([record for record in seeds if single_turn(record)], settings.seed)
    for sample in range(per_seed):
        for direction in directions:
            for seed in order:
                way = _Way(prompt, direction, seed, settings, max_length_ratio, sample)
                request = way.request(question_of(seed))
                build = partial(way.evolved, before=question_of(seed), left=rounds - 1)
                yield Job(request, seed, prompt.sha256, build, direction, settings={"direction": direction})


@dataclass(frozen=True)
class _Way:
    """One seed in one direction."""

    prompt: Prompt
    direction: str
    seed: Record
    settings: SynthSettings
    max_length_ratio: float
    sample: int

    def text(self, question: str, answer: str) -> str:
        how = DIRECTIONS[self.direction]
        return self.prompt.render(prompt=question, answer=answer, direction=self.direction, how=how)

    def request(self, question: str) -> GenerationRequest:
        return ask(self.settings, self.text(question, self.seed.answer), sample=self.sample)

    def evolved(self, answer: str, before: str, left: int) -> Outcome:
        """What is done with an evolved instruction: evolved again, or answered."""
        text = read_text(answer, "instruction", "task", "new task", "evolved task", "rewritten task")
        refused = self._refusal(text, before)
        if refused is not None:
            return refused
        if left > 0:
            return Ask((self.request(text),), lambda answers: self.evolved(answers[0], text, left - 1))
        system = tuple(message for message in self.seed.messages if message.role in ("system", "developer"))
        question = (*system, Message("user", text))
        return Ask((ask_messages(self.settings, question),), lambda answers: self._answered(question, answers[0]))

    def _refusal(self, text: str, before: str) -> Refused | None:
        if not text:
            return Refused("parse", "the answer is empty")
        if " ".join(text.casefold().split()) == " ".join(before.casefold().split()):
            return Refused("same", "nothing was changed")
        if len(text) > self.max_length_ratio * len(question_of(self.seed)) + 200:
            return Refused("length", "much longer than its seed")
        if echoes(text, self.text("", ""), before):
            return Refused("echo", "it repeats the prompt")
        shared = overlap(content_words(text), content_words(before))
        if self.direction != "broader" and shared == 0.0:
            return Refused("drift", "it shares no content word with its seed")
        return None

    def _answered(self, question: tuple[Message, ...], answer: str) -> Outcome:
        text = answer.strip()
        if not text:
            return Refused("parse", "the answer is empty")
        if self.direction == "harder_negative" and agree(text, self.seed.answer, min_overlap=0.9):
            return Refused("same", "the answer of the harder negative is the seed's")
        return Draft((*question, Message("assistant", text)), question=question)
