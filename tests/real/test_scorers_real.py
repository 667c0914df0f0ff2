"""Scorers on data that no one here wrote."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from assay.chat.answers import first_difference
from assay.chat.conversation import PROBE_TOOL, find_style, variables
from assay.chat_templates.templating import Renderer, TemplateProblem
from assay.dataset import Dataset
from assay.evaluate.outputs.facts import facts_in
from assay.evaluate.sandbox.sandbox import why_no_walls
from assay.evaluate.scorer import make_scorer
from assay.evaluate.suites.check import check_suite
from assay.evaluate.suites.init import init_suite
from assay.records import Message, ToolCall
from assay.sources import ReadSettings, read
from assay.suites import read_suite

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}
ARGUMENTS = {"city": "Lyon", "days": 3, "parts": {"wind": True, "rain": None}, "units": ["mm", "km/h"]}
CALLS = (ToolCall("get_weather", ARGUMENTS, "call00001"), ToolCall("get_time", {"zone": "CET"}, "call00002"))
NOT_READ = {"Kimi-K3", "MiniMax-M3"}


def templates(shared: Path) -> dict[str, str]:
    folder = shared / "data" / "templates"
    found = {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*.jinja")}
    for path in folder.rglob("tokenizer_config.json"):
        template = json.loads(path.read_text(encoding="utf-8")).get("chat_template")
        if isinstance(template, str):
            found[str(path.relative_to(folder))] = template
    return {name: text for name, text in found.items() if "tool_calls" in text}


def written(template: str, renderer: Renderer, calls: tuple[ToolCall, ...]) -> str | None:
    """How the template writes an answer that makes the calls, or None where it cannot."""
    style = find_style(template, SPECIAL, renderer)
    messages = [Message("user", "What is the weather in Lyon?"), Message("assistant", None, calls)]

    def text(upto: int, *, prompt: bool) -> str:
        given = variables(
            messages[:upto],
            [PROBE_TOOL],
            template=template,
            style=style,
            special_tokens=SPECIAL,
            add_generation_prompt=prompt,
        )
        return renderer.render(template, given).text

    try:
        whole, asked = text(2, prompt=False), text(1, prompt=True)
    except TemplateProblem:
        return None
    answer = whole[first_difference(whole, asked) :]
    return answer if all(call.name in answer for call in calls) else None


def test_calls_are_read_as_the_real_templates_write_them(shared: Path) -> None:
    scoring = make_scorer("tool_call", {}, "here")
    renderer = Renderer(seconds=30)
    scores: dict[str, float] = {}
    try:
        for name, template in templates(shared).items():
            for calls in (CALLS, CALLS[:1]):
                answer = written(template, renderer, calls)
                if answer is not None:
                    reference = [{"name": call.name, "arguments": call.arguments} for call in calls]
                    scores[name] = scoring(answer, json.dumps(reference))
                    break
    finally:
        renderer.close()
    assert len(scores) >= 90
    assert {Path(name).stem for name, score in scores.items() if score < 1.0} == NOT_READ


def test_calls_of_real_conversations_score_1_as_themselves_and_less_as_another(shared: Path) -> None:
    data = read([str(shared / "data/instruction/llamafactory/glaive_toolcall_en_demo.json")], ReadSettings())
    calls = [
        [{"name": call.name, "arguments": call.arguments} for call in message.tool_calls]
        for record in data.records()
        for message in record.messages
        if message.tool_calls
    ]
    scoring = make_scorer("tool_call", {}, "here")
    texts = ["\n".join(f"<tool_call>\n{json.dumps(call)}\n</tool_call>" for call in made) for made in calls]
    assert len(calls) > 200
    assert all(scoring(text, json.dumps(made)) == 1.0 for text, made in zip(texts, calls, strict=True))
    swapped = [scoring(text, json.dumps(made)) for text, made in zip(texts[7:] + texts[:7], calls, strict=True)]
    assert sum(swapped) / len(swapped) < 0.2


def pubmedqa(shared: Path) -> list[dict[str, Any]]:
    return list(json.loads((shared / "data/domain/pubmedqa/ori_pqal.json").read_text(encoding="utf-8")).values())


def test_facts_of_an_abstracts_conclusion_stand_in_the_abstract_and_in_no_other(shared: Path) -> None:
    items = [item for item in pubmedqa(shared) if facts_in(item["LONG_ANSWER"])]
    sources = ["\n\n".join([item["QUESTION"], *item["CONTEXTS"]]) for item in items]
    scoring = make_scorer("quoted_facts", {}, "here")

    def mean(moved: int) -> float:
        pairs = zip(items, sources[moved:] + sources[:moved], strict=True)
        return sum(scoring(item["LONG_ANSWER"], "", context={"source": text}) for item, text in pairs) / len(items)

    assert len(items) > 600
    assert mean(0) > 0.88 and mean(37) < 0.06


def test_a_suite_of_free_answers_with_their_sources_is_proposed_and_passes_its_check(
    shared: Path, tmp_path: Path
) -> None:
    rows = [
        {"prompt": item["QUESTION"], "answer": item["LONG_ANSWER"], "context": item["CONTEXTS"]}
        for item in pubmedqa(shared)
        if facts_in(item["LONG_ANSWER"])
    ]
    path = tmp_path / "abstracts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data = read([str(path)], ReadSettings(columns={"prompt": "prompt", "answer": "answer"}))
    made = init_suite(data, tmp_path / "suites", name="abstracts")
    suite, training = read_suite(made.suite_path), Dataset.read_parquet(made.training_path)
    assert suite.scorer == "quoted_facts" and made.items > 50
    assert [problem for problem in check_suite(suite, training=training) if problem.severity == "error"] == []


@pytest.mark.skipif(why_no_walls() is not None, reason=f"no walls here: {why_no_walls()}")
def test_every_solution_of_humaneval_passes_its_tests_and_no_stub_does(shared: Path, tmp_path: Path) -> None:
    with gzip.open(shared / "data/general/humaneval/HumanEval.jsonl.gz", "rt", encoding="utf-8") as file:
        problems = [json.loads(line) for line in file]
    rows = [
        {
            "id": problem["task_id"],
            "prompt": problem["prompt"],
            "reference": problem["prompt"] + problem["canonical_solution"],
            "tests": f"{problem['test']}\ncheck({problem['entry_point']})",
        }
        for problem in problems
    ]
    (tmp_path / "code.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "code.yaml").write_text("name: code\ndata: code.jsonl\nscorer: code_run\nmax_new_tokens: 512\n")
    suite = read_suite(tmp_path / "code.yaml")
    found = {problem.problem: problem for problem in check_suite(suite, allow_code=True)}
    assert len(suite.items) == 164 and "reference_fails" not in found
    scoring = make_scorer("code_run", {}, "here", allow_code=True)
    stubs = [
        scoring(problem["prompt"] + "    return None\n", "", context={"tests": [row["tests"]]})
        for problem, row in zip(problems, rows, strict=True)
    ]
    assert sum(stubs) == 0


def test_the_embedded_model_is_asked_with_tools_only_by_a_template_that_shows_them(
    shared: Path, tmp_path: Path
) -> None:
    from assay.chat import load_target
    from assay.errors import ModelError, SuiteError
    from assay.evaluate.evaluation_files import read as read_evaluation
    from assay.evaluate.evaluation_files import write
    from assay.evaluate.identity import Models
    from assay.evaluate.scorer import rescore
    from assay.evaluate.settings import EvaluateSettings
    from assay.evaluate.stage import evaluate

    data = read([str(shared / "data/instruction/llamafactory/glaive_toolcall_en_demo.json")], ReadSettings())
    rows = []
    for record in data.records():
        first = next((n for n, message in enumerate(record.messages) if message.tool_calls), None)
        if first is not None and record.messages[first - 1].role == "user":
            calls = [{"name": call.name, "arguments": call.arguments} for call in record.messages[first].tool_calls]
            asked = [{"role": m.role, "content": m.content} for m in record.messages[:first]]
            rows.append({"id": record.row_id, "messages": asked, "tools": list(record.tools), "reference": calls})
    rows = rows[:4]
    (tmp_path / "calls.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "calls.yaml").write_text("name: calls\ndata: calls.jsonl\nscorer: tool_call\nmax_new_tokens: 48\n")
    suite = read_suite(tmp_path / "calls.yaml")
    try:
        own = load_target("smollm2-135m-instruct")
    except ModelError as error:
        pytest.skip(f"the embedded model cannot be had here: {error}")
    with pytest.raises(SuiteError, match="does not show the declared tools"):
        evaluate(Models(own), [suite], EvaluateSettings())
    template = shared / "data/templates/llama_cpp/Qwen-Qwen2.5-7B-Instruct.jinja"
    shown = load_target("smollm2-135m-instruct", chat_template=str(template))
    write(evaluate(Models(shown), [suite], EvaluateSettings()), tmp_path / "out")
    stored = read_evaluation(tmp_path / "out")
    answers = stored.items.to_pylist()
    assert len(answers) == 4 and all(0.0 <= row["score"] <= 1.0 for row in answers)
    columns = ([row[key] for row in answers] for key in ("output", "reference", "context"))
    assert rescore(stored.suites[0], *columns) == [row["score"] for row in answers]
