"""A button says whether the certificate holds, and in words what does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from starlette.testclient import TestClient

from assay.evaluate.evaluation import Evaluation

Judge = Callable[..., tuple[str, str]]


def pressed(client: TestClient, gate: str) -> str:
    answer = client.post(f"/evaluation/{gate}/verify")
    assert answer.status_code == 200
    return str(answer.text)


def test_an_untouched_certificate_verifies_and_is_not_asked_by_looking(
    client: TestClient, judged: Judge, passing: Evaluation
) -> None:
    _, gate = judged(passing)
    assert "not verified on this page yet" in client.get(f"/evaluation/{gate}").text
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
    assert "not verified on this page yet" in client.get(f"/evaluation/{gate}").text
