"""A certificate binds what was judged; whatever is changed afterwards is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assay.errors import InputError
from assay.evaluate.evaluation import Evaluation
from assay.evaluate.evaluation_files import write
from assay.evaluate.release.release import gate_evaluation
from assay.evaluate.release.signature import sign
from assay.evaluate.release.verify import Claim, verify
from assay.findings import Verdict
from assay.storage import sha256_file


@pytest.fixture
def released(tmp_path: Path, synthetic: Callable[..., Evaluation], suite: Any) -> Path:
    """A store with an adapter, suite data, an evaluation and a gate's output; the path of the certificate."""
    store = tmp_path / "store"
    adapter, data = store / "train" / "adapter", store / "support.jsonl"
    adapter.mkdir(parents=True)
    (adapter / "adapter_model.safetensors").write_bytes(b"\x00\x01weights")
    (adapter / "assay.json").write_text(json.dumps({"run": "train-1", "data_digests": ["d" * 64]}), encoding="utf-8")
    data.write_text('{"id": "support-0"}\n', encoding="utf-8")
    domain = suite("support", n=200, p_base=0.2, gain=0.3, discordance=0.4, p_damaged=0.02, kind="suite", chance=None)
    found = synthetic(suite("arc_easy"), suite("grammar", n=600), domain)
    files = {file.name: sha256_file(file) for file in sorted(adapter.iterdir())}
    suites = tuple(
        replace(result, data_sha256=sha256_file(data)) if result.suite == "support" else result
        for result in found.suites
    )
    paths = {"adapter": "../train/adapter", "suites": {"support": "../support.jsonl"}}
    identity = {**found.identity, "adapter": files}
    write(replace(found, suites=suites, identity=identity, settings={"paths": paths}), store / "evaluate")
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nmargin: 0.03\n", encoding="utf-8")
    decision = gate_evaluation(store / "evaluate", policy, store / "gate")
    assert decision.verdict is Verdict.PASS
    return store / "gate" / "certificate.json"


def failed(claims: list[Claim]) -> dict[str, str]:
    return {claim.name: claim.detail for claim in claims if claim.ok is False}


def edit(certificate: Path, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(certificate.read_text(encoding="utf-8"))
    change(document)
    certificate.write_text(json.dumps(document), encoding="utf-8")


def edit_items(certificate: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    path = certificate.parent.parent / "evaluate" / "items.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)


def sign_items_again(certificate: Path) -> None:
    digest = sha256_file(certificate.parent.parent / "evaluate" / "items.parquet")
    edit(certificate, lambda document: document["items"].update(sha256=digest))


def test_an_untouched_release_matches_in_every_claim_that_can_be_checked(released: Path) -> None:
    claims = verify(released)
    assert not failed(claims)
    matched = {claim.name for claim in claims if claim.ok}
    assert matched >= {
        "policy", "items", "evaluation", "adapter", "data of support", "identity", "scores of support",
        "scores of arc_easy", "scores of grammar", "verdict", "numbers of the decision",
    }  # fmt: skip
    unchecked = {claim.name: claim.detail for claim in claims if claim.ok is None}
    assert "base model" in unchecked and "data of arc_easy" in unchecked and all(unchecked.values())


def test_the_certificate_has_the_documented_fields(released: Path) -> None:
    document = json.loads(released.read_text(encoding="utf-8"))
    assert {
        "version", "decision", "policy_sha256", "base", "adapter", "tokenizer_sha256", "template_sha256", "data",
        "suites", "items", "previous", "versions", "seed", "signature",
    } <= document.keys()  # fmt: skip
    assert {"revision", "weights_sha256", "quantisation"} <= document["base"].keys()
    assert document["data"] == [{"run": "train-1", "digest": "d" * 64}]
    assert document["suites"][0].keys() == {"name", "data_sha256"}
    assert document["items"].keys() == {"path", "sha256"}
    assert document["signature"] is None


def test_no_path_leaves_the_folder_of_runs_so_that_it_may_move(released: Path, tmp_path: Path) -> None:
    assert str(tmp_path) not in released.read_text(encoding="utf-8")
    moved = tmp_path / "elsewhere"
    shutil.move(tmp_path / "store", moved)
    assert not failed(verify(moved / "gate" / "certificate.json"))


def test_a_changed_adapter_byte_is_found(released: Path) -> None:
    weights = released.parent.parent / "train" / "adapter" / "adapter_model.safetensors"
    weights.write_bytes(b"\x00\x02weights")
    assert "adapter_model.safetensors is not the file that was judged" in failed(verify(released))["adapter"]


def test_a_changed_policy_is_found(released: Path) -> None:
    (released.parent / "policy.yaml").write_text("version: 1\nmargin: 0.001\nguardrail: 0.05\n", encoding="utf-8")
    found = failed(verify(released))
    assert "policy" in found and "numbers of the decision" in found


def test_a_changed_verdict_is_found(released: Path) -> None:
    edit(released, lambda document: document["decision"].update(verdict="BLOCK"))
    assert failed(verify(released))["verdict"] == "stated BLOCK, computed again PASS"


def test_a_changed_number_of_the_decision_is_found(released: Path) -> None:
    edit(released, lambda document: document["decision"]["suites"][2].update(candidate=0.99))
    assert "suites.2.candidate" in failed(verify(released))["numbers of the decision"]


def test_a_changed_item_score_is_found(released: Path) -> None:
    edit_items(released, lambda rows: rows[5].update(score=1.0 - rows[5]["score"]))
    found = failed(verify(released))
    assert "items" in found and "1 score of" in found["scores of arc_easy"]
    assert "arc_easy-5 (base)" in found["scores of arc_easy"]


def test_a_changed_item_score_is_found_even_where_its_hash_was_renewed(released: Path) -> None:
    edit_items(released, lambda rows: rows[5].update(score=1.0 - rows[5]["score"]))
    sign_items_again(released)
    found = failed(verify(released))
    assert "items" not in found and "scores of arc_easy" in found


def test_items_left_out_are_found_even_where_the_hash_was_renewed(released: Path) -> None:
    """Losses dropped from the table: every score left is right, but the numbers are not those that were stated."""

    def drop(rows: list[dict[str, Any]]) -> None:
        rows[:] = [row for row in rows if row["item_id"] not in ("arc_easy-1", "arc_easy-2", "arc_easy-3")]

    edit_items(released, drop)
    sign_items_again(released)
    assert "numbers of the decision" in failed(verify(released))


def test_changed_suite_data_is_found(released: Path) -> None:
    (released.parent.parent / "support.jsonl").write_text('{"id": "support-1"}\n', encoding="utf-8")
    assert "data of support" in failed(verify(released))


def test_another_base_in_the_certificate_is_found(released: Path) -> None:
    edit(released, lambda document: document["base"].update(revision="other"))
    assert "base" in failed(verify(released))["identity"]


def test_files_that_are_gone_are_not_checked_and_said(released: Path) -> None:
    shutil.rmtree(released.parent.parent / "train")
    claims = {claim.name: claim for claim in verify(released)}
    assert claims["adapter"].ok is None and "cannot be read" in claims["adapter"].detail


def test_an_evaluation_that_is_gone_leaves_the_verdict_unchecked(released: Path) -> None:
    shutil.rmtree(released.parent.parent / "evaluate")
    claims = {claim.name: claim for claim in verify(released)}
    assert claims["verdict"].ok is None and claims["items"].ok is None and claims["adapter"].ok is True


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "is not JSON"), ("[]", "holds no decision"), ('{"version": 9, "decision": {}}', "is of version 9")],
)
def test_a_file_that_is_no_certificate_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "certificate.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        verify(path)


def test_a_missing_certificate_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        verify(tmp_path / "certificate.json")


def test_a_signature_is_checked_first_and_tells_whose_only_with_a_key(released: Path) -> None:
    assert "not signed" in {claim.name: claim.detail for claim in verify(released) if claim.ok is None}["signature"]
    mine, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    assert "not signed" in failed(verify(released, public_key=mine.public_key()))["signature"]
    edit(released, lambda document: document.update(sign(dict(document), mine)))
    claims = verify(released, public_key=mine.public_key())
    assert claims[0].name == "signature" and claims[0].ok and not failed(claims)
    assert verify(released)[0].ok is None and "only --public-key tells" in verify(released)[0].detail
    assert "not the one of --public-key" in failed(verify(released, public_key=other.public_key()))["signature"]
    edit(released, lambda document: document["decision"].update(verdict="BLOCK"))
    assert "not what was signed" in failed(verify(released))["signature"]


def test_a_certificate_from_before_there_were_limits_is_held_to_its_numbers_and_its_words_are_told_apart(
    released: Path,
) -> None:
    """Reasons were worded otherwise then; a number that was changed is found all the same."""

    def as_before(document: dict[str, Any]) -> None:
        decision = document["decision"]
        for judged in (*decision["suites"], decision["macro"]):
            for key in ("limits", "graded", "constant", "kl_limits"):
                judged.pop(key, None)
        decision["reasons"][0] = "support went from 20.0 % to 50.0 % (95 % interval +20.0 to +40.0): a gain is proved"

    edit(released, as_before)
    claims = verify(released)
    assert not failed(claims)
    (words,) = [claim for claim in claims if claim.name == "words of the decision"]
    assert words.ok is None and "reasons.0" in words.detail
    edit(released, lambda document: document["decision"]["suites"][2].update(candidate=0.99))
    assert "suites.2.candidate" in failed(verify(released))["numbers of the decision"]


def test_a_changed_word_of_a_reason_is_found(released: Path) -> None:
    edit(released, lambda document: document["decision"]["reasons"].__setitem__(0, "all is well"))
    assert "reasons.0" in failed(verify(released))["numbers of the decision"]


def test_a_changed_limit_is_found(released: Path) -> None:
    edit(released, lambda document: document["decision"]["macro"]["limits"].update(at_worst=0.5))
    assert "macro.limits.at_worst" in failed(verify(released))["numbers of the decision"]
