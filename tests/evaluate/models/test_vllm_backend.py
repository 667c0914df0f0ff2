"""`--backend vllm`, as far as it goes without vLLM: what lm-eval's class is handed, what is refused, how answers end.
tests/real/test_vllm_real.py scores with vLLM itself, where it is installed."""

from __future__ import annotations

import ast
import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay.errors import MissingExtraError, ModelError, SettingsError
from assay.evaluate.identity import Models
from assay.evaluate.models.generation import Stopping, StopText
from assay.evaluate.models.switched_model import Precision
from assay.evaluate.models.vllm_backend import VllmModels, engine_errors, finish, load_vllm, vllm_arguments
from assay.evaluate.settings import EvaluateSettings
from assay.evaluate.stage import evaluate
from assay.suites import read_suites

PLAIN = Precision(False, "nf4", True, "bfloat16")
NAMED_BY_VLLM = {"max_loras"}
"""What lm-eval hands on to vLLM's `LLM` without knowing it."""


def parameters_of_lm_evals_class() -> set[str]:
    """Its source can be read where vLLM, which it imports, is not."""
    import lm_eval

    path = Path(str(lm_eval.__path__[0])) / "models" / "vllm_causallms.py"
    (vllm,) = (
        node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef) and node.name == "VLLM"
    )
    (init,) = (node for node in vllm.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    return {argument.arg for argument in init.args.args}


def test_lm_evals_class_takes_what_it_is_handed(target: Any, tiny_adapter: Path) -> None:
    adapters: dict[Any, Path] = {"previous": tiny_adapter, "candidate": tiny_adapter}
    found = vllm_arguments(target, adapters, PLAIN, 256, 7)
    assert found.keys() - NAMED_BY_VLLM <= parameters_of_lm_evals_class()
    assert found["pretrained"] == str(target.ref.path) and found["dtype"] == "bfloat16" and found["seed"] == 7
    assert found["lora_local_path"] == str(tiny_adapter.resolve())
    assert (found["max_lora_rank"], found["max_loras"], found["max_model_len"]) == (8, 2, 256)
    assert found["quantization"] is None
    in_4bit = vllm_arguments(target, {}, Precision(True, "nf4", True, "auto"), 256, 0)
    assert in_4bit["quantization"] == "bitsandbytes" and "lora_local_path" not in in_4bit


def test_further_arguments_of_the_engine_are_handed_on(target: Any) -> None:
    found = vllm_arguments(target, {}, PLAIN, 256, 0, {"gpu_memory_utilization": 0.5, "max_num_seqs": 1})
    assert (found["gpu_memory_utilization"], found["max_num_seqs"], found["max_model_len"]) == (0.5, 1, 256)


@pytest.mark.parametrize("name", ["pretrained", "dtype", "seed", "lora_local_path", "tokenizer", "add_bos_token"])
def test_an_argument_that_decides_what_is_scored_is_refused(target: Any, name: str) -> None:
    with pytest.raises(SettingsError, match=f"'{name}' decides what is scored"):
        vllm_arguments(target, {}, PLAIN, 256, 0, {name: "x"})


def test_arguments_of_the_engine_without_vllm_are_refused(target: Any, make_suite: Callable[..., Path]) -> None:
    suite = make_suite("s", [{"id": "a", "prompt": "the", "reference": "cat"}])
    with pytest.raises(SettingsError, match=r"evaluate\.model_args .* give --backend vllm"):
        evaluate(Models(target, None), read_suites([str(suite)]), EvaluateSettings(model_args={"max_num_seqs": 1}))


def test_a_hub_model_is_loaded_at_its_revision(target: Any) -> None:
    from dataclasses import replace

    there = replace(target, ref=replace(target.ref, path="org/name", revision="abc"))
    found = vllm_arguments(there, {}, PLAIN, 256, 0)
    assert (found["pretrained"], found["revision"], found["tokenizer_revision"]) == ("org/name", "abc", "abc")


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"use_dora": True}, "has use_dora, which vLLM does not lay over a base"),
        ({"modules_to_save": ["lm_head"]}, "has modules_to_save"),
        ({"peft_type": "IA3"}, "of the kind IA3"),
        ({"r": 600}, "of rank 600"),
    ],
)
def test_adapters_that_vllm_does_not_take_are_refused(
    target: Any, tiny_adapter: Path, tmp_path: Path, changed: dict[str, Any], match: str
) -> None:
    config = json.loads((tiny_adapter / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps(config | changed))
    with pytest.raises(ModelError, match=match):
        vllm_arguments(target, {"candidate": tmp_path}, PLAIN, 256, 0)


def test_the_least_rank_that_all_parts_of_the_adapter_fit_in(target: Any, tiny_adapter: Path, tmp_path: Path) -> None:
    config = json.loads((tiny_adapter / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps(config | {"r": 9, "rank_pattern": {"q_proj": 40}}))
    assert vllm_arguments(target, {"candidate": tmp_path}, PLAIN, 256, 0)["max_lora_rank"] == 64


@pytest.mark.skipif(importlib.util.find_spec("vllm") is not None, reason="vLLM is installed")
def test_without_vllm_there_is_one_line_that_says_how_to_get_it(
    target: Any, tiny_adapter: Path, make_suite: Callable[..., Path]
) -> None:
    with pytest.raises(
        MissingExtraError, match=r"the backend vllm needs vllm, which is not installed.*pip install vllm"
    ):
        load_vllm({})
    suite = make_suite("s", [{"id": "a", "prompt": "the", "reference": "cat"}])
    with pytest.raises(MissingExtraError, match="pip install vllm"):
        evaluate(Models(target, tiny_adapter), read_suites([str(suite)]), EvaluateSettings(backend="vllm"))


@dataclass
class Holder:
    """All that switching touches of lm-eval's `VLLM`."""

    lora_request: Any = "finetuned"


def test_the_adapter_of_a_request_is_switched_and_put_back() -> None:
    lm = Holder()
    models = VllmModels(lm, {"base": None, "candidate": "its request"})
    assert models.adapters == {"candidate"}
    with models.switched_to("candidate"):
        assert lm.lora_request == "its request"
        with models.switched_to("base"):
            assert lm.lora_request is None
        assert lm.lora_request == "its request"
    assert lm.lora_request == "finetuned"


@dataclass
class Completion:
    """Those fields of vLLM's `CompletionOutput` that are read."""

    token_ids: list[int]
    finish_reason: str


@pytest.mark.parametrize(
    ("ids", "reason", "text", "ended"),
    [
        ([1, 2, 3], "length", "123", False),
        ([1, 2, 9], "stop", "12", True),
        ([1, 2], "stop", "12", True),
        ([1, 5, 5, 2], "length", "1", True),
    ],
)
def test_answers_end_where_those_of_every_backend_do(ids: list[int], reason: str, text: str, ended: bool) -> None:
    def decode(given: Any) -> str:
        return "".join(map(str, given))

    stopping = Stopping(frozenset({9}), 0, decode, (StopText("55", 3),), decode)
    found = finish(Completion(ids, reason), stopping)
    assert (found.text, found.ended) == (text, ended)


def test_an_engine_that_has_died_is_one_line() -> None:
    died = type("EngineDeadError", (Exception,), {"__module__": "vllm.v1.engine.exceptions"})
    with pytest.raises(ModelError, match=r"^vLLM stopped: EngineCore encountered an issue") as said, engine_errors():
        raise died("EngineCore encountered an issue. See stack trace (above) for the root cause.\nmore")
    assert "\n" not in str(said.value)
    with pytest.raises(KeyError), engine_errors():
        raise KeyError("a mistake of ours is no word of vLLM's")
