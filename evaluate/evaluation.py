"""What scoring produced: results per item, and per suite and model. The gate is a pure function of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import pyarrow as pa

ModelName: TypeAlias = Literal["base", "previous", "candidate", "damaged", "slightly_damaged", "zero", "swapped"]
"""damaged is the candidate with noise on its weights: a suite that does not notice it proves nothing. slightly_damaged
has so little that about a margin is lost. zero is an adapter like the candidate that adds nothing: where it answers
otherwise than the base, differences are not the adapter's. swapped is no model: the base's answers, each scored as if
another item had got it, where only the task itself can score them."""

ITEM_COLUMNS = (
    "suite",
    "item_id",
    "prompt_hash",
    "model",
    "score",
    "output",
    "logprob",
    "slice",
    "cluster",
    "reference",
    "context",
    "option_logprobs",
    "ended",
)
"""items.parquet. score is 0.0 to 1.0; logprob is null for generated answers; output is the text that was
generated, or the option that was chosen; reference lets `assay verify` score the stored output again, and so does
context, where the scorer needs more of the item: a JSON object of just that, else null; option_logprobs is the JSON
list of the log-likelihoods of all options of a multiple-choice item, in their order, else null; ended is false for a
generated answer that was cut off at its length, null where nothing was generated or it is not known."""


@dataclass(frozen=True)
class ModelScore:
    """One model on one suite; ci is the 95 % interval (Wilson for 0/1 scores, t for graded ones)."""

    model: ModelName
    n: int
    score: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class SuiteResult:
    """One suite.

    kind     "suite" (assay's own YAML, of the domain), "general" (the same, of general ability) or "lm_eval" (a task)
    chance   expected score of a model that knows nothing; None where the answer is free text
    binary   every score is 0 or 1
    scorer   what `assay verify` needs to score the stored outputs again
    """

    suite: str
    kind: Literal["suite", "general", "lm_eval"]
    scores: tuple[ModelScore, ...]
    chance: float | None
    binary: bool
    data_sha256: str
    scorer: Mapping[str, object] = field(default_factory=dict)

    def score(self, model: ModelName) -> ModelScore | None:
        return next((score for score in self.scores if score.model == model), None)


JUDGE = "llm_judge"
"""Name in `SuiteResult.scorer` of the scorer that may leave an answer without a score."""


def is_judged(result: SuiteResult) -> bool:
    return result.scorer.get("name") == JUDGE


@dataclass(frozen=True)
class AdapterEvidence:
    """Proof that an adapter is really there: its weights are finite and not all zero, and they move the logits."""

    parameters: int
    finite: bool
    nonzero: bool
    max_logit_difference: float


@dataclass(frozen=True)
class Leak:
    """A suite item found in the data that the adapter was trained on."""

    suite: str
    item_id: str
    record_id: str
    kind: Literal["exact", "normalised"]


@dataclass(frozen=True)
class Evaluation:
    """Everything the gate reads.

    items        table with ITEM_COLUMNS, one row a suite, item and model
    identity     base {name, revision, weights_sha256, quantisation, dtype}, adapter {file: sha256},
                 previous {file: sha256} or None, tokenizer_sha256, template_sha256, seed
    leaks        None when it is unknown what the adapter was trained on
    settings     of the evaluation; the gate reads "paths" {adapter, previous, suites {name: data file}}, from which
                 a certificate can be verified, and "complete", False while an early-stopping loop goes on
    judgements   what the judges of suites said (`judging/kept.py`); None where no suite has one
    """

    suites: tuple[SuiteResult, ...]
    items: pa.Table
    identity: Mapping[str, object]
    evidence: Mapping[str, AdapterEvidence]
    leaks: tuple[Leak, ...] | None
    settings: Mapping[str, object] = field(default_factory=dict)
    judgements: pa.Table | None = None

    def __repr__(self) -> str:
        """Scores in percent, and no text of items: a notebook or a log shows it unasked."""
        suites = "; ".join(f"{suite.suite}: {_scores(suite)}" for suite in self.suites)
        return f"Evaluation({suites})"


def _scores(suite: SuiteResult) -> str:
    return ", ".join(f"{score.model} {100 * score.score:.1f} of {score.n:,}" for score in suite.scores)
