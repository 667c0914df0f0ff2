"""`assay export gguf` and `ollama` as a user types them; what the converter itself does is in tests/real."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from assay.chat import load_target
from assay.cli import main
from assay.errors import ModelError, StorageError
from assay.train.exporting.converter import ADAPTER_SCRIPT, MODEL_SCRIPT
from assay.train.exporting.gguf_export import check_room
from assay.train.exporting.gguf_reading import check_model, read_gguf
from assay.train.exporting.ollama import context_for
from assay.train.exporting.staging import corrections_of
from tests.train.conftest import TEMPLATE, make_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("exported") / "model")


def write_gguf(path: Path, model: Path, **changed: object) -> Path:
    """The vocabulary of a model as llama.cpp's converter would write it, with one tensor of no meaning."""
    import gguf
    import numpy as np

    tokenizer = load_target(str(model), offline=True).tokenizer
    given = {"template": TEMPLATE, "eos": tokenizer.eos_token_id, "adds_bos": False, **changed}
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(given.get("tokens", tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))))
    writer.add_context_length(given.get("context", 8192))
    writer.add_eos_token_id(given["eos"])
    writer.add_add_bos_token(given["adds_bos"])
    if given["template"] is not None:
        writer.add_chat_template(given["template"])
    writer.add_tensor("token_embd.weight", np.zeros((4, 8), dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["export", *arguments])
    return int(ended.value.code or 0)


def test_a_gguf_becomes_a_folder_for_ollama(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_gguf(tmp_path / "m.gguf", model)
    assert call("ollama", str(tmp_path / "m.gguf"), "-o", str(tmp_path / "out"), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["stops"] == ["<|im_end|>"]
    assert told["conversations_proved"] == 25
    text = (tmp_path / "out" / "Modelfile").read_text()
    assert "\nFROM ./model.gguf\n" in text
    assert 'PARAMETER stop """<|im_end|>"""' in text
    assert (tmp_path / "out" / "model.gguf").read_bytes() == (tmp_path / "m.gguf").read_bytes()
    assert call("ollama", str(tmp_path / "m.gguf"), "-o", str(tmp_path / "out")) == 2
    assert "Modelfile: is there already; --force overwrites it" in capsys.readouterr().err


def test_the_context_of_a_gguf_is_named_or_said_to_be_left_to_ollama(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_gguf(tmp_path / "m.gguf", model)
    assert call("ollama", str(tmp_path / "m.gguf"), "-o", str(tmp_path / "left")) == 0
    assert "so num_ctx is left to Ollama; see --num-ctx" in capsys.readouterr().err
    assert "num_ctx" not in (tmp_path / "left" / "Modelfile").read_text()
    assert call("ollama", str(tmp_path / "m.gguf"), "-o", str(tmp_path / "named"), "--num-ctx", "6000") == 0
    assert "num_ctx is left" not in capsys.readouterr().err
    assert "\nPARAMETER num_ctx 6000\n" in (tmp_path / "named" / "Modelfile").read_text()


@pytest.mark.parametrize(
    ("trained", "model_reads", "expected"),
    [
        (87, 8192, 4096),
        (6000, 8192, 6000),
        (9000, 8192, 8192),
        (87, 2048, 2048),
        (6000, None, 6000),
        (None, 8192, None),
    ],
)
def test_ollama_reads_at_least_what_trained_and_at_most_what_the_model_can(
    trained: int | None, model_reads: int | None, expected: int | None, model: Path, tmp_path: Path
) -> None:
    facts = read_gguf(write_gguf(tmp_path / "m.gguf", model))
    assert facts.context_length == 8192
    assert context_for(trained, dataclasses.replace(facts, context_length=model_reads)) == expected


def test_a_file_without_template_or_with_one_that_ollama_cannot_say_is_one_line(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_gguf(tmp_path / "none.gguf", model, template=None)
    write_gguf(tmp_path / "odd.gguf", model, template="{% for m in messages %}{{ m.content | upper }}{% endfor %}")
    for name, said in (
        ("none", "has no chat template"),
        ("odd", "cannot be said in Ollama's language: the template drops"),
    ):
        assert call("ollama", str(tmp_path / f"{name}.gguf"), "-o", str(tmp_path / name)) == 2
        assert said in capsys.readouterr().err
        assert not (tmp_path / name / "Modelfile").exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"template": "{{ 1 }}"}, "another chat template than what was trained"),
        ({"eos": 3}, "another stop tokens than what was trained"),
        ({"adds_bos": True}, "another token that begins texts than what was trained"),
        ({"tokens": ["a", "b"]}, "another vocabulary"),
    ],
)
def test_a_converted_file_that_differs_from_what_was_trained_is_refused(
    changed: dict[str, object], said: str, model: Path, tmp_path: Path
) -> None:
    target = load_target(str(model), offline=True)
    check_model(read_gguf(write_gguf(tmp_path / "same.gguf", model)), target, corrections_of(target))
    with pytest.raises(ModelError, match=said):
        check_model(read_gguf(write_gguf(tmp_path / "m.gguf", model, **changed)), target, corrections_of(target))


def test_what_is_no_gguf_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUFx")
    with pytest.raises(ModelError, match="is no GGUF file that can be read"):
        read_gguf(tmp_path / "m.gguf")


def test_no_room_is_said_before_anything_is_converted(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"the conversion needs about .* MB, and .* MB are free"):
        check_room(tmp_path / "deep" / "er" / "m.gguf", 1 << 60)


def test_bad_input_is_one_line(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("PATH", "")
    (tmp_path / "there.gguf").write_text("")
    out = str(tmp_path / "m.gguf")
    for arguments, said in (
        ((str(model),), "says not where to; give -o FILE.gguf"),
        ((str(model), "-o", str(tmp_path / "there.gguf")), "is there already; --force overwrites it"),
        ((str(tmp_path / "gone"), "-o", out), "is not there; name the folder with adapter_config.json"),
        ((str(tmp_path / "there.gguf"), "-o", out), "is a GGUF file already"),
        ((str(model), "-o", out, "--outtype", "f17"), "--outtype: no type 'f17'; did you mean 'f16'?"),
        ((str(model), "-o", out, "--offline"), "is not here, and --offline forbids fetching it"),
        ((str(model), "-o", out, "--llama-cpp", str(tmp_path)), "has no convert_hf_to_gguf.py"),
    ):
        # --offline has to come before transformers is imported, which tests share: what it does here is no more
        monkeypatch.setattr("assay.console.go_offline", lambda: None)
        assert call("gguf", *arguments) == 2, said
        assert said in capsys.readouterr().err
    assert not Path(out).exists()


def test_a_converter_that_fails_leaves_nothing(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkout, out = tmp_path / "llama.cpp", tmp_path / "out" / "m.gguf"
    (checkout / "gguf-py" / "gguf").mkdir(parents=True)
    (checkout / "gguf-py" / "gguf" / "__init__.py").write_text("class SpecialVocab:\n    add_to_gguf = None\n")
    (checkout / ADAPTER_SCRIPT).write_text("")
    (checkout / MODEL_SCRIPT).write_text("raise ValueError('Can not map tensor')")
    assert call("gguf", str(model), "-o", str(out), "--llama-cpp", str(checkout)) == 2
    assert (
        "failed: ValueError: Can not map tensor; another version can be given with --llama-cpp"
        in capsys.readouterr().err
    )
    assert not out.parent.exists()
    assert call("ollama", str(model), "-o", str(tmp_path / "folder"), "--llama-cpp", str(checkout)) == 2
    assert not (tmp_path / "folder").exists()
