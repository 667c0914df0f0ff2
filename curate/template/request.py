"""A request as production sends it: what the model will be asked with, to hold training data against.

    {"messages": [{"role": "system", "content": "..."}, {"role": "user", "content": "..."}],
     "tools": [...], "chat_template_kwargs": {"enable_thinking": false},
     "context": "the part of a message that was retrieved", "documents": [...]}

The body of an OpenAI-style chat request. `context` is assay's own key: the text within one of the messages that a
retriever put there. Everything else (model, temperature, ...) is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from assay.errors import SettingsError
from assay.records import Json, Message

LARGEST_REQUEST = 16_000_000


@dataclass(frozen=True)
class Request:
    """messages in assay's shape; frame: the lines around the retrieved context by which it is known elsewhere."""

    messages: tuple[Message, ...]
    tools: tuple[Json, ...] = ()
    variables: Mapping[str, Json] = field(default_factory=dict)
    documents: tuple[Json, ...] = ()
    context: str = ""
    frame: tuple[str, ...] = ()

    @property
    def system(self) -> str:
        return system_of(self.messages)


def system_of(messages: tuple[Message, ...]) -> str:
    """The text of the system (or developer) turns at the beginning; "" without one."""
    texts = []
    for message in messages:
        if message.role not in ("system", "developer"):
            break
        texts.append(message.content or "")
    return "\n\n".join(texts)


def read_request(path: Path) -> Request:
    """Raises SettingsError, one line, for a file that is no request."""
    try:
        stamp = path.stat()
    except OSError as error:
        raise SettingsError(f"the request cannot be read ({error.strerror})", where=str(path)) from error
    return _read(path, stamp.st_mtime_ns, stamp.st_size)


@lru_cache(maxsize=16)
def _read(path: Path, changed: int, size: int) -> Request:
    if size > LARGEST_REQUEST:
        raise _refusal(path, "is too large for a request")
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _refusal(path, f"the request cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise _refusal(path, f"the request is not JSON ({str(error).splitlines()[0][:120]})") from error
    if not isinstance(body, dict) or not isinstance(body.get("messages"), list) or not body["messages"]:
        raise _refusal(
            path, "the request has no messages", 'write {"messages": [{"role": "system", "content": "..."}, ...]}'
        )
    extra: dict[str, Json] = body["extra_body"] if isinstance(body.get("extra_body"), dict) else {}
    messages = tuple(_message(item, index, path) for index, item in enumerate(body["messages"]))
    context = body.get("context") or ""
    if not isinstance(context, str):
        raise _refusal(path, "context is the retrieved text, and no text is there", 'write "context": "..."')
    return Request(
        messages,
        tuple(_list(body.get("tools"), "tools", path)),
        _variables(body.get("chat_template_kwargs") or extra.get("chat_template_kwargs"), path),
        tuple(_list(body.get("documents") or extra.get("documents"), "documents", path)),
        context,
        _frame(messages, context, path) if context.strip() else (),
    )


def _message(item: Json, index: int, path: Path) -> Message:
    if not isinstance(item, dict) or not isinstance(item.get("role"), str):
        raise _refusal(path, f"message {index} has no role", 'write {"role": "user", "content": "..."}')
    content = item.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    if content is not None and not isinstance(content, str):
        raise _refusal(path, f"the content of message {index} is no text", 'write {"role": "user", "content": "..."}')
    return Message(item["role"], content)


def _list(value: Json, name: str, path: Path) -> list[Json]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _refusal(path, f"{name} is not a list", f'write "{name}": [...]')
    return value


def _variables(value: Json, path: Path) -> Mapping[str, Json]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _refusal(
            path, "chat_template_kwargs is not a mapping", 'write "chat_template_kwargs": {"enable_thinking": false}'
        )
    return value


def _frame(messages: tuple[Message, ...], context: str, path: Path) -> tuple[str, ...]:
    """The line above the context that says what it is, else the beginning of the one below, where there are any."""
    for message in messages:
        before, found, after = (message.content or "").partition(context.strip())
        if found:
            above = before.strip().rpartition("\n")[2].strip()
            below = after.strip().partition("\n")[0].partition(":")[0].strip()
            return (above,) if above else (below,) if below else ()
    raise _refusal(path, "its context stands in none of its messages", "copy the retrieved text out of the message")


def _refusal(path: Path, what: str, fix: str | None = None) -> SettingsError:
    return SettingsError(what, where=str(path), fix=fix)
