"""A button says whether the certificate holds; it is kept, and never said of files that changed since."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from assay.evaluate.evaluation import Evaluation
from assay.storage import sha256_file
from tests.evaluate.web.conftest import opened

Judge = Callable[..., tuple[str, str]]


def pressed(client: TestClient, gate: str) -> str:
    answer = client.post(f"/evaluation/{gate}/verify")
    assert answer.status_code == 200
    return str(answer.text)


def test_an_untouched_certificate_verifies_and_is_not_asked_by_looking(
    client: TestClient, judged: Judge, passing: Evaluation
) -> None:
    _, gate = judged(passing)
    assert "It was not verified yet" in client.get(f"/evaluation/{gate}").text
    assert client.get(f"/evaluation/{gate}/verify").status_code == 405
    text = pressed(client, gate)
    assert "It verifies: " in text and "none false" in text and "could not be checked here" in text
    assert "It verifies: " in client.get(f"/evaluation/{gate}?save=1").text


def test_changed_answers_are_found_and_named(
    client: TestClient, judged: Judge, passing: Evaluation, tmp_path: Path
) -> None:
    evaluation, gate = judged(passing)
    path = tmp_path / ".assay" / "runs" / evaluation / "items.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    changed = next(row for row in rows if row["model"] == "candidate" and row["score"] == 0.0)
    changed["score"] = 1.0
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    text = pressed(client, gate)
    assert "It does not verify: " in text
    assert "is not the file that was judged" in text and "stored 1, scored again 0" in text


def test_a_changed_verdict_is_seen_before_anybody_asks(
    client: TestClient, judged: Judge, blocked: Evaluation, tmp_path: Path
) -> None:
    _, gate = judged(blocked)
    folder = tmp_path / ".assay" / "runs" / gate
    for name in ("decision.json", "certificate.json"):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace('"verdict": "BLOCK"', '"verdict": "PASS"'), encoding="utf-8")
    text = client.get(f"/evaluation/{gate}").text
    assert "decision.json is not the file that the run wrote" in text
    assert "certificate.json is not the file that the run wrote" in text
    assert "stated PASS, computed again BLOCK" in pressed(client, gate)


def test_a_damaged_certificate_is_a_line(
    client: TestClient, judged: Judge, passing: Evaluation, tmp_path: Path
) -> None:
    _, gate = judged(passing)
    path = tmp_path / ".assay" / "runs" / gate / "certificate.json"
    whole = json.loads(path.read_text(encoding="utf-8"))
    for text in (
        "{",
        "[]",
        "{}",
        json.dumps(whole | {"suites": 7}),
        json.dumps(whole | {"decision": {}, "adapter": 1}),
    ):
        path.write_text(text, encoding="utf-8")
        assert client.get(f"/evaluation/{gate}").status_code == 200
        assert "It does not verify" in pressed(client, gate)
    path.unlink()
    assert "nothing binds this verdict" in client.get(f"/evaluation/{gate}").text


def test_a_certificate_that_was_written_anew_is_not_said_to_verify(
    client: TestClient, judged: Judge, passing: Evaluation, tmp_path: Path
) -> None:
    _, gate = judged(passing)
    assert "It verifies: " in pressed(client, gate)
    path = tmp_path / ".assay" / "runs" / gate / "certificate.json"
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert "It was not verified yet" in client.get(f"/evaluation/{gate}").text


def test_what_was_found_is_there_after_a_restart_with_its_time_and_what_it_was_held_against(
    judged: Judge, passing: Evaluation, tmp_path: Path
) -> None:
    evaluation, gate = judged(passing)
    with opened(tmp_path) as first:
        assert "It verifies: " in pressed(first, gate)
    with opened(tmp_path) as second:
        text = second.get(f"/evaluation/{gate}").text
    said = text[text.index("It verifies: ") : text.index("</main>")]
    assert "UTC, assay " in said and "which are still the same to the byte" in said
    items = sha256_file(tmp_path / ".assay" / "runs" / evaluation / "items.parquet")
    assert f">items</th><td><code>{items[:16]}" in said and ">policy</th>" in said and "Verify again" in said


@pytest.mark.parametrize("name", ["items.parquet", "evaluation.json", "policy.yaml"])
def test_a_file_that_changed_since_is_named_and_nothing_is_claimed(
    judged: Judge, passing: Evaluation, tmp_path: Path, name: str
) -> None:
    """Of the same size and with the times that it had: bytes decide, here and after a restart."""
    evaluation, gate = judged(passing)
    folder = tmp_path / ".assay" / "runs" / (gate if name == "policy.yaml" else evaluation)
    with opened(tmp_path) as client:
        assert "It verifies: " in pressed(client, gate)
        seen = (folder / name).stat()
        data = bytearray((folder / name).read_bytes())
        data[20] ^= 1
        (folder / name).write_bytes(bytes(data))
        os.utime(folder / name, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        text = client.get(f"/evaluation/{gate}").text
        assert "It verifies" not in text and "1 file changed since: " + name.partition(".")[0] in text
        data[20] ^= 1
        (folder / name).write_bytes(bytes(data))
        assert "It verifies: " in client.get(f"/evaluation/{gate}").text
    (folder / name).unlink()
    with opened(tmp_path) as client:
        assert "1 file changed since: " + name.partition(".")[0] in client.get(f"/evaluation/{gate}").text


def test_a_kept_result_that_is_damaged_counts_as_none(
    client: TestClient, judged: Judge, passing: Evaluation, tmp_path: Path
) -> None:
    _, gate = judged(passing)
    pressed(client, gate)
    (file,) = (tmp_path / ".assay" / "verified").iterdir()
    for text in ("{", "{}", '{"version": 1}', json.dumps({**json.loads(file.read_text()), "claims": [7]})):
        file.write_text(text, encoding="utf-8")
        assert "It was not verified yet" in client.get(f"/evaluation/{gate}").text


def test_in_a_store_that_cannot_be_written_it_is_said_while_the_server_runs(
    client: TestClient, judged: Judge, passing: Evaluation, tmp_path: Path
) -> None:
    _, gate = judged(passing)
    (tmp_path / ".assay" / "verified").write_text("a file where a folder is to be", encoding="utf-8")
    assert "It verifies: " in pressed(client, gate)
    assert "It verifies: " in client.get(f"/evaluation/{gate}").text
