"""What other stages lend to the steps of synth: the target's chat template, the domain suite's scorer, vectors."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from assay.protocols import Scorer
from assay.suites import Suite

from .comparing.diversity import Encode
from .settings import SynthSettings
from .verifier import Bench

if TYPE_CHECKING:
    from assay.chat import ChatTarget


def make_bench(settings: SynthSettings, target: ChatTarget | None, suites: Sequence[Suite] = ()) -> Bench:
    """The scorer is that of the domain suites, where they have one and the same, and it can score a text by itself.

    Raises SuiteError for a scorer that cannot be set so.
    """
    return Bench(settings, target, _scorer([suite for suite in suites if suite.role == "domain"]))


def make_encode() -> Encode | None:
    """Vectors of WordLlama where it is installed; None elsewhere: then words are compared."""
    if find_spec("wordllama") is None:
        return None
    from assay.stages import load_encoder

    encode: Encode = load_encoder("static").encode
    return encode


def _scorer(suites: Sequence[Suite]) -> Scorer | None:
    """None for a scorer that compares likelihoods, asks a judge, runs code, or needs more of an item than that."""
    named = {(suite.scorer, repr(sorted(suite.scorer_settings.items()))) for suite in suites}
    if len(named) != 1:
        return None
    from assay.stages import SCORERS, make_scorer

    known = SCORERS.get(suites[0].scorer)
    if known.by_likelihood or known.judged or known.runs_code or known.needs:
        return None
    ready = make_scorer(known.name, suites[0].scorer_settings, str(suites[0].path))
    return ready if ready.is_answer else None
