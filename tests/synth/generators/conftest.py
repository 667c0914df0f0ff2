"""Runs one method against the server on loopback, without a judge of curate's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from assay.dataset import Dataset
from assay.records import Record
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings
from assay.synth.stage import Synthesized, synth

Generate = Callable[..., Synthesized]


@pytest.fixture
def generate(api: Any, keep_new: Any, tmp_path: Path) -> Generate:
    """generate(records, "method", count=..., ...) -> Synthesized; `api.reply` is the model."""

    def run(records: Sequence[Record], method: str, verify: Any = None, **arguments: Any) -> Synthesized:
        settings = SynthSettings(
            provider="openai_compatible",
            model="m",
            base_url=f"{api.url}/v1",
            methods={method: arguments},
            verify=verify or {},
        )
        journal = tmp_path / "journal.sqlite"
        return synth(Dataset.from_records(records), settings, make_provider(settings, None), keep_new, journal)

    return run
