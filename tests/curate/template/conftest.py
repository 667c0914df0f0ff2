"""Small templates, as files and with a tokenizer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system turn') }}{% endif %}" + CHATML
MARKED = CHATML.replace(
    "{{ m.content }}<|im_end|>\n",
    "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}"
    "{% else %}{{ m.content }}<|im_end|>{% endif %}{{ '\\n' }}",
)
MARKED_SHORT = MARKED.replace("<|im_end|>{% endgeneration %}", "{% endgeneration %}<|im_end|>")
THINKS_IN_THE_PROMPT = CHATML.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% set c = a * b %}{% endfor %}{% endfor %}"

Write = Callable[[str, str], Path]


@pytest.fixture
def template(tmp_path: Path) -> Write:
    """template(name, text): a .jinja file."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / "templates" / f"{name}.jinja"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two questions, one of them with a system turn, and a conversation of two."""
    rows = [
        [("user", "the cat?"), ("assistant", "yes.")],
        [("system", "be brief"), ("user", "a mat?"), ("assistant", "no.")],
        [("user", "a"), ("assistant", "one"), ("user", "b"), ("assistant", "two")],
    ]
    path = tmp_path / "data.jsonl"
    lines = [json.dumps({"messages": [{"role": role, "content": text} for role, text in row]}) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
