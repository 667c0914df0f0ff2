"""Personal data stays on the machine: placeholders go out in its place, and come back as what they stand for.

What is found, and how, is curate's business (docs/curation.md): e-mail addresses, phone numbers, payment cards,
national numbers, street addresses, keys and passwords. Names of people are not looked for.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.errors import ProviderRefusedError
from assay.protocols import Generation, GenerationRequest, Provider
from assay.records import Json, Message, ToolCall

from ..provider import check_temperature, is_local, make_provider
from ..settings import SynthSettings

Find = Callable[[str], Sequence[Any]]
"""Places in a text, in order: each with start, end, value and pattern.label."""

_PLACEHOLDER = re.compile(r"<[A-Z][A-Z0-9_]*_\d+>")


@dataclass(frozen=True)
class Veil:
    """block: what holds personal data is not sent at all."""

    find: Find = field(repr=False)
    block: bool

    def over(self, request: GenerationRequest) -> GenerationRequest:
        """The request with placeholders, the same one for the same value. Raises ProviderRefusedError to block."""
        names = self._names(request)
        if not names:
            return request
        if self.block:
            kind = next(iter(names.values())).strip("<>").rsplit("_", 1)[0].replace("_", " ").lower()
            error = ProviderRefusedError(
                f"a prompt holds personal data ({kind}), and was not sent", fix="set synth.personal_data=mask, or send"
            )
            error.may_have_run = False
            raise error
        return _changed(request, lambda text: _replaced(text, names))

    def off(self, request: GenerationRequest, generation: Generation) -> Generation:
        """The answer with the values in the place of the placeholders that this request was sent with."""
        names = self._names(request)
        if not names or self.block:
            return generation
        values = {name: value for value, name in names.items()}
        in_json = {name: json.dumps(value, ensure_ascii=False)[1:-1] for name, value in values.items()}
        calls = tuple(_call(call, lambda text: _replaced(text, values)) for call in generation.tool_calls)
        text = _replaced(generation.text, values if request.schema is None else in_json)
        return dataclasses.replace(generation, text=text, tool_calls=calls)

    def _names(self, request: GenerationRequest) -> dict[str, str]:
        """{value: placeholder}, in the order in which the values stand."""
        texts: list[str] = []

        def read(text: str) -> str:
            texts.append(text)
            return text

        _changed(request, read)
        taken = {name for text in texts for name in _PLACEHOLDER.findall(text)}
        names: dict[str, str] = {}
        for text in texts:
            for found in self.find(text):
                if found.value not in names:
                    names[found.value] = _free(found.pattern.label, taken)
        return names


@dataclass(frozen=True)
class VeiledProvider:
    """A provider that knows nothing of veils, behind one."""

    inner: Provider
    veil: Veil

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def model(self) -> str:
        return self.inner.model

    @property
    def batch_size(self) -> int:
        return self.inner.batch_size

    @property
    def concurrency(self) -> int:
        return self.inner.concurrency

    def generate(self, requests: Sequence[GenerationRequest]) -> list[Generation]:
        return self.inner.generate([self.veil.over(request) for request in requests])

    def restore(self, request: GenerationRequest, generation: Generation) -> Generation:
        return self.veil.off(request, generation)


def make_guarded_provider(settings: SynthSettings, default_model: str | None, *, offline: bool = False) -> Provider:
    """As `make_provider`; personal data leaves the machine only where `personal_data: send` says so.

    Raises SettingsError for a temperature that the provider is not sent.
    """
    check_temperature(settings)
    return guarded(make_provider(settings, default_model, offline=offline), settings)


def guarded(provider: Provider, settings: SynthSettings) -> Provider:
    from ..wire.batched import Batched
    from ..wire.remote import Remote

    veil = make_veil(settings)
    if veil is None:
        return provider
    if isinstance(provider, Remote):
        return dataclasses.replace(provider, veil=veil)
    if isinstance(provider, Batched):
        return dataclasses.replace(provider, remote=dataclasses.replace(provider.remote, veil=veil))
    return VeiledProvider(provider, veil)


def make_veil(settings: SynthSettings) -> Veil | None:
    """None where nothing leaves the machine, or all may."""
    if settings.personal_data == "send" or is_local(settings):
        return None
    from assay.stages import find_personal

    return Veil(find_personal, settings.personal_data == "block")


def _free(label: str, taken: set[str]) -> str:
    number = 1
    while (name := f"<{label}_{number}>") in taken:
        number += 1
    taken.add(name)
    return name


def _replaced(text: str, new: Mapping[str, str]) -> str:
    """Longest first: one value may stand within another."""
    if not any(old in text for old in new):
        return text
    pattern = "|".join(re.escape(old) for old in sorted(new, key=len, reverse=True))
    return re.sub(pattern, lambda match: new[match[0]], text)


def _changed(request: GenerationRequest, change: Callable[[str], str]) -> GenerationRequest:
    return dataclasses.replace(request, messages=tuple(_message(message, change) for message in request.messages))


def _message(message: Message, change: Callable[[str], str]) -> Message:
    content = None if message.content is None else change(message.content)
    calls = tuple(_call(call, change) for call in message.tool_calls)
    return dataclasses.replace(message, content=content, tool_calls=calls)


def _call(call: ToolCall, change: Callable[[str], str]) -> ToolCall:
    return dataclasses.replace(call, arguments=_leaves(call.arguments, change))


def _leaves(value: Json, change: Callable[[str], str]) -> Json:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_leaves(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _leaves(item, change) for key, item in value.items()}
    return value
