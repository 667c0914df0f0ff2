"""Every chat template of the shared data is judged without a crash, and the traps known in them are found."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from assay.chat import IGNORED, encode, inference_prompt, load_target
from assay.chat.template_judge import PROBES, Problem, judge_template
from assay.chat_templates.templating import Renderer, Rendering, TemplateProblem
from assay.errors import ModelError
from assay.records import Message, Record, Source, record_id

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}


@pytest.fixture(scope="module")
def templates(shared: Path) -> dict[str, str]:
    folder = shared / "data" / "templates"
    found = {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*.jinja")}
    for path in folder.rglob("tokenizer_config.json"):
        template = json.loads(path.read_text(encoding="utf-8")).get("chat_template")
        if isinstance(template, str):
            found[str(path.relative_to(folder))] = template
    return found


@pytest.fixture(scope="module")
def judged(templates: dict[str, str]) -> dict[str, list[Problem]]:
    renderer = Renderer(seconds=30)
    try:
        return {name: judge_template(text, None, SPECIAL, renderer) for name, text in templates.items()}
    finally:
        renderer.close()


def kinds(problems: list[Problem]) -> set[str]:
    return {problem.kind for problem in problems}


def with_kind(judged: dict[str, list[Problem]], kind: str) -> set[str]:
    return {Path(name).stem for name, problems in judged.items() if kind in kinds(problems)}


def test_all_templates_are_judged(judged: dict[str, list[Problem]]) -> None:
    assert len(judged) >= 150
    usable = [name for name, problems in judged.items() if not problems or problems[0].check != "template_renders"]
    assert len(usable) > 75


def test_no_real_template_is_taken_for_hostile(judged: dict[str, list[Problem]]) -> None:
    """Kimi K2 appends to a list, which the sandbox of transformers forbids too; only tool calls reach that line."""
    assert not with_kind(judged, "time") | with_kind(judged, "memory") | with_kind(judged, "security")


def test_gemma_2_refuses_a_system_turn(judged: dict[str, list[Problem]]) -> None:
    assert {"google-gemma-2-2b-it", "gemma"} <= with_kind(judged, "system_refused")


def test_gemma_3_folds_the_system_turn_into_the_user_turn(judged: dict[str, list[Problem]]) -> None:
    assert "gemma3" in with_kind(judged, "folded")


def test_four_mistral_templates_lose_the_system_turn_of_a_chat_that_ends_in_an_answer(
    judged: dict[str, list[Problem]],
) -> None:
    """Nemo drops it; the others write it into the last user turn, so that the first answers are given without it."""
    assert with_kind(judged, "dropped_in_training") == {"mistralai-Mistral-Nemo-Instruct-2407"}
    assert with_kind(judged, "moved") == {"mistral_v2_spm", "mistral_v3_spm", "mistral_v3_tekken"}


def test_tool_templates_that_fail_when_there_are_no_tools(judged: dict[str, list[Problem]]) -> None:
    assert with_kind(judged, "tools_none") >= {
        "CohereForAI-c4ai-command-r-plus-tool_use",
        "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
        "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
    }


def test_templates_that_open_a_thinking_block_only_in_the_prompt(judged: dict[str, list[Problem]]) -> None:
    assert "deepseek-ai-DeepSeek-R1-Distill-Llama-8B" in with_kind(judged, "text")


def test_trl_training_templates_mark_answers_as_the_prompts_do(judged: dict[str, list[Problem]]) -> None:
    marked = [name for name in judged if name.startswith("trl/") and "_training" in name]
    differing = [name for name in marked if kinds(judged[name]) & {"stop_unmarked", "unmarked", "marked_beyond"}]
    assert len(marked) >= 20
    assert differing == []


def test_every_template_renders_as_transformers_renders_it(templates: dict[str, str]) -> None:
    from transformers.utils.chat_template_utils import render_jinja_template

    renderer = Renderer(seconds=30)
    compared = 0
    for name, template in templates.items():
        for probe in ("single", "multi", "system"):
            given: dict[str, Any] = {**SPECIAL, "add_generation_prompt": True}
            messages = [{"role": m.role, "content": m.content} for m in PROBES[probe]]
            ours = renderer.render_many(template, [{**given, "messages": messages, "tools": None, "documents": None}])[
                0
            ]
            try:
                theirs, _ = render_jinja_template([messages], chat_template=template, **given)
            except Exception:  # noqa: BLE001 - templates raise whatever they like
                assert not isinstance(ours, Rendering), name
                continue
            assert isinstance(ours, Rendering), name
            if "strftime_now" not in template:
                assert ours.text == theirs[0], name
            compared += 1
    renderer.close()
    assert compared > 400


CONTROL = re.compile(r"<[|｜][^<>\s'\"{}|｜]+[|｜]>|</?s>|<(?:bos|eos)>|<(?:start|end)_of_turn>|\\[/?INST\\]")


def byte_level() -> Any:
    """As Llama 3 and Qwen have it: spaces trimmed from offsets."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.ByteLevel(trim_offsets=True)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=500, initial_alphabet=alphabet, show_progress=False)
    backend.train_from_iterator(["\n\n the answer is a word\n\nassistant\n"] * 20, trainer)
    return backend


def sentence_piece() -> Any:
    """As Llama 2 and Mistral have it: a space before each part, bytes for what is unknown."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers

    backend = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=pieces, show_progress=False)
    backend.train_from_iterator([f"the answer is {chr(code)}" for code in range(33, 127)], trainer)
    return backend


def model_folder(folder: Path, backend: Any, template: str) -> Path:
    """A model folder whose tokenizer has every control token that the template writes."""
    from transformers import PreTrainedTokenizerFast

    tokens = sorted({*CONTROL.findall(template), "<s>", "</s>", "<pad-3141>"})
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")
    tokenizer.add_special_tokens({"additional_special_tokens": tokens})
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    (folder / "config.json").write_text('{"model_type": "llama", "max_position_embeddings": 8192}')
    return folder


TURNS = (Message("user", "2 + 2?"), Message("assistant", "It is 4.\n🙂"), Message("user", "So?"))
CONVERSATION = (*TURNS, Message("assistant", "Four, naturally."))


@pytest.mark.slow
@pytest.mark.parametrize("make", [byte_level, sentence_piece])
def test_whatever_the_template_training_begins_with_the_prompt_and_covers_the_answers(
    make: Any, templates: dict[str, str], tmp_path: Path
) -> None:
    record = Record(record_id(CONVERSATION), "row", CONVERSATION, Source("a", 1, 0))
    encoded_count = 0
    for number, (name, template) in enumerate(templates.items()):
        try:
            target = load_target(str(model_folder(tmp_path / str(number), make(), template)))
            encoded = encode(record, target)
        except (ModelError, TemplateProblem) as error:
            assert "\n" not in str(error), name
            continue
        prompt = inference_prompt(TURNS, target)
        assert encoded.input_ids[: len(prompt)] == prompt, name
        trained = [label for label in encoded.labels if label != IGNORED]
        text = target.tokenizer.decode(trained)
        assert "Four, naturally." in text, name
        left_out = any(note.kind == "turn_left_out" for note in encoded.notes)
        assert ("It is 4." in text) is not left_out, name
        assert "2 + 2" not in text and "So?" not in text, name
        stop_missing = any(note.check == "stop_token_untrained" for note in encoded.notes)
        assert (trained[-1] in target.stop_token_ids) is not stop_missing, name
        assert target.pad_token_id not in target.stop_token_ids, name
        encoded_count += 1
    assert encoded_count > 70


@pytest.mark.parametrize("make", [byte_level, sentence_piece])
def test_ids_are_those_of_apply_chat_template(make: Any, templates: dict[str, str], tmp_path: Path) -> None:
    template = next(text for name, text in templates.items() if name.endswith("Llama-3.1-8B-Instruct.jinja"))
    target = load_target(str(model_folder(tmp_path, make(), template)))
    plain = [{"role": m.role, "content": m.content} for m in TURNS]
    expected = target.tokenizer.apply_chat_template(plain, add_generation_prompt=True, return_dict=True)["input_ids"]
    assert inference_prompt(TURNS, target) == list(expected)


def test_llama_3_names_another_end_of_sequence_than_its_turns_end_in(templates: dict[str, str]) -> None:
    special = {"bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>"}
    problems = judge_template(templates["trl/llama3.jinja"], None, special)
    found = next(problem for problem in problems if problem.kind == "eos_is_not_turn_end")
    assert "<|eot_id|>" in found.message


def test_qwen_3_has_no_beginning_of_sequence_token(templates: dict[str, str], shared: Path) -> None:
    path = shared / "data/templates/hf_tokenizers/qwen3/tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    special = {name: config[name] for name in ("bos_token", "eos_token", "pad_token") if config.get(name)}
    assert "no_bos" in kinds(judge_template(config["chat_template"], None, special))


def test_templates_that_are_indented_for_reading_are_sound_only_without_the_indentation(
    templates: dict[str, str], judged: dict[str, list[Problem]]
) -> None:
    """Their README says to take line breaks and indentation out; as they stand, prompts end in a line break more."""
    indented = [name for name in templates if name.startswith("chujiezheng/")]
    assert len(indented) == 18
    assert sum("text" in kinds(judged[name]) for name in indented) >= 12
    for name in indented:
        plain = templates[name].replace("    ", "").replace("\n", "")
        found = {problem.check for problem in judge_template(plain, None, SPECIAL)}
        assert "prompt_prefix" not in found and "system_refused" not in found, name
