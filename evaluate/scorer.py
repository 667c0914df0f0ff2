"""What a scorer is: one file in `scorers/`, one decorated function from an output and a reference to 0.0 ... 1.0.

The function's keyword-only arguments are its settings; its docstring says what it scores, and gives an example.
Another package adds scorers through the entry-point group "assay.scorers".

    @scorer
    def exact_match(output: str, reference: str, *, strip: bool = True) -> float:
        '''1 when the output is the reference. ...'''
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from assay.errors import SettingsError, SuiteError
from assay.registry import Registry, check_settings

from .evaluation import SuiteResult

NOT_RESCORABLE = "lm_eval"
"""Name in `SuiteResult.scorer` of a task whose metric is lm-eval's own and needs the task to be computed."""


@dataclass(frozen=True)
class Scorer:
    """A scorer with what the rest of assay must know of it.

    by_likelihood  the output is the option that the model finds likeliest, not generated text
    is_answer      a reference is itself an answer, so that it must score 1 against itself
    """

    name: str
    function: Callable[..., float]
    by_likelihood: bool = False
    is_answer: bool = True

    @property
    def summary(self) -> str:
        return (self.function.__doc__ or "").strip().partition("\n")[0]


@overload
def scorer(function: Callable[..., float], /) -> Scorer: ...
@overload
def scorer(*, by_likelihood: bool = False, is_answer: bool = True) -> Callable[[Callable[..., float]], Scorer]: ...
def scorer(
    function: Callable[..., float] | None = None, /, *, by_likelihood: bool = False, is_answer: bool = True
) -> Scorer | Callable[[Callable[..., float]], Scorer]:
    """Makes a Scorer of a function; the function's name is the scorer's."""

    def decorate(decorated: Callable[..., float]) -> Scorer:
        return Scorer(decorated.__name__, decorated, by_likelihood, is_answer)

    return decorate if function is None else decorate(function)


SCORERS: Registry[Scorer] = Registry("assay.evaluate.scorers", "assay.scorers", "scorer", Scorer)


@dataclass(frozen=True)
class ReadyScorer:
    """A scorer with its settings, checked."""

    scorer: Scorer
    settings: Mapping[str, Any]

    def __call__(self, output: str, reference: str, item: str = "") -> float:
        """Raises SuiteError when the scorer raises, or gives no number from 0 to 1: nothing counts unscored.

        A scorer may be a user's own code, so whatever it raises becomes that one line.
        """
        try:
            score = float(self.scorer.function(output, reference, **self.settings))
        except Exception as error:
            raise SuiteError(
                f"the scorer '{self.scorer.name}' failed on {item or 'an item'}: {type(error).__name__}: {error}",
                fix="mend the reference or the scorer's settings; answers so far are kept",
            ) from error
        if not math.isfinite(score) or not 0.0 <= score <= 1.0:
            raise SuiteError(f"the scorer '{self.scorer.name}' gave {score} on {item or 'an item'}, not 0 to 1")
        return score


def make_scorer(name: str, settings: Mapping[str, Any], where: str) -> ReadyScorer:
    """Raises UnknownNameError or SuiteError, with the nearest known name."""
    found = SCORERS.get(name)
    try:
        return ReadyScorer(found, check_settings(found, settings, where))
    except SettingsError as error:
        raise SuiteError(error.what, where=error.where, fix=error.fix) from error


def rescore(result: SuiteResult, outputs: Sequence[str], references: Sequence[str]) -> list[float] | None:
    """Scores stored outputs again, as `SuiteResult.scorer` says; None where that needs lm-eval and its task."""
    settings = dict(result.scorer)
    name = str(settings.pop("name"))
    if name == NOT_RESCORABLE:
        return None
    settings.pop("task", None)
    ready = make_scorer(name, settings, f"suite {result.suite}")
    return [ready(output, reference) for output, reference in zip(outputs, references, strict=True)]
