"""Some items of an evaluation answered again, by the base and by the candidate, and held against what it holds.

`assay verify` recomputes all that follows from the stored answers; that these are the model's own answers, only the
model can show. The items are drawn by the certificate's hash, which nobody can choose after the answers are known.

Another machine, library or batch moves the last digits of a log-likelihood. What may differ is said in numbers: the
log-likelihoods of all options of an item by `tolerance_of` its data type, and with them a choice between options that
stood closer than twice that; and of generated text the token at which two answers part, where both were as likely but
for that much. Everything else differs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.config import Document, parse
from assay.errors import AssayError, ModelError
from assay.storage import sha256_file
from assay.suites import read_suites
from assay.suites.general import include_paths

from ..asking.domain_suite import DomainSuite
from ..asking.examination import Answer, Examination, digest
from ..asking.task_suite import LmEvalTask
from ..evaluation import Evaluation, ModelName, is_judged
from ..evaluation_files import read
from ..identity import Models
from ..models.likelihood import Request
from ..models.switched_model import Precision, load_switched
from ..settings import EvaluateSettings
from ..stage import language_model, prepare_all, read_all
from ..wording import count, names
from .certificate import read_certificate
from .verify import Claim

if TYPE_CHECKING:
    from assay.chat import ChatTarget

    from ..models.lm_eval_model import AssayLM

EXACT, ROUNDED = 2e-3, 0.25
"""Natural logarithm: for float32, and for 16 and 4 bits, whose logits of 16 to 32 are an eighth apart."""

SAME_SCORE = 1e-6

Row = Mapping[str, Any]


def tolerance_of(base: Mapping[str, Any]) -> float:
    """base: of `Evaluation.identity`."""
    return EXACT if base.get("dtype") == "float32" and not base.get("quantisation") else ROUNDED


@dataclass(frozen=True)
class Again:
    """How one item's answer stands to the stored one. differs: None where it does not; tie: it does, at a tie."""

    item_id: str
    differs: str | None = None
    tie: bool = False


def rerun(path: Path, items: int, target: ChatTarget, *, seed: int = 0, allow_code: bool = False) -> list[Claim]:
    """Claims about the model, and about `items` items of each suite, drawn by the certificate's hash and the seed.

    target      the base that the certificate names
    allow_code  the user lets a scorer run code that a model wrote

    Raises InputError, SuiteError or ModelError for what cannot be read, found or loaded.
    """
    certificate = read_certificate(path)
    folder = (path.parent / str(certificate["items"]["path"])).parent
    evaluation = read(folder)
    if evaluation.identity.get("server") is not None:
        return [Claim("answers", None, "a server gave them, of which no weights are known: none is asked for again")]
    adapter = (certificate.get("paths") or {}).get("adapter")
    candidate = path.parent / str(adapter) if adapter else None
    models = Models(target, candidate)
    claims = list(_same_model(certificate, models))
    if any(claim.ok is False for claim in claims):
        return [*claims, Claim("answers", None, "nothing is answered again by a model that is not the one judged")]
    settings = replace(_settings(evaluation, folder), allow_code=allow_code)
    own, tasks = read_all(read_suites(settings.suites), settings, target)
    base = evaluation.identity.get("base")
    known: Mapping[str, Any] = base if isinstance(base, Mapping) else {}
    switched = load_switched(target.ref, target, models.adapters, _precision(known), damage_seed=None)
    lm = language_model(switched, target, settings)
    examinations = [*own, *prepare_all(tasks, settings, lm)]
    key = f"{sha256_file(path)} {seed}"
    arms: list[ModelName] = ["base", *(["candidate"] if candidate is not None else [])]  # type: ignore[list-item]
    for examination in examinations:
        for arm in arms:
            with switched.switched_to(arm):
                rows = _drawn(evaluation, examination, arm, items, key)
                claims.append(_claim(examination, arm, rows, lm, evaluation, tolerance_of(known)))
    scored = {examination.name for examination in examinations}
    claims += [
        Claim(f"answers of {result.suite}", False, "the suite is not among those that the evaluation's settings name")
        for result in evaluation.suites
        if result.suite not in scored
    ]
    return claims


def _same_model(certificate: Mapping[str, Any], models: Models) -> Iterator[Claim]:
    """By content: a base may lie anywhere, under any name."""
    target, base = models.target, certificate.get("base") or {}
    same = models.weights_sha256 == base.get("weights_sha256")
    found = f"{target.name}: its weights are {'' if same else 'not '}those that were judged"
    yield Claim("base model", same, found)
    differ = [
        shown
        for shown, ours, theirs in (
            ("tokenizer", target.tokenizer_sha256, certificate.get("tokenizer_sha256")),
            ("chat template", target.template_sha256, certificate.get("template_sha256")),
        )
        if ours != theirs
    ]
    yield Claim(
        "tokenizer and template", not differ, f"{names(differ)} differ" if differ else "the same as those of the model"
    )


def _settings(evaluation: Evaluation, folder: Path) -> EvaluateSettings:
    """As the evaluation recorded them, with its paths taken from its folder."""
    known = EvaluateSettings.__dataclass_fields__.keys()
    given = {key: value for key, value in evaluation.settings.items() if key in known and value is not None}
    paths: Any = given.get("suites") or ()
    given["suites"] = [str(folder / str(suite)) for suite in paths]
    included: Any = given.get("include_path") or ()
    given["include_path"] = [str(folder / str(path)) for path in include_paths(included)]
    return parse(EvaluateSettings, Document(given, str(folder / "evaluation.json")))[0]


def _precision(base: Mapping[str, Any]) -> Precision:
    quantisation, double = base.get("quantisation"), base.get("double_quantisation")
    dtype = str(base.get("dtype") or "auto")
    return Precision(quantisation is not None, str(quantisation or "nf4"), bool(double), dtype)


def _drawn(evaluation: Evaluation, examination: Examination, arm: ModelName, items: int, key: str) -> list[Row]:
    """Stored answers of `items` items, the same for every arm."""
    rows = [
        row for row in evaluation.items.to_pylist() if row["suite"] == examination.name and row["model"] == arm
    ]  # fmt: skip
    return sorted(rows, key=lambda row: digest([key, examination.name, row["item_id"]]))[:items]


def _claim(
    examination: Examination, arm: ModelName, rows: Sequence[Row], lm: AssayLM, evaluation: Evaluation, tolerance: float
) -> Claim:
    name = f"answers of {examination.name} ({arm})"
    if not rows:
        return Claim(name, False, "the evaluation holds none")
    places = {item.id: number for number, item in enumerate(examination.items)}
    strangers = [row["item_id"] for row in rows if row["item_id"] not in places]
    strangers += [
        row["item_id"]
        for row in rows
        if row["item_id"] in places and examination.items[places[row["item_id"]]].prompt_hash != row["prompt_hash"]
    ]
    if strangers:
        return Claim(name, False, f"the suite does not ask these items, or asks them otherwise: {names(strangers, 3)}")
    numbers = [places[row["item_id"]] for row in rows]
    judged = any(is_judged(result) for result in evaluation.suites if result.suite == examination.name)
    try:
        answers = examination.answer(lm, numbers, lambda _: None)
    except AssayError as error:
        return Claim(name, False, f"cannot be answered again: {error}")
    found = [
        _compare(row, answer, examination, number, lm, tolerance, judged)
        for row, number, answer in zip(rows, numbers, answers, strict=True)
    ]
    ties = [again.item_id for again in found if again.tie]
    wrong = [f"{again.item_id}: {again.differs}" for again in found if again.differs and not again.tie]
    if wrong:
        return Claim(name, False, f"{len(wrong)} of {count(len(rows), 'item')} differ: {names(wrong, 3)}")
    at_ties = f", but for {names(ties, 3)}, at a tie" if ties else ""
    return Claim(name, True, f"{count(len(rows), 'item')} answered again, all the same{at_ties}")


def _compare(
    row: Row, answer: Answer, examination: Examination, number: int, lm: AssayLM, tolerance: float, judged: bool
) -> Again:
    item = str(row["item_id"])
    stored, again = str(row["output"]), answer.output
    if row["option_logprobs"] is not None and answer.option_logprobs is not None:
        return _compare_options(row, answer, examination, number, tolerance)
    if stored != again:
        seen = f"stored {_short(stored)}, answered again {_short(again)}"
        return Again(item, seen, _parts_at_a_tie(stored, again, examination, number, lm, tolerance))
    if not judged and row["score"] is not None and abs(row["score"] - answer.score) > SAME_SCORE:
        return Again(item, f"stored {row['score']:g} for the same answer, scored again {answer.score:g}")
    return Again(item)


def _compare_options(row: Row, answer: Answer, examination: Examination, number: int, tolerance: float) -> Again:
    """The likelihoods decide: options that stand closer than they may move can change places."""
    item, stored, again = str(row["item_id"]), json.loads(row["option_logprobs"]), answer.option_logprobs or ()
    if len(stored) != len(again):
        return Again(item, f"{len(stored)} options stored, {len(again)} asked")
    furthest = max(abs(a - b) for a, b in zip(stored, again, strict=True))
    if furthest > tolerance:
        return Again(item, f"a log-likelihood moved by {furthest:.3g}, and {tolerance:g} is what rounding may do")
    if row["output"] == answer.output:
        same = abs(row["score"] - answer.score) <= SAME_SCORE
        return Again(item, None if same else f"stored {row['score']:g}, scored again {answer.score:g}")
    seen = f"stored {_short(row['output'])}, answered again {_short(answer.output)}"
    options = _options(examination, number)
    if row["output"] not in options or answer.output not in options:
        return Again(item, seen)
    weights = [max(len(option), 1) if examination.scorer.get("length_normalised") else 1 for option in options]
    places = options.index(str(row["output"])), options.index(answer.output)
    ours, theirs = (again[place] / weights[place] for place in places)
    return Again(item, seen, abs(ours - theirs) <= 2 * tolerance / min(weights[place] for place in places))


def _options(examination: Examination, number: int) -> list[str]:
    """Texts of the options, in the order of their log-likelihoods."""
    if isinstance(examination, DomainSuite):
        return list(examination.suite.items[number].choices)
    return examination._choices(examination.requests[number]) if isinstance(examination, LmEvalTask) else []


def _parts_at_a_tie(
    stored: str, again: str, examination: Examination, number: int, lm: AssayLM, tolerance: float
) -> bool:
    """Whether the two tokens at which the answers part are as likely as each other, but for the tolerance."""
    prompt = _prompt(examination, number, lm)
    if prompt is None:
        return False
    ours, theirs = (lm.tok_encode(text, add_special_tokens=False) for text in (stored, again))
    shared = next(
        (i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs))
    )
    ends = sorted(lm.stop_token_ids)

    def likelihood(ids: Sequence[int]) -> float:
        following = [ids[shared]] if shared < len(ids) else ends
        context = (*prompt, *ids[:shared])
        return max(found.logprob for found in lm.score([Request(context, (token,)) for token in following]))

    try:
        return abs(likelihood(ours) - likelihood(theirs)) <= 2 * tolerance
    except (ModelError, ValueError):
        return False


def _prompt(examination: Examination, number: int, lm: AssayLM) -> tuple[int, ...] | None:
    if isinstance(examination, DomainSuite):
        return examination.prompts[number]
    if isinstance(examination, LmEvalTask):
        return tuple(lm.tok_encode(examination.requests[number][0].args[0]))
    return None


def _short(text: object) -> str:
    shown = " ".join(str(text).split())
    return f"'{shown}'" if len(shown) <= 40 else f"'{shown[:37]}...'"
