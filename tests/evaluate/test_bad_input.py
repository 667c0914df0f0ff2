"""What is wrong with suites, models, adapters or the disk is one line; nothing is counted that was not scored."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Shell = Callable[..., tuple[int, str, str]]
ROWS = [{"id": f"i{n}", "prompt": f"cat {n}?", "reference": n % 2, "choices": ["yes", "no"]} for n in range(12)]
FREE = [{"id": f"f{n}", "prompt": f"say {n}", "reference": "e"} for n in range(6)]


@pytest.fixture
def refused(shell: Shell, make_suite: Callable[..., Path], tiny_model: Path) -> Callable[..., str]:
    """The one line with which an evaluation of these rows is refused; nothing may be left behind."""

    def run(
        rows: list[dict[str, Any]] | None = None, *more: str | Path, model: Path = tiny_model, **header: Any
    ) -> str:
        given = {"scorer": "multiple_choice"} if rows is None else header
        make_suite("s", ROWS if rows is None else rows, **given)
        code, out, err = shell("evaluate", "--model", model, "--suite", "s.yaml", "-o", "out", *more)
        assert code == 2 and out == "" and not Path("out").exists()
        *notes, line = err.splitlines()
        assert line.startswith("assay: ") and "Traceback" not in err
        assert all(note.startswith(("note: ", "WARNING: ", "evaluate: ")) for note in notes), notes
        return line

    return run


class TestSuites:
    @pytest.mark.parametrize(
        ("rows", "said"),
        [
            ([], "s.jsonl: the suite holds no items"),
            ([FREE[0], FREE[1] | {"id": "f0"}], "s.jsonl:2: id 'f0' was given before"),
            ([FREE[0], {"id": "f1", "prompt": "x"}], "s.jsonl:2: 'reference' is missing"),
            ([FREE[0] | {"reference": None}], "s.jsonl:1: 'reference' is missing"),
            ([FREE[0] | {"prompt": ["a"]}], "s.jsonl:1: 'prompt' should be text"),
            ([ROWS[0] | {"reference": 5}], "s.jsonl:1: the reference 5 is none of the choices"),
            ([ROWS[0] | {"reference": True}], "s.jsonl:1: the reference True is none of the choices"),
        ],
    )
    def test_a_suite_that_cannot_be_scored_is_one_line_with_its_place(
        self, refused: Callable[..., str], rows: list[dict[str, Any]], said: str
    ) -> None:
        assert said in refused(rows)

    def test_a_scorer_that_raises_on_an_item_names_it_and_counts_nothing(
        self, shell: Shell, refused: Callable[..., str]
    ) -> None:
        rows = [*FREE[:3], FREE[3] | {"reference": "twelve"}]
        line = refused(
            [{**row, "reference": "3"} if row["id"] != "f3" else row for row in rows],
            scorer="numeric",
            max_new_tokens=2,
        )
        assert "s.yaml: a reference cannot be scored: the scorer 'numeric' failed on item 'f3'" in line

    @pytest.mark.parametrize("reference", [["e", "f"], {"letter": "e"}])
    def test_a_list_or_an_object_is_no_text_that_an_answer_could_hold(
        self, refused: Callable[..., str], shell: Shell, reference: Any
    ) -> None:
        """It would be compared as its JSON, which no answer holds: every item would score 0."""
        line = refused([*FREE, {"id": "f9", "prompt": "say 9", "reference": reference}], scorer="contains")
        assert "s.yaml: the reference of item 'f9' is a list or an object" in line and "required_phrase" in line
        code, out, _ = shell("suite", "check", "s.yaml")
        assert code == 3 and "wrong_reference: a list or an object as reference of 1 item" in out

    def test_answers_that_never_end_are_counted_and_said(
        self, shell: Shell, make_suite: Callable[..., Path], tiny_model: Path
    ) -> None:
        make_suite("s", FREE, scorer="contains", max_new_tokens=3)
        code, out, err = shell("evaluate", "--model", tiny_model, "--suite", "s.yaml", "--json")
        told = "of 6 answers of base to s"
        assert code == 0 and any(
            line.startswith("note: cut off at their length") and told in line for line in err.split("\n")
        )
        (note,) = [note for note in json.loads(out)["settings"]["notes"] if note.startswith("cut off")]
        assert told in note


class TestModelsAndAdapters:
    def test_a_base_with_nan_is_refused_with_or_without_an_adapter(
        self, refused: Callable[..., str], tiny_model: Path, make_adapter: Callable[..., Path], tmp_path: Path
    ) -> None:
        broken = Path(shutil.copytree(tiny_model, tmp_path / "broken"))
        spoil(broken / "model.safetensors", "down_proj")
        assert (
            refused(model=broken)
            == "assay: the model gives NaN or infinite logits; its weights or its adapter are damaged"
        )
        line = refused(None, "--adapter", make_adapter("a", card=False), model=broken)
        assert line == "assay: the base model gives NaN or infinite logits; its weights are damaged: fetch it again"

    def test_an_adapter_with_nan(self, refused: Callable[..., str], make_adapter: Callable[..., Path]) -> None:
        adapter = make_adapter("a", card=False)
        spoil(adapter / "adapter_model.safetensors", "lora_A")
        assert "adapter tensors hold NaN or infinity" in refused(None, "--adapter", adapter)

    def test_other_shapes_are_told_by_the_first_tensor(
        self, refused: Callable[..., str], tmp_path: Path, other_width: Path
    ) -> None:
        line = refused(None, "--adapter", other_width)
        assert "does not fit this base model" in line
        assert "is 64 x 64 there and 32 x 64 here; it was trained on" in line

    def test_a_whole_model_is_no_adapter(self, refused: Callable[..., str], tiny_model: Path) -> None:
        line = refused(None, "--adapter", tiny_model)
        assert "is a whole model and no adapter" in line and "--from-lm-eval" in line

    def test_virtual_tokens_are_refused(self, refused: Callable[..., str], make_adapter: Callable[..., Path]) -> None:
        adapter = make_adapter("a", card=False)
        edit(adapter / "adapter_config.json", lambda config: config | {"peft_type": "PREFIX_TUNING"})
        assert "is of the kind PREFIX_TUNING" in refused(None, "--adapter", adapter)

    def test_embeddings_that_were_made_longer(
        self, refused: Callable[..., str], make_adapter: Callable[..., Path]
    ) -> None:
        import torch
        from safetensors.torch import load_file, save_file

        adapter = make_adapter("a", card=False)
        tensors = load_file(adapter / "adapter_model.safetensors")
        tensors["base_model.model.model.embed_tokens.weight"] = torch.zeros(408, 32)
        save_file(tensors, adapter / "adapter_model.safetensors")
        assert "its embeddings are of 408 tokens and those of" in refused(None, "--adapter", adapter)

    def test_a_tokenizer_that_numbers_tokens_otherwise_is_refused_and_one_that_knows_more_is_said(
        self, refused: Callable[..., str], shell: Shell, make_adapter: Callable[..., Path], tiny_model: Path
    ) -> None:
        adapter = make_adapter("a", card=False)
        own = json.loads((tiny_model / "tokenizer.json").read_text())
        tokens = list(own["model"]["vocab"])
        swapped = {tokens[20]: own["model"]["vocab"][tokens[21]], tokens[21]: own["model"]["vocab"][tokens[20]]}
        model = own["model"] | {"vocab": own["model"]["vocab"] | swapped}
        (adapter / "tokenizer.json").write_text(json.dumps(own | {"model": model}))
        assert "was trained with another tokenizer than that of" in refused(None, "--adapter", adapter)
        more = [*own["added_tokens"], own["added_tokens"][0] | {"id": 400, "content": "<|pad|>"}]
        (adapter / "tokenizer.json").write_text(json.dumps(own | {"added_tokens": more}))
        code, _, err = shell("evaluate", "--model", tiny_model, "--adapter", adapter, "--suite", "s.yaml", "-o", "out")
        assert code == 0 and f"the tokenizer beside {adapter} knows 1 token" in err and "(<|pad|>)" in err

    @pytest.mark.parametrize(
        "lora",
        [{"use_dora": True}, {"use_rslora": True}, {"modules_to_save": ["lm_head"]}, {"init_lora_weights": False}],
        ids=lambda lora: next(iter(lora)),
    )
    def test_variants_of_lora_are_scored(
        self, shell: Shell, make_suite: Callable[..., Path], make_adapter: Callable[..., Path], tiny_model: Path,
        lora: dict[str, Any],
    ) -> None:  # fmt: skip
        make_suite("s", ROWS, scorer="multiple_choice")
        adapter = make_adapter("a", card=False, **lora)
        code, out, _ = shell("evaluate", "--model", tiny_model, "--adapter", adapter, "--suite", "s.yaml", "--json")
        assert code == 0 and [s["model"] for s in json.loads(out)["suites"][0]["scores"]] == [
            "base", "candidate", "damaged", "slightly_damaged", "zero",
        ]  # fmt: skip

    def test_ia3_is_scored_though_there_is_no_zero_of_its_kind(
        self, shell: Shell, make_suite: Callable[..., Path], tiny_model: Path, tmp_path: Path
    ) -> None:
        import torch
        from peft import IA3Config, get_peft_model
        from transformers import AutoModelForCausalLM

        config = IA3Config(
            task_type="CAUSAL_LM", target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"]
        )
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_model), config)
        for parameter in (p for p in model.parameters() if p.requires_grad):
            torch.nn.init.normal_(parameter, mean=1.0, std=0.5)
        model.save_pretrained(str(tmp_path / "ia3"))
        make_suite("s", ROWS, scorer="multiple_choice")
        code, out, _ = shell("evaluate", "--model", tiny_model, "--adapter", "ia3", "--suite", "s.yaml", "--json")
        assert code == 0 and "candidate" in [s["model"] for s in json.loads(out)["suites"][0]["scores"]]


@pytest.fixture
def other_width(tmp_path: Path) -> Path:
    """An adapter for a base of another width."""
    from tests.conftest import build_tiny_model
    from tests.evaluate.conftest import build_adapter

    build_tiny_model(tmp_path / "wide", hidden_size=64)
    return build_adapter(tmp_path / "wide", tmp_path / "of_wide")


def spoil(path: Path, part: str) -> None:
    """A NaN in the first tensor whose name holds `part`."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(path)
    name = next(name for name in tensors if part in name)
    tensors[name][0, 0] = float("nan")
    save_file(tensors, path, metadata={"format": "pt"})


def edit(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


FULL = """
import resource, signal, sys
from assay.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
main(sys.argv[2:])
"""

TWO = """
import os, sys, time
from pathlib import Path
from assay.cli import main
from assay.evaluate.asking.domain_suite import DomainSuite
import assay.evaluate.release.release as release
def slow(function):
    def wait(*given, **named):
        Path(f"asking-{os.getpid()}").touch()
        end = time.time() + 60
        while not Path("go").exists() and time.time() < end:
            time.sleep(0.01)
        return function(*given, **named)
    return wait
if sys.argv[1] == "evaluate":
    import assay.evaluate.stage, lm_eval, peft
DomainSuite.answer = slow(DomainSuite.answer)
release.make_report = slow(release.make_report)
first = os.fork()
if not first:
    out = os.open("first.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(out, 1), os.dup2(out, 2)
    try:
        main(sys.argv[1:])
    except SystemExit as ended:
        os._exit(int(ended.code or 0))
while not Path(f"asking-{first}").exists():
    time.sleep(0.01)
second = os.fork()
if not second:
    try:
        main(sys.argv[1:])
    except SystemExit as ended:
        os._exit(int(ended.code or 0))
print("second", os.waitstatus_to_exitcode(os.waitpid(second, 0)[1]), flush=True)
Path("go").touch()
print("first", os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]), flush=True)
"""


class TestDiskAndStore:
    def test_a_full_disk_is_one_line_leaves_nothing_half_and_the_same_command_goes_on(
        self, make_suite: Callable[..., Path], tiny_model: Path, tmp_path: Path, shell: Shell
    ) -> None:
        """A limit of the size of a file refuses the write in its middle, as a full disk does."""
        make_suite(
            "s",
            [row | {"prompt": f"cat {n} " * 9} for n, row in enumerate(FREE * 20)][:6],
            scorer="contains",
            max_new_tokens=2,
        )
        arguments = ["evaluate", "--model", str(tiny_model), "--suite", "s.yaml"]
        done = subprocess.run(
            [sys.executable, "-c", FULL, "1500", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        line = done.stderr.splitlines()[-1]
        assert done.returncode == 1 and line.startswith("assay: ") and "Traceback" not in done.stderr
        assert "writing" in line and "nothing half-written was left" in line
        assert not list((tmp_path / ".assay").rglob("*.tmp")) and not list((tmp_path / ".assay").rglob("items.parquet"))
        assert shell("runs", "--json")[0] == 0
        code, out, _ = shell(*arguments, "--json")
        assert code == 0 and json.loads(out)["suites"][0]["scores"][0]["n"] == 6

    @pytest.mark.parametrize("output", [(), ("-o", "out")], ids=["store", "output"])
    def test_two_of_one_evaluation_at_once(
        self, make_suite: Callable[..., Path], tiny_model: Path, tiny_adapter: Path, tmp_path: Path,
        output: tuple[str, ...],
    ) -> None:  # fmt: skip
        make_suite("s", ROWS, scorer="multiple_choice")
        arguments = ["evaluate", "--model", tiny_model, "--adapter", tiny_adapter, "--suite", "s.yaml", *output]
        self.two(tmp_path, arguments, "this folder" if output else "this run")
        if output:
            assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["evaluation.json", "items.parquet"]
            return
        (run,) = (tmp_path / ".assay" / "runs").glob("evaluate-*")
        assert json.loads((run / "manifest.json").read_text())["outcome"] == "done"
        assert {path.name for path in run.iterdir()} == {"evaluation.json", "items.parquet", "manifest.json"}

    def test_a_gate_on_a_full_disk_leaves_the_earlier_release_as_it_was_or_no_folder(
        self, synthetic: Callable[..., Any], suite: Callable[..., Any], shell: Shell, tmp_path: Path
    ) -> None:
        """The policy still finds room, and the page does not."""
        from assay.evaluate.evaluation_files import write

        write(synthetic(suite("support", gain=0.2), suite("facts")), tmp_path / "out")
        policy = "version: 1\nsuites: {support: {role: domain}, facts: {role: general}}\n"
        (tmp_path / "policy.yaml").write_text(policy)
        shell("gate", "out", "-o", "release")
        earlier = {path.name: path.read_bytes() for path in (tmp_path / "release").iterdir()}
        (tmp_path / "policy.yaml").write_text(policy + "margin: 0.03\n")
        for output in ("release", "new"):
            done = subprocess.run(
                [sys.executable, "-c", FULL, "2500", "gate", "out", "-o", output],
                cwd=tmp_path, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 1 and done.stderr.startswith("assay: writing gate.html: File too large; nothing")
            assert done.stderr.count("\n") == 1
        assert {path.name: path.read_bytes() for path in (tmp_path / "release").iterdir()} == earlier
        assert not (tmp_path / "new").exists()

    @pytest.mark.parametrize("output", [(), ("-o", "release")], ids=["store", "output"])
    def test_two_gates_at_once(
        self, synthetic: Callable[..., Any], suite: Callable[..., Any], shell: Shell, tmp_path: Path,
        output: tuple[str, ...],
    ) -> None:  # fmt: skip
        from assay.evaluate.evaluation_files import write

        write(synthetic(suite("support", gain=0.2), suite("facts")), tmp_path / "out")
        (tmp_path / "policy.yaml").write_text("version: 1\nsuites: {support: {role: domain}, facts: {role: general}}\n")
        self.two(tmp_path, ["gate", "out", *output], "this folder" if output else "this run", verdict=3)
        released = tmp_path / "release" if output else next((tmp_path / ".assay" / "runs").glob("gate-*"))
        assert shell("verify", released / "certificate.json")[0] == 0
        assert not [path.name for path in released.iterdir() if path.name.startswith(".")]

    @staticmethod
    def two(folder: Path, arguments: list[Any], what: str, verdict: int = 0) -> None:
        """Two real processes: the second is refused in one line, the first ends as if it had been alone."""
        done = subprocess.run(
            [sys.executable, "-c", TWO, *map(str, arguments)],
            cwd=folder, capture_output=True, text=True, check=False,
            timeout=200,
        )  # fmt: skip
        first = done.stdout.split()[-1]
        assert done.stdout.split()[:3] == ["second", "1", "first"] and first in ("0", str(verdict)), done.stderr
        assert done.stderr.splitlines()[-1].startswith("assay: ")
        assert f"another assay process is working on {what} (process " in done.stderr
