"""`assay merge` and `assay parity` from the shell."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.cli import VERBS, main
from assay.train.merging.command import merge
from assay.train.parity.command import parity

Make = Callable[..., Path]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main([*arguments])
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


@pytest.fixture
def adapter(make_base: Make, make_adapter: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_adapter(tmp_path / "adapter", make_base())


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    rows = [{"id": f"i{n}", "prompt": f"Is {n} even?", "reference": "yes", "choices": ["yes", "no"]} for n in range(30)]
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = tmp_path / "even.yaml"
    path.write_text("version: 1\nname: even\ndata: items.jsonl\nscorer: multiple_choice\n")
    return path


def test_their_short_help_is_the_one_of_assay_help() -> None:
    assert merge.get_short_help_str(limit=300).rstrip(".") == VERBS["merge"].help.rstrip(".")
    assert parity.get_short_help_str(limit=300).rstrip(".") == VERBS["parity"].help.rstrip(".")


def test_a_merge_is_a_run_of_the_store_and_has_a_lineage(adapter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "merge", "adapter", "-o", "merged", "--dtype", "float32", "--json")
    found = json.loads(out)
    assert code == 0 and found["parity"]["outcome"] == "PASS"
    card = json.loads(Path("merged/assay.json").read_text())
    assert card["run"].startswith("merge-")
    assert (Path(".assay/runs") / card["run"] / "parity.json").is_file()
    code, out, _ = run(capsys, "lineage", "merged")
    assert code == 0 and card["run"] in out
    code, _, err = run(capsys, "merge", "adapter", "-o", "merged")
    assert code == 2 and "merged: is there already and not empty" in err


def test_parity_of_a_merge_passes_with_a_suite_and_fails_on_another_template(
    adapter: Path, suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "merge", "adapter", "-o", "merged", "--dtype", "float32", "-q")[0] == 0
    code, out, _ = run(capsys, "parity", "merged", "--against", "adapter", "--suite", str(suite), "-o", "proof")
    assert code == 0 and out.startswith("PASS  merged (merged) against adapter")
    assert "all 30 items score the same" in out
    checks = json.loads(Path("proof/parity.json").read_text())["checks"]
    assert [check["outcome"] for check in checks] == ["PASS"] * 5
    template = Path("merged/chat_template.jinja")
    template.write_text(template.read_text().replace("assistant\n", "assistant "))
    code, out, _ = run(capsys, "parity", "merged", "--against", "adapter")
    assert code == 3 and "prompt tokens      FAIL      one turn: " in out


def test_suites_judge_other_weights_and_what_they_cannot_tell_is_unproved(
    make_base: Make, make_adapter: Make, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    pytest.importorskip("bitsandbytes")
    monkeypatch.chdir(tmp_path)
    make_adapter(tmp_path / "adapter", make_base(), quantisation="nf4")
    code, out, _ = run(capsys, "merge", "adapter", "-o", "merged")
    assert code == 0 and "between the 4-bit base and the base's own weights: " in out
    code, out, _ = run(capsys, "parity", "merged", "--against", "adapter", "--suite", str(suite))
    assert code == 4 and "log-probabilities  STATED" in out
    assert "suite scores       UNPROVED  it cannot be told" in out or "UNPROVED  the suite could not" in out
    code, out, _ = run(capsys, "parity", "merged", "--against", "adapter")
    assert code == 4 and "of other weights only suites can judge" in out


def test_an_absent_ollama_is_unproved_and_never_passed(
    adapter: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    code, out, _ = run(capsys, "parity", "ollama:support", "--against", "adapter")
    assert code == 4 and out.startswith("UNPROVED  ollama:support")
    assert "no Ollama answers at http://127.0.0.1:9" in out and "PASS" not in out


def test_two_adapters_become_one_that_nobody_has_gated(
    adapter: Path, make_base: Make, make_adapter: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    make_adapter(Path("other"), make_base(), seed=1)
    code, out, _ = run(
        capsys,
        "merge",
        "adapter",
        "other",
        "--weights",
        "0.7,0.3",
        "--method",
        "ties",
        "--density",
        "0.5",
        "-o",
        "both",
    )
    assert code == 0 and "both: ties of 2 adapters, rank 4, 14 layers" in out and "no gate has seen it" in out
    assert {path.name for path in Path("both").iterdir()} == {
        "adapter_config.json", "adapter_model.safetensors", "assay.json", "chat_template.jinja",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["merge"], "no adapter was named"),
        (["merge", "adapter"], "nothing says where the result goes"),
        (["merge", "adapter", "-o", "out", "--weights", "1,2"], "--weights combines several adapters"),
        (["merge", "adapter", "adapter", "-o", "out", "--weights", "a,b"], "not numbers"),
        (["merge", "nowhere", "-o", "out"], "nowhere: is no folder, and no adapter is called 'nowhere'"),
        (["merge", "adapter", "-o", "out", "--base", "dequantized"], "nothing to dequantise"),
        (["parity", "adapter", "--against", "adapter"], "is an adapter: what was gated is named by --against"),
        (["parity", "nowhere.gguf", "--against", "adapter"], "there is no such file"),
        (["parity", "nowhere", "--against", "adapter"], "nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line(
    arguments: list[str], what: str, adapter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 2 and what in err and not out
    assert len([line for line in err.splitlines() if line.startswith("assay: ")]) == 1
    assert not Path("out").exists()


def test_the_list_names_adapters_with_their_verdicts(
    adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from assay.runs import RunStore

    assert "no adapter was trained yet" in run(capsys, "merge", "--list")[1]
    store = RunStore(tmp_path / ".assay")
    trained = []
    for seed in (1, 2):
        with store.open("train", {"seed": seed}, {}, ["curate-that-is-gone"]) as made:
            shutil.copytree(adapter, made.path / "adapter")
            card = json.loads((adapter / "assay.json").read_text()) | {"run": made.id}
            (made.path / "adapter" / "assay.json").write_text(json.dumps(card))
            trained.append(made.id)
    with store.open("evaluate", {}, {}, [trained[0]]) as evaluated:
        pass
    with store.open("gate", {}, {}, [evaluated.id]) as gated:
        (gated.path / "certificate.json").write_text("{}")
        gated.facts["verdict"] = "PASS"
    code, out, _ = run(capsys, "merge", "--list")
    assert code == 0
    assert f"PASS          .assay/runs/{trained[0]}/adapter  .assay/runs/{gated.id}/certificate.json" in out
    assert f"not gated     .assay/runs/{trained[1]}/adapter" in out
    assert (
        f"--enable-lora --max-lora-rank 8 --chat-template .assay/runs/{trained[1]}/adapter/chat_template.jinja" in out
    )
    assert f"--lora-modules {trained[1]}=.assay/runs/{trained[1]}/adapter {trained[0]}=" in out


@pytest.mark.parametrize(
    ("adapters", "given", "said"),
    [
        (("adapter",), ("--weights", "1"), "--weights combines several adapters, and one was named"),
        (("adapter",), ("--method", "ties"), "--method combines several adapters, and one was named"),
        (("adapter",), ("--density", "0.5"), "--density combines several adapters, and one was named"),
        (("adapter", "adapter"), ("--dtype", "float16"), "--dtype is of a merge into the base, and several adapters"),
        (("adapter", "adapter"), ("--base", "dequantized"), "--base is of a merge into the base, and several adapters"),
        (("adapter", "adapter"), ("--weights", "nan,1"), "a weight is no number that can be multiplied by"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    adapters: tuple[str, ...], given: tuple[str, ...], said: str, adapter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "merge", *adapters, "-o", "merged", *given)
    assert code == 2 and said in err
    assert not Path("merged").exists()
