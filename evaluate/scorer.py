"""What a scorer is: one file in `scorers/`, one decorated function from an output and a reference to 0.0 ... 1.0.

The function's keyword-only arguments with a default are its settings; those without are what it needs of the item
beside the reference, and the decorator names them. Its docstring says what it scores, and gives an example. Another
package adds scorers through the entry-point group "assay.scorers".

    @scorer
    def exact_match(output: str, reference: str, *, strip: bool = True) -> float:
        '''1 when the output is the reference. ...'''

    @scorer(needs=("source",))
    def quoted_facts(output: str, reference: str, *, source: str, least: int = 1) -> float:
        '''The share of the output's facts that stand in the source. ...'''
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, overload

from assay.errors import AssayError, SettingsError, SuiteError
from assay.records import Json, message_to_json
from assay.registry import Registry, check_settings
from assay.suites import CONTEXT_KEYS, SuiteItem

from .evaluation import SuiteResult

NOT_RESCORABLE = "lm_eval"
"""Name in `SuiteResult.scorer` of a task whose metric is lm-eval's own and needs the task to be computed."""

IsAnswer: TypeAlias = bool | Callable[[Mapping[str, Any]], bool]
Validate: TypeAlias = Callable[[Mapping[str, Any]], None]
Recorded: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True)
class Scorer:
    """A scorer with what the rest of assay must know of it.

    by_likelihood  the output is the option that the model finds likeliest, not generated text
    is_answer      a reference is itself an answer, so that it must score 1 against itself; or a function of the
                   settings that says so
    text_reference the reference is text or a number: a list or an object there is a mistake
    needs          keys of the item that the function takes beside output and reference, from CONTEXT_KEYS
    validate       raises AssayError, or ValueError, for settings that cannot be meant or a library that is missing:
                   called once, before any model is loaded
    runs_code      runs what the model wrote, which the user must have allowed
    special_tokens  the output keeps its special tokens, but for the one that ends it
    judged       answers are scored together, by a model that is asked once all are given (`judging/`): the function
                 itself gives no score
    recorded     of the settings what decides a score, as it is kept with the evaluation
    """

    name: str
    function: Callable[..., float]
    by_likelihood: bool = False
    is_answer: IsAnswer = True
    text_reference: bool = False
    needs: tuple[str, ...] = ()
    validate: Validate = lambda _: None
    runs_code: bool = False
    special_tokens: bool = False
    judged: bool = False
    recorded: Recorded = dict

    @property
    def summary(self) -> str:
        return (self.function.__doc__ or "").strip().partition("\n")[0]


@overload
def scorer(function: Callable[..., float], /) -> Scorer: ...
@overload
def scorer(
    *,
    by_likelihood: bool = False,
    is_answer: IsAnswer = True,
    text_reference: bool = False,
    needs: tuple[str, ...] = (),
    validate: Validate = ...,
    runs_code: bool = False,
    special_tokens: bool = False,
    judged: bool = False,
    recorded: Recorded = ...,
) -> Callable[[Callable[..., float]], Scorer]: ...
def scorer(
    function: Callable[..., float] | None = None, /, **known: Any
) -> Scorer | Callable[[Callable[..., float]], Scorer]:
    """Makes a Scorer of a function; the function's name is the scorer's, the other arguments are `Scorer`'s fields.

    Raises ValueError when it needs a key that items of a suite do not have.
    """
    strangers = sorted(set(known.get("needs", ())) - set(CONTEXT_KEYS))
    if strangers:
        raise ValueError(f"items have no key {strangers[0]!r}; a scorer can need {', '.join(CONTEXT_KEYS)}")

    def decorate(decorated: Callable[..., float]) -> Scorer:
        return Scorer(decorated.__name__, decorated, **known)

    return decorate if function is None else decorate(function)


SCORERS: Registry[Scorer] = Registry("assay.evaluate.scorers", "assay.scorers", "scorer", Scorer)


@dataclass(frozen=True)
class ReadyScorer:
    """A scorer with its settings, checked."""

    scorer: Scorer
    settings: Mapping[str, Any]

    @property
    def is_answer(self) -> bool:
        """Whether a reference must score 1 against itself under these settings."""
        known = self.scorer.is_answer
        return known if isinstance(known, bool) else known(self.settings)

    def __call__(self, output: str, reference: str, item: str = "", context: Mapping[str, Json] | None = None) -> float:
        """context: `context_of` the item, for a scorer that needs more than output and reference.

        Raises SuiteError when the scorer raises, or gives no number from 0 to 1: nothing counts unscored. A scorer may
        be a user's own code, so whatever it raises becomes that one line.
        """
        try:
            score = float(self.scorer.function(output, reference, **(context or {}), **self.settings))
        except Exception as error:
            raise SuiteError(
                f"the scorer '{self.scorer.name}' failed on {item or 'an item'}: {type(error).__name__}: {error}",
                fix="mend the reference or the scorer's settings; answers so far are kept",
            ) from error
        if not math.isfinite(score) or not 0.0 <= score <= 1.0:
            raise SuiteError(f"the scorer '{self.scorer.name}' gave {score} on {item or 'an item'}, not 0 to 1")
        return score

    def lacking(self, item: SuiteItem) -> tuple[str, ...]:
        """What the scorer needs and the item does not have."""
        return tuple(key for key in self.scorer.needs if not getattr(item, key))

    def context_of(self, item: SuiteItem) -> dict[str, Json]:
        """What the scorer needs of the item beside the reference, as JSON: kept with the answer, to score it again."""
        return {key: _plain(key, getattr(item, key)) for key in self.scorer.needs}


def _plain(key: str, value: Any) -> Json:
    if key == "messages":
        return [message_to_json(message) for message in value]
    return list(value) if isinstance(value, tuple) else value


def make_scorer(name: str, settings: Mapping[str, Any], where: str, *, allow_code: bool = False) -> ReadyScorer:
    """Raises UnknownNameError or SuiteError, with the nearest known name; SuiteError for a scorer that runs what a
    model wrote, unless that is allowed; MissingExtraError when it needs a library that is not installed.
    """
    found = SCORERS.get(name)
    if found.runs_code and not allow_code:
        raise SuiteError(
            f"the scorer '{name}' runs code that a model wrote, which was not allowed",
            where=where,
            fix="give --allow-code, or set evaluate.allow_code: true",
        )
    try:
        ready = ReadyScorer(found, check_settings(found, settings, where))
        found.validate(ready.settings)
    except SettingsError as error:
        raise SuiteError(error.what, where=error.where or where, fix=error.fix) from error
    except AssayError:
        raise
    except ValueError as error:
        raise SuiteError(f"the scorer '{name}' cannot be set so: {error}", where=where) from error
    return ready


def rescore(
    result: SuiteResult, outputs: Sequence[str], references: Sequence[str], contexts: Sequence[str | None]
) -> list[float] | None:
    """Scores stored outputs again, as `SuiteResult.scorer` says.

    None where that needs lm-eval and its task, would ask a judge, or would run code that a model wrote: see
    `rescore_with_code`.
    """
    return _rescore(result, outputs, references, contexts, allow_code=False)


def rescore_with_code(
    result: SuiteResult, outputs: Sequence[str], references: Sequence[str], contexts: Sequence[str | None]
) -> list[float] | None:
    """As `rescore`, where the user has allowed that code which a model wrote is run again."""
    return _rescore(result, outputs, references, contexts, allow_code=True)


def _rescore(
    result: SuiteResult,
    outputs: Sequence[str],
    references: Sequence[str],
    contexts: Sequence[str | None],
    *,
    allow_code: bool,
) -> list[float] | None:
    settings = dict(result.scorer)
    name = str(settings.pop("name"))
    if name == NOT_RESCORABLE or SCORERS.get(name).judged or (SCORERS.get(name).runs_code and not allow_code):
        return None
    settings.pop("task", None)
    ready = make_scorer(name, settings, f"suite {result.suite}", allow_code=allow_code)
    return [
        ready(output, reference, context=json.loads(context) if context else None)
        for output, reference, context in zip(outputs, references, contexts, strict=True)
    ]
