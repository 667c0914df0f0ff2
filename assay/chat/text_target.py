"""A chat template without its tokenizer: a .jinja file, or a folder that holds little more."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.chat.conversation import find_style
from assay.chat.target import TextTarget
from assay.chat.template_judge import call_ends, judge
from assay.chat_templates.templating import shared_renderer
from assay.errors import ModelError
from assay.models import TOKENIZER_FILES

TEMPLATE_SUFFIXES = (".jinja", ".jinja2", ".j2")
LARGEST_TEMPLATE = 4_000_000
USUAL_TOKENS: Mapping[str, str] = {"bos_token": "<s>", "eos_token": "</s>"}


def is_template_alone(name: str) -> bool:
    """Whether a name is a template file, or a folder of a tokenizer's settings without the tokenizer."""
    path = Path(name).expanduser()
    if path.suffix in TEMPLATE_SUFFIXES and not path.is_dir():
        return True
    if not path.is_dir() or any((path / name).is_file() for name in TOKENIZER_FILES):
        return False
    return (path / "tokenizer_config.json").is_file() or _templates_in(path) is not None


def load_text_target(name: str) -> TextTarget:
    """Raises ModelError when there is no template in it, or none that renders the simplest conversation."""
    path = Path(name).expanduser()
    found = _templates_in(path) if path.is_dir() else (_read(path), None)
    if found is None:
        raise ModelError("has no chat template", where=name, fix="name a .jinja file or a folder with one")
    template, tool_template = found
    special = _special_tokens(path) if path.is_dir() else {}
    assumed = tuple(key for key in USUAL_TOKENS if key not in special and re.search(rf"\b{key}\b", template))
    special |= {key: USUAL_TOKENS[key] for key in assumed}
    renderer = shared_renderer()
    judged = judge(template, special, None, renderer)
    if judged.fatal is not None:
        raise ModelError(f"the chat template is of no use: {judged.fatal.message}", where=name)
    ends = [*judged.turn_ends, special.get("eos_token", ""), *call_ends(template, special, renderer)]
    return TextTarget(
        name=name,
        template=template,
        tool_template=tool_template,
        special_tokens=special,
        stop_texts=tuple(dict.fromkeys(filter(None, ends))),
        style=find_style(tool_template or template, special, renderer),
        problems=judged.problems,
        assumed=assumed,
    )


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_TEMPLATE:
            raise ModelError("is too large for a chat template", where=str(path))
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"the chat template cannot be read ({error})", where=str(path)) from error


def _templates_in(folder: Path) -> tuple[str, str | None] | None:
    """(template, the one for tools): chat_template.jinja first, as transformers has it, then the tokenizer's config."""
    own = folder / "chat_template.jinja"
    for_tools = folder / "additional_chat_templates" / "tool_use.jinja"
    if own.is_file():
        return _read(own), _read(for_tools) if for_tools.is_file() else None
    given = _json(folder / "tokenizer_config.json").get("chat_template")
    if isinstance(given, list):
        given = {item.get("name"): item.get("template") for item in given if isinstance(item, dict)}
    if isinstance(given, dict):
        default = given.get("default") or next(iter(given.values()), None)
        return (str(default), given.get("tool_use")) if default else None
    return (given, None) if isinstance(given, str) and given else None


def _special_tokens(folder: Path) -> dict[str, str]:
    out: dict[str, str] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        for key, value in _json(folder / name).items():
            text = value.get("content") if isinstance(value, dict) else value
            if re.fullmatch(r"[a-z]+_token", key) and isinstance(text, str):
                out[key] = text
    return out


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
