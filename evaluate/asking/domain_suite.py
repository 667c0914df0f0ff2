"""A domain suite put to a model: rendered with its chat template, answered, scored."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from assay.errors import SuiteError
from assay.records import message_to_json
from assay.suites import Suite, SuiteItem, prompt_text

from ..models.generation import Prompt
from ..models.likelihood import Likelihood, Request
from ..scorer import ReadyScorer, make_scorer
from ..wording import count
from .examination import Answer, Done, Item, ItemsDone, digest
from .references import check_references

if TYPE_CHECKING:
    from assay.chat import ChatTarget

    from ..models.lm_eval_model import AssayLM


@dataclass(frozen=True)
class DomainSuite:
    """An `Examination`. prompts[i] are the token ids that item i's answer follows."""

    suite: Suite
    scoring: ReadyScorer
    prompts: tuple[tuple[int, ...], ...]
    options: tuple[tuple[tuple[int, ...], ...], ...]
    items: tuple[Item, ...]

    @property
    def kind(self) -> Literal["suite", "general"]:
        return "general" if self.suite.role == "general" else "suite"

    @property
    def name(self) -> str:
        return self.suite.name

    @property
    def data_sha256(self) -> str:
        return self.suite.data_sha256

    @property
    def data_file(self) -> str:
        return str(self.suite.data_path)

    @property
    def scorer(self) -> Mapping[str, Any]:
        return {"name": self.scoring.scorer.name, **self.scoring.scorer.recorded(self.suite.scorer_settings)}

    @property
    def chance(self) -> float | None:
        if not self.scoring.scorer.by_likelihood:
            return None
        return float(np.mean([1 / len(item.choices) for item in self.suite.items]))

    @property
    def by_likelihood(self) -> bool:
        return self.scoring.scorer.by_likelihood

    @property
    def in_template(self) -> bool:
        return self.suite.apply_chat_template

    @property
    def content(self) -> str:
        """References and contexts are part of it, since a score depends on them. What a judge is told is not: it is
        asked anew for answers that are kept."""
        references = [
            [item.reference, item.choices, asked.context]
            for item, asked in zip(self.suite.items, self.items, strict=True)
        ]
        scorer = {"name": self.scoring.scorer.name} if self.scoring.scorer.judged else dict(self.scorer)
        return digest([self.prompts, self.options, references, scorer, self.suite.max_new_tokens])

    def answer(self, lm: AssayLM, numbers: Sequence[int], done: Done) -> list[Answer]:
        if self.scoring.scorer.by_likelihood:
            return self._choose(lm, numbers, done)
        prompts = [Prompt(self.prompts[number], self.suite.max_new_tokens, self._chat(number)) for number in numbers]
        special = self.scoring.scorer.special_tokens
        return [
            Answer(self._score(generated.text, number), generated.text, None, ended=generated.ended)
            for number, generated in zip(numbers, lm.answer(prompts, done=done, special_tokens=special), strict=True)
        ]

    def score_texts(self, numbers: Sequence[int], texts: Sequence[str]) -> None:
        """Stored answers of a suite are scored again by its scorer."""

    def _choose(self, lm: AssayLM, numbers: Sequence[int], done: Done) -> list[Answer]:
        requests = [Request(self.prompts[number], option) for number in numbers for option in self.options[number]]
        counted = ItemsDone(len(numbers), len(requests), done)
        results = iter(lm.score(requests, counted))
        answers = []
        for number in numbers:
            found: list[Likelihood] = [next(results) for _ in self.options[number]]
            choices = self.suite.items[number].choices
            weights = [len(choice) if self.scoring.settings.get("length_normalised") else 1 for choice in choices]
            best = int(np.argmax([result.logprob / weight for result, weight in zip(found, weights, strict=True)]))
            score, logprobs = self._score(choices[best], number), tuple(result.logprob for result in found)
            answers.append(Answer(score, choices[best], logprobs[best], logprobs))
        counted.finish()
        return answers

    def _chat(self, number: int) -> str | None:
        messages = self.suite.items[number].messages if self.suite.apply_chat_template else ()
        return json.dumps([message_to_json(message) for message in messages], ensure_ascii=False) if messages else None

    def _score(self, output: str, number: int) -> float:
        """NaN where a judge is to give it, once all answers are there."""
        if self.scoring.scorer.judged:
            return math.nan
        item = self.suite.items[number]
        context = self.scoring.context_of(item)
        return self.scoring(output, item.reference, f"item '{item.id}' of suite '{self.name}'", context)


def prepare(suite: Suite, target: ChatTarget, *, allow_code: bool = False) -> DomainSuite:
    """Renders every item.

    allow_code  the user lets a scorer run code that a model wrote

    Raises SuiteError for an unknown scorer, or an item that cannot be put to the model.
    """
    scoring = make_scorer(suite.scorer, suite.scorer_settings, str(suite.path), allow_code=allow_code)
    _check_choices(suite, scoring)
    _check_needs(suite, scoring)
    _check_text(suite)
    check_references(suite, scoring)
    prompts, options, items = [], [], []
    for item in suite.items:
        prompt = _prompt(item, suite, target)
        choices = tuple(_option(choice, suite, target) for choice in item.choices) if _by_choice(scoring) else ()
        new = max((len(choice) for choice in choices), default=suite.max_new_tokens)
        if target.context_length is not None and len(prompt) + new > target.context_length:
            raise SuiteError(
                f"item '{item.id}' takes {len(prompt)} tokens and {new} for its answer, and the context of "
                f"{target.name} is {target.context_length}",
                where=str(suite.path),
                fix="shorten it, or lower max_new_tokens",
            )
        prompts.append(prompt)
        options.append(choices)
        cost = len(prompt) + (sum(map(len, choices)) if choices else 3 * suite.max_new_tokens)
        items.append(
            Item(
                id=item.id,
                prompt_hash=digest(prompt)[:16],
                reference=item.reference,
                slice=item.slice,
                cluster=item.cluster,
                text=prompt_text(item.messages),
                cost=cost,
                context=_as_json(scoring.context_of(item)),
            )
        )
    _check_questions_are_asked(suite, prompts, target)
    return DomainSuite(suite, scoring, tuple(prompts), tuple(options), tuple(items))


def _by_choice(scoring: ReadyScorer) -> bool:
    return scoring.scorer.by_likelihood


def _check_choices(suite: Suite, scoring: ReadyScorer) -> None:
    without = [item.id for item in suite.items if not item.choices]
    if _by_choice(scoring) and without:
        raise SuiteError(
            f"{count(len(without), 'item')} without 'choices' ('{without[0]}'), and {suite.scorer} picks among them",
            where=str(suite.path),
        )


def _check_needs(suite: Suite, scoring: ReadyScorer) -> None:
    lacking = [(item.id, keys) for item in suite.items if (keys := scoring.lacking(item))]
    if lacking:
        (first, keys), *_ = lacking
        raise SuiteError(
            f"{count(len(lacking), 'item')} without '{keys[0]}' ('{first}'), which {suite.scorer} needs",
            where=str(suite.path),
            fix="docs/suites.md says what each scorer needs of an item",
        )


def _as_json(context: Mapping[str, Any]) -> str | None:
    """The same text for the same context."""
    return json.dumps(context, ensure_ascii=False, sort_keys=True) if context else None


def _check_text(suite: Suite) -> None:
    """JSON can hold half a surrogate pair, which no tokenizer and no file of text can."""
    for item in suite.items:
        texts = [item.reference, *item.choices, item.source or "", *item.tests]
        texts += [message.content or "" for message in item.messages]
        try:
            "".join(texts).encode()
        except UnicodeEncodeError as error:
            raise SuiteError(
                f"item '{item.id}' holds half a surrogate pair, which is no character", where=str(suite.path)
            ) from error


def _check_questions_are_asked(suite: Suite, prompts: Sequence[tuple[int, ...]], target: ChatTarget) -> None:
    """A template that drops the user's turn asks the same of every item."""
    if len(set(prompts)) == 1 and len({prompt_text(item.messages) for item in suite.items}) > 1:
        raise SuiteError(
            f"the chat template of {target.name} puts the same words to the model for all {len(prompts)} items, "
            "although they ask different things: it leaves the question out",
            where=str(suite.path),
            fix="give a template that shows the user's turn (--chat-template)",
        )


def _prompt(item: SuiteItem, suite: Suite, target: ChatTarget) -> tuple[int, ...]:
    from assay.chat import TemplateProblem, inference_prompt

    if not suite.apply_chat_template:
        text = "\n\n".join(message.content or "" for message in item.messages)
        _check_tools_shown(item, suite, f"{target.name} without its template", lambda: text)
        return tuple(int(token) for token in target.tokenizer.encode(text))
    try:
        prompt = tuple(inference_prompt(item.messages, target, item.tools))
    except TemplateProblem as problem:
        raise SuiteError(
            f"item '{item.id}' cannot be rendered for {target.name}: {problem}", where=str(suite.path)
        ) from problem
    _check_tools_shown(item, suite, target.name, lambda: str(target.tokenizer.decode(prompt)))
    return prompt


def _check_tools_shown(item: SuiteItem, suite: Suite, name: str, rendered: Callable[[], str]) -> None:
    """A model that is not shown the tools, or what they gave, is asked another question than the item's."""
    from assay.chat.tool_rendering import hidden_tools

    called = [call.name for message in item.messages for call in message.tool_calls]
    if not item.tools and not called and all(message.role != "tool" for message in item.messages):
        return
    text = rendered()
    hidden = hidden_tools(item.messages, item.tools, text)
    hidden += [f"the template leaves out the call of {call}" for call in called if call not in text]
    if hidden:
        raise SuiteError(
            f"item '{item.id}' cannot be put to {name} as it is: {hidden[0]}",
            where=str(suite.path),
            fix="give a template that shows tools (--chat-template), or write the tools into the system turn",
        )


def _option(choice: str, suite: Suite, target: ChatTarget) -> tuple[int, ...]:
    """After a chat prompt the answer begins at once; in plain text a space parts it from the prompt."""
    text = choice if suite.apply_chat_template else f" {choice}"
    return tuple(int(token) for token in target.tokenizer.encode(text, add_special_tokens=False))
