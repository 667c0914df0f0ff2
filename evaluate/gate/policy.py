"""The policy of a release, as people write it: which suites count, for what, and how sure one must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from assay.config import Document, parse, read_document
from assay.errors import SettingsError

Role: TypeAlias = Literal["domain", "general"]


@dataclass(frozen=True)
class SlicePolicy:
    """A slice of a suite that is guarded by itself.

    guardrail  loss on the slice that blocks once it is proved, at alpha over the number of guarded slices; unless
               given, the suite's
    """

    guardrail: float | None = None


@dataclass(frozen=True)
class SuitePolicy:
    """What one suite is for.

    role       domain: the candidate must be better there; general: it must not be worse by more than the margin
    required   without a valid result there is no verdict; an optional suite that is invalid is set aside and named
    must_pass  ids of items that the candidate must answer with full score
    guardrail, min_gain, min_score  for this suite, in place of the policy's
    slices     by name, those that are guarded by themselves
    """

    role: Role
    required: bool = True
    must_pass: tuple[str, ...] = ()
    guardrail: float | None = None
    min_gain: float | None = None
    min_score: float | None = None
    slices: Mapping[str, SlicePolicy] = field(default_factory=dict)


@dataclass(frozen=True)
class Policy:
    """policy.yaml. Shares of 1, not percent.

    question    release: is it better at its task, and is general ability kept; regression: is general ability kept,
                and no more, so that no domain suite is asked for
    alpha       chance, at most, of each wrong proof (one-sided)
    margin      loss of the average over the general suites that is tolerated, and must be proved not to be exceeded
    guardrail   loss on any single suite that blocks once it is proved, at alpha over the number of suites
    min_gain    gain on each required domain suite that must be proved to be exceeded
    min_score   score of the candidate on each required domain suite that must be proved to be exceeded; less than it
                blocks once that is proved, at alpha over the suites that have one
    max_kl      mean KL divergence to the base over the general suites, in nats, that must be proved not to be exceeded
    max_items   most items over all general suites that anybody is willing to score
    previous    the last release, where it was scored. guard: a loss against it blocks as one against the base does;
                prove: a PASS also needs its loss to be excluded; ignore: it is shown
    on_inconclusive           fail: exit code 4; warn: exit code 0, and the word
    on_missing_check          a sensitivity check that could not be run: fail makes its suite invalid, warn says so
    block_on_any_proved_loss  a proved loss of general ability blocks even within the margin
    require_guardrail_proof   PASS also needs a loss beyond the guardrail to be excluded on each general suite and slice
    suites      by name; where none is named, own suites are taken for domain, lm-eval tasks for general
    """

    version: int = 1
    question: Literal["release", "regression"] = "release"
    alpha: float = 0.05
    margin: float = 0.02
    guardrail: float = 0.05
    min_gain: float = 0.0
    min_score: float | None = None
    max_kl: float | None = None
    max_items: int = 3000
    previous: Literal["guard", "prove", "ignore"] = "guard"
    on_inconclusive: Literal["fail", "warn"] = "fail"
    on_missing_check: Literal["fail", "warn"] = "fail"
    block_on_any_proved_loss: bool = False
    require_guardrail_proof: bool = False
    suites: Mapping[str, SuitePolicy] = field(default_factory=dict)

    def guardrail_of(self, suite: SuitePolicy) -> float:
        return self.guardrail if suite.guardrail is None else suite.guardrail

    def min_gain_of(self, suite: SuitePolicy) -> float:
        return self.min_gain if suite.min_gain is None else suite.min_gain

    def min_score_of(self, suite: SuitePolicy) -> float | None:
        """A suite's own holds whatever its role; None where nothing is asked."""
        if suite.min_score is not None:
            return suite.min_score
        return self.min_score if suite.role == "domain" and suite.required else None

    def slice_guardrail(self, suite: SuitePolicy, name: str) -> float:
        own = suite.slices[name].guardrail
        return self.guardrail_of(suite) if own is None else own


def read_policy(path: Path) -> Policy:
    """Raises SettingsError, one line with the place, for the first fault."""
    if not path.exists():
        raise SettingsError(
            "there is no such policy", where=str(path), fix="name one: --policy FILE; `assay init` writes one"
        )
    return parse_policy(read_document(path))


def parse_policy(document: Document) -> Policy:
    """Raises SettingsError."""
    suites = _with_text_keys(document.section("suites"))
    parsed = {str(name): _suite(suites, str(name)) for name in suites.data}
    rest = Document({k: v for k, v in document.data.items() if k != "suites"}, document.file, document.lines)
    policy, _ = parse(Policy, rest)
    policy = replace(policy, suites=parsed)
    _check_ranges(policy, document)
    return policy


def _suite(suites: Document, name: str) -> SuitePolicy:
    section = suites.section(name)
    if "role" not in section.data:
        raise SettingsError(
            f"suite '{name}' has no role", where=suites.where((name,)), fix="write role: domain or role: general"
        )
    data: dict[str, Any] = {key: value for key, value in section.data.items() if key != "slices"}
    if isinstance(data.get("must_pass"), list):
        data["must_pass"] = [str(item) for item in data["must_pass"]]
    suite, _ = parse(SuitePolicy, Document(data, section.file, section.lines))
    for key in ("guardrail", "min_gain", "min_score"):
        _check_share(getattr(suite, key), key, section)
    return replace(suite, slices=_slices(section))


def _slices(suite: Document) -> dict[str, SlicePolicy]:
    """A list of names, or a mapping from names to settings."""
    given = suite.data.get("slices")
    if isinstance(given, list):
        return {str(name): SlicePolicy() for name in given}
    section = _with_text_keys(suite.section("slices"))
    found = {}
    for name in section.data:
        own = section.section(name)
        found[str(name)], _ = parse(SlicePolicy, own)
        _check_share(found[str(name)].guardrail, "guardrail", own)
    return found


def _with_text_keys(document: Document) -> Document:
    """YAML reads 7 and no as no text, and names are text."""
    return Document({str(key): value for key, value in document.data.items()}, document.file, document.lines)


def _check_share(value: float | None, key: str, document: Document) -> None:
    if value is not None and not 0 <= value < 1:
        raise SettingsError(
            f"'{key}' is {value}, but should be a share from 0 to below 1, such as 0.05 for 5 %",
            where=document.where((key,)),
        )


def _check_ranges(policy: Policy, document: Document) -> None:
    def refuse(key: str, should: str) -> None:
        raise SettingsError(f"'{key}' is {getattr(policy, key)}, but should be {should}", where=document.where((key,)))

    if policy.version != 1:
        refuse("version", "1, the only version this assay reads")
    if not 0 < policy.alpha < 0.5:
        refuse("alpha", "above 0 and below 0.5")
    if not 0 < policy.margin < 1:
        refuse("margin", "a share above 0 and below 1, such as 0.02 for two points")
    if not policy.margin <= policy.guardrail < 1:
        refuse("guardrail", "a share no smaller than the margin and below 1")
    if not 0 <= policy.min_gain < 1:
        refuse("min_gain", "a share from 0 to below 1")
    if policy.min_score is not None and not 0 <= policy.min_score < 1:
        refuse("min_score", "a share from 0 to below 1, such as 0.8 for 80 %")
    if policy.max_kl is not None and not policy.max_kl > 0:
        refuse("max_kl", "above 0; it is a mean over items, in nats")
    if policy.max_items < 1:
        refuse("max_items", "1 or more")
