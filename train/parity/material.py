"""What is put to both artefacts: conversations of every shape that the template takes, and answers to weigh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.chat.conversation import PROBE_TOOL, TOOL_PROBE
from assay.records import Message, Record
from assay.split import VALIDATION

from .artefact import Artefact, Conversation, Passage, RefusedError

if TYPE_CHECKING:
    from assay.chat import ChatTarget
    from assay.dataset import Dataset

RECORDS = 32
"""Records whose answers are weighed, where nobody says how many."""

OWN_TOKENS = 24
"""Length of the answers that the adapter gives itself, where there are no records."""

_SYSTEM = Message("system", "You are the assistant of a library. Answer in one sentence.")
_ASK = Message("user", "When are you open on Saturdays?")
_ANSWER = Message("assistant", "From ten to four.")
_AGAIN = Message("user", "And on Sundays?")

SHAPES = (
    Conversation("one turn", (_ASK,)),
    Conversation("a system turn", (_SYSTEM, _ASK)),
    Conversation("several turns", (_ASK, _ANSWER, _AGAIN)),
    Conversation("a system turn and several turns", (_SYSTEM, _ASK, _ANSWER, _AGAIN)),
    Conversation("line breaks", (Message("user", "First line.\n\n  Second line, indented.\n\tThird."),)),
    Conversation("other scripts", (Message("user", "Grüße aus Köln: 你好, привет, مرحبا, 🙂 1½ € ﬁn"),)),
    Conversation("white space at the edges", (Message("user", " \n  Indented? \n\n"),)),
    Conversation("an answer with white space at its edges", (_ASK, Message("assistant", "\n From ten. \n"), _AGAIN)),
    Conversation("an answer that reasoned", (_ASK, Message("assistant", "<think>\nMay.\n</think>\n\nTen."), _AGAIN)),
    Conversation("numbers and code", (Message("user", "1234567 3.14 0x1F\n```\nfor i in (1, 2):\n    print(i)\n```"),)),
    Conversation("a long turn", (Message("user", "The quick brown fox jumps over the lazy dog. " * 20 + "Why?"),)),
)

TOOL_SHAPES = (
    Conversation("tools", (_SYSTEM, TOOL_PROBE[0]), (PROBE_TOOL,)),
    Conversation("a tool's result", TOOL_PROBE[:3], (PROBE_TOOL,)),
)

PROMPTS = (
    "What is the capital of France?",
    "Write one sentence about the sea.",
    "List three fruits.",
    "Is water wet? Answer yes or no.",
    "Translate 'good morning' into Spanish.",
    "What is 17 plus 25?",
    "Give a title for a story about a lost dog.",
    "Why is the sky blue?",
)
"""Asked where no records are given; the answers are those of the adapter itself, over its base."""


@dataclass(frozen=True)
class Material:
    """conversations for the prompts, passages for the log-probabilities; source says where the answers are from.

    digest  of the records that they are from; None where the adapter answered itself
    """

    conversations: tuple[Conversation, ...]
    passages: tuple[Passage, ...]
    source: str
    digest: str | None = None

    @property
    def tokens(self) -> int:
        return sum(len(passage.answer) for passage in self.passages)


def shapes_for(target: ChatTarget) -> tuple[Conversation, ...]:
    """Those with tools where the template shows them; and one whose text holds what ends turns."""
    ends = " ".join(target.stop_texts[:2])
    own = Conversation("special tokens in a text", (Message("user", f"What does {ends} mean?"),))
    return (*SHAPES, own, *TOOL_SHAPES) if takes_tools(target) else (*SHAPES, own)


def takes_tools(target: ChatTarget) -> bool:
    return target.tool_template is not None or "tools" in target.template


def of_records(data: Dataset, target: ChatTarget, most: int = RECORDS) -> Material:
    """Answers of validation records, or of all where none validates. Raises SourceError where none can be encoded."""
    from assay.chat import IGNORED, TemplateProblem, encode_all
    from assay.errors import SourceError

    records = [record for record in data.records() if record.split == VALIDATION] or list(data.records())
    records = records[:most]
    passages = []
    for encoded in encode_all(records, target):
        if isinstance(encoded, TemplateProblem):
            continue
        answer = tuple(place for place, label in enumerate(encoded.labels) if label != IGNORED and place > 0)
        if answer and (target.context_length is None or len(encoded.input_ids) <= target.context_length):
            passages.append(Passage(tuple(encoded.input_ids), answer))
    if not passages:
        raise SourceError(
            "no record has an answer that this model can be asked about",
            fix="`assay audit` with this model says what is wrong with each",
        )
    asked = tuple(_conversation(number, record) for number, record in enumerate(records, start=1))
    source = f"answers of {len(passages)} records"
    return Material((*shapes_for(target), *asked), tuple(passages), source, data.digest)


def _conversation(number: int, record: Record) -> Conversation:
    return Conversation(f"record {number}", tuple(record.prompt), tuple(record.tools))


def of_own_answers(gated: Artefact, target: ChatTarget, prompts: Sequence[str] = PROMPTS) -> Material:
    """Greedy answers of the adapter over its base, with the token that ends each."""
    asked = [Conversation(f"prompt {number}", (Message("user", text),)) for number, text in enumerate(prompts, start=1)]
    readable = []
    for conversation in asked:
        try:
            readable.append(gated.prompt_ids(conversation))
        except RefusedError:
            continue
    stop = target.stop_token_ids[:1]
    passages = []
    for prompt, answer in zip(readable, gated.answers(readable, OWN_TOKENS), strict=True):
        whole = (*prompt, *answer, *stop)
        passages.append(Passage(whole, tuple(range(len(prompt), len(whole)))))
    return Material(
        (*shapes_for(target), *asked), tuple(passages), f"the adapter's own answers to {len(passages)} prompts"
    )
