"""Recomputes what a certificate claims, from the files it names. No model is loaded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.errors import AssayError
from assay.storage import sha256_file

from ..evaluation import Evaluation, SuiteResult, is_judged
from ..evaluation_files import read
from ..gate.gate import gate
from ..gate.policy import read_policy
from ..rescore import Rescore
from ..scorer import NOT_RESCORABLE
from ..scorer import rescore as stored_outputs
from ..wording import count, names
from .certificate import read_certificate
from .signature import fingerprint, is_signed_by_its_key, names_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from ..judging.again import Again

TOLERANCE = 1e-6
"""Numbers may differ by this much between machines; a verdict may not differ."""


LATER = frozenset({"limits", "kl_limits", "graded", "constant"})
WORDS = frozenset({"reason", "reasons", "notes", "detail"})
"""Keys that the decision of an earlier version lacks, and those that hold sentences."""


@dataclass(frozen=True)
class Claim:
    """One thing that the certificate says. ok is None where it could not be checked; detail says what was seen."""

    name: str
    ok: bool | None
    detail: str

    def to_json(self) -> dict[str, Any]:
        return {"claim": self.name, "ok": self.ok, "detail": self.detail}


def verify(path: Path, rescore: Rescore = stored_outputs, public_key: Ed25519PublicKey | None = None) -> list[Claim]:
    """Every claim of the certificate.

    rescore     scores stored outputs again; the gate, which never runs code that a model wrote, uses its own
    public_key  whose signature the certificate must carry

    Raises InputError when the file is no certificate.
    """
    certificate = read_certificate(path)
    folder = path.parent
    paths: Mapping[str, Any] = certificate.get("paths") or {}
    claims = [
        _signature(certificate, public_key),
        _file("policy", folder, paths.get("policy"), certificate.get("policy_sha256")),
        *_entry("items", folder, certificate.get("items")),
        *_entry("evaluation", folder, certificate.get("evaluation")),
        *(_entry("judgements", folder, certificate["judgements"]) if "judgements" in certificate else ()),
        *_adapter("adapter", folder, paths.get("adapter"), certificate.get("adapter")),
        *_adapter("previous adapter", folder, paths.get("previous"), certificate.get("previous")),
        *_suites(certificate, folder, paths.get("suites") or {}),
    ]
    try:
        evaluation = read((folder / str(certificate["items"]["path"])).parent)
    except (AssayError, OSError, KeyError, TypeError) as error:
        return [*claims, Claim("verdict", None, f"the evaluation cannot be read: {error}"), *_not_checked(certificate)]
    claims += _bindings(certificate, evaluation)
    claims += [claim for result in evaluation.suites for claim in _scores(result, evaluation, rescore)]
    claims += _decision(certificate, evaluation, folder / str(paths.get("policy")))
    return [*claims, *_not_checked(certificate)]


def files_behind(path: Path) -> dict[str, Path]:
    """{what it is: where} of every file that `verify` reads for a certificate, whether it is there or not.

    Raises InputError when the file is no certificate.
    """
    certificate = read_certificate(path)
    folder = path.parent
    paths = certificate.get("paths")
    given: Mapping[str, Any] = paths if isinstance(paths, Mapping) else {}
    suites = given.get("suites")
    named: dict[str, Any] = {"policy": given.get("policy")}
    for name in ("items", "evaluation", "judgements"):
        entry = certificate.get(name)
        named[name] = entry.get("path") if isinstance(entry, Mapping) else None
    for name, files in (("adapter", certificate.get("adapter")), ("previous", certificate.get("previous"))):
        if given.get(name) and isinstance(files, Mapping):
            named |= {f"{name}: {file}": f"{given[name]}/{file}" for file in files}
    if isinstance(suites, Mapping):
        named |= {f"data of {suite}": file for suite, file in suites.items()}
    return {"certificate": path, **{name: folder / str(file) for name, file in named.items() if file}}


def _signature(certificate: Mapping[str, Any], public_key: Ed25519PublicKey | None) -> Claim:
    if certificate.get("signature") is None:
        return Claim("signature", None if public_key is None else False, "the certificate is not signed")
    if find_spec("cryptography") is None:
        return Claim("signature", None, "it takes cryptography to check it: pip install 'assay[sign]'")
    if not is_signed_by_its_key(certificate):
        return Claim("signature", False, "the certificate is not what was signed, or not by the key it names")
    key = f"key {fingerprint(certificate)}"
    if public_key is None:
        return Claim("signature", None, f"signed by {key}; whose it is, only --public-key tells")
    if not names_key(certificate, public_key):
        return Claim("signature", False, f"signed by {key}, which is not the one of --public-key")
    return Claim("signature", True, f"signed by {key}, as it must be")


def _file(name: str, folder: Path, path: Any, digest: Any) -> Claim:
    if not path:
        return Claim(name, None, "the certificate does not say where the file is")
    try:
        found = sha256_file(folder / str(path))
    except OSError as error:
        return Claim(name, None, f"{path} cannot be read ({error.strerror})")
    if found != digest:
        return Claim(
            name, False, f"{path} is not the file that was judged (sha256 {found[:12]}, not {str(digest)[:12]})"
        )
    return Claim(name, True, f"{path}")


def _entry(name: str, folder: Path, entry: Any) -> list[Claim]:
    if not isinstance(entry, Mapping):
        return [Claim(name, False, "the certificate names no such file")]
    return [_file(name, folder, entry.get("path"), entry.get("sha256"))]


def _adapter(name: str, folder: Path, path: Any, files: Any) -> Iterator[Claim]:
    if not isinstance(files, Mapping):
        return
    if not path:
        yield Claim(name, None, "the certificate does not say where the adapter is")
        return
    checked = [_file(name, folder / str(path), file, digest) for file, digest in files.items()]
    wrong = [claim for claim in checked if claim.ok is not True]
    yield from wrong or [Claim(name, True, f"{path}: {count(len(checked), 'file')}")]


def _suites(certificate: Mapping[str, Any], folder: Path, paths: Mapping[str, Any]) -> Iterator[Claim]:
    for suite in certificate.get("suites", []):
        yield _file(f"data of {suite['name']}", folder, paths.get(suite["name"]), suite["data_sha256"])


def _bindings(certificate: Mapping[str, Any], evaluation: Evaluation) -> Iterator[Claim]:
    """The certificate and the evaluation must speak of the same model, adapter and suites."""
    suites = [{"name": suite.suite, "data_sha256": suite.data_sha256} for suite in evaluation.suites]
    pairs = {
        key: evaluation.identity.get(key) for key in ("adapter", "previous", "tokenizer_sha256", "template_sha256")
    }
    pairs |= {"base": evaluation.identity.get("base") or {}, "suites": suites}
    if "stopping" in certificate:
        pairs |= {"stopping": evaluation.settings.get("stopping"), "part": evaluation.settings.get("items", "all")}
    differ = [key for key, value in pairs.items() if certificate.get(key) != _plain(value)]
    if differ:
        yield Claim("identity", False, f"certificate and evaluation differ in {names(differ)}")
    else:
        yield Claim("identity", True, "certificate and evaluation name the same base, adapter, template and suites")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _scores(result: SuiteResult, evaluation: Evaluation, rescore: Rescore) -> Iterator[Claim]:
    """Stored outputs scored again, and the means that the evaluation states."""
    rows = [row for row in evaluation.items.to_pylist() if row["suite"] == result.suite]
    name = f"scores of {result.suite}"
    scored = [row for row in rows if row["score"] is not None]
    for stated in result.scores:
        mean = float(np.mean([row["score"] for row in scored if row["model"] == stated.model] or [math.nan]))
        if not _close(mean, stated.score) and stated.n:
            yield Claim(name, False, f"{stated.model} is said to score {stated.score:.4f}, its items give {mean:.4f}")
    if is_judged(result):
        yield from _judged(result, evaluation, rows)
        return
    usable = [row for row in rows if row["reference"] is not None and row["output"] is not None]
    columns = ([row[key] for row in usable] for key in ("output", "reference", "context"))
    again = rescore(result, *columns) if usable else None
    if again is None:
        yield Claim(name, None, _why_not_again(result))
        return
    wrong = [
        f"{row['item_id']} ({row['model']}): stored {row['score']:g}, scored again {score:g}"
        for row, score in zip(usable, again, strict=True)
        if not _close(row["score"], score)
    ]
    if wrong:
        yield Claim(name, False, f"{count(len(wrong), 'score')} of {len(usable)} differ: {names(wrong, 3)}")
    else:
        yield Claim(name, True, f"{count(len(usable), 'stored output')} scored again, all the same")


def _judged(result: SuiteResult, evaluation: Evaluation, rows: Sequence[Mapping[str, Any]]) -> Iterator[Claim]:
    """Scores and figures of a judge, from what it said then. It is never asked here."""
    from ..judging.again import judge_again

    name, judge = f"scores of {result.suite}", f"judge of {result.suite}"
    try:
        again = judge_again(result, evaluation)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        yield Claim(name, False, f"what the judge said cannot be read: {error}")
        return
    if again is None:
        yield Claim(name, None, "what the judge said was not kept, and it is not asked again")
        return
    wrong = [
        f"{row['item_id']} ({row['model']}): stored {row['score']}, by the judge's answer {score}"
        for row in rows
        if (score := again.found.scores.get((row["item_id"], row["model"]))) != row["score"]
        and (score is None or row["score"] is None or not _close(score, row["score"]))
    ]
    if wrong:
        yield Claim(name, False, f"{count(len(wrong), 'score')} of {len(rows)} differ: {names(wrong, 3)}")
    else:
        seen = f"{again.known} of {count(again.asked, 'answer')} of the judge"
        yield Claim(
            name, True, f"{count(len(rows), 'score')} follow from {seen}, which were kept; none was asked again"
        )
    yield _judge_figures(judge, result, evaluation, again)


def _judge_figures(name: str, result: SuiteResult, evaluation: Evaluation, again: Again) -> Claim:
    """Agreement with people, preference for length, and the words that the verdict says of them."""
    given, notes = evaluation.settings.get("judging"), evaluation.settings.get("notes")
    stated = dict(given).get(result.suite) if isinstance(given, Mapping) else None
    kept = {key: value for key, value in dict(stated or {}).items() if key != "cost"}
    differ = _differences(again.report.to_json(), kept, "")
    if differ:
        return Claim(name, False, f"differ: {names(differ)}")
    lacking = [note for note in again.notes if note not in (notes if isinstance(notes, list | tuple) else ())]
    if lacking:
        return Claim(name, False, f"the verdict does not say: {lacking[0]}")
    return Claim(name, True, "agreement with people and preference for length, computed again, are what is said")


def _why_not_again(result: SuiteResult) -> str:
    if result.scorer.get("name") == NOT_RESCORABLE:
        return "stored outputs cannot be scored again without the task's own metric"
    return "scoring them again would run code that a model wrote: --allow-code does"


def _decision(certificate: Mapping[str, Any], evaluation: Evaluation, policy: Path) -> Iterator[Claim]:
    stated = certificate["decision"]
    try:
        found = gate(evaluation, read_policy(policy)).to_json()
    except AssayError as error:
        yield Claim("verdict", False, f"cannot be computed again: {error}")
        return
    if found["verdict"] != stated.get("verdict"):
        yield Claim("verdict", False, f"stated {stated.get('verdict')}, computed again {found['verdict']}")
    else:
        yield Claim("verdict", True, f"{found['verdict']}, computed again from items and policy")
    differ = _differences({**found, "certificate": None}, {**stated, "certificate": None}, "")
    words: list[str] = []
    if _is_earlier(stated):
        differ = [path for path in differ if not LATER.intersection(path.split("."))]
        words = [path for path in differ if WORDS.intersection(path.split("."))]
        differ = [path for path in differ if path not in words]
    if differ:
        yield Claim("numbers of the decision", False, f"differ: {names(differ)}")
    else:
        yield Claim("numbers of the decision", True, f"every number{'' if words else ' and reason'} is the same")
    if words:
        yield Claim("words of the decision", None, f"an earlier version wrote them otherwise: {names(words)}")


def _is_earlier(stated: Mapping[str, Any]) -> bool:
    """From before proofs had their limits beside them, and other words (docs/decisions/0109)."""
    suites = stated.get("suites")
    return isinstance(suites, list) and any(isinstance(s, Mapping) and "limits" not in s for s in suites)


def _differences(found: Any, stated: Any, where: str) -> list[str]:
    """Paths such as `suites.0.candidate` at which two JSON values differ."""
    if isinstance(found, dict) and isinstance(stated, dict):
        keys = sorted(found.keys() | stated.keys())
        return [path for key in keys for path in _differences(found.get(key), stated.get(key), f"{where}.{key}")]
    if isinstance(found, list) and isinstance(stated, list) and len(found) == len(stated):
        return [
            path
            for index, (a, b) in enumerate(zip(found, stated, strict=True))
            for path in _differences(a, b, f"{where}.{index}")
        ]
    same = _close(found, stated) if _is_number(found) and _is_number(stated) else found == stated
    return [] if same else [where.lstrip(".")]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _not_checked(certificate: Mapping[str, Any]) -> Iterator[Claim]:
    """What only the model itself could show."""
    base = certificate.get("base") or {}
    yield Claim("base model", None, f"{base.get('name', 'unnamed')}: its weights are not read here")
    yield Claim("tokenizer and template", None, "hashes are recorded; they are compared when a model is loaded")
