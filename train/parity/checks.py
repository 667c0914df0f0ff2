"""What is compared, check by check: PASS, FAIL or UNPROVED with numbers, or stated where another check judges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from assay.records import Json

from .artefact import Artefact, Conversation, Held, Origin, Passage, RefusedError, TokenScores, UnprovedError
from .difference import difference


class Outcome(StrEnum):
    """STATED: a difference that is there by intent, and that the suites judge."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNPROVED = "UNPROVED"
    STATED = "STATED"


@dataclass(frozen=True)
class Check:
    """required: without it nothing is proved."""

    name: str
    outcome: Outcome
    sentence: str
    numbers: Mapping[str, Json] = field(default_factory=dict)
    required: bool = True

    def to_json(self) -> dict[str, Json]:
        return {
            "name": self.name,
            "outcome": str(self.outcome),
            "required": self.required,
            "sentence": self.sentence,
            "numbers": dict(self.numbers),
        }


PROMPTS, STOPS, LOGPROBS, SUITES = "prompt tokens", "stop tokens", "log-probabilities", "suite scores"
MADE_OF = "made of"

OF_AN_ADAPTER = ("adapter_model.safetensors", "adapter_config.json", "chat_template.jinja")
"""Files that make an adapter what it is; what is said of it beside them may be written anew."""

FLOAT32_NATS = 1e-3
"""Of a merge that keeps float32: the largest difference of one token. The order of additions alone moves one by 1e-5
to 1e-4 (docs/decisions/0096)."""

OTHER_ENGINES = frozenset({"gguf", "ollama"})

ENGINE_NATS = 1e-2
"""The same where another engine computes from the same float32 weights: llama.cpp reads GELU from a table of 16 bits,
which moved a token of Gemma 3 by 0.002 (docs/decisions/0096). A scale that is wrong by a tenth moves one by a nat."""

ROUNDED_NATS: Mapping[str, float] = {"bfloat16": 0.05, "float16": 0.01}
"""Of a merge whose sums were rounded to 16 bits: the mean difference. bfloat16 keeps 8 bits of a weight, float16 11;
what rounding does to SmolLM2-135M was measured (docs/decisions/0096)."""

TIMES_ROUNDING = 2
"""Of a model that rounds worse than that: so many times what rounding the same merge does (docs/decisions/0127)."""


def check_origin(gated: Mapping[str, str], shipped: Mapping[str, str], origin: Origin) -> Check:
    """What it says that it was made of is what was gated, and its weights are those that were written then.

    No tolerance sees a tensor that was changed by less than rounding does; a hash does. gated and shipped are the files
    of both, {file: sha256}.
    """
    numbers: dict[str, Json] = {"adapter": dict(origin.adapter), "weights": dict(origin.weights)}
    if not origin.adapter and not origin.weights:
        what = "it does not say of which adapter it was made"
        return Check(MADE_OF, Outcome.UNPROVED, what, required=False)
    others = [name for name in OF_AN_ADAPTER if name in origin.adapter and origin.adapter[name] != gated.get(name)]
    if others:
        what = f"it was made of another adapter than the one that was gated: {others[0]} is another"
        return Check(MADE_OF, Outcome.FAIL, what, numbers)
    changed = [name for name, digest in origin.weights.items() if shipped.get(name) != digest]
    if changed:
        what = f"its weights are not those that were written when it was made: {changed[0]} is another"
        return Check(MADE_OF, Outcome.FAIL, what, numbers)
    kept = f", and holds the {len(origin.weights)} weight file(s) of that day" if origin.weights else ""
    return Check(MADE_OF, Outcome.PASS, f"by its own word of the adapter that was gated{kept}", numbers, required=False)


def check_prompts(gated: Artefact, shipped: Artefact, conversations: Iterable[Conversation]) -> Check:
    """Identical ids for every conversation that the gated model's template takes, and the same number for every token:
    what is tried holds few of them."""
    try:
        renumbered = _renumbered(gated.token_texts(), shipped.token_texts())
    except UnprovedError as error:
        return Check(PROMPTS, Outcome.UNPROVED, str(error))
    if renumbered:
        what = f"another tokenizer: {len(renumbered)} tokens have another number, the first of them {renumbered[0]}"
        return Check(PROMPTS, Outcome.FAIL, what, {"renumbered": len(renumbered)})
    compared = tokens = 0
    taken = []
    for conversation in conversations:
        try:
            ours = gated.prompt_ids(conversation)
        except RefusedError:
            continue
        taken.append(conversation.name)
        try:
            theirs = shipped.prompt_ids(conversation)
        except UnprovedError as error:
            return Check(PROMPTS, Outcome.UNPROVED, str(error))
        except RefusedError as error:
            return Check(PROMPTS, Outcome.FAIL, f"{conversation.name}: its template takes none such: {error}")
        if ours != theirs:
            return Check(PROMPTS, Outcome.FAIL, f"{conversation.name}: {_first_other(ours, theirs)}")
        compared += 1
        tokens += len(ours)
    if not compared:
        return Check(PROMPTS, Outcome.UNPROVED, "the template takes none of the conversations that were tried")
    sentence = f"identical in {compared} conversations of {tokens:,} tokens"
    return Check(PROMPTS, Outcome.PASS, sentence, {"conversations": compared, "tokens": tokens, "shapes": taken[:12]})


def _renumbered(ours: Sequence[str | None], theirs: Sequence[str | None]) -> list[int]:
    """Ids that are another token's with the other, or none's. Byte tokens of sentencepiece are written in two ways."""
    return [
        number
        for number, text in enumerate(ours)
        if text is not None and not text.startswith("<0x") and (number >= len(theirs) or (theirs[number] != text))
    ]


def _first_other(ours: Sequence[int], theirs: Sequence[int]) -> str:
    """Ids and no text: a report may be shown where the data may not."""
    place = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))

    def at(ids: Sequence[int]) -> str:
        return f"token {ids[place]}" if place < len(ids) else "its end"

    return (
        f"{len(ours)} tokens were gated and {len(theirs)} are shipped; at place {place + 1} stood {at(ours)}, and now "
        f"stands {at(theirs)}"
    )


def check_stops(gated: Artefact, shipped: Artefact, passages: Sequence[Passage] = ()) -> Check:
    """Identical sets of ids. A token that is lacking makes answers go on; one that is new cuts them.

    What the engine ends at beside them is named, and fails where it stands within an answer of `passages`.
    """
    ours = gated.stop_ids()
    try:
        theirs, engine = shipped.stop_ids(), shipped.engine_stops()
    except UnprovedError as error:
        return Check(STOPS, Outcome.UNPROVED, str(error))
    numbers = {"gated": sorted(ours), "shipped": sorted(theirs), "engine": sorted(engine)}
    lacking, new = sorted(ours - theirs - engine), sorted(theirs - ours)
    if lacking:
        what = f"token {lacking[0]} ended answers when it was gated and does not now: they would go on"
        return Check(STOPS, Outcome.FAIL, what, numbers)
    within = {passage.ids[place] for passage in passages for place in passage.answer} - ours
    new += sorted((engine - ours) & within)
    if new:
        what = f"token {new[0]} ends answers now and did not when it was gated: they would be cut there"
        return Check(STOPS, Outcome.FAIL, what, numbers)
    beside = sorted(engine - ours)
    named = ", ".join(map(str, beside[:6])) + (", ..." if len(beside) > 6 else "")
    also = f"; the engine itself ends at {named} too, which no answer here holds" if beside else ""
    return Check(STOPS, Outcome.PASS, f"identical: {', '.join(map(str, sorted(ours)))}{also}", numbers)


def same_weights(gated: Held, shipped: Held) -> bool:
    """Whether the two should differ by rounding alone."""
    return gated.base == shipped.base and (shipped.dtype == "float32" or shipped.dtype in ROUNDED_NATS)


def check_logprobs(gated: Artefact, shipped: Artefact, passages: Sequence[Passage]) -> Check:
    """Each answer's tokens after their prompt, teacher-forced, by both.

    Of the same weights in float32 every token must agree, of the same weights in 16 bits their mean. Of other weights
    (a base quantised otherwise) the difference is stated.
    """
    try:
        theirs = shipped.token_scores(passages)
    except UnprovedError as error:
        return Check(LOGPROBS, Outcome.UNPROVED, str(error), required=same_weights(gated.held, shipped.held))
    ours = gated.token_scores(passages)
    found = difference(ours, theirs)
    numbers = {**found.to_json(), "gated": _of(gated.held), "shipped": _of(shipped.held)}
    if not same_weights(gated.held, shipped.held):
        sentence = f"{found.sentence} (other weights than those gated: the suites judge)"
        return Check(LOGPROBS, Outcome.STATED, sentence, numbers, required=False)
    dtype = shipped.held.dtype
    exact = dtype == "float32"
    other = exact and shipped.kind in OTHER_ENGINES
    per_token = ENGINE_NATS if other else FLOAT32_NATS
    limit, value = (per_token, found.most) if exact else (ROUNDED_NATS[dtype], found.mean)
    how = "of one token" if exact else f"on average, which is what rounding to {dtype} may do"
    how += ", which another engine's arithmetic may do" if other else ""
    if not exact and value > limit and (usual := _rounding(gated, shipped, passages, ours)) is not None:
        numbers |= {"rounding": usual}
        if TIMES_ROUNDING * usual > limit:
            limit = TIMES_ROUNDING * usual
            how = f"on average, {TIMES_ROUNDING} times what rounding the same merge to {dtype} does"
    numbers |= {"limit": limit}
    within = value <= limit
    sentence = f"{found.sentence}; {'within' if within else 'beyond'} {limit:.3g} nats {how}"
    return Check(LOGPROBS, Outcome.PASS if within else Outcome.FAIL, sentence, numbers)


def _rounding(
    gated: Artefact, shipped: Artefact, passages: Sequence[Passage], ours: Sequence[TokenScores]
) -> float | None:
    """The mean difference that rounding to the shipped dtype makes of a merge of the same adapter; None where that
    cannot be computed here."""
    trained = getattr(gated, "trained", None)
    if trained is None:
        return None
    from .rounding import rounded_scores

    found = rounded_scores(trained, shipped.held.base, shipped.held.dtype, passages, ours, FLOAT32_NATS)
    return None if found is None else difference(ours, found).mean


def _of(held: Held) -> dict[str, str]:
    return {"base": held.base, "dtype": held.dtype}
