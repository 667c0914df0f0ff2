"""assay as a library: the stages as functions, and what they take and give. docs/python.md walks through it.

    from assay.api import audit, curate, synth, train, evaluate, gate, run

audit(data, settings, target, suites)      findings and fitness; changes nothing
curate(data, settings, target, suites)     decides on each record, with the ledger
synth(seeds, settings, provider, audit)    new records, judged by curate
train(data, settings, out, target)         an adapter
evaluate(models, suites, settings)         scores per item, base and candidate
gate(evaluation, policy)                   the verdict
run(settings_file)                         all of it, over the run store

Data is a path, a pandas DataFrame, a datasets.Dataset, rows, or what an earlier stage gave. Each name is loaded when it
is first used. What a user can cause is raised as `assay.errors.AssayError`: one line, with the place and the fix.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from assay import stages

if TYPE_CHECKING:
    from assay.chat import load_target
    from assay.curate.judge import make_audit
    from assay.curate.outputs import write_audited, write_curated
    from assay.curate.settings import CurateSettings
    from assay.curate.stage import audit, curate
    from assay.dataset import Dataset
    from assay.evaluate.evaluation_files import read as read_evaluation
    from assay.evaluate.evaluation_files import write as write_evaluation
    from assay.evaluate.gate.gate import gate
    from assay.evaluate.gate.policy import Policy, SuitePolicy, read_policy
    from assay.evaluate.identity import Models
    from assay.evaluate.judging.providers import judges
    from assay.evaluate.release.release import gate_evaluation
    from assay.evaluate.release.verify import verify
    from assay.evaluate.settings import EvaluateSettings
    from assay.evaluate.stage import evaluate
    from assay.pipeline import run
    from assay.suites import read_suites
    from assay.synth.asking.personal import make_guarded_provider as make_provider
    from assay.synth.files import write_synthesized
    from assay.synth.settings import SynthSettings
    from assay.synth.stage import synth
    from assay.train.settings import TrainSettings
    from assay.train.stage import train

__all__ = [
    "CurateSettings",
    "Dataset",
    "EvaluateSettings",
    "Models",
    "Policy",
    "SuitePolicy",
    "SynthSettings",
    "TrainSettings",
    "audit",
    "curate",
    "evaluate",
    "gate",
    "gate_evaluation",
    "judges",
    "load_target",
    "make_audit",
    "make_provider",
    "read_evaluation",
    "read_policy",
    "read_suites",
    "run",
    "synth",
    "train",
    "verify",
    "write_audited",
    "write_curated",
    "write_evaluation",
    "write_synthesized",
]

_CORE = {
    "Dataset": "assay.dataset",
    "load_target": "assay.chat",
    "read_suites": "assay.suites",
    "run": "assay.pipeline",
}

_NAMES = {"make_provider": "make_guarded_provider"}
"""Where the stages call it otherwise."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'assay.api' has no attribute '{name}'")
    home = importlib.import_module(_CORE[name]) if name in _CORE else stages
    return getattr(home, _NAMES.get(name, name))


def __dir__() -> list[str]:
    return __all__
