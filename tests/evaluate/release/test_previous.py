"""The last release: of the store, of a certificate, of a folder, or nobody for a first release."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.errors import SettingsError
from assay.evaluate.evaluation import Evaluation
from assay.evaluate.identity import Models
from assay.evaluate.release.previous import with_previous
from assay.evaluate.settings import EvaluateSettings
from assay.runs import RunStore
from assay.storage import sha256_file


@pytest.fixture
def models(target: Any, tmp_path: Path) -> Models:
    candidate = tmp_path / "candidate"
    candidate.mkdir()
    (candidate / "adapter_model.safetensors").write_bytes(b"candidate")
    return Models(target, candidate)


@pytest.fixture
def passed(
    models: Models, synthetic: Callable[..., Evaluation], suite: Any, remember: Callable[..., Any]
) -> Callable[..., Any]:
    def put(name: str, verdict: str = "PASS") -> Any:
        base = {"name": "tiny", "revision": None, "weights_sha256": models.weights_sha256}
        return remember(synthetic(suite("facts", n=10)), name, verdict, base=base)

    return put


def test_the_last_release_of_the_store_is_found_and_said(models: Models, passed: Any, tmp_path: Path) -> None:
    store = RunStore(tmp_path / ".assay")
    first = with_previous(models, None, store, EvaluateSettings())
    assert first.models.previous is None and first.said == ""
    run = passed("one")
    passed("two", "BLOCK")
    found = with_previous(models, None, store, EvaluateSettings())
    assert found.models.previous == (tmp_path / "one").resolve() and run.id in found.said
    assert with_previous(models, "none", store, EvaluateSettings()).models.previous is None
    served = EvaluateSettings(backend="openai")
    assert with_previous(models, None, store, served).models.previous is None  # no server need have it


def test_a_candidate_that_passed_before_is_not_its_own_predecessor(models: Models, passed: Any, tmp_path: Path) -> None:
    passed("candidate")
    assert with_previous(models, None, RunStore(tmp_path / ".assay"), EvaluateSettings()).models.previous is None


def test_a_certificate_names_the_adapter_and_must_still_hold(models: Models, tmp_path: Path) -> None:
    adapter = tmp_path / "old"
    adapter.mkdir()
    (adapter / "adapter_model.safetensors").write_bytes(b"old")
    release = tmp_path / "release"
    release.mkdir()
    document = {
        "version": 1,
        "decision": {"verdict": "PASS"},
        "paths": {"adapter": "../old"},
        "adapter": {"adapter_model.safetensors": sha256_file(adapter / "adapter_model.safetensors")},
    }
    certificate = release / "certificate.json"
    certificate.write_text(json.dumps(document), encoding="utf-8")
    for given in (certificate, release):
        found = with_previous(models, given, RunStore(tmp_path / "empty"), EvaluateSettings()).models.previous
        assert found is not None and found.resolve() == adapter.resolve()
    (adapter / "adapter_model.safetensors").write_bytes(b"changed")
    with pytest.raises(SettingsError, match="is not what this certificate let out"):
        with_previous(models, certificate, RunStore(tmp_path / "empty"), EvaluateSettings())
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(SettingsError, match="is missing"):
        with_previous(models, certificate, RunStore(tmp_path / "empty"), EvaluateSettings())


def test_a_folder_is_taken_as_it_is(models: Models, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    found = with_previous(models, str(tmp_path / "plain"), RunStore(tmp_path / ".assay"), EvaluateSettings())
    assert found.models.previous == tmp_path / "plain"
