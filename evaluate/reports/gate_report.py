"""What a gate decided, for people: a terminal, and a comment on a pull request. The page is `gate_page.py`'s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from assay.findings import Verdict

from ..evaluation import Evaluation
from ..gate.decision import Decision, LeastScore, MacroDecision, SliceDecision, SuiteDecision
from ..gate.movers import Mover, movers
from ..gate.pairs import pair
from ..gate.policy import Policy
from ..gate.policy_words import least
from ..wording import confidence, interval, percent, points, size

if TYPE_CHECKING:
    from ..release.history import Trend

MEANINGS = {
    Verdict.PASS: "The adapter is better at its task, and general ability was kept within the margin.",
    Verdict.BLOCK: "The adapter should not be released.",
    Verdict.INCONCLUSIVE: "Neither is proved: that the adapter is fit to release, or that it should not be.",
    Verdict.INVALID: "There is no verdict: the evaluation could not have shown what it should show.",
}
NEXT_STEPS = {
    Verdict.BLOCK: "What was lost most is shown with both answers.",
    Verdict.INCONCLUSIVE: "Score more items, or tolerate a larger loss (margin) in the policy.",
    Verdict.INVALID: "Mend what is named and evaluate again, or say required: false of a suite in the policy.",
}
ON_DOMAIN = "Score more items of the domain suite, or train an adapter that gains more there."
ON_SCORE = "Score more items of the suite, train an adapter that scores more there, or ask for less (min_score)."
ON_SCORE_MISSED = "Train an adapter that scores more there, or ask for less (min_score)."
ON_DOMAIN_ALONE = "More items would hardly decide it: train an adapter that gains more on the domain suite."
_MARKDOWN = {"<": "&lt;", ">": "&gt;", "&": "&amp;"} | {character: f"\\{character}" for character in "\\`*_[]|~#"}


def next_step(decision: Decision) -> str | None:
    """What a reader may do; None after a PASS. A margin helps only where a loss is not excluded."""
    macro = decision.macro
    if decision.verdict is Verdict.INCONCLUSIVE and macro is not None and macro.verdict is Verdict.PASS:
        lacking = [s for s in decision.suites if s.role == "domain" and s.verdict is Verdict.INCONCLUSIVE]
        scores = [s for s in decision.suites if s.least is not None and s.least.open]
        if scores and all(suite in scores for suite in lacking):
            return ON_SCORE
        if lacking:
            return ON_DOMAIN if decision.items_needed else ON_DOMAIN_ALONE
    blocking = [suite for suite in decision.suites if suite.verdict is Verdict.BLOCK]
    if decision.verdict is Verdict.BLOCK and len(decision.reasons) == len(blocking) and all(map(_missed, blocking)):
        return ON_SCORE_MISSED
    return NEXT_STEPS.get(decision.verdict)


def _missed(suite: SuiteDecision) -> bool:
    return suite.least is not None and suite.least.missed


@dataclass(frozen=True)
class Report:
    """What the three reports show. moved: by suite, its largest gains and losses. trends: of the store, where the
    evaluation is part of one."""

    decision: Decision
    policy: Policy
    identity: Mapping[str, object]
    moved: Mapping[str, tuple[list[Mover], list[Mover]]]
    overall: tuple[list[Mover], list[Mover]]
    redact: bool = False
    trends: Sequence[Trend] = ()

    @property
    def quotes(self) -> tuple[str, ...]:
        """Texts of suites that showed nothing, each of which is why, and commonest answers that were not beaten; none
        of them where they must stay out."""
        return self._quotes_of(suite for suite in self.decision.suites if suite.required)

    @property
    def quotes_set_aside(self) -> tuple[str, ...]:
        """The same of optional suites: they belong to the notes, since the verdict does not rest on them."""
        return self._quotes_of(suite for suite in self.decision.suites if not suite.required)

    def to_json(self) -> dict[str, Any]:
        """The decision with the commonest answers, for people; without them where texts must stay out. A certificate
        never holds them."""
        document = self.decision.to_json()
        for suite, written in zip(self.decision.suites, document["suites"], strict=True):
            if suite.constant is not None and not self.redact:
                written["constant"]["answer"] = suite.constant.answer
        return document

    def _quotes_of(self, suites: Iterable[SuiteDecision]) -> tuple[str, ...]:
        return () if self.redact else tuple(quote for suite in suites for quote in _quotes(suite))


def _quotes(suite: SuiteDecision) -> Iterator[str]:
    for check in suite.sensitivity.checks:
        if check.ok is False and check.quote:
            yield f"{suite.suite}, {check.name.replace('_', ' ')}: '{check.quote}'"
    if suite.constant is not None and not suite.constant.beaten and suite.sensitivity.valid:
        yield f"{suite.suite}, the commonest answer: '{suite.constant.answer}'"


def legend(decision: Decision) -> str:
    """What the tables mean, in the words of the policy."""
    level = confidence((1 + decision.confidence) / 2)
    return (
        "A PASS needs a gain proved on each domain suite, against the base and against the commonest answer, and "
        "a loss of the general average beyond the margin excluded; a loss of one suite beyond its guardrail "
        f"blocks once it is proved. The interval is the {confidence(decision.confidence)} one: each end is a "
        f"one-sided limit, {level} sure, by the test that makes the proof. A loss is excluded, or a gain proved, "
        "where the lower end ('at worst') is above what the policy asks. p is of that proof: small is proved. 'at "
        "best' is the upper limit, at the stricter level that a proof of harm takes. flips: items whose score "
        "changed, up or down. KL: how far the choice among options moved from the base, in nats."
    )


def make_report(
    decision: Decision, evaluation: Evaluation, policy: Policy, *, redact: bool = False, trends: Sequence[Trend] = ()
) -> Report:
    """Overall gains come from the suites that gained most, losses from those that lost most."""
    suites = pair(evaluation)
    moved = {suite.suite: movers([suites[suite.suite]]) for suite in decision.suites}
    by_difference = sorted(decision.suites, key=lambda suite: suite.difference)
    losses = [mover for suite in by_difference for mover in moved[suite.suite][1]][:3]
    gains = [mover for suite in reversed(by_difference) for mover in moved[suite.suite][0]][:3]
    return Report(decision, policy, evaluation.identity, moved, (gains, losses), redact, trends)


def terminal(report: Report) -> str:
    """Plain text: verdict, reasons, tables, and what moved most."""
    decision = report.decision
    lines = [f"{decision.verdict}  {MEANINGS[decision.verdict]}"]
    lines += [f"  - {_clean(reason)}" for reason in decision.reasons]
    lines += [f"    {_one_line(quote)}" for quote in report.quotes]
    if step := next_step(decision):
        lines += ["", step]
    for title, table in _tables(decision):
        lines += ["", *([title] if title else []), *_aligned(table)]
    lines += ["", *wrap(legend(decision), 110)]
    for title, found in zip(("gained", "lost"), report.overall, strict=True):
        for mover in found:
            lines += ["", f"{title}  {_one_line(mover.suite)}  {_one_line(mover.item_id)}", *_answers(mover, report)]
    if decision.notes:
        lines += ["", *(f"note: {_clean(note)}" for note in decision.notes)]
        lines += [f"    {_one_line(quote)}" for quote in report.quotes_set_aside]
    return "\n".join(lines)


def markdown(report: Report) -> str:
    """For a pull request: verdict, reasons and the table of suites; all else is folded. Every text from data is
    escaped, or fenced."""
    decision = report.decision
    (_, suites), *others = _tables(decision)
    lines = [f"## {decision.verdict}", "", MEANINGS[decision.verdict], ""]
    lines += [f"- {_markdown_text(reason)}" for reason in decision.reasons]
    lines += [f"  - {_markdown_text(quote)}" for quote in report.quotes]
    if step := next_step(decision):
        lines += ["", step]
    lines += ["", *_markdown_table(suites)]
    for title, table in others:
        lines += _folded(title, _markdown_table(table))
    for title, found in zip(("Gained most", "Lost most"), report.overall, strict=True):
        if found:
            lines += _folded(title, [line for mover in found for line in _markdown_mover(mover, report)])
    notes = [f"- {_markdown_text(note)}" for note in (*decision.notes, *report.quotes_set_aside)]
    if notes:
        lines += _folded(f"Notes ({len(notes)})", notes)
    lines += _folded("How to read it", [legend(decision)])
    return "\n".join(lines) + "\n"


def _folded(summary: str, lines: Sequence[str]) -> list[str]:
    """summary is ours and not of the data: Markdown is not read inside of it."""
    return ["", "<details>", f"<summary>{summary}</summary>", "", *lines, "", "</details>"]


def _tables(decision: Decision) -> Iterator[tuple[str, list[list[str]]]]:
    """The suites first; then what there is of slices that are guarded, and of the last release."""
    difference = f"difference ({confidence(decision.confidence)})"
    yield "", [_header(difference), *(_row(suite) for suite in decision.suites), *_macro_rows(decision.macro)]
    constants = [suite for suite in decision.suites if suite.constant is not None and suite.n]
    if constants:
        yield "Against the commonest answer, given to every item", [_CONSTANT, *map(_constant_row, constants)]
    scores = [_least_row(suite, suite.least) for suite in decision.suites if suite.least is not None]
    if scores:
        yield "Against the least score that the policy asks for", [_LEAST, *scores]
    guarded = [(suite, part) for suite in decision.suites for part in suite.guarded]
    if guarded:
        slices = ["suite", "slice", "n", "base", "candidate", difference, "guardrail", "verdict", "items needed"]
        yield "Slices with a guardrail of their own", [slices, *(_slice_row(*found) for found in guarded)]
    previous = list(_previous_rows(decision))
    if previous:
        yield "Against the previous release", [["suite", "n", "previous", "candidate", difference], *previous]


def _header(difference: str) -> list[str]:
    return ["suite", "role", "n", "base", "candidate", difference, "gained/lost", "flips", "KL", "p", "verdict"]


_CONSTANT = ["suite", "commonest answer", "candidate", "more, at worst", "p", "a gain over it"]


def _constant_row(suite: SuiteDecision) -> list[str]:
    constant = suite.constant
    assert constant is not None, "only suites that have one are asked"
    return [
        suite.suite,
        percent(constant.score),
        percent(suite.candidate),
        "" if constant.at_worst is None else points(constant.at_worst),
        _p(constant.p_value),
        "is proved" if constant.beaten else "is not proved",
    ]


_LEAST = ["suite", "min_score", "candidate", "at worst", "p", "a score above it", "items needed"]


def _least_row(suite: SuiteDecision, found: LeastScore) -> list[str]:
    return [
        suite.suite,
        least(found.bound),
        percent(found.score),
        percent(found.at_worst),
        _p(found.p_value),
        "is proved" if found.met else "less is proved" if found.missed else "is not proved",
        "" if found.items_needed is None else f"about {found.items_needed:,} more",
    ]


def _row(suite: SuiteDecision) -> list[str]:
    role = suite.role if suite.required else f"{suite.role}, optional"
    if suite.n == 0:
        return [suite.suite, role, "0", "", "", "", "", "", "", "", str(suite.verdict)]
    return [
        suite.suite,
        role,
        f"{suite.n:,}",
        percent(suite.base),
        percent(suite.candidate),
        f"{points(suite.difference)} ({interval(*suite.shown)})",
        f"{suite.gains}/{suite.losses}",
        percent(suite.flips / suite.n),
        "not measured" if suite.kl is None else f"{suite.kl.mean:.3f}",
        _p(suite.p_value) if suite.sensitivity.valid else "",
        str(suite.verdict),
    ]


def _macro_rows(macro: MacroDecision | None) -> list[list[str]]:
    if macro is None:
        return []
    change = f"{points(macro.difference)} ({interval(*macro.shown)})"
    kl = "not measured" if macro.kl is None else f"{macro.kl.mean:.3f}"
    return [["average", "general", f"{macro.n:,}", "", "", change, "", "", kl, _p(macro.p_value), str(macro.verdict)]]


def _slice_row(suite: SuiteDecision, part: SliceDecision) -> list[str]:
    return [
        suite.suite,
        part.name,
        f"{part.n:,}",
        percent(part.base),
        percent(part.candidate),
        f"{points(part.difference)} ({interval(*part.shown)})",
        size(part.guardrail or 0.0),
        str(part.verdict),
        "" if part.items_needed is None else f"about {part.items_needed:,} more",
    ]


def _previous_rows(decision: Decision) -> Iterator[list[str]]:
    for suite in decision.suites:
        change = suite.against_previous
        if change is not None and change.previous is not None:
            difference = f"{points(change.difference)} ({interval(*change.shown)})"
            yield [suite.suite, f"{change.n:,}", percent(change.previous), percent(suite.candidate), difference]
    macro = decision.macro.against_previous if decision.macro is not None else None
    if macro is not None:
        yield ["average", f"{macro.n:,}", "", "", f"{points(macro.difference)} ({interval(*macro.shown)})"]


def _p(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    clean = [[_one_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in clean) for column in range(len(clean[0]))]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in clean]


def _markdown_table(rows: Sequence[Sequence[str]]) -> list[str]:
    header, *body = [[_markdown_text(cell) for cell in row] for row in rows]
    return ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *body)]


def _markdown_mover(mover: Mover, report: Report) -> list[str]:
    body = "\n".join(line.strip() for line in _answers(mover, report)).replace("```", "` ` `")
    return [f"{_markdown_text(mover.suite)}, {_markdown_text(mover.item_id)}", "", "```text", body, "```", ""]


def _answers(mover: Mover, report: Report) -> list[str]:
    if report.redact:
        return [f"    scores {mover.base:g} and {mover.candidate:g}; answers are left out (--redact)"]
    texts = {"reference": mover.reference, "base": mover.base_output, "candidate": mover.candidate_output}
    return [f"    {name:9}  {_one_line(text)}" for name, text in texts.items() if text is not None]


def _one_line(text: str, most: int = 160) -> str:
    line = _clean(" ".join(text.split()))
    return line if len(line) <= most else line[: most - 1] + "…"


def _clean(text: str) -> str:
    """Control characters of an answer must not reach a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def _markdown_text(text: str) -> str:
    """Characters that Markdown or HTML in Markdown would read are escaped."""
    return "".join(_MARKDOWN.get(character, character) for character in _one_line(text, 400))
