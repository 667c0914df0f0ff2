"""What a protocol has to know: where a request goes, how it looks, and how an answer reads.

Bodies are plain JSON, sent through the official client's own `post` and read here: the same reader serves a live answer
and a line of a batch job's results, and a malformed one is an error with a name instead of a traceback.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Protocol

from assay.errors import ProviderError
from assay.protocols import Generation, GenerationRequest
from assay.records import Json, ToolCall

ANSWER = "answer"
"""Name of the schema, or of the forced tool, of a structured answer."""

HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, as of an emoji that was cut: JSON can hold it, and no file can."""

MOST_TOKENS = 2**53
"""No request has so many: a server that says so does not count."""


class Form(Protocol):
    """One protocol of one model."""

    @property
    def path(self) -> str:
        """Below the client's base URL."""
        ...

    def body(self, request: GenerationRequest) -> dict[str, Json]: ...

    def read(self, answer: Json) -> Generation:
        """Raises ProviderError for what is no answer: servers send such."""
        ...


def broken(name: str, what: str) -> ProviderError:
    return ProviderError(f"{name} sent {what}", fix="it is asked again later")


def is_strict(schema: Mapping[str, Json]) -> bool:
    """Whether OpenAI can hold a model to the schema: each object closed, and each of its keys required."""
    nodes: list[Any] = [schema]
    while nodes:
        node = nodes.pop()
        if isinstance(node, list):
            nodes.extend(node)
        elif isinstance(node, Mapping):
            properties = node.get("properties")
            if isinstance(properties, Mapping) and node.get("type") == "object":
                closed = node.get("additionalProperties") is False
                if not closed or set(node.get("required", ())) != set(properties):
                    return False
                nodes.extend(properties.values())
            nodes.extend(value for key, value in node.items() if key not in ("properties", "enum", "const"))
    return True


def arguments_of(text: Json) -> Json:
    """A tool call's arguments as an object; text that does not parse stays what it is."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def tool_call(name: Json, arguments: Json, identifier: Json) -> ToolCall:
    return ToolCall(str(name), arguments_of(arguments), str(identifier) if identifier else None)


def number(value: Json) -> int:
    """A count of tokens; a server that sends none, or something else, counts none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value < MOST_TOKENS else 0


def text_of(name: str, value: Json) -> str:
    """A text, "" where there is none, with U+FFFD for half a character. Raises ProviderError for what is no text.

    name  the provider's, for the error
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise broken(name, "an answer that is no text")
    return HALF.sub("\ufffd", value)


def member(value: Json, *keys: str) -> Json:
    """A value within nested objects, None where it is not there."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
