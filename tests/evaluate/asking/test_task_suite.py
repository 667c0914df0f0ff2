"""lm-eval's tasks answered by assay's model: requests, filters and metrics are lm-eval's, an item at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.errors import SuiteError
from assay.evaluate.asking.examination import Answer
from assay.evaluate.asking.task_loading import load_tasks
from assay.evaluate.asking.task_suite import LmEvalTask, prepare_task
from assay.evaluate.evaluation import SuiteResult
from assay.evaluate.models.causal_model import CausalModel
from assay.evaluate.models.lm_eval_model import AssayLM, Limits
from assay.evaluate.scorer import NOT_RESCORABLE, rescore
from assay.models import load_base

MakeTask = Callable[..., Path]
OPTIONS = ["yes", "no", "the cat sat on the mat"]
ROWS = [
    {
        "id": f"i{n}",
        "question": f"cat {n} or mat {n * 7}?",
        "choices": OPTIONS[: 2 + n % 2],
        "answer": n % 2,
        "slice": n % 3,
    }
    for n in range(12)
]
GENERATE = {
    "output_type": "generate_until",
    "doc_to_choice": None,
    "doc_to_target": "{{answer}}",
    "metric_list": [{"metric": "exact_match"}],
    "generation_kwargs": {"until": ["\n"], "max_gen_toks": 6, "do_sample": False},
}


@pytest.fixture(scope="module")
def lm(target: Any) -> AssayLM:
    return AssayLM(CausalModel(load_base(target.ref)), target, Limits(512, 256))


@pytest.fixture
def prepared(make_task: MakeTask, lm: AssayLM) -> Callable[..., LmEvalTask]:
    def make(
        rows: list[dict[str, Any]] = ROWS, *, chat: bool = False, fewshot: int | None = None, **config: Any
    ) -> Any:
        folder = make_task("facts", rows, **config)
        ((task, file),) = load_tasks(("facts",), [folder], fewshot)
        return prepare_task(task, file, lm, apply_chat_template=chat)

    return make


def answers(task: LmEvalTask, lm: AssayLM) -> list[Answer]:
    return task.answer(lm, range(len(task.items)), lambda _: None)


def rescored(task: LmEvalTask, found: list[Answer]) -> list[float] | None:
    result = SuiteResult(task.name, "lm_eval", (), task.chance, True, "", dict(task.scorer))
    references = [str(item.reference) for item in task.items]
    return rescore(result, [a.output for a in found], references, [None] * len(found))


def lm_evals_own(task: LmEvalTask, lm: AssayLM, metric: str) -> list[float]:
    """The metric from lm-eval's own loglikelihoods, one request after the other."""
    scores = []
    for requests in task.requests:
        results = [lm.loglikelihood([instance], disable_tqdm=True)[0] for instance in requests]
        scores.append(float(task.task.process_results(requests[0].doc, results)[metric]))
    return scores


@pytest.mark.parametrize("metric", ["acc", "acc_norm"])
def test_multiple_choice_scores_as_lm_eval_does_and_again_from_what_is_stored(
    prepared: Callable[..., LmEvalTask], lm: AssayLM, metric: str
) -> None:
    task = prepared(metric_list=[{"metric": metric}])
    found = answers(task, lm)
    scores = [answer.score for answer in found]
    assert scores == lm_evals_own(task, lm, metric) and 0 < sum(scores) < len(scores)
    assert all(answer.output in OPTIONS and answer.logprob is not None and answer.logprob < 0 for answer in found)
    assert all(answer.logprob in (answer.option_logprobs or ()) for answer in found)
    assert [len(answer.option_logprobs or ()) for answer in found] == [len(asked) for asked in task.requests]
    assert rescored(task, found) == scores
    assert task.scorer["length_normalised"] == (metric == "acc_norm")


def test_the_two_metrics_choose_differently(prepared: Callable[..., LmEvalTask], lm: AssayLM) -> None:
    """Else the test above would not tell them apart."""
    chosen = [[a.output for a in answers(prepared(metric_list=[{"metric": m}]), lm)] for m in ("acc", "acc_norm")]
    assert chosen[0] != chosen[1]


def test_options_may_be_beginnings_of_one_text(prepared: Callable[..., LmEvalTask], lm: AssayLM) -> None:
    """As in WinoGrande: the number of the right one comes from doc_to_text, and the text goes on in doc_to_target."""
    rows = [
        {"id": f"w{n}", "right": n % 2, "begin": [f"the cat {n}", f"a mat {n * 7}"], "end": "sat"} for n in range(8)
    ]
    task = prepared(rows, doc_to_text="{{right}}", doc_to_choice="begin", doc_to_target="end")
    assert task.requests[0][1].args == ("a mat 0", " sat")
    found = answers(task, lm)
    scores = [answer.score for answer in found]
    assert scores == lm_evals_own(task, lm, "acc") and 0 < sum(scores) < len(scores)
    assert [item.reference for item in task.items] == [row["begin"][row["right"]] for row in rows]
    assert all(answer.output in row["begin"] for answer, row in zip(found, rows, strict=True))
    assert rescored(task, found) == scores
    assert "the cat 3" in task.items[3].text


def test_the_first_metric_of_several_counts(prepared: Callable[..., LmEvalTask]) -> None:
    assert prepared(metric_list=[{"metric": "acc_norm"}, {"metric": "acc"}]).metric == "acc_norm"


def test_items_carry_what_the_gate_needs(prepared: Callable[..., LmEvalTask]) -> None:
    task = prepared([row | {"cluster": "k" if row["id"] < "i2" else None} for row in ROWS])
    first = task.items[0]
    assert (first.id, first.reference, first.slice, first.cluster) == ("i0", "yes", "0", "k")
    assert first.text == "cat 0 or mat 0?" and first.cost > 0
    assert len({item.prompt_hash for item in task.items}) == len(ROWS)
    assert task.chance == pytest.approx(np.mean([1 / len(row["choices"]) for row in ROWS]))
    assert task.data_file is not None and task.data_file.endswith("facts.jsonl")


def test_rows_without_an_id_are_numbered(prepared: Callable[..., LmEvalTask]) -> None:
    rows = [{key: value for key, value in row.items() if key != "id"} for row in ROWS]
    assert [item.id for item in prepared(rows).items] == [str(number) for number in range(len(rows))]


def test_two_rows_with_one_id_are_refused(prepared: Callable[..., LmEvalTask]) -> None:
    with pytest.raises(SuiteError, match="two rows have the id 'i1'"):
        prepared([*ROWS, ROWS[1]])


def test_documents_that_code_leaves_out_do_not_lend_their_text_to_others(
    prepared: Callable[..., LmEvalTask], make_task: MakeTask
) -> None:
    folder = make_task("other", ROWS)
    (folder / "code.py").write_text("def keep_fn(docs):\n    return docs.filter(lambda doc: doc['answer'] == 1)\n")
    rows = [{key: value for key, value in row.items() if key != "id"} for row in ROWS]
    task = prepared(rows, process_docs="!function code.keep_fn")
    assert [item.text for item in task.items] == [row["question"] for row in ROWS if row["answer"] == 1]
    assert {item.reference for item in task.items} == {"no"}


def test_generated_answers_go_through_filters_and_metric(prepared: Callable[..., LmEvalTask], lm: AssayLM) -> None:
    plain = prepared(**GENERATE)
    found = answers(plain, lm)
    assert [a.score for a in found] == [0.0] * len(ROWS) and plain.chance is None
    assert plain.scorer["name"] == NOT_RESCORABLE and rescored(plain, found) is None
    first_words = [
        {
            "filter": [{"function": "regex", "regex_pattern": r"(\S)", "group_select": 0}, {"function": "take_first"}],
            "name": "first",
        },
        {"filter": [{"function": "take_first"}], "name": "all"},
    ]
    rows = [row | {"answer": answer.output.strip()[:1]} for row, answer in zip(ROWS, found, strict=True)]
    filtered = prepared(rows, **GENERATE, filter_list=first_words)
    again = answers(filtered, lm)
    assert filtered.output_filter == "first"
    assert [a.output for a in again] == [a.output for a in found]
    assert [a.score for a in again] == [1.0] * len(ROWS)


def test_in_chat_form_the_prompt_is_the_templates(prepared: Callable[..., LmEvalTask]) -> None:
    text = prepared(chat=True).requests[0][0].args[0]
    assert text == "<|im_start|>user\ncat 0 or mat 0?<|im_end|>\n<|im_start|>assistant\n"


def test_examples_stand_before_the_question(prepared: Callable[..., LmEvalTask]) -> None:
    task = prepared(fewshot=2)
    for requests, row in zip(task.requests, ROWS, strict=True):
        prompt = requests[0].args[0]
        assert prompt.endswith(row["question"]) and prompt.count("?") == 3
    assert task.content == prepared(fewshot=2).content != prepared(fewshot=0).content


def test_the_content_changes_with_all_that_decides_a_score(
    prepared: Callable[..., LmEvalTask], make_task: MakeTask
) -> None:
    def filters(pattern: str) -> dict[str, Any]:
        steps = [{"function": "regex", "regex_pattern": pattern}, {"function": "take_first"}]
        return GENERATE | {"filter_list": [{"name": "f", "filter": steps}]}

    contents = [
        prepared().content,
        prepared([ROWS[0] | {"answer": 1}, *ROWS[1:]]).content,
        prepared([ROWS[0] | {"question": "another"}, *ROWS[1:]]).content,
        prepared(metric_list=[{"metric": "acc_norm"}]).content,
        prepared(chat=True).content,
        prepared(**filters("(a)")).content,
        prepared(**filters("(b)")).content,
    ]
    assert len(set(contents)) == len(contents)
    assert prepared().content == contents[0]
    (make_task("facts", ROWS) / "code.py").write_text("def score_fn(doc, results):\n    return {'acc': 1}\n")
    scored = prepared(process_results="!function code.score_fn").content
    (make_task("facts", ROWS) / "code.py").write_text("def score_fn(doc, results):\n    return {'acc': 0}\n")
    assert prepared(process_results="!function code.score_fn").content != scored


def code_task(prepared: Callable[..., LmEvalTask], make_task: MakeTask, body: str, **config: Any) -> LmEvalTask:
    (make_task("facts", ROWS) / f"code_{abs(hash(body))}.py").write_text(f"def score_fn(doc, results):\n    {body}\n")
    return prepared(process_results=f"!function code_{abs(hash(body))}.score_fn", **config)


def test_a_metric_of_the_tasks_own_is_taken_and_not_scored_again(
    prepared: Callable[..., LmEvalTask], make_task: MakeTask, lm: AssayLM
) -> None:
    task = code_task(prepared, make_task, "return {'acc': 0.25}")
    found = answers(task, lm)
    assert [a.score for a in found] == [0.25] * len(ROWS) and rescored(task, found) is None


@pytest.mark.parametrize(
    ("body", "match"),
    [
        ("return {'acc': ('a', 'b')}", "'acc' gives no number for an item"),
        ("return {'other': 1.0}", "'acc' gives no number for an item"),
        ("return {'acc': 17.0}", "gave 17.0 for an item, not 0 to 1"),
        ("return {'acc': float('nan')}", "gave nan for an item, not 0 to 1"),
        ("raise RuntimeError('of its own')", "RuntimeError: of its own"),
    ],
)
def test_a_metric_that_is_no_share_of_an_item_is_one_line(
    prepared: Callable[..., LmEvalTask], make_task: MakeTask, lm: AssayLM, body: str, match: str
) -> None:
    with pytest.raises(SuiteError, match=match) as raised:
        answers(code_task(prepared, make_task, body), lm)
    assert "task facts" in str(raised.value) and "\n" not in str(raised.value)


def test_perplexity_which_is_a_metric_of_all_items_together_is_one_line(
    prepared: Callable[..., LmEvalTask], lm: AssayLM
) -> None:
    config = {"output_type": "loglikelihood_rolling", "doc_to_target": "", "doc_to_choice": None}
    task = prepared(**config, metric_list=[{"metric": "word_perplexity"}])
    with pytest.raises(SuiteError, match="'word_perplexity' gives no number for an item"):
        answers(task, lm)


def test_sampling_is_refused(prepared: Callable[..., LmEvalTask], lm: AssayLM) -> None:
    task = prepared(**GENERATE | {"generation_kwargs": {"do_sample": True, "until": []}})
    with pytest.raises(SuiteError, match=r"task facts: the task samples"):
        answers(task, lm)


@pytest.mark.parametrize(
    "config", [{"doc_to_text": "{{missing.part}}"}, {"doc_to_target": "{{missing}}"}, {"doc_to_choice": "{{missing}}"}]
)
def test_items_that_cannot_be_made_are_one_line(prepared: Callable[..., LmEvalTask], config: dict[str, Any]) -> None:
    with pytest.raises(SuiteError, match=r"task '?facts") as raised:
        prepared(**config)
    assert "\n" not in str(raised.value)


def test_options_that_are_alike_are_not_scored_again(prepared: Callable[..., LmEvalTask], lm: AssayLM) -> None:
    """From the stored text alone it could not be told which of the two was chosen."""
    task = prepared([row | {"choices": ["yes", "yes"]} for row in ROWS])
    assert rescored(task, answers(task, lm)) is None


def test_done_is_told_of_every_item_once(prepared: Callable[..., LmEvalTask], lm: AssayLM) -> None:
    told: list[int] = []
    prepared().answer(lm, range(len(ROWS)), told.append)
    assert sum(told) == len(ROWS)


def test_examples_that_all_items_share_make_no_item_costlier(prepared: Callable[..., LmEvalTask]) -> None:
    """The cost decides how many items are asked at a time, behind one copy of the examples."""
    plain = prepared()
    examples = [{**row, "question": f"mat {row['question']}"} for row in ROWS[:3]]
    shown = prepared(fewshot=3, fewshot_config={"sampler": "first_n", "samples": examples})
    contexts = [requests[0].args[0] for requests in shown.requests]
    assert len(contexts[0]) > 2 * len(plain.requests[0][0].args[0])
    assert max(item.cost for item in shown.items) <= max(item.cost for item in plain.items) + 1
