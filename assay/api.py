"""The stages as functions, each loaded when it is first used.

    from assay.api import audit, curate, synth, train, evaluate, gate, run

audit(data, settings, target, suites)      findings and fitness; changes nothing
curate(data, settings, target, suites)     decides on each record, with the ledger
synth(seeds, settings, provider, audit)    new records, judged by curate
train(data, settings, out, ...)            an adapter
evaluate(models, suites, settings)         scores per item, base and candidate
gate(evaluation, policy)                   the verdict
run(settings_file)                         all of it
make_audit(settings, target, suites)       curate's judgement as a function, which synth is given
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.curate.judge import make_audit
    from assay.curate.stage import audit, curate
    from assay.evaluate.gate.gate import gate
    from assay.evaluate.stage import evaluate
    from assay.pipeline import run
    from assay.synth.stage import synth
    from assay.train.stage import train

__all__ = ["audit", "curate", "evaluate", "gate", "make_audit", "run", "synth", "train"]

_HOMES = {
    "CHECKS": "assay.curate.check",
    "CurateSettings": "assay.curate.settings",
    "EvaluateSettings": "assay.evaluate.settings",
    "Models": "assay.evaluate.identity",
    "PROVIDERS": "assay.synth.provider",
    "SCORERS": "assay.evaluate.scorer",
    "Policy": "assay.evaluate.gate.policy",
    "ProviderSettings": "assay.synth.settings",
    "TrainSettings": "assay.train.settings",
    "audit": "assay.curate.stage",
    "conceal_record": "assay.curate.pages.concealment",
    "conceal_text": "assay.curate.personal.masking",
    "before_scoring": "assay.evaluate.gate.planned",
    "compare_shipped": "assay.evaluate.gate.shipped",
    "curate": "assay.curate.stage",
    "curate_queue": "assay.curate.reviews.queue",
    "digest_of_reviews": "assay.curate.reviews.sources",
    "evaluate": "assay.evaluate.stage",
    "find_personal": "assay.curate.personal.scan",
    "foretold_cost": "assay.synth.costs.estimate",
    "gate": "assay.evaluate.gate.gate",
    "gate_evaluation": "assay.evaluate.release.release",
    "history": "assay.evaluate.release.history",
    "verify": "assay.evaluate.release.verify",
    "with_previous": "assay.evaluate.release.previous",
    "with_server": "assay.evaluate.models.backends",
    "with_times_used": "assay.evaluate.release.history",
    "read_general": "assay.train.mixing",
    "general_digests": "assay.train.mixing",
    "given_reviews": "assay.curate.reviews.sources",
    "init_suite": "assay.evaluate.suites.init",
    "input_digests": "assay.evaluate.identity",
    "language_of": "assay.curate.answers.language",
    "judge_between": "assay.evaluate.gate.between",
    "judges": "assay.evaluate.judging.providers",
    "load_encoder": "assay.curate.meaning.encoder",
    "make_audit": "assay.curate.judge",
    "make_bench": "assay.synth.handed",
    "make_encode": "assay.synth.handed",
    "make_guarded_provider": "assay.synth.asking.personal",
    "make_judge": "assay.synth.asking.judging",
    "make_provider": "assay.synth.provider",
    "make_selection": "assay.evaluate.suites.selecting",
    "make_scorer": "assay.evaluate.scorer",
    "prepare_suite": "assay.evaluate.asking.domain_suite",
    "prepare_training": "assay.train.prepared",
    "read_selection": "assay.train.watching.selecting",
    "price_of": "assay.synth.provider",
    "read_evaluation": "assay.evaluate.evaluation_files",
    "read_policy": "assay.evaluate.gate.policy",
    "rescore": "assay.evaluate.scorer",
    "run": "assay.pipeline",
    "synth": "assay.synth.stage",
    "synth_queue": "assay.synth.review.queue",
    "train": "assay.train.stage",
    "write_curated": "assay.curate.outputs",
    "write_evaluation": "assay.evaluate.evaluation_files",
    "write_synthesized": "assay.synth.files",
}

_NAMES = {
    "ProviderSettings": "SynthSettings",
    "conceal_text": "concealed",
    "curate_queue": "open_queue",
    "find_personal": "scan",
    "prepare_suite": "prepare",
    "prepare_training": "prepare",
    "read_evaluation": "read",
    "synth_queue": "open_queue",
    "write_evaluation": "write",
}
"""Where the home calls it otherwise."""


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'assay.api' has no attribute '{name}'")
    return getattr(importlib.import_module(home), _NAMES.get(name, name))


def __dir__() -> list[str]:
    return __all__
