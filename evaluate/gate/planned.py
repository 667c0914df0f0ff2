"""What an evaluation can prove under a policy, in a few lines, before a model is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from assay.suites import Suite, prompt_text
from assay.suites.task_files import TaskFile, question_of, tasks_in

from ..asking.item_split import ItemPart, part_by
from ..settings import EvaluateSettings
from ..wording import names
from .plan import PlannedProof, SuiteSize, plan, size_of
from .policy import Policy, Role

Row = tuple[str, str | None, str | None]
"""Of an item: what it asks, its cluster, its slice."""


def before_scoring(
    policy: Policy, suites: Sequence[Suite], folders: Sequence[Path], settings: EvaluateSettings
) -> list[str]:
    """Lines for a terminal. Of tasks whose data is not on this machine the number of items is not known.

    folders  of task YAML, of which `settings.tasks` names those that are meant
    Raises SuiteError for data that cannot be read.
    """
    sizes: dict[str, SuiteSize] = {}
    kinds: dict[str, Role] = {}
    for suite in suites:
        rows = [(prompt_text(item.messages), item.cluster, item.slice) for item in suite.items]
        sizes[suite.name] = _size(rows, settings.items, settings.limit)
        kinds[suite.name] = "general" if suite.role == "general" else "domain"
    tasks, strange = _meant(tasks_in(folders), settings.tasks)
    for task in tasks:
        kinds[task.name] = "general"
        found = [_row(row, task) for row in task.documents()]
        if found:
            sizes[task.name] = _size(found, settings.items, settings.limit)
    missing = [] if strange else [name for name, role in policy.suites.items() if role.required and name not in kinds]
    return list(_lines(plan(policy, sizes, kinds), policy, missing))


def _meant(known: Mapping[str, TaskFile], wanted: Sequence[str]) -> tuple[list[TaskFile], bool]:
    """Tasks by name or tag; and whether a name stands for what only lm-eval knows."""
    if not wanted:
        return list(known.values()), False
    found = [task for task in known.values() if task.name in wanted or set(task.tags) & set(wanted)]
    named = {name for task in found for name in (task.name, *task.tags)}
    return found, not set(wanted) <= named


def _row(row: Mapping[str, object], task: TaskFile) -> Row:
    cluster, part = (None if row.get(key) is None else str(row[key]) for key in ("cluster", "slice"))
    return question_of(row, task.config.get("doc_to_text")), cluster, part


def _size(rows: Sequence[Row], part: ItemPart, limit: int | None) -> SuiteSize:
    """Of the items that will be scored."""
    scored = [row for row in rows if part == "all" or part_by(row[0], row[1]) == part][:limit]
    return size_of([cluster for _, cluster, _ in scored], [label for _, _, label in scored])


def _lines(proofs: Sequence[PlannedProof], policy: Policy, missing: list[str]) -> Iterator[str]:
    words = {True: "enough", False: "TOO FEW", None: "needed"}
    if missing:
        yield f"WARNING: the policy requires {names(missing)}, which will not be scored: the verdict will be INVALID"
    for proof in proofs:
        if proof.for_pass or (policy.require_guardrail_proof and proof.enough is False):
            yield f"plan: {words[proof.enough]}: {proof.sentence}"
    small = [proof.what for proof in proofs if not proof.for_pass and proof.enough is False]
    if small and not policy.require_guardrail_proof:
        yield (
            f"plan: that a loss beyond its guardrail is absent will probably not be shown of {names(small, 4)}, which "
            "blocks nothing; `assay gate --plan` says the items that would"
        )
