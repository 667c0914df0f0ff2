"""Evaluation as a function: answers of every model to every item, kept and found again, leaks, misfits."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.chat import load_target
from assay.errors import ModelError, SuiteError
from assay.evaluate.asking.domain_suite import DomainSuite
from assay.evaluate.evaluation import Evaluation
from assay.evaluate.identity import Models, input_digests
from assay.evaluate.models import backends
from assay.evaluate.settings import EvaluateSettings
from assay.evaluate.stage import evaluate
from assay.suites import read_suites

MakeSuite = Callable[..., Path]
CHOICES = [
    {"id": f"i{n}", "prompt": f"cat {n * 13}?", "reference": n % 2, "choices": ["yes", "no"], "cluster": f"c{n // 3}"}
    for n in range(30)
]
FREE = [{"id": f"f{n}", "prompt": f"say {n}", "reference": "the"} for n in range(9)]


@pytest.fixture
def suites(make_suite: MakeSuite) -> list[Path]:
    return [
        make_suite("choices", CHOICES, scorer="multiple_choice"),
        make_suite("free", FREE, scorer="contains", max_new_tokens=4),
    ]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, int]]]:
    """(suite, items) of every time a model was asked."""
    seen: list[tuple[str, int]] = []
    real = DomainSuite.answer

    def answer(self: DomainSuite, lm: Any, numbers: Any, done: Any) -> Any:
        seen.append((self.name, len(numbers)))
        return real(self, lm, numbers, done)

    monkeypatch.setattr(DomainSuite, "answer", answer)
    yield seen


def run(models: Models, paths: list[Path], folder: Path | None = None, say: Any = None, **settings: Any) -> Evaluation:
    return evaluate(
        models,
        read_suites(paths),
        EvaluateSettings(suites=tuple(map(str, paths)), **settings),
        answers_folder=folder,
        say=say or (lambda _: None),
    )


def scores(evaluation: Evaluation) -> dict[tuple[str, str], list[float]]:
    found: dict[tuple[str, str], list[float]] = {}
    for row in evaluation.items.to_pylist():
        found.setdefault((row["suite"], row["model"]), []).append(row["score"])
    return found


def test_every_model_answers_every_item_and_the_damaged_one_some(
    target: Any, tiny_adapter: Path, make_adapter: Callable[..., Path], suites: list[Path]
) -> None:
    previous = make_adapter("previous", seed=5)
    found = run(Models(target, tiny_adapter, previous), suites, damaged_items=10)
    counts = {key: len(values) for key, values in scores(found).items()}
    assert counts == {
        (suite, model): min(n, {"damaged": 10, "slightly_damaged": n // 4, "zero": 20}.get(model, n))
        for suite, n in (("choices", 30), ("free", 9))
        for model in ("base", "previous", "candidate", "damaged", "slightly_damaged", "zero")
    }
    for result in found.suites:
        for score in result.scores:
            values = scores(found)[result.suite, score.model]
            assert score.n == len(values) and score.score == pytest.approx(sum(values) / len(values))
            assert score.ci_low <= score.score <= score.ci_high
    assert set(found.evidence) == {"candidate", "previous"} and found.leaks == ()
    assert found.identity["adapter"].keys() == {  # type: ignore[attr-defined]
        "adapter_config.json", "adapter_model.safetensors", "assay.json", "trained_records.parquet",
    }  # fmt: skip
    rows = found.items.to_pylist()
    assert {row["cluster"] for row in rows if row["suite"] == "choices"} == {f"c{n}" for n in range(10)}
    assert all(row["reference"] in ("yes", "no") for row in rows if row["suite"] == "choices")


def test_the_interval_is_wider_where_items_share_a_cluster(target: Any, make_suite: MakeSuite) -> None:
    rows = [row | {"prompt": f"cat {n // 3}?", "reference": (n // 3) % 2} for n, row in enumerate(CHOICES)]
    alone = [{key: value for key, value in row.items() if key != "cluster"} for row in rows]
    found = run(
        Models(target),
        [make_suite("tied", rows, scorer="multiple_choice"), make_suite("alone", alone, scorer="multiple_choice")],
    )
    tied, free = (result.score("base") for result in found.suites)
    assert tied is not None and free is not None and tied.score == free.score
    assert tied.ci_high - tied.ci_low > 1.3 * (free.ci_high - free.ci_low)


def test_a_base_alone_has_scores_and_no_leaks(target: Any, suites: list[Path]) -> None:
    found = run(Models(target), suites)
    assert {model for _, model in scores(found)} == {"base"} and found.leaks == () and not found.evidence
    assert found.identity["adapter"] is None


def test_a_limit_is_a_limit_and_takes_from_the_front(target: Any, tiny_adapter: Path, suites: list[Path]) -> None:
    found = run(Models(target, tiny_adapter), suites, limit=7, damaged_items=5)
    for model, n in (("base", 7), ("candidate", 7), ("damaged", 5), ("zero", 7)):
        rows = [row for row in found.items.to_pylist() if row["suite"] == "choices" and row["model"] == model]
        assert len(rows) == n and {row["item_id"] for row in rows} <= {f"i{k}" for k in range(7)}


def test_more_damaged_items_than_a_cluster_holds_or_than_there_are(
    target: Any, tiny_adapter: Path, make_suite: MakeSuite
) -> None:
    one = make_suite("one", [row | {"cluster": "all"} for row in CHOICES], scorer="multiple_choice")
    counts = {
        model: len(values)
        for (_, model), values in scores(run(Models(target, tiny_adapter), [one], damaged_items=4)).items()
    }
    assert counts == {"base": 30, "candidate": 30, "damaged": 4, "slightly_damaged": 7, "zero": 20}
    none = run(Models(target, tiny_adapter), [one], damaged_items=0, zero_items=0)
    assert {model for _, model in scores(none)} == {"base", "candidate"}


def test_the_same_evaluation_twice_is_the_same(target: Any, tiny_adapter: Path, suites: list[Path]) -> None:
    first, again = (run(Models(target, tiny_adapter), suites) for _ in range(2))
    assert first.items.equals(again.items)
    other = run(Models(target, tiny_adapter), suites, seed=1)
    outputs = [
        {row["item_id"]: row["output"] for row in found.items.to_pylist() if row["model"] == "damaged"}
        for found in (first, other)
    ]
    assert outputs[0] != outputs[1]


class TestReuse:
    """What was answered is not asked again; what decides an answer makes it another."""

    def test_nothing_is_asked_twice(
        self, target: Any, tiny_adapter: Path, suites: list[Path], tmp_path: Path, asked: list[Any]
    ) -> None:
        first = run(Models(target, tiny_adapter), suites, tmp_path / "answers")
        assert len(asked) == 10
        again = run(Models(target, tiny_adapter), suites, tmp_path / "answers")
        assert len(asked) == 10 and again.items.equals(first.items)

    def test_a_second_candidate_meets_the_bases_answers(
        self, target: Any, tiny_adapter: Path, make_adapter: Callable[..., Path], suites: list[Path], tmp_path: Path,
        asked: list[Any],
    ) -> None:  # fmt: skip
        run(Models(target, tiny_adapter), suites, tmp_path / "answers")
        second = make_adapter("second", seed=9)
        del asked[:]
        found = run(Models(target, second, tiny_adapter), suites, tmp_path / "answers")
        controls = {"choices": (30, 7, 20), "free": (9, 2, 9)}
        assert sorted(asked) == sorted([(name, n) for name in controls for n in (controls[name][0], *controls[name])])
        assert found.items.equals(run(Models(target, second, tiny_adapter), suites).items)

    def test_a_copy_of_base_and_adapter_elsewhere_meets_them_too(
        self, target: Any, tiny_model: Path, tiny_adapter: Path, suites: list[Path], tmp_path: Path, asked: list[Any]
    ) -> None:
        run(Models(target, tiny_adapter), suites, tmp_path / "answers")
        moved = load_target(str(shutil.copytree(tiny_model, tmp_path / "moved")))
        del asked[:]
        run(Models(moved, Path(shutil.copytree(tiny_adapter, tmp_path / "a"))), suites, tmp_path / "answers")
        assert asked == []

    @pytest.mark.parametrize(
        "changed",
        [
            {"rows": [CHOICES[0] | {"reference": 1}, *CHOICES[1:]]},
            {"rows": [CHOICES[0] | {"prompt": "dog?"}, *CHOICES[1:]]},
            {"scorer": {"name": "multiple_choice", "length_normalised": True}},
            {"dtype": "bfloat16"},
            {"batch_tokens": 512},
            {"max_length": 64},
            {"load_in_4bit": True},
            {"limit": 20},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_what_decides_an_answer_makes_it_be_asked_again(
        self, target: Any, make_suite: MakeSuite, tmp_path: Path, asked: list[Any], changed: dict[str, Any]
    ) -> None:
        run(Models(target), [make_suite("s", CHOICES, scorer="multiple_choice")], tmp_path / "answers")
        rows, scorer = changed.pop("rows", CHOICES), changed.pop("scorer", "multiple_choice")
        run(Models(target), [make_suite("s", rows, scorer=scorer)], tmp_path / "answers", **changed)
        assert len(asked) == 2

    def test_another_template_or_stop_token_makes_it_be_asked_again(
        self, target: Any, tiny_model: Path, suites: list[Path], tmp_path: Path, asked: list[Any]
    ) -> None:
        run(Models(target), suites, tmp_path / "answers")
        template = target.template.replace("<|im_start|>assistant", "<|im_start|>assistant ")
        run(Models(load_target(str(tiny_model), chat_template=template)), suites, tmp_path / "answers")
        assert len(asked) == 4
        copy = Path(shutil.copytree(tiny_model, tmp_path / "copy"))
        (copy / "generation_config.json").write_text('{"eos_token_id": [2, 9]}')
        run(Models(load_target(str(copy))), suites, tmp_path / "answers")
        assert len(asked) == 6

    def test_half_a_part_is_asked_again(
        self, target: Any, suites: list[Path], tmp_path: Path, asked: list[Any]
    ) -> None:
        first = run(Models(target), suites, tmp_path)
        part = max(tmp_path.glob("*.parquet"), key=lambda path: path.stat().st_size)
        part.write_bytes(part.read_bytes()[:100])
        del asked[:]
        again = run(Models(target), suites, tmp_path)
        assert len(asked) == 1 and again.items.equals(first.items)

    def test_a_killed_evaluation_goes_on(
        self, target: Any, tiny_model: Path, suites: list[Path], tmp_path: Path, asked: list[Any]
    ) -> None:
        """kill -9 after the first part is on disk."""
        code = (
            "import sys, time\nfrom pathlib import Path\nfrom assay.evaluate.asking.parts import PartStore\n"
            "from assay.cli import main\nreal = PartStore.put\n"
            "def put(self, key, answers):\n    real(self, key, answers)\n"
            "    print('put', flush=True)\n    time.sleep(60)\n"
            "PartStore.put = put\nmain(sys.argv[1:])\n"
        )
        arguments = ["evaluate", "--model", str(tiny_model), "--store", str(tmp_path / "store")]
        arguments += [part for path in suites for part in ("--suite", str(path))]
        child = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, cwd=tmp_path)
        assert child.stdout is not None and child.stdout.readline() == b"put\n"
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        found = run(Models(target), suites, tmp_path / "store" / "answers")
        assert asked == [("free", 9)]
        assert found.items.equals(run(Models(target), suites).items)


class TestMisfits:
    """An adapter that does not belong to base or template is never evaluated in silence."""

    @pytest.mark.parametrize(
        ("changed", "match"),
        [
            ({"template_sha256": "0" * 64}, "another chat template.*--chat-template"),
            ({"tokenizer_sha256": "0" * 64, "base": "other"}, "another tokenizer.*--model other"),
            ({"weights_sha256": "0" * 64, "base": "other"}, "other weights.*--model other"),
        ],
    )
    def test_what_the_card_says_must_be_so(
        self, target: Any, make_adapter: Callable[..., Path], card: Callable[..., None], suites: list[Path],
        changed: dict[str, Any], match: str,
    ) -> None:  # fmt: skip
        adapter = make_adapter("a")
        card(adapter, target, **changed)
        for models in (Models(target, adapter), Models(target, None, adapter)):
            with pytest.raises(ModelError, match=match) as raised:
                run(models, suites)
            assert "\n" not in str(raised.value)

    def test_another_revision_of_the_base(
        self, target: Any, make_adapter: Callable[..., Path], card: Callable[..., None], suites: list[Path]
    ) -> None:
        import dataclasses

        adapter = make_adapter("a")
        card(adapter, target, revision="a" * 40, base="org/base")
        pinned = dataclasses.replace(target, ref=dataclasses.replace(target.ref, revision="b" * 40))
        with pytest.raises(ModelError, match=r"was trained on org/base at aaaaaaaaaaaa.*--model org/base"):
            run(Models(pinned, adapter), suites)

    def test_the_right_weights_pass(
        self, target: Any, make_adapter: Callable[..., Path], card: Callable[..., None], suites: list[Path]
    ) -> None:
        adapter = make_adapter("a")
        card(adapter, target, weights_sha256=Models(target).weights_sha256)
        assert run(Models(target, adapter), suites, limit=2, damaged_items=0, zero_items=0).leaks == ()

    def test_an_adapter_without_a_card_has_unknown_leaks_and_that_is_said(
        self, target: Any, make_adapter: Callable[..., Path], suites: list[Path]
    ) -> None:
        said: list[str] = []
        found = run(
            Models(target, make_adapter("a", card=False)),
            suites,
            say=said.append,
            limit=2,
            damaged_items=0,
            zero_items=0,
        )
        assert found.leaks is None
        assert any("no assay.json" in line and "unknown" in line for line in said)
        (line,) = [line for line in said if "in which precision" in line]
        assert line == f"WARNING: {found.settings['notes'][0]}"

    def test_an_adapter_that_is_not_there(self, target: Any, tmp_path: Path, suites: list[Path]) -> None:
        with pytest.raises(ModelError, match="no such adapter folder"):
            run(Models(target, tmp_path / "none"), suites)

    def test_it_is_scored_in_the_precision_it_was_trained_in(
        self, target: Any, make_adapter: Callable[..., Path], card: Callable[..., None], suites: list[Path]
    ) -> None:
        adapter = make_adapter("a")
        card(adapter, target, quantisation="nf4", bnb_4bit_use_double_quant=False)

        def base(**settings: Any) -> Any:
            return run(Models(target, adapter), suites, limit=2, damaged_items=0, **settings).identity["base"]

        assert (base()["quantisation"], base()["double_quantisation"]) == ("nf4", False)
        assert base(load_in_4bit=False)["quantisation"] is None
        assert base(dtype="bfloat16")["dtype"] == "bfloat16"


def test_items_that_the_adapter_was_trained_on_are_found(
    target: Any, make_adapter: Callable[..., Path], make_suite: MakeSuite, make_task: Callable[..., Path]
) -> None:
    adapter = make_adapter("a", prompts={"r1": "cat 0?", "r2": "SAY 3!", "r3": "what is a mat?", "r4": "unrelated"})
    paths = [
        make_suite("choices", CHOICES, scorer="multiple_choice"),
        make_suite("free", FREE, scorer="contains", max_new_tokens=2),
    ]
    rows = [{"id": "t1", "question": "What is a mat?", "choices": ["yes", "no"], "answer": 0}]
    folder = make_task("facts", [*rows, {**rows[0], "id": "t2", "question": "What is a cat?"}])
    found = run(Models(target, adapter), paths, include_path=str(folder), damaged_items=0, zero_items=0)
    assert found.leaks is not None
    assert {(leak.suite, leak.item_id, leak.record_id, leak.kind) for leak in found.leaks} == {
        ("choices", "i0", "r1", "exact"),
        ("free", "f3", "r2", "normalised"),
        ("facts", "t1", "r3", "normalised"),
    }


def test_a_suite_and_a_task_of_one_name_are_refused(
    target: Any, make_suite: MakeSuite, make_task: Callable[..., Path]
) -> None:
    folder = make_task("twice", [{"question": "a", "choices": ["yes", "no"], "answer": 0}])
    with pytest.raises(SuiteError, match=r"twice\.yaml: 'twice' is also the name of \S*twice\.yaml"):
        run(Models(target), [make_suite("twice", FREE)], include_path=str(folder))


def test_a_bad_suite_or_task_is_met_before_a_model_is_loaded(
    target: Any, make_suite: MakeSuite, make_task: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[Any] = []
    monkeypatch.setattr(backends, "load_switched", lambda *given, **_: loaded.append(given))
    folder = make_task("facts", [{"question": "a", "choices": ["yes", "no"], "answer": 0}], unsafe_code=True)
    with pytest.raises(SuiteError, match="runs code"):
        run(Models(target), [], include_path=str(folder))
    with pytest.raises(SuiteError, match="without 'choices'"):
        run(Models(target), [make_suite("s", FREE, scorer="multiple_choice")])
    assert loaded == []


def test_nothing_to_score_is_one_line(target: Any) -> None:
    with pytest.raises(SuiteError, match=r"nothing to score.*--suite"):
        run(Models(target), [])


class TestRunNames:
    """A run is named by all that it depends on, so that none is taken for another."""

    def test_files_of_every_folder_count(self, target: Any, tmp_path: Path) -> None:
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "facts.yaml").write_text("task: facts\n")
        both = (str(tmp_path / "a"), str(tmp_path / "b"))
        before = self.digests(Models(target), [], include_path=both)
        (tmp_path / "b" / "facts.yaml").write_text("task: other\n")
        after = self.digests(Models(target), [], include_path=both)
        assert before != after and before.keys() == after.keys()
        assert len([name for name in before if name.startswith("task")]) == 2

    def digests(self, models: Models, paths: list[Path], **settings: Any) -> dict[str, str]:
        return input_digests(models, read_suites(paths), EvaluateSettings(**settings))

    def test_weights_of_a_folder_and_every_file_of_tasks_and_adapter_count(
        self, target: Any, tiny_model: Path, make_adapter: Callable[..., Path], suites: list[Path], tmp_path: Path,
        make_task: Callable[..., Path],
    ) -> None:  # fmt: skip
        copy = Path(shutil.copytree(tiny_model, tmp_path / "copy"))
        adapter = make_adapter("a")
        folder = make_task("facts", [{"question": "a", "choices": ["yes", "no"], "answer": 0}])
        for below in ("x", "y"):
            (folder / below).mkdir()
            (folder / below / "utils.py").write_text("A = 1\n")
        outside = tmp_path / "outside.jsonl"
        outside.write_text('{"question": "b", "choices": ["yes", "no"], "answer": 0}\n')
        (folder / "facts.yaml").write_text(
            (folder / "facts.yaml").read_text().replace("facts.jsonl", "../outside.jsonl")
        )

        def now() -> dict[str, str]:
            return self.digests(Models(load_target(str(copy)), adapter), suites, include_path=str(folder))

        before = now()
        assert before == now()
        for path in (
            copy / "model.safetensors", adapter / "assay.json", folder / "x" / "utils.py", folder / "y" / "utils.py",
            outside, suites[0],
        ):  # fmt: skip
            kept = path.read_bytes()
            path.write_bytes(kept + b"\n")
            assert now() != before, path
            path.write_bytes(kept)
        (folder / "__pycache__").mkdir()
        (folder / "__pycache__" / "utils.pyc").write_bytes(b"compiled")
        assert now() == before
