"""What `assay evaluate` has not loaded when it asks its first question: each of these costs a start a second or so."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

COMPILER = "torch._inductor.compile_fx"
NOT_YET = ("bitsandbytes", COMPILER, "aiohttp", "openai", "anthropic", "matplotlib", "sklearn", "trl")

DRIVER = """
import json, os, sys
from assay.evaluate.asking.domain_suite import DomainSuite

def answer(self, lm, numbers, done):
    print(json.dumps([name for name in json.loads(sys.argv[1]) if name in sys.modules]), flush=True)
    os._exit(0)

DomainSuite.answer = answer
from assay.cli import main
main(sys.argv[2:])
"""


def test_the_first_question_is_asked_without_what_it_does_not_need(
    tiny_model: Path, tiny_adapter: Path, make_suite: Callable[..., Path], tmp_path: Path
) -> None:
    suite = make_suite("free", [{"id": "a", "prompt": "the", "reference": "cat"}], max_new_tokens=4)
    arguments = ["evaluate", "--model", tiny_model, "--adapter", tiny_adapter, "--suite", suite, "--offline"]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(NOT_YET), *map(str, arguments)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
