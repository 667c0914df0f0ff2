"""House rules: how answers of this house are written, from one small file that the audit and evaluation both read.

    rules = read_house_rules(Path("house_rules.yaml"))
    rules.judge(Said("Please login first."))

A rule is kept, broken, not asked (its `when` or `where` does not hold) or left out (nobody can tell). See rule_file.py
for the file, rule_kinds.py for what a rule can ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from assay.errors import SettingsError
from assay.records import Json, Message, Record
from assay.writing.rule_file import Rule, Where, matches, read_rules
from assay.writing.rule_kinds import Hit, Required, Said

__all__ = ["STARTER", "Breach", "HouseRules", "Judgement", "Rule", "Said", "read_house_rules"]

STARTER = Path(__file__).resolve().parent.parent / "templates" / "house_rules.yaml"
"""A commented file to begin with."""


@dataclass(frozen=True)
class Breach:
    """A rule that an answer breaks, with every place. message is the index of the turn in its record."""

    rule: Rule
    hits: tuple[Hit, ...]
    message: int = 0


@dataclass(frozen=True)
class Judgement:
    """What became of the rules that were asked: ids kept, breaches, and ids of those that nobody can judge."""

    kept: tuple[str, ...]
    broken: tuple[Breach, ...]
    left_out: tuple[str, ...]

    @property
    def share_kept(self) -> float:
        """Of the rules asked and judged; 1.0 when there was none."""
        judged = len(self.kept) + len(self.broken)
        return len(self.kept) / judged if judged else 1.0


@dataclass(frozen=True)
class HouseRules:
    rules: tuple[Rule, ...]

    @property
    def counts_tokens(self) -> str | None:
        """The id of a rule that counts tokens, and so cannot be asked without a tokenizer."""
        return next((rule.id for rule in self.rules if getattr(rule.kind, "unit", "") == "tokens"), None)

    def judge(self, said: Said) -> Judgement:
        """One answer by itself."""
        kept, broken, left_out = [], [], []
        for rule in self.rules:
            asked = _is_asked(rule, said)
            if asked is False:
                continue
            hits = rule.kind.hits(said) if asked else None
            if hits is None:
                left_out.append(rule.id)
            elif hits:
                broken.append(Breach(rule, tuple(hits)))
            else:
                kept.append(rule.id)
        return Judgement(tuple(kept), tuple(broken), tuple(left_out))

    def breaches(self, record: Record, tokens: Callable[[str], int] | None = None) -> Iterator[Breach]:
        """In a conversation: every answer that is trained on, but a required phrase may stand in any one of them."""
        turns = list(_answers(record, tokens))
        met = {
            rule.id
            for rule in self.rules
            if isinstance(rule.kind, Required) and any(not rule.kind.hits(said) for _, said in turns)
        }
        told: set[str] = set()
        for index, said in turns:
            for breach in self.judge(said).broken:
                required = isinstance(breach.rule.kind, Required)
                if required and (breach.rule.id in met or breach.rule.id in told):
                    continue
                told.add(breach.rule.id)
                yield Breach(breach.rule, breach.hits, index)

    def replaced(self, record: Record) -> Record:
        """The record with forbidden wording replaced where a rule says `replace: true`; the same one otherwise."""
        edits: dict[int, list[Hit]] = {}
        for breach in self.breaches(record):
            safe = [hit for hit in breach.hits if hit.replacement is not None]
            edits.setdefault(breach.message, []).extend(safe)
        messages = list(record.messages)
        for index, hits in edits.items():
            messages[index] = _edited(messages[index], hits)
        return record if tuple(messages) == record.messages else record.with_messages(messages)

    def only(self, ids: Sequence[str], where: str) -> HouseRules:
        """The rules of these ids, each whatever its `where`. Raises SettingsError for an id that is not there."""
        from dataclasses import replace

        from assay.errors import did_you_mean

        known = {rule.id: rule for rule in self.rules}
        for name in ids:
            if name not in known:
                raise SettingsError(f"there is no rule '{name}'", where=where, fix=did_you_mean(name, known))
        return HouseRules(tuple(replace(known[name], where=Where()) for name in ids))


def read_house_rules(path: Path) -> HouseRules:
    """Read again only when the file has changed. Raises SettingsError with the line, for the first fault."""
    try:
        state = path.stat()
    except OSError as error:
        raise SettingsError(f"there are no house rules ({error.strerror})", where=str(path)) from error
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, modified: int, size: int) -> HouseRules:
    return HouseRules(read_rules(path))


def _is_asked(rule: Rule, said: Said) -> bool | None:
    """None where that depends on what is not known."""
    if rule.where != Where():
        if said.meta is None or said.system is None:
            return None
        if not matches(rule.where, said.meta, said.system):
            return False
    if rule.when.answer is not None and not rule.when.answer.found_in(said.text):
        return False
    if rule.when.prompt is not None:
        return None if said.prompt is None else rule.when.prompt.found_in(said.prompt)
    return True


def _answers(record: Record, tokens: Callable[[str], int] | None) -> Iterator[tuple[int, Said]]:
    """Every assistant turn with text that is trained on, with the user turn before it."""
    system = "\n".join(message.content or "" for message in record.messages if message.role in ("system", "developer"))
    meta: Mapping[str, Json] = record.meta
    prompt = ""
    for index, message in enumerate(record.messages):
        if message.role == "user":
            prompt = message.content or ""
        elif message.role == "assistant" and message.train is not False and message.content:
            yield index, Said(message.content, prompt, system, meta, tokens)


def _edited(message: Message, hits: Sequence[Hit]) -> Message:
    """From the end, so that places stay true; of two that overlap the earlier is replaced."""
    from dataclasses import replace

    text = message.content or ""
    free = len(text) + 1
    chosen: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if not chosen or hit.start >= chosen[-1].end:
            chosen.append(hit)
    for hit in reversed(chosen):
        if hit.replacement is not None and hit.end <= free:
            text = text[: hit.start] + hit.replacement + text[hit.end :]
            free = hit.start
    return replace(message, content=text)
