"""What differs between what was gated and what ships is caught, and what could not be asked never passes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay.models import weights_sha256
from assay.storage import sha256_file, sha256_folder
from assay.train.merging.merge import merge
from assay.train.merging.settings import MergeSettings
from assay.train.parity.checks import LOGPROBS, MADE_OF, PROMPTS, STOPS, SUITES, Outcome
from assay.train.parity.held import AdapterOverBase, ModelFolder
from assay.train.parity.material import Material, of_own_answers
from assay.train.parity.parity import Parity, prove
from assay.train.parity.provenance import Trained
from assay.train.parity.suites import judge_on

Make = Callable[..., Path]
Read = Callable[[Path], Trained]


@dataclass(frozen=True)
class Shipped:
    """An adapter, and its merge in `folder` to make copies of."""

    gated: AdapterOverBase
    material: Material
    folder: Path

    def copy(self, place: Path) -> Path:
        return Path(shutil.copytree(self.folder, place))

    def prove(self, folder: Path, judge: Any = None) -> Parity:
        return prove(self.gated, ModelFolder.load(folder), self.material, judge)


@pytest.fixture(scope="module")
def ship(
    make_base: Make, make_adapter: Make, trained_of: Read, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Shipped]:
    made: dict[tuple[str, str], Shipped] = {}

    def make(kind: str = "llama", dtype: Any = "float32") -> Shipped:
        if (kind, dtype) not in made:
            place = tmp_path_factory.mktemp(f"{kind}-{dtype}")
            trained = trained_of(make_adapter(place / "adapter", make_base(kind)))
            merge(trained, MergeSettings(dtype=dtype), place / "merged")
            gated = AdapterOverBase.load(trained)
            made[kind, dtype] = Shipped(gated, of_own_answers(gated, trained.target), place / "merged")
        return made[kind, dtype]

    return make


def failed(parity: Parity) -> list[str]:
    return [check.name for check in parity.checks if check.outcome is Outcome.FAIL]


@pytest.mark.parametrize("kind", ["llama", "gemma"])
def test_a_good_merge_passes_and_its_suites_stay_unproved_without_a_suite(
    kind: str, ship: Callable[..., Shipped]
) -> None:
    shipped = ship(kind)
    parity = shipped.prove(shipped.folder)
    assert parity.outcome is Outcome.PASS and parity.exit == 0
    outcomes = {check.name: check.outcome for check in parity.checks}
    assert outcomes == {
        MADE_OF: Outcome.PASS, PROMPTS: Outcome.PASS, STOPS: Outcome.PASS, LOGPROBS: Outcome.PASS,
        SUITES: Outcome.UNPROVED,
    }  # fmt: skip
    assert "UNPROVED (not required)" in parity.table()


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ("<|im_start|>assistant\n' }}{% endif %}", "<|im_start|>assistant' }}{% endif %}", "one turn"),
        ("message['role'] + '\n'", "message['role'] + ' \n'", "one turn"),
        ("'<|im_start|>' + message['role']",
         "'<|im_start|>' + ('user' if message['role'] == 'system' else message['role'])", "a system turn"),
        ("(message['content'] or '')", "(message['content'] or '') | trim", "white space at the edges"),
    ],
    ids=["no line break before the answer", "a space more", "system as user", "trimmed"],
)  # fmt: skip
def test_a_template_that_differs_fails_with_the_conversation_that_shows_it(
    before: str, after: str, where: str, ship: Callable[..., Shipped], tmp_path: Path
) -> None:
    folder = ship().copy(tmp_path / "merged")
    file = folder / "chat_template.jinja"
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")
    parity = ship().prove(folder)
    check = parity.check(PROMPTS)
    assert failed(parity) == [PROMPTS] and parity.exit == 3
    assert check.sentence.startswith(where)


@pytest.mark.parametrize(
    ("stops", "what"),
    [
        ([1], r"token \d+ ended answers when it was gated and does not now"),
        (None, "does not now"),
        ("more", "ends answers now and did not when it was gated"),
    ],
    ids=["the turn's end is missing", "none at all", "one more"],
)
def test_stop_tokens_that_differ_fail(stops: Any, what: str, ship: Callable[..., Shipped], tmp_path: Path) -> None:
    import re

    shipped = ship("gemma")
    folder = shipped.copy(tmp_path / "merged")
    target = shipped.gated.target
    kept = {None: None, "more": [*target.stop_token_ids, 5]}.get(
        stops if not isinstance(stops, list) else "", [target.stop_token_ids[-1]]
    )
    for name in ("generation_config.json", "config.json"):
        content = json.loads((folder / name).read_text())
        content["eos_token_id"] = kept
        (folder / name).write_text(json.dumps(content))
    parity = shipped.prove(folder)
    assert failed(parity) == [STOPS] and parity.exit == 3
    assert re.search(what, parity.check(STOPS).sentence)


@pytest.mark.parametrize(("dtype", "noise"), [("float32", 2e-3), ("bfloat16", 0.1), ("float16", 0.03)])
def test_perturbed_weights_fail(dtype: str, noise: float, ship: Callable[..., Shipped], tmp_path: Path) -> None:
    """noise: relative to each weight. In float32 two thousandths of it are enough."""
    import torch
    from safetensors.torch import load_file, save_file

    shipped = ship("llama", dtype)
    folder = shipped.copy(tmp_path / "merged")
    file = folder / "model.safetensors"
    torch.manual_seed(0)
    weights = {
        name: (tensor.float() * (1 + noise * torch.randn(tensor.shape))).to(tensor.dtype)
        for name, tensor in load_file(file).items()
    }
    assert failed(shipped.prove(folder)) == []  # the copy as it was
    save_file(weights, file, {"format": "pt"})
    parity = shipped.prove(folder)
    assert failed(parity) == [MADE_OF, LOGPROBS] and parity.exit == 3
    assert "beyond" in parity.check(LOGPROBS).sentence


def test_a_tokenizer_that_numbers_two_tokens_otherwise_fails(ship: Callable[..., Shipped], tmp_path: Path) -> None:
    """Neither of them stands in what is tried."""
    shipped = ship()
    folder = shipped.copy(tmp_path / "merged")
    file = folder / "tokenizer.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    vocabulary = content["model"]["vocab"]
    vocabulary["Ā"], vocabulary["ā"] = vocabulary["ā"], vocabulary["Ā"]  # the bytes 0 and 1
    file.write_text(json.dumps(content), encoding="utf-8")
    parity = shipped.prove(folder)
    assert failed(parity) == [PROMPTS]
    assert "another tokenizer: 2 tokens have another number" in parity.check(PROMPTS).sentence


def test_a_merge_that_rounding_alone_moves_far_is_no_other_model(
    ship: Callable[..., Shipped], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a model on which rounding is hard, the same merge rounded in memory is the measure, and nothing wider."""
    import torch
    from safetensors.torch import load_file, save_file

    from assay.train.parity import checks

    shipped = ship("llama", "bfloat16")
    usual = shipped.prove(shipped.folder).check(LOGPROBS).numbers["mean"]
    assert isinstance(usual, float)
    monkeypatch.setattr(checks, "ROUNDED_NATS", {"bfloat16": usual / 4, "float16": usual / 4})
    found = shipped.prove(shipped.folder).check(LOGPROBS)
    assert found.outcome is Outcome.PASS and found.numbers["rounding"] == pytest.approx(usual, abs=1e-6)
    assert "2 times what rounding the same merge to bfloat16 does" in found.sentence
    folder = shipped.copy(tmp_path / "noisy")
    torch.manual_seed(0)
    weights = {
        name: (tensor.float() * (1 + 0.1 * torch.randn(tensor.shape))).to(tensor.dtype)
        for name, tensor in load_file(folder / "model.safetensors").items()
    }
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert shipped.prove(folder).check(LOGPROBS).outcome is Outcome.FAIL
    monkeypatch.setattr("assay.train.merging.room.available_memory", lambda: 10**6)
    assert shipped.prove(shipped.folder).check(LOGPROBS).outcome is Outcome.FAIL


def test_the_base_in_place_of_the_merge_fails(ship: Callable[..., Shipped], make_base: Make, tmp_path: Path) -> None:
    """A merge that never took the adapter in: the same shapes, the same tokenizer, other answers."""
    shipped = ship("llama", "bfloat16")
    folder = shipped.copy(tmp_path / "merged")
    shutil.copyfile(make_base() / "model.safetensors", folder / "model.safetensors")
    assert failed(shipped.prove(folder)) == [MADE_OF, LOGPROBS]
    (folder / "assay.json").unlink()  # as another tool's merge, which says nothing of itself
    assert failed(shipped.prove(folder)) == [LOGPROBS]


def test_one_number_of_one_tensor_that_no_tolerance_sees_fails(ship: Callable[..., Shipped], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    shipped = ship("llama", "bfloat16")
    folder = shipped.copy(tmp_path / "merged")
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.1.self_attn.k_proj.weight"][3, 5] += 0.01
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    parity = shipped.prove(folder)
    assert failed(parity) == [MADE_OF] and parity.exit == 3
    assert "its weights are not those that were written when it was made" in parity.check(MADE_OF).sentence


def test_a_merge_of_another_version_of_the_adapter_fails_by_its_own_word(
    ship: Callable[..., Shipped], make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    """An adapter that was trained a step longer is nearer than 16 bits tell."""
    from safetensors.torch import load_file, save_file

    shipped = ship("llama", "bfloat16")
    folder = Path(shutil.copytree(shipped.gated.trained.folder, tmp_path / "later"))
    weights = load_file(folder / "adapter_model.safetensors")
    save_file({name: tensor * 1.0001 for name, tensor in weights.items()}, folder / "adapter_model.safetensors")
    gated = AdapterOverBase.load(trained_of(folder))
    parity = prove(gated, ModelFolder.load(shipped.folder), shipped.material)
    assert failed(parity) == [MADE_OF]
    assert "made of another adapter than the one that was gated" in parity.check(MADE_OF).sentence


def test_a_qlora_adapter_merged_into_other_weights_is_judged_by_suites_alone(
    make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    pytest.importorskip("bitsandbytes")
    trained = trained_of(make_adapter(tmp_path / "adapter", make_base(), quantisation="nf4"))
    merge(trained, MergeSettings(dtype="float32"), tmp_path / "full")
    merge(trained, MergeSettings("dequantized", "float32"), tmp_path / "dequantized")
    gated = AdapterOverBase.load(trained)
    material = of_own_answers(gated, trained.target)
    other = prove(gated, ModelFolder.load(tmp_path / "full"), material)
    assert other.check(LOGPROBS).outcome is Outcome.STATED
    assert other.outcome is Outcome.UNPROVED and other.exit == 4
    same = prove(gated, ModelFolder.load(tmp_path / "dequantized"), material)
    assert same.check(LOGPROBS).outcome is Outcome.PASS and same.outcome is Outcome.PASS


def test_of_a_suite_no_more_items_are_asked_than_the_limit(ship: Callable[..., Shipped], tmp_path: Path) -> None:
    rows = [{"id": str(n), "prompt": f"the cat {n}", "reference": "sat"} for n in range(5)]
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    suite = tmp_path / "suite.yaml"
    suite.write_text("{version: 1, name: s, data: items.jsonl, scorer: contains, max_new_tokens: 2}")
    shipped = ship()
    for limit, asked in ((2, 2), (None, 5), (9, 5)):
        judge = judge_on([suite], shipped.gated.trained.target, 0.02, limit=limit)
        check = judge(shipped.gated, ModelFolder.load(shipped.folder))
        assert [found["n"] for found in check.numbers["suites"]] == [asked]  # type: ignore[index,union-attr,call-overload]


def test_a_report_holds_the_numbers_and_no_markup_of_others(ship: Callable[..., Shipped], tmp_path: Path) -> None:
    shipped = ship()
    folder = shipped.copy(tmp_path / "a|b<script>")
    parity = shipped.prove(folder)
    parity.write(tmp_path / "out")
    content = json.loads((tmp_path / "out" / "parity.json").read_text())
    assert content["outcome"] == "PASS"
    assert content["checks"][3]["numbers"]["limit"] == 1e-3
    table = (tmp_path / "out" / "parity.md").read_text()
    assert "<script>" not in table and str(tmp_path) not in table
    assert table.count("\n| ") == 6
    assert str(tmp_path) not in json.dumps(content)


def test_a_proof_names_the_bytes_that_it_is_about(ship: Callable[..., Shipped], tmp_path: Path) -> None:
    shipped = ship()
    gated = shipped.gated.trained.folder
    folder = shipped.copy(tmp_path / "merged")
    shipped.prove(folder).write(tmp_path / "proof")
    content = json.loads((tmp_path / "proof" / "parity.json").read_text())
    assert content["files"]["gated"] == sha256_folder(gated)
    assert content["files"]["shipped"].keys() == {
        "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
        "chat_template.jinja",
    }  # fmt: skip
    assert content["files"]["shipped"]["model.safetensors"] == sha256_file(folder / "model.safetensors")
    base, target = content["base"], shipped.gated.target
    assert (base["weights_sha256"], base["template_sha256"]) == (weights_sha256(target.ref), target.template_sha256)
    assert (tmp_path / "proof" / content["paths"]["shipped"]).resolve() == folder
    assert (tmp_path / "proof" / content["paths"]["gated"]).resolve() == gated
