"""The release certificate: what was judged, bound to the verdict by hashes.

Paths are relative to the certificate's folder where they can be, so that a folder of runs may move as a whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import InputError
from assay.runs import library_versions
from assay.storage import sha256_file
from assay.version import __version__

from ..evaluation import Evaluation
from ..gate.decision import Decision

VERSION = 1
ITEMS = "items.parquet"
EVALUATION = "evaluation.json"
JUDGEMENTS = "judgements.parquet"


@dataclass(frozen=True)
class Sources:
    """The files behind a decision.

    evaluation  folder with evaluation.json and items.parquet
    policy      the policy that was applied
    adapter     the candidate's folder, where it is known
    previous    the previous release's folder
    suites      data file of each suite, where it is known
    """

    evaluation: Path
    policy: Path
    adapter: Path | None = None
    previous: Path | None = None
    suites: Mapping[str, Path] | None = None


def sources_of(evaluation: Evaluation, folder: Path, policy: Path) -> Sources:
    """From `evaluation.settings["paths"]`: {"adapter": ..., "previous": ..., "suites": {name: data file}}.

    Relative paths there are taken from the evaluation's folder.
    """
    given = evaluation.settings.get("paths")
    paths: Mapping[str, Any] = given if isinstance(given, Mapping) else {}

    def place(value: Any) -> Path | None:
        return folder / str(value) if value else None

    data_files = {str(name): folder / str(value) for name, value in dict(paths.get("suites") or {}).items() if value}
    return Sources(folder, policy, place(paths.get("adapter")), place(paths.get("previous")), data_files)


def make_certificate(
    decision: Decision, evaluation: Evaluation, sources: Sources, path: Path, policy_text: str
) -> dict[str, Any]:
    """What `path` is to hold, unsigned. policy_text is that of `sources.policy`, which need not be there yet."""
    identity = evaluation.identity
    base = identity.get("base")
    items = sources.evaluation / ITEMS
    header = sources.evaluation / EVALUATION
    said = sources.evaluation / JUDGEMENTS

    def relative(target: Path) -> str:
        return Path(os.path.relpath(target.resolve(), path.parent.resolve())).as_posix()

    return {
        "version": VERSION,
        "decision": {**decision.to_json(), "certificate": path.name},
        "policy_sha256": hashlib.sha256(policy_text.encode("utf-8")).hexdigest(),
        "base": dict(base) if isinstance(base, Mapping) else {},
        "adapter": identity.get("adapter"),
        "tokenizer_sha256": identity.get("tokenizer_sha256"),
        "template_sha256": identity.get("template_sha256"),
        "data": training_data(identity, sources.adapter),
        "suites": [{"name": suite.suite, "data_sha256": suite.data_sha256} for suite in evaluation.suites],
        "items": {"path": relative(items), "sha256": sha256_file(items)},
        "evaluation": {"path": relative(header), "sha256": sha256_file(header)},
        **({"judgements": {"path": relative(said), "sha256": sha256_file(said)}} if said.is_file() else {}),
        "previous": identity.get("previous"),
        "versions": {"assay": __version__, **library_versions()},
        "seed": identity.get("seed"),
        "part": evaluation.settings.get("items", "all"),
        "stopping": evaluation.settings.get("stopping"),
        "paths": {
            "policy": relative(sources.policy),
            "adapter": relative(sources.adapter) if sources.adapter else None,
            "previous": relative(sources.previous) if sources.previous else None,
            "suites": {name: relative(file) for name, file in (sources.suites or {}).items()},
        },
        "signature": None,
    }


def training_data(identity: Mapping[str, object], adapter: Path | None) -> list[dict[str, Any]]:
    """[{run, digest}] of the data that the candidate was trained on; empty when the adapter does not say."""
    card = _adapter_card(adapter)
    digests = card.get("data_digests", identity.get("data"))
    if isinstance(digests, Mapping):
        return [{"run": str(run), "digest": str(digest)} for run, digest in digests.items()]
    if isinstance(digests, list):
        run = card.get("run")
        return [dict(item) if isinstance(item, Mapping) else {"run": run, "digest": str(item)} for item in digests]
    return []


def _adapter_card(adapter: Path | None) -> Mapping[str, Any]:
    try:
        card = json.loads((adapter / "assay.json").read_text(encoding="utf-8")) if adapter is not None else {}
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}


def read_certificate(path: Path) -> dict[str, Any]:
    """Raises InputError when it cannot be read or is none."""
    try:
        certificate = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"cannot be read ({error.strerror})", where=str(path), fix="`assay gate` writes certificates"
        ) from error
    except ValueError as error:
        raise InputError("is not JSON", where=str(path)) from error
    if not isinstance(certificate, dict) or not isinstance(certificate.get("decision"), dict):
        raise InputError("is no certificate: it holds no decision", where=str(path))
    if certificate.get("version") != VERSION:
        raise InputError(f"is of version {certificate.get('version')}; this assay reads {VERSION}", where=str(path))
    return certificate
