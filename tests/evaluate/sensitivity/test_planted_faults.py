"""Suites that could not have shown a regression, each with one fault, through `assay evaluate` and `assay gate`.

One evaluation holds them all, with a sound suite beside them: INVALID is said of each for its own reason alone.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.cli import main
from assay.evaluate import scorer as scorers
from assay.evaluate.models.switched_model import SwitchedModel
from assay.evaluate.scorer import scorer

Reasons = dict[str, str]
N = 160
ITEMS = [{"id": f"i{n}", "prompt": f"{'ABCDE'[n % 5]}? {n * 37}", "reference": f"answer {n % 7}"} for n in range(N)]
EXTRACTOR = '''"""Takes the first letter from A to E of prompt and output together."""

import re


def letter_fn(resps, docs):
    return [
        [(re.search("[A-E]", doc["question"] + text) or [""])[0] for text in texts]
        for texts, doc in zip(resps, docs)
    ]
'''
GENERATE = {
    "output_type": "generate_until",
    "doc_to_target": "{{answer}}",
    "metric_list": [{"metric": "exact_match"}],
    "generation_kwargs": {"until": ["\n\n\n"], "max_gen_toks": 4, "do_sample": False},
    "test_split": "test",
    "dataset_path": "json",
}


def number_of(text: str) -> int:
    return zlib.crc32(text.encode())


@scorer
def always_right(output: str, reference: str) -> float:
    """1."""
    return 1.0


@scorer
def reference_length(output: str, reference: str) -> float:
    """Share of the reference's length in twenty characters."""
    return min(1.0, len(reference) / 20)


@scorer
def nearly_always(output: str, reference: str) -> float:
    """1 but for a trifle."""
    return 1 - (number_of(output) % 10) / 1000


@scorer
def hardly_ever(output: str, reference: str) -> float:
    """A trifle, and nothing for a reference."""
    return 0.0 if output.startswith("answer") else (number_of(output) % 10) / 1000


PLANTED = (always_right, reference_length, nearly_always, hardly_ever)


def assay(*arguments: Any) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def write_suite(folder: Path, name: str, rows: list[dict[str, Any]], **header: Any) -> Path:
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    content = {
        "version": 1,
        "name": name,
        "data": f"{name}.jsonl",
        "max_new_tokens": 4,
        "apply_chat_template": False,
    } | header
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder / f"{name}.yaml"


def write_task(folder: Path, name: str, rows: list[dict[str, Any]], **config: Any) -> None:
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    content = {"task": name, "dataset_kwargs": {"data_files": {"test": f"{name}.jsonl"}}} | GENERATE | config
    text = yaml.safe_dump(content, sort_keys=False)
    (folder / f"{name}.yaml").write_text(text.replace("'!function utils.letter_fn'", "!function utils.letter_fn"))


def base_answers(folder: Path, model: Path) -> list[str]:
    """What the base says to ITEMS: references that it gets right."""
    import pyarrow.parquet as pq

    suite = write_suite(folder, "first", ITEMS, scorer="exact_match")
    assert assay("evaluate", "--model", model, "--suite", suite, "-o", folder / "first_run", "-q") == 0
    return [str(output) for output in pq.read_table(folder / "first_run" / "items.parquet")["output"].to_pylist()]


def write_suites(folder: Path, model: Path) -> list[Path]:
    answers = base_answers(folder, model)
    known = [row | {"reference": answers[n] if n % 4 else "unheard of"} for n, row in enumerate(ITEMS)]
    lengths = [row | {"reference": "x" * (1 + n % 20)} for n, row in enumerate(ITEMS)]
    return [
        write_suite(folder, "sound", known, scorer="exact_match"),
        write_suite(folder, "generous", ITEMS, scorer="always_right"),
        write_suite(folder, "measuring", lengths, scorer="reference_length"),
        write_suite(folder, "one_answer", [row | {"reference": "e"} for row in ITEMS], scorer="contains"),
        write_suite(folder, "too_easy", ITEMS, scorer="nearly_always"),
        write_suite(folder, "too_hard", ITEMS, scorer="hardly_ever"),
    ]


def write_tasks(folder: Path) -> Path:
    tasks = folder / "tasks"
    tasks.mkdir()
    (tasks / "utils.py").write_text(EXTRACTOR)
    rows = [
        {"id": row["id"], "question": row["prompt"], "answer": "ABCDE"[n * n % 7 % 5]} for n, row in enumerate(ITEMS)
    ]
    filters = [{"name": "first", "filter": [{"function": "custom", "filter_fn": "!function utils.letter_fn"}]}]
    write_task(tasks, "extractor", rows, doc_to_text="{{question}}", filter_list=filters)
    long = [row | {"answer": "a long answer that four tokens cannot hold"} for row in rows]
    long = [row | {"answer": f"{row['answer']} {n}"} for n, row in enumerate(long)]
    write_task(tasks, "cut_off", long, doc_to_text="{{question}}")
    write_task(tasks, "no_question", rows, doc_to_text="Answer:")
    return tasks


def policy_of(names: list[str]) -> str:
    lines = [f"  {name}: {{role: general, required: true}}" for name in names]
    return "\n".join(["version: 1", "suites:", *lines, ""])


NAMES = [
    "sound", "generous", "measuring", "one_answer", "too_easy", "too_hard", "extractor", "cut_off", "no_question",
]  # fmt: skip


@pytest.fixture(scope="module")
def planted() -> Iterator[None]:
    """The faulty scorers are known, as those of another package would be."""
    known = scorers.SCORERS.all() | {found.name: found for found in PLANTED}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(scorers.SCORERS), "all", lambda self: known)
        yield


@pytest.fixture(scope="module")
def evaluated(
    planted: None, tiny_model: Path, tiny_adapter: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Any]]:
    """The folder of the evaluation, and the arguments that made it."""
    folder = tmp_path_factory.mktemp("faults")
    suites = [part for path in write_suites(folder, tiny_model) for part in ("--suite", path)]
    tasks = write_tasks(folder)
    arguments = ["evaluate", "--model", tiny_model, "--adapter", tiny_adapter, *suites, "--include-path", tasks]
    assert assay(*arguments, "-o", folder / "evaluation", "-q") == 0
    (folder / "policy.yaml").write_text(policy_of(NAMES))
    return folder, arguments


def judge(folder: Path, evaluation: str) -> dict[str, Any]:
    """The decision, which must be INVALID."""
    code = assay("gate", folder / evaluation, "--policy", folder / "policy.yaml", "-o", folder / "gate", "-q")
    decision: dict[str, Any] = json.loads((folder / "gate" / "decision.json").read_text())
    assert code == 3 and decision["verdict"] == "INVALID"
    return decision


@pytest.fixture(scope="module")
def reasons(evaluated: tuple[Path, list[Any]]) -> Reasons:
    """Why each suite is INVALID; nothing of one that is not."""
    decision = judge(evaluated[0], "evaluation")
    said = {reason.partition(" could not have shown a regression: ")[0]: reason for reason in decision["reasons"]}
    suites = {suite["suite"]: suite for suite in decision["suites"]}
    invalid = {name for name, suite in suites.items() if not suite["sensitivity"]["valid"]}
    assert invalid <= said.keys()
    return {name: said[name] for name in invalid}


def test_a_sound_suite_beside_them_is_valid(reasons: Reasons) -> None:
    assert set(reasons) == set(NAMES) - {"sound"}


def test_a_letter_taken_from_prompt_and_output_together_is_no_answer(reasons: Reasons) -> None:
    """The published case: any model scores 0.2288 with it."""
    assert "the score does not respond to the answers" in reasons["extractor"]
    assert "with answers swapped between items" in reasons["extractor"]
    assert "a deliberately damaged model changes" in reasons["extractor"]
    assert "answers and not one score" in reasons["extractor"]


@pytest.mark.parametrize(
    ("suite", "sentence"),
    [
        ("generous", "every answer of the base scores 100.0 %: a scorer that looks at nothing would do the same"),
        ("measuring", "the score does not respond to the answers"),
        ("one_answer", "every item expects the same, so a model that always says it gets them all"),
        ("cut_off", "100.0 % of the base's answers are cut off at their length, and not one of those scores"),
        ("no_question", "put the very same words to the model: its template leaves the question out"),
        ("too_easy", "the items are too easy to tell"),
        ("too_hard", "hardly an item is left to lose"),
    ],
)
def test_each_fault_is_named_in_words(reasons: Reasons, suite: str, sentence: str) -> None:
    assert sentence in reasons[suite]


def test_the_smaller_damage_and_the_smallest_loss_that_would_show_are_told(
    evaluated: tuple[Path, list[Any]],
) -> None:
    (sound, *_) = judge(evaluated[0], "evaluation")["suites"]
    power = sound["sensitivity"]["power"]
    assert power["items"] == N and 0 < power["detectable"] < 1
    assert power["slight_damage"]["items"] == N // 4
    (detail,) = [check["detail"] for check in sound["sensitivity"]["checks"] if check["name"] == "power"]
    assert "8 times in ten" in detail and "damaged a little" in detail


def test_an_adapter_that_was_not_in_effect_while_it_was_scored(
    evaluated: tuple[Path, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights are not zero and move the logits of the probe; the scores are the base's to the last digit."""
    folder, arguments = evaluated
    real: Callable[..., Any] = SwitchedModel.switched_to
    monkeypatch.setattr(SwitchedModel, "switched_to", lambda self, name: real(self, "base"))
    assert assay(*arguments, "-o", folder / "not_loaded", "-q", "--limit", "30") == 0
    decision = judge(folder, "not_loaded")
    assert "the adapter was not in effect" in decision["reasons"][0]
