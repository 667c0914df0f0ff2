"""What stages offer to the core and to each other, loaded when it is first used.

No stage imports another, and the core imports none (`tests/test_structure.py`): what one needs of another it takes
from here, by name. What is offered to users of the library is in `assay.api`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass

_HOMES = {
    "audit": "assay.curate.stage",
    "before_scoring": "assay.evaluate.gate.planned",
    "CHECKS": "assay.curate.check",
    "compare_shipped": "assay.evaluate.gate.shipped",
    "conceal_record": "assay.curate.pages.concealment",
    "conceal_text": "assay.curate.personal.masking",
    "curate_queue": "assay.curate.reviews.queue",
    "curate": "assay.curate.stage",
    "CurateSettings": "assay.curate.settings",
    "digest_of_reviews": "assay.curate.reviews.sources",
    "evaluate": "assay.evaluate.stage",
    "EvaluateSettings": "assay.evaluate.settings",
    "find_personal": "assay.curate.personal.scan",
    "foretold_cost": "assay.synth.costs.estimate",
    "gate_evaluation": "assay.evaluate.release.release",
    "gate": "assay.evaluate.gate.gate",
    "given_reviews": "assay.curate.reviews.sources",
    "history": "assay.evaluate.release.history",
    "init_suite": "assay.evaluate.suites.init",
    "input_digests": "assay.evaluate.identity",
    "judge_between": "assay.evaluate.gate.between",
    "judges": "assay.evaluate.judging.providers",
    "language_of": "assay.curate.answers.language",
    "load_encoder": "assay.curate.meaning.encoder",
    "make_audit": "assay.curate.judge",
    "make_bench": "assay.synth.handed",
    "make_encode": "assay.synth.handed",
    "make_guarded_provider": "assay.synth.asking.personal",
    "make_judge": "assay.synth.asking.judging",
    "make_provider": "assay.synth.provider",
    "make_scorer": "assay.evaluate.scorer",
    "make_selection": "assay.evaluate.suites.selecting",
    "Models": "assay.evaluate.identity",
    "Policy": "assay.evaluate.gate.policy",
    "prepare_suite": "assay.evaluate.asking.domain_suite",
    "prepare_training": "assay.train.prepared",
    "price_of": "assay.synth.provider",
    "PROVIDERS": "assay.synth.provider",
    "read_evaluation": "assay.evaluate.evaluation_files",
    "read_general": "assay.train.mixing",
    "read_policy": "assay.evaluate.gate.policy",
    "read_selection": "assay.train.watching.selecting",
    "rescore": "assay.evaluate.scorer",
    "SCORERS": "assay.evaluate.scorer",
    "SuitePolicy": "assay.evaluate.gate.policy",
    "synth_queue": "assay.synth.review.queue",
    "synth": "assay.synth.stage",
    "SynthSettings": "assay.synth.settings",
    "train": "assay.train.stage",
    "training_digests": "assay.train.identity",
    "TrainSettings": "assay.train.settings",
    "verify": "assay.evaluate.release.verify",
    "with_previous": "assay.evaluate.release.previous",
    "with_server": "assay.evaluate.models.backends",
    "with_times_used": "assay.evaluate.release.history",
    "write_audited": "assay.curate.outputs",
    "write_curated": "assay.curate.outputs",
    "write_evaluation": "assay.evaluate.evaluation_files",
    "write_synthesized": "assay.synth.files",
}

_NAMES = {
    "training_digests": "input_digests",
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
        raise AttributeError(f"module 'assay.stages' has no attribute '{name}'")
    return getattr(importlib.import_module(home), _NAMES.get(name, name))
