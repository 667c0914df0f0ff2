"""The scores of an evaluation for a terminal: a suite a line, models side by side, with 95 % intervals."""

from __future__ import annotations

from ..evaluation import Evaluation, ModelName, SuiteResult
from ..wording import count

SHOWN: tuple[ModelName, ...] = ("base", "previous", "candidate", "damaged")


def score_table(evaluation: Evaluation) -> str:
    """Scores in percent, interval in brackets; then what is known of leaks."""
    models = [name for name in SHOWN if any(suite.score(name) for suite in evaluation.suites)]
    width = max(len(suite.suite) for suite in evaluation.suites)
    lines = ["  ".join([f"{'suite':{width}}", f"{'n':>5}", *(f"{name:<21}" for name in models)]).rstrip()]
    for suite in evaluation.suites:
        cells = [_cell(suite, name) for name in models]
        n = suite.scores[0].n
        lines.append("  ".join([f"{suite.suite:{width}}", f"{n:>5}", *(f"{cell:<21}" for cell in cells)]).rstrip())
    if "damaged" in models:
        lines.append("\ndamaged is the candidate with noise on its weights, on some of the items: it must score lower")
    if evaluation.leaks is None:
        lines.append("leaks: UNKNOWN, since the adapter does not say what it was trained on")
    elif "candidate" in models:
        found = count(len(evaluation.leaks), "item")
        lines.append(f"leaks: {found} of the suites in the training data" if evaluation.leaks else "leaks: none")
    lines += [f"note: {note}" for note in _notes(evaluation)]
    return "\n".join(lines)


def _notes(evaluation: Evaluation) -> list[str]:
    given = evaluation.settings.get("notes")
    return [str(note) for note in given] if isinstance(given, list | tuple) else []


def _cell(suite: SuiteResult, name: ModelName) -> str:
    score = suite.score(name)
    if score is None:
        return "-"
    return f"{100 * score.score:5.1f} [{100 * score.ci_low:.1f}, {100 * score.ci_high:.1f}]"
