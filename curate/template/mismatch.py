"""What differs between how a record asks and how production asks."""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assay.findings import Finding
from assay.records import Json, Message, Record

from ..personal.masking import concealed
from .request import Request, system_of

if TYPE_CHECKING:
    from assay.chat import ChatTarget

CHECK = "inference_mismatch"
STAND_IN = "Zq0x7Kd"
REMEMBERED = 2_000
LONGEST_DIFF = 600
MOST_WORDS = 400


@dataclass(frozen=True)
class Difference:
    """kind: system_missing, system_differs, system_unexpected, tools_missing, tools_unexpected, tools_differ, context,
    documents, variables. what: for people. detail: numbers and texts for machines."""

    kind: str
    what: str
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass
class Comparison:
    """One request against any record; what is alike in many records is computed once."""

    request: Request
    target: ChatTarget | None = None
    _systems: dict[str, Difference | None] = field(default_factory=dict)
    _tools: dict[str, Difference | None] = field(default_factory=dict)
    _prefixes: dict[tuple[str, str], dict[str, Any] | None] = field(default_factory=dict)

    def differences(self, record: Record) -> list[Difference]:
        """Nothing for a record that asks as production does."""
        system, tools = system_of(record.messages), _canonical(record.tools) if record.tools else ""
        found = [_remembered(self._systems, system, self._system), _remembered(self._tools, tools, self._tool)]
        found += [self._context(record), self._documents(record), self.variables]
        return [difference for difference in found if difference is not None]

    def prefix(self, record: Record) -> dict[str, Any] | None:
        """Of the tokens before the user's first word: how many production has, and where the record's begin to differ.

        None without a target, and where one of the two cannot be rendered.
        """
        if self.target is None:
            return None
        key = (system_of(record.messages), _canonical(record.tools) if record.tools else "")
        found: dict[str, Any] | None = _remembered(self._prefixes, key, lambda _: self._compare_prefixes(record))
        return found

    def _system(self, system: str) -> Difference | None:
        wanted = self.request.system
        if system == wanted:
            return None
        if not system:
            own = self._default_system()
            instead = f"; the template writes its own: {own[:80]!r}" if own else ""
            return Difference("system_missing", f"no system turn, which production has{instead}", {"default": own})
        if not wanted:
            return Difference("system_unexpected", "a system turn, which production does not have")
        if "".join(system.split()) == "".join(wanted.split()):
            return Difference("system_differs", "the system turn differs in white space", {"alike": 1.0})
        alike, diff = _alike(wanted, system), word_diff(concealed(wanted), concealed(system))  # before marks touch it
        return Difference(
            "system_differs",
            f"another system turn, {alike:.0%} alike: {diff[:120]}",
            {"alike": round(alike, 3), "diff": diff},
        )

    def _default_system(self) -> str:
        """What the template writes in place of a system turn that is not there; "" for nothing."""
        if self.target is None:
            return ""
        user, mark = Message("user", STAND_IN), "Zq1x7Kd"
        given, without = (self._rendered(m, (), {}) for m in ([Message("system", mark), user], [user]))
        if not isinstance(given, str) or not isinstance(without, str) or mark not in given:
            return ""
        head, _, tail = given.partition(mark)
        inside = len(without) > len(head) + len(tail) and without.startswith(head) and without.endswith(tail)
        return without[len(head) : len(without) - len(tail)].strip() if inside else ""

    def _tool(self, tools: str) -> Difference | None:
        wanted = _canonical(self.request.tools) if self.request.tools else ""
        if tools == wanted:
            return None
        own, theirs = _names(tools), _names(wanted)
        if not tools:
            return Difference("tools_missing", f"no tools, where production declares {_listed(theirs)}")
        if not wanted:
            return Difference("tools_unexpected", f"tools, where production declares none: {_listed(own)}")
        missing, more = [n for n in theirs if n not in own], [n for n in own if n not in theirs]
        parts = [f"without {_listed(missing)}"] if missing else []
        parts += [f"with {_listed(more)}"] if more else []
        what = " and ".join(parts) or (
            "in another order" if sorted(own) == sorted(theirs) and own != theirs else "described otherwise"
        )
        return Difference("tools_differ", f"other tools than production: {what}", {"missing": missing, "more": more})

    def _context(self, record: Record) -> Difference | None:
        frame = self.request.frame
        if not frame:
            return None
        asked = [message.content or "" for message in record.messages if message.role != "assistant"]
        if any(line in text for text in asked for line in frame):
            return None
        return Difference("context", f"no retrieved context ({frame[0][:60]!r}), which production puts into the prompt")

    def _documents(self, record: Record) -> Difference | None:
        if not self.request.documents:
            return None
        what = "no documents, which production hands to the template"
        if "documents" in record.meta:
            what = "its documents are a column that no template sees, where production hands them to the template"
        return Difference("documents", what)

    @cached_property
    def variables(self) -> Difference | None:
        """Template variables of production that change the prompt, and that training does not have."""
        given = self.request.variables
        if not given:
            return None
        if self.target is None:
            return Difference(
                "variables", f"template variables of production: {_listed(given)}", {"names": list(given)}
            )
        plain = self._prompt({})
        changing = [name for name, value in given.items() if self._prompt({name: value}) != plain]
        if not changing:
            return None
        what = ", ".join(f"{name}={json.dumps(given[name])[:40]}" for name in changing)
        return Difference("variables", f"production asks with {what}, which changes the prompt", {"names": changing})

    def _prompt(self, variables: dict[str, Json]) -> object:
        """The prompt of the request under some variables, or why there is none."""
        messages = [*self._leading, Message("user", STAND_IN)]
        return self._rendered(messages, self.request.tools, variables)

    @property
    def _leading(self) -> list[Message]:
        system = self.request.system
        return [Message("system", system)] if system else []

    def _rendered(self, messages: Sequence[Message], tools: Sequence[Json], variables: dict[str, Json]) -> object:
        from assay.chat.rendered import template_variables
        from assay.chat.target import template_for
        from assay.chat_templates.templating import Rendering, shared_renderer

        assert self.target is not None
        target = replace(self.target, variables={**self.target.variables, **variables})
        given = template_variables(messages, tools, target, prompt=True)
        result = shared_renderer().render_many(template_for(target, tools), [given])[0]
        return result.text if isinstance(result, Rendering) else (result.kind, result.message)

    def _compare_prefixes(self, record: Record) -> dict[str, Any] | None:
        from assay.chat.encoded import tokenize

        assert self.target is not None
        system = system_of(record.messages)
        own = [Message("system", system)] if system else []
        asked = self._prompt(dict(self.request.variables))
        trained = self._rendered([*own, Message("user", STAND_IN)], record.tools, {})
        if not isinstance(asked, str) or not isinstance(trained, str):
            return None
        texts = [text.split(STAND_IN)[0].encode("utf-8", "replace").decode() for text in (asked, trained)]
        (wanted, _), (found, _) = tokenize(texts, self.target)
        at = next((i for i, (a, b) in enumerate(zip(wanted, found, strict=False)) if a != b), None)
        if at is None and len(wanted) != len(found):
            at = min(len(wanted), len(found))
        return {"same": at is None, "production_tokens": len(wanted), "record_tokens": len(found), "differs_at": at}


def _remembered(known: dict[Any, Any], key: Any, compute: Any) -> Any:
    if key not in known:
        if len(known) >= REMEMBERED:
            known.clear()
        known[key] = compute(key)
    return known[key]


def _canonical(tools: Sequence[Json]) -> str:
    return json.dumps([_bare(tool) for tool in tools], sort_keys=True, ensure_ascii=True, default=str)


def _bare(tool: Json) -> Json:
    """The function of a declared tool, whether or not it is wrapped as OpenAI has it."""
    inner = tool.get("function") if isinstance(tool, dict) else None
    return inner if isinstance(inner, dict) else tool


def _names(canonical: str) -> list[str]:
    tools = json.loads(canonical) if canonical else []
    return [str(tool.get("name")) if isinstance(tool, dict) else str(tool)[:40] for tool in tools]


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text)[:MOST_WORDS]


def _alike(first: str, second: str) -> float:
    return difflib.SequenceMatcher(None, _words(first), _words(second), autojunk=False).ratio()


def word_diff(before: str, after: str) -> str:
    """The second text with what it lacks of the first as [-...-] and what it adds as {+...+}; equal parts cut short."""
    old, new = _words(before), _words(after)
    parts = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            same = "".join(new[c:d])
            parts.append(same if len(same) <= 40 else f"{same[:18]}...{same[-18:]}")
            continue
        parts += [f"[-{''.join(old[a:b])}-]"] if b > a else []
        parts += [f"{{+{''.join(new[c:d])}+}}"] if d > c else []
    whole = "".join(parts)
    return whole if len(whole) <= LONGEST_DIFF else whole[:LONGEST_DIFF] + "..."


@dataclass(frozen=True)
class Asked:
    """How much of the data asks as production does.

    records, same  all, and those in which nothing differs
    kinds          {kind: records}
    nearest        of the system turns that differ, the one that is most alike: (records, share alike, diff)
    prefix_same    records whose tokens before the user's first word are production's; None where not judged
    """

    records: int
    same: int
    kinds: dict[str, int]
    nearest: tuple[int, float, str] | None
    prefix_same: int | None

    def sentences(self) -> list[str]:
        """For people."""
        out = [f"{self.same:,} of {self.records:,} records ask as the inference request does"]
        out += [f"{WORDS[kind]}: {count:,} records" for kind, count in self.kinds.items()]
        if self.nearest is not None:
            count, alike, diff = self.nearest
            out.append(f"nearest system turn ({count:,} records, {alike:.0%} alike): {diff}")
        if self.prefix_same is not None:
            out.append(f"the tokens before the user's first word are production's in {self.prefix_same:,} records")
        return out

    def to_json(self) -> dict[str, Any]:
        nearest = self.nearest
        return {
            "records": self.records,
            "same": self.same,
            "kinds": self.kinds,
            "nearest_system": dict(zip(("records", "alike", "diff"), nearest, strict=True)) if nearest else None,
            "prefix_same": self.prefix_same,
        }


WORDS = {
    "system_missing": "no system turn",
    "system_differs": "another system turn",
    "system_unexpected": "a system turn that production does not have",
    "tools_missing": "no tools declared",
    "tools_unexpected": "tools that production does not declare",
    "tools_differ": "other tools declared",
    "context": "no retrieved context in the prompt",
    "documents": "no documents for the template",
    "variables": "without the template variables of production",
}


def asked_alike(findings: Iterable[Finding], records: int, *, redact: bool = False) -> Asked:
    """Adds up what the findings of `inference_mismatch` say. redact: without text of the data."""
    found = [finding.evidence for finding in findings if finding.check == CHECK]
    kinds = Counter(item["kind"] for evidence in found for item in evidence["differences"])
    variants = Counter(
        (item["alike"], item.get("diff", "white space"))
        for evidence in found
        for item in evidence["differences"]
        if "alike" in item
    )
    nearest = max(variants, default=None)
    prefixes = [evidence.get("prefix") for evidence in found]
    judged = any(prefix is not None for prefix in prefixes)
    other = sum(prefix is None or not prefix["same"] for prefix in prefixes)
    return Asked(
        records,
        records - len(found),
        {kind: kinds[kind] for kind in WORDS if kinds[kind]},
        (variants[nearest], nearest[0], "" if redact else nearest[1]) if nearest is not None else None,
        records - other if judged else None,
    )
