"""A proof is about bytes: what was changed since is said, and is not exported as what was proved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.cli import main
from assay.errors import ModelError, SourceError
from assay.releases.proofs import check_as_proved, claims_of, is_proof, read_proof
from assay.storage import sha256_file

CHECKS = [
    {"name": "prompt tokens", "outcome": "PASS", "required": True},
    {"name": "suite scores", "outcome": "UNPROVED", "required": False},
]


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A merged folder with its proof, beside the adapter."""
    adapter, merged = tmp_path / "adapter", tmp_path / "merged"
    for folder, name in ((adapter, "adapter_model.safetensors"), (merged, "model.safetensors")):
        folder.mkdir()
        (folder / name).write_bytes(name.encode())
    write(merged)
    return merged


def write(merged: Path, **changed: Any) -> None:
    adapter = merged.parent / "adapter"
    files = {
        "gated": {"adapter_model.safetensors": sha256_file(adapter / "adapter_model.safetensors")},
        "shipped": {"model.safetensors": sha256_file(merged / "model.safetensors")},
    }
    paths = {"gated": "../adapter", "shipped": "."}
    proof = {"version": 2, "outcome": "PASS", "checks": CHECKS, "files": files, "paths": paths, **changed}
    (merged / "parity.json").write_text(json.dumps(proof), encoding="utf-8")


def verify(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["verify", str(path)])
    return int(ended.value.code or 0), capsys.readouterr().out


def test_a_proof_verifies_while_its_files_are_what_they_were(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = verify(shipped, capsys)
    assert code == 0 and "3 match, 0 differ" in said
    (shipped.parent / "adapter" / "adapter_model.safetensors").write_bytes(b"others")
    code, said = verify(shipped / "parity.json", capsys)
    assert code == 3
    assert "DIFFERS" in said and "adapter_model.safetensors is not what was proved" in said


def test_an_outcome_that_its_checks_do_not_say_differs(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(shipped, checks=[{"name": "stop tokens", "outcome": "FAIL", "required": True}])
    code, said = verify(shipped, capsys)
    assert code == 3 and "stated PASS, and its checks say FAIL" in said
    write(shipped, checks=[{"name": "stop tokens", "outcome": "UNPROVED", "required": True}])
    assert verify(shipped, capsys)[0] == 3


def test_what_is_not_here_is_not_checked(shipped: Path) -> None:
    (shipped.parent / "adapter" / "adapter_model.safetensors").unlink()
    held = {claim.name: claim.ok for claim in claims_of(read_proof(shipped))}
    assert held == {"what was gated": None, "what ships": True, "outcome": True}
    write_old = {"version": 1, "outcome": "PASS", "checks": CHECKS}
    (shipped / "parity.json").write_text(json.dumps(write_old), encoding="utf-8")
    held = {claim.name: claim.ok for claim in claims_of(read_proof(shipped))}
    assert held == {"what was gated": None, "what ships": None, "outcome": True}
    card = {"merge": {"files": {"model.safetensors": "0" * 64}}}
    (shipped / "assay.json").write_text(json.dumps(card), encoding="utf-8")
    held = {claim.name: claim.ok for claim in claims_of(read_proof(shipped))}
    assert held["what ships"] is False, "a merge of an earlier version noted its weights in its card"


def test_a_folder_that_is_not_what_was_proved_is_refused(shipped: Path) -> None:
    check_as_proved(shipped)
    (shipped / "model.safetensors").write_bytes(b"others")
    with pytest.raises(ModelError, match=r"is not what was proved: model\.safetensors is not as when parity\.json"):
        check_as_proved(shipped)
    card = {"merge": {"files": {"model.safetensors": "0" * 64}}}
    write(shipped, files={}, version=1)
    (shipped / "assay.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(ModelError, match="is not what was proved"):
        check_as_proved(shipped)
    (shipped / "parity.json").unlink()
    check_as_proved(shipped)


def test_a_folder_whose_proof_failed_is_refused(shipped: Path) -> None:
    write(shipped, outcome="FAIL")
    with pytest.raises(ModelError, match="failed its proof of parity"):
        check_as_proved(shipped)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"outcome": "PASS", "checks": 3}', '{"outcome": "PASS"}'])
def test_what_is_no_proof_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "parity.json").write_text(content, encoding="utf-8")
    assert is_proof(tmp_path)
    with pytest.raises(SourceError, match="is no proof of parity"):
        read_proof(tmp_path)
