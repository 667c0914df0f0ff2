"""From an evaluation folder and a policy file to a decision, its reports and its certificate, in a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from assay.locks import replaced_together
from assay.storage import write_json, write_text

from ..evaluation import Evaluation
from ..evaluation_files import read
from ..gate.decision import Decision
from ..gate.gate import gate
from ..gate.policy import read_policy
from ..judging.roles import check_policy_roles
from ..reports.gate_page import html
from ..reports.gate_report import Report, make_report, markdown
from ..reports.junit import junit
from .certificate import Sources, make_certificate, sources_of
from .signature import sign

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from .history import Trend

CERTIFICATE, DECISION, POLICY = "certificate.json", "decision.json", "policy.yaml"
PAGE, TEXT, JUNIT = "gate.html", "gate.md", "gate.xml"


@dataclass(frozen=True)
class Released:
    """A decision with all that is written about it. out: the folder, which need not exist yet."""

    report: Report
    evaluation: Evaluation
    sources: Sources
    policy_text: str
    out: Path


def gate_evaluation(evaluation_folder: Path, policy_file: Path, out: Path, *, redact: bool = False) -> Decision:
    """The decision. Writes certificate.json, decision.json, gate.html, gate.md, gate.xml and the policy into `out`.

    redact  keep references and answers out of the two reports
    Raises SettingsError, SuiteError, StorageError.
    """
    released = judge_release(evaluation_folder, policy_file, out, redact=redact)
    write_release(released)
    return released.report.decision


def judge_release(
    evaluation_folder: Path, policy_file: Path, out: Path, *, redact: bool = False, trends: Sequence[Trend] = ()
) -> Released:
    """The decision and its report; nothing is written. trends: of the store, for the page. Raises SettingsError,
    SuiteError."""
    policy = read_policy(policy_file)
    policy_text = policy_file.read_bytes().decode("utf-8")
    evaluation = read(evaluation_folder)
    check_policy_roles(policy, [(suite.suite, suite.scorer) for suite in evaluation.suites], policy_file)
    decision = replace(gate(evaluation, policy), certificate=os.fspath(out / CERTIFICATE))
    report = make_report(decision, evaluation, policy, redact=redact, trends=trends)
    sources = sources_of(evaluation, evaluation_folder, out / POLICY)
    return Released(report, evaluation, sources, policy_text, out)


def write_release(released: Released, key: Ed25519PrivateKey | None = None) -> None:
    """All files take the place of earlier ones together, the certificate last, signed where a key is given. The caller
    holds the folder. Raises StorageError."""
    report, out = released.report, released.out
    with replaced_together(out, (POLICY, PAGE, TEXT, DECISION, JUNIT, CERTIFICATE)) as place:
        write_text(place / POLICY, released.policy_text)
        write_text(place / PAGE, html(report))
        write_text(place / TEXT, markdown(report))
        write_json(place / DECISION, report.to_json())
        write_text(place / JUNIT, junit(report.decision, report.policy))
        certificate = make_certificate(
            report.decision, released.evaluation, released.sources, out / CERTIFICATE, released.policy_text
        )
        write_json(place / CERTIFICATE, certificate if key is None else sign(certificate, key))
