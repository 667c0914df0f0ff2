"""Fill gaps: records for labels, topics and lengths that are rare, and for slices that the last evaluation failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from assay.errors import SettingsError, did_you_mean
from assay.records import Message, Record
from assay.text import normalize
from assay.writing.style import CONCISE_WORDS, LENGTH, LONG_FORM_WORDS, style_of

from ..asking.answers import read_text
from ..asking.prompting import ask, ask_messages
from ..comparing.diversity import nearest_by_words
from ..comparing.words import echoes
from ..generator import Ask, Draft, Job, Outcome, Refused, generator, load_prompt
from ..settings import SynthSettings
from ..starting.gaps import Gap, label_gaps, length_gaps, slice_gaps, topic_gaps
from ..starting.seeds import circles, question_of, single_turn

KINDS = ("labels", "topics", "lengths", "slices")
SHOWN_ANSWERS = 3
ASKED_LENGTH = {
    "concise": f"Answer in at most {CONCISE_WORDS} words.",
    "medium": f"Answer in {CONCISE_WORDS + 20} to {LONG_FORM_WORDS - 20} words.",
    "long-form": f"Answer in at least {LONG_FORM_WORDS + 30} words.",
}


@generator
def fill_gaps(
    seeds: Sequence[Record],
    settings: SynthSettings,
    *,
    count: int = 50,
    kinds: tuple[str, ...] = ("labels", "topics"),
    under: float = 0.5,
    column: str | None = None,
    evaluation: str | None = None,
    failed_below: float = 0.5,
    per_gap: int = 20,
    shown: int = 3,
    max_similarity: float = 0.7,
    template: str | None = None,
) -> Iterator[Job]:
    """New records where the data has few, or where the last evaluation failed.

    Why: what is rare in the data is learnt last; more of what is frequent does not help it.

    count           accepted records wanted
    kinds           of labels, topics, lengths, slices
    under           a gap has fewer records than this many times the mean of its kind
    column          a column whose values are the topics; without it topics are found by words
    evaluation      for slices: what `assay evaluate` wrote. Only names of slices and scores are read of it, no item
    failed_below    a slice failed when the candidate's mean score is below this
    per_gap         records asked for of one gap at most, and twice what it lacks at most
    shown           examples of the gap that are shown, of one circle of seeds
    max_similarity  as in `self_instruct`
    template        file in place of `prompts/fill_gaps.jinja`; it is given `kind`, `name`, `examples`

    For a label the answer is that of a record which has it, and only the prompt is new; elsewhere the answer is asked
    for in a second request, after up to three records with their answers, or with the length that is wanted.

    Example: of 77 intents "lost_card" has 3 records and the others 40: messages whose intent is lost_card.
    """
    _check(kinds, evaluation)
    usable = [record for record in seeds if single_turn(record)]
    gaps: list[Gap] = []
    gaps += label_gaps(usable, under) if "labels" in kinds else []
    gaps += topic_gaps(usable, under, column) if "topics" in kinds else []
    gaps += length_gaps(usable, under) if "lengths" in kinds else []
    gaps += slice_gaps(evaluation, failed_below, usable, per_gap) if "slices" in kinds and evaluation else []
    _check_any(gaps, under)
    prompt = load_prompt("fill_gaps", template)
    asked = prompt.render(kind="", name="", examples=[])
    anywhere = circles(usable, settings.seed)
    own = [circles(gap.examples, settings.seed) or anywhere for gap in gaps]
    for sample in range(per_gap):
        for gap, circled in zip(gaps, own, strict=True):
            if sample >= 2 * gap.missing or not circled:
                continue
            examples = circled[sample % len(circled)][:shown]
            text = prompt.render(kind=gap.kind, name=gap.name, examples=[question_of(record) for record in examples])
            build = partial(_prompt, gap=gap, examples=examples, settings=settings, asked=asked, most=max_similarity)
            where = {"gap": {"kind": gap.kind, "name": gap.name}}
            variant, others = f"{gap.kind}:{gap.name}:{sample}", tuple(examples[1:])
            yield Job(ask(settings, text, sample=sample), examples[0], prompt.sha256, build, variant, others, where)


def _check(kinds: Sequence[str], evaluation: str | None) -> None:
    """Raises SettingsError."""
    for kind in kinds:
        if kind not in KINDS:
            raise SettingsError(f"no kind '{kind}'", where="synth.methods.fill_gaps", fix=did_you_mean(kind, KINDS))
    if "slices" in kinds and not evaluation:
        raise SettingsError("slices need an evaluation", where="synth.methods.fill_gaps", fix="set evaluation: FOLDER")


def _check_any(gaps: Sequence[Gap], under: float) -> None:
    """Raises SettingsError."""
    if not gaps:
        raise SettingsError(
            "no gap was found",
            where="synth.methods.fill_gaps",
            fix=f"raise under ({under}), or add kinds: {', '.join(KINDS)}",
        )


def _prompt(
    answer: str, gap: Gap, examples: Sequence[Record], settings: SynthSettings, asked: str, most: float
) -> Outcome:
    text = read_text(answer, "message", "new message", "task", "new task")
    if not text:
        return Refused("parse", "the answer is empty")
    if echoes(text, asked):
        return Refused("echo", "it repeats the prompt")
    if nearest_by_words(text, [question_of(record) for record in examples]) > most:
        return Refused("same", "it is nearly that of a seed")
    system = tuple(message for message in examples[0].messages if message.role in ("system", "developer"))
    question = (*system, Message("user", text))
    shots = [m for record in examples[:SHOWN_ANSWERS] for m in record.messages if m.role in ("user", "assistant")]
    wanted: tuple[Message, ...] = (*system, *shots, question[-1])
    if gap.kind == "label" and normalize(examples[0].answer) == gap.name:
        if gap.name in normalize(text) and len(gap.name.split()) > 1:
            return Refused("label", "the prompt says its label")
        return Draft((*question, Message("assistant", examples[0].answer)), question=wanted)
    if gap.kind == "length":
        wanted = (*question[:-1], Message("user", f"{text}\n\n{ASKED_LENGTH[gap.name]}"))
    request = ask_messages(settings, wanted)
    return Ask((request,), lambda answers: _answered(answers[0], gap, question, wanted))


def _answered(answer: str, gap: Gap, question: tuple[Message, ...], wanted: tuple[Message, ...]) -> Outcome:
    text = answer.strip()
    if not text:
        return Refused("parse", "the answer is empty")
    if gap.kind == "length" and LENGTH[style_of(text).length] != gap.name:
        return Refused("length", f"the answer is not {gap.name}")
    if gap.kind == "label" and gap.name not in normalize(text):
        return Refused("label", "the answer has another label")
    return Draft((*question, Message("assistant", text)), question=wanted)
