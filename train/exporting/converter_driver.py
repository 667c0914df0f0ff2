"""Runs one of llama.cpp's conversion scripts in this process, which is assay's child and nothing else.

Called as `python converter_driver.py CORRECTIONS.json SCRIPT ARGUMENTS...`. No host can be reached from it. The
corrections say what assay knows better than the model's files: which token ends a turn, whether a token is put before
every text, and how a tokenizer splits text that llama.cpp does not know by its hash.
"""

from __future__ import annotations

import json
import runpy
import socket
import sys
from pathlib import Path
from typing import Any


def _no_network(*_: Any, **__: Any) -> Any:
    raise OSError("a conversion asks no host")


def _correct_special_tokens(corrections: dict[str, Any]) -> None:
    import gguf

    write = gguf.SpecialVocab.add_to_gguf

    def corrected(self: Any, writer: Any, *arguments: Any, **named: Any) -> None:
        self.special_token_ids.update(corrections["special_token_ids"])
        self.add_special_token.update(corrections["add_special_token"])
        write(self, writer, *arguments, **named)
        for name, value in corrections.get("metadata", {}).items():
            writer.add_string(name, value)

    gguf.SpecialVocab.add_to_gguf = corrected


def _name_unknown_splitting(name: str) -> None:
    """Answers with `name` where the converter does not know the tokenizer."""
    import importlib

    try:
        TextModel: Any = importlib.import_module("conversion.base").TextModel  # noqa: N806 - a class
    except ImportError:  # an older checkout, whose classes are in the script itself: its own refusal stands
        return
    known = TextModel.get_vocab_base_pre

    def named(self: Any, tokenizer: Any) -> Any:
        try:
            return known(self, tokenizer)
        except NotImplementedError:
            sys.stderr.write(f"assay: splitting named {name}\n")
            return name

    TextModel.get_vocab_base_pre = named


def main() -> None:
    corrections = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    script = Path(sys.argv[2])
    socket.socket.connect = _no_network  # type: ignore[method-assign]
    socket.socket.connect_ex = _no_network  # type: ignore[method-assign]
    socket.getaddrinfo = _no_network
    sys.path[0] = str(script.parent)
    sys.path.insert(1, str(script.parent / "gguf-py"))
    if corrections.get("special_token_ids") or corrections.get("add_special_token"):
        _correct_special_tokens(corrections)
    if corrections.get("splitting"):
        _name_unknown_splitting(corrections["splitting"])
    sys.argv = [str(script), *sys.argv[3:]]
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    main()
