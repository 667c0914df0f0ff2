"""The first requests of a run as they would be sent, without a key and without sending any."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import Any

from assay.dataset import Dataset
from assay.errors import ProviderRefusedError
from assay.records import Json, message_to_json
from assay.registry import check_settings

from ..asking.personal import make_veil
from ..generator import GENERATORS, Job
from ..provider import PROVIDERS
from ..settings import SynthSettings


@dataclass(frozen=True)
class Shown:
    """request: the body as it goes out, personal data masked; None where that is blocked, which `blocked` says."""

    method: str
    seed: str
    source: str
    request: Json
    blocked: str | None = None

    def text(self) -> str:
        return self.blocked or json.dumps(self.request, ensure_ascii=False, indent=2)

    def to_json(self) -> dict[str, Any]:
        return {"method": self.method, "seed": self.seed, "request": self.request, "blocked": self.blocked}


def preview(seeds: Dataset, settings: SynthSettings, limit: int) -> list[Shown]:
    """limit: requests of each method. Raises SettingsError, UnknownNameError."""
    records = list(seeds.records())
    shown: list[Shown] = []
    for method, given in settings.methods.items():
        plugin = GENERATORS.get(method)
        arguments = check_settings(plugin, given, f"synth.methods.{method}")
        jobs = islice(plugin.function(records, settings, **arguments), limit)
        shown += [_shown(method, job, settings) for job in jobs]
    return shown


def _shown(method: str, job: Job, settings: SynthSettings) -> Shown:
    veil, body = make_veil(settings), PROVIDERS.get(settings.provider).body
    try:
        request = job.request if veil is None else veil.over(job.request)
    except ProviderRefusedError as error:
        return Shown(method, job.seed.id, str(job.seed.source), None, str(error))
    if body is not None:
        sent = body(settings, request)
    else:
        sent = {
            "messages": [message_to_json(message) for message in request.messages],
            "max_tokens": request.max_tokens,
        }
    return Shown(method, job.seed.id, str(job.seed.source), sent)
