"""What the model answers to a few prompts that it does not train on, at every evaluation."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from assay.chat import IGNORED
from assay.errors import storage_error
from assay.storage import write_text

from .generating import Asked
from .lines import read_lines

if TYPE_CHECKING:
    from assay.chat import ChatTarget

    from ..rows import Row

FILE = "samples.jsonl"
MOST_NEW_TOKENS = 64


class Question(NamedTuple):
    """A validation record whose last answer is asked for. texts without special tokens."""

    record_id: str
    asked: Asked
    prompt: str
    reference: str


@dataclass(frozen=True)
class Sample:
    """One line of `samples.jsonl`."""

    step: int
    record_id: str
    prompt: str
    reference: str
    answer: str

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass
class Samples:
    """Asks the same questions at every evaluation, and keeps the answers.

    answer  the model as it is now and prompts in, answers out
    """

    path: Path
    questions: Sequence[Question]
    answer: Callable[[Any, Sequence[Asked]], list[str]]
    taken: list[Sample] = field(default_factory=list)

    def begin(self, resumed_step: int) -> None:
        """Keeps of earlier answers those that the checkpoint has behind it. Raises StorageError."""
        self.taken = [sample for sample in read_samples(self.path) if sample.step <= resumed_step and resumed_step]
        if self.questions:
            write_text(self.path, "".join(_line(sample) for sample in self.taken))

    def take(self, step: int, model: Any) -> None:
        """Raises StorageError."""
        if not self.questions or any(sample.step == step for sample in self.taken):
            return
        answers = self.answer(model, [question.asked for question in self.questions])
        new = [
            Sample(step, question.record_id, question.prompt, question.reference, answer)
            for question, answer in zip(self.questions, answers, strict=True)
        ]
        self.taken += new
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.writelines(_line(sample) for sample in new)
        except OSError as error:
            raise storage_error(error, "writing the samples") from error

    def at(self, step: int) -> list[Sample]:
        return [sample for sample in self.taken if sample.step == step]


def questions(rows: Sequence[Row], count: int, target: ChatTarget) -> tuple[Question, ...]:
    """The last answers of `count` validation records, evenly spread over their lengths."""
    by_length = sorted(rows, key=lambda row: (len(row.input_ids), row.row_id))
    places = [round((2 * number + 1) * len(by_length) / (2 * count) - 0.5) for number in range(count)] if count else []
    chosen = [by_length[place] for place in dict.fromkeys(places) if 0 <= place < len(by_length)]
    return tuple(found for row in chosen if (found := _question(row, target)) is not None)


def _question(row: Row, target: ChatTarget) -> Question | None:
    """None where there is no prompt before the answer, as where prompts train too."""
    end = next((at + 1 for at in range(len(row.labels) - 1, -1, -1) if row.labels[at] != IGNORED), 0)
    start = next((at + 1 for at in range(end - 1, -1, -1) if row.labels[at] == IGNORED), 0)
    if not 0 < start < end:
        return None
    decode = target.tokenizer.decode
    reference = str(decode(row.input_ids[start:end], skip_special_tokens=True))
    new = min(MOST_NEW_TOKENS, end - start + max(8, (end - start) // 4))
    prompt = str(decode(row.input_ids[:start], skip_special_tokens=True))
    return Question(row.record_id, Asked(tuple(row.input_ids[:start]), new), prompt, reference)


def read_samples(path: Path) -> list[Sample]:
    """Up to the first line that is not whole."""
    return read_lines(path, Sample)


def before_and_after(samples: Sequence[Sample], first: int, last: int) -> list[str]:
    """For people: each prompt's end, its reference, and the answers at these two steps."""
    at = {(sample.step, sample.record_id): sample for sample in samples}
    lines = []
    for record_id in dict.fromkeys(sample.record_id for sample in samples):
        before, after = at.get((first, record_id)), at.get((last, record_id))
        if before is None or after is None:
            continue
        lines += [
            f"  prompt     {_short(before.prompt, tail=True)}",
            f"  reference  {_short(before.reference)}",
            f"  before     {_short(before.answer)}",
            f"  after      {_short(after.answer)}",
            "",
        ]
    return lines


def _short(text: str, most: int = 100, *, tail: bool = False) -> str:
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    return f"... {line[-most:]}" if tail else f"{line[:most]} ..."


def _line(sample: Sample) -> str:
    return json.dumps(sample.to_json(), ensure_ascii=False) + "\n"
