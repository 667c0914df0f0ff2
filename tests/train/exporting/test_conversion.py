"""The converter runs apart from the network and from keys; its failures are one line each."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from assay.errors import AssayError, MissingExtraError, ModelError, StorageError
from assay.train.exporting.conversion import convert, failure
from assay.train.exporting.converter import Converter
from assay.train.exporting.staging import Corrections

SAYS = """
import json, os, socket, sys
from pathlib import Path
import gguf

def reach(what):
    try:
        what()
    except OSError as error:
        return str(error)
    return "reached"

found = {
    "keys": sorted(name for name in os.environ if name.endswith(("_TOKEN", "_KEY"))),
    "offline": os.environ["HF_HUB_OFFLINE"],
    "connect": reach(lambda: socket.create_connection(("127.0.0.1", 9))),
    "name": reach(lambda: socket.getaddrinfo("example.org", 80)),
    "gguf": gguf.__file__,
    "arguments": sys.argv[1:],
}
Path(sys.argv[1]).write_text(json.dumps(found))
"""


def run(folder: Path, script: str, *arguments: str) -> list[str]:
    checkout = folder / "checkout"
    (checkout / "gguf-py" / "gguf").mkdir(parents=True)
    (checkout / "gguf-py" / "gguf" / "__init__.py").write_text("")
    (checkout / "convert.py").write_text(script)
    return convert(
        Converter(checkout, "this llama.cpp"),
        "convert.py",
        arguments,
        Corrections({}, {}, None),
        folder,
        lambda _: None,
    )


def test_no_key_goes_along_and_no_host_is_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HF_TOKEN", "secret")
    monkeypatch.setitem(os.environ, "OPENAI_API_KEY", "secret")
    run(tmp_path, SAYS, str(tmp_path / "out"), "--more")
    found = json.loads((tmp_path / "out").read_text())
    assert found["keys"] == []
    assert found["offline"] == "1"
    assert found["connect"] == found["name"] == "a conversion asks no host"
    assert found["gguf"].startswith(str(tmp_path / "checkout"))
    assert found["arguments"] == [str(tmp_path / "out"), "--more"]


@pytest.mark.parametrize(
    ("script", "error", "said"),
    [
        ("import logging; logging.error('Model FooForCausalLM is not supported'); raise SystemExit(1)", ModelError,
         "this llama.cpp does not know the architecture FooForCausalLM; give a newer checkout with --llama-cpp"),
        ("raise NotImplementedError('BPE pre-tokenizer was not recognized - update')", ModelError,
         "does not know how this tokenizer splits text"),
        ("import no_such_module", MissingExtraError, "this needs no_such_module"),
        ("raise OSError(28, 'No space left on device')", StorageError, "the disk is full"),
        ("raise ValueError('Can not map tensor')", ModelError, "this llama.cpp failed: ValueError: Can not map tensor"),
        ("import os; os.kill(os.getpid(), 9)", StorageError, "the converter was killed (signal 9)"),
        ("raise SystemExit(3)", ModelError, "this llama.cpp failed: no message"),
    ],
    ids=["architecture", "tokenizer", "module", "disk", "other", "killed", "silent"],
)  # fmt: skip
def test_a_failure_is_one_line(script: str, error: type[AssayError], said: str, tmp_path: Path) -> None:
    with pytest.raises(error) as raised:
        run(tmp_path, script)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_last_error_counts() -> None:
    lines = ["Traceback (most recent call last):", '  File "a.py"', "KeyError: 'architectures'"]
    assert "KeyError: 'architectures'" in str(failure(lines, 1, "x"))
