"""A model of an Ollama server, asked over its HTTP API.

Ollama renders and tokenises itself and gives no ids, and no log-probabilities of a given answer. What it does say is
how long a prompt was (`prompt_eval_count`), the template it lays around messages, and its stop texts; and it answers.
So its prompt and stop tokens are unproved, and only suite scores can be held against what was gated.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .artefact import NO_ORIGIN, UNKNOWN, Conversation, Held, Origin, Passage, TokenScores, UnprovedError

DEFAULT_HOST = "http://127.0.0.1:11434"
SECONDS = 10.0


@dataclass(frozen=True)
class OllamaModel:
    """model: the name under which the server has it."""

    model: str
    kind: str = "ollama"
    held: Held = UNKNOWN
    origin: Origin = NO_ORIGIN

    def place(self) -> None:
        return None

    def files(self) -> Mapping[str, str]:
        return {}

    def token_texts(self) -> Sequence[str | None]:
        self._known()
        raise UnprovedError("Ollama gives no token ids; check the GGUF file that it serves")

    @property
    def name(self) -> str:
        return f"ollama:{self.model}"

    @property
    def host(self) -> str:
        host = os.environ.get("OLLAMA_HOST") or DEFAULT_HOST
        return host if host.startswith(("http://", "https://")) else f"http://{host}"

    def prompt_ids(self, conversation: Conversation) -> tuple[int, ...]:
        self._known()
        raise UnprovedError("Ollama gives no token ids; check the GGUF file that it serves")

    def stop_ids(self) -> frozenset[int]:
        self._known()
        raise UnprovedError("Ollama names stop texts and no token ids; check the GGUF file that it serves")

    def engine_stops(self) -> frozenset[int]:
        return frozenset()

    def token_scores(self, passages: Sequence[Passage]) -> list[TokenScores]:
        self._known()
        raise UnprovedError("Ollama gives no log-probabilities of given answers; check the GGUF file that it serves")

    def answers(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> list[tuple[int, ...]]:
        self._known()
        raise UnprovedError("Ollama takes no prompts as token ids; score it by assay evaluate --backend openai")

    def _known(self) -> dict[str, Any]:
        """What the server says of the model. Raises UnprovedError."""
        body = json.dumps({"model": self.model}).encode()
        request = urllib.request.Request(f"{self.host}/api/show", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                found: dict[str, Any] = json.loads(answer.read())
                return found
        except urllib.error.HTTPError as error:
            raise UnprovedError(f"Ollama at {self.host} has no model {self.model} (HTTP {error.code})") from error
        except (OSError, ValueError) as error:
            raise UnprovedError(f"no Ollama answers at {self.host}") from error
