"""What can be set of a judge, checked; and what of it decides a score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from assay.protocols import Price
from assay.records import Json
from assay.storage import sha256_file

Mode: TypeAlias = Literal["grade", "pairwise"]
MODES: tuple[Mode, ...] = ("grade", "pairwise")
MOST_GRADES = 10
FEWEST_REPLY_TOKENS = 16

RUBRICS: Mapping[Mode, str] = {
    "grade": "The answer is correct, complete and to the point, and says nothing that is false.",
    "pairwise": "The better answer is correct, complete and to the point, and says nothing that is false.",
}
"""For a suite that gives none. Length is not a virtue in either."""


@dataclass(frozen=True)
class JudgeSettings:
    """A judge of one suite.

    rubric          what a good answer is, in words
    grades          the judge gives 1 to so many; they become 0.0 to 1.0 in equal steps
    pass_at         score from which an answer counts as right, where it is compared with people's labels
    use_reference   the judge sees the item's reference
    labels          file of human verdicts, None where there is none
    max_usd         cap in dollars over the life of the suite's journal; 0 asks a judge that costs nothing only
    temperature     None leaves it to the provider
    price           None where none is given, as for a judge on this machine
    """

    provider: str
    model: str
    mode: Mode = "grade"
    rubric: str = ""
    grades: int = 5
    pass_at: float = 0.75
    use_reference: bool = True
    labels: Path | None = None
    max_usd: float = 0.0
    max_requests: int = 10_000
    price: Price | None = None
    base_url: str | None = None  # without a slash at its end
    api_key_env: str | None = None
    temperature: float | None = 0.0
    max_tokens: int = 400
    concurrency: int = 8
    timeout: float = 60.0
    max_retries: int = 6

    @property
    def name(self) -> str:
        return f"{self.provider} {self.model}"

    @property
    def journal_name(self) -> str:
        """Two servers that serve a model of one name are two judges."""
        return f"{self.provider} {self.base_url}" if self.base_url else self.provider


def read_settings(given: Mapping[str, Any]) -> JudgeSettings:
    """From the scorer's settings. Raises ValueError with what is wrong, OSError for a rubric that cannot be read."""
    for key in ("provider", "model"):
        if not str(given.get(key, "")).strip():
            raise ValueError(f"no {key} is named: provider: openai, model: NAME")
    mode = given.get("mode", "grade")
    if mode not in MODES:
        raise ValueError(f"mode should be one of {', '.join(MODES)}")
    grades = given.get("grades", 5)
    if not 2 <= grades <= MOST_GRADES:
        raise ValueError(f"grades should be from 2 to {MOST_GRADES}")
    if not 0.0 < given.get("pass_at", 0.75) <= 1.0:
        raise ValueError("pass_at should be above 0 and at most 1")
    if given.get("max_usd", 0.0) < 0:
        raise ValueError("max_usd should not be below 0")
    for key in ("max_requests", "concurrency", "timeout"):
        if given.get(key, 1) <= 0:
            raise ValueError(f"{key} should be above 0")
    if given.get("max_tokens", 400) < FEWEST_REPLY_TOKENS:
        raise ValueError(f"max_tokens should be {FEWEST_REPLY_TOKENS} or more")
    temperature = float(given.get("temperature", 0.0))
    plain = {key: given[key] for key in _PLAIN if key in given}
    return JudgeSettings(
        **plain,
        rubric=_rubric(given, mode),
        labels=_file(given, "labels", "labels_sha256"),
        price=_price(given.get("price")),
        base_url=_address(given.get("base_url")),
        api_key_env=given.get("api_key_env") or None,
        temperature=temperature if temperature >= 0 else None,
    )


_PLAIN = (
    "provider",
    "model",
    "mode",
    "grades",
    "pass_at",
    "use_reference",
    "max_usd",
    "max_requests",
    "max_tokens",
    "concurrency",
    "timeout",
    "max_retries",
)


def _rubric(given: Mapping[str, Any], mode: Mode) -> str:
    if given.get("rubric") and given.get("file"):
        raise ValueError("either rubric or file says what a good answer is, not both")
    path = _file(given, "file", "sha256")
    text = path.read_text(encoding="utf-8-sig") if path is not None else str(given.get("rubric", ""))
    if path is not None and not text.strip():
        raise ValueError(f"{path.name} is empty, and should say what a good answer is")
    return text.strip() or RUBRICS[mode]


def _file(given: Mapping[str, Any], key: str, digest: str) -> Path | None:
    if not given.get(key):
        return None
    path = Path(given[key])
    if given.get(digest) and sha256_file(path) != given[digest]:
        raise ValueError(f"{path.name} has changed since the suite was read")
    return path


def _address(given: Any) -> str | None:
    """It is kept with every evaluation, so a password in it would be as well."""
    address = str(given or "").strip().rstrip("/")
    if "@" in urlsplit(address).netloc:
        raise ValueError("base_url should hold no user and no password: name a variable with the key in api_key_env")
    return address or None


def _price(given: Any) -> Price | None:
    if given is None:
        return None
    numbers = dict(given) if isinstance(given, Mapping) else {}
    if set(numbers) != {"input", "output"} or not all(_is_amount(value) for value in numbers.values()):
        raise ValueError("price should be in dollars a million tokens: {input: 0.15, output: 0.60}")
    return Price(float(numbers["input"]), float(numbers["output"]))


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def recorded(given: Mapping[str, Any]) -> dict[str, Json]:
    """What decides a score, by itself: the rubric's text and not its file; neither money nor labels.

    Reading it again with `read_settings` gives a judge that asks the same.
    """
    settings = read_settings(given)
    return {
        "provider": settings.provider,
        "model": settings.model,
        "mode": settings.mode,
        "rubric": settings.rubric,
        "grades": settings.grades,
        "pass_at": settings.pass_at,
        "use_reference": settings.use_reference,
        "temperature": -1.0 if settings.temperature is None else settings.temperature,
        "max_tokens": settings.max_tokens,
        **({"base_url": settings.base_url} if settings.base_url else {}),
    }
