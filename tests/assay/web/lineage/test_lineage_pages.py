"""From any run a graph leads to its data and to its verdict, and a click to each page."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from starlette.testclient import TestClient

from assay.locks import held
from assay.releases.versions import Releases
from assay.runs import RunStore

HOSTILE = "<script>alert(1)</script>{{ 7*7 }}\u202e\x1b[31m\"'><img src=x>"


def page(client: TestClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    return str(answer.text)


def boxes(text: str) -> dict[str, str]:
    """{what the box is called in full: its classes}."""
    found = re.findall(r'<g class="box ([^"]*)"[^>]*><title>([^<]*)', text)
    return {title.partition(": ")[0].partition(",")[0]: classes for classes, title in found}


def links(text: str) -> set[str]:
    graph = text[text.index('<svg class="lineage"') : text.index("</svg>")]
    return set(re.findall(r'<a href="([^"]+)"', graph))


def test_an_empty_store_says_which_command_fills_it(client: TestClient) -> None:
    assert "assay run" in page(client, "/lineage")


def test_the_way_from_files_to_the_verdict_is_drawn_and_each_box_leads_to_its_page(
    client: TestClient, pipeline: Callable[..., list[str]]
) -> None:
    first, written, second, trained, scored, gate = pipeline()
    other = pipeline("BLOCK")
    text = page(client, f"/lineage/{trained}")
    drawn = boxes(text)
    for name in (first, written, second, scored, gate):
        assert "related" in drawn[name]
    assert "selected" in drawn[trained] and "pass" in drawn[gate]
    assert {"general.jsonl", "one"} <= drawn.keys()
    assert "pale" in drawn[other[5]] and "block" in drawn[other[5]]  # the same file, and so the same component
    assert {f"/data/{first}", f"/review/{written}", f"/training/{trained}", f"/evaluation/{gate}"} <= links(text)
    assert "535 of 793 kept" in text and "12 written" in text and "loss 0.359" in text


def test_lists_and_text_say_the_same_as_the_graph(client: TestClient, pipeline: Callable[..., list[str]]) -> None:
    first, written, second, trained, scored, gate = pipeline()
    text = page(client, f"/lineage/{trained}")
    before = text[text.index("Came from</h3>") : text.index("Led to</h3>")]
    after = text[text.index("Led to</h3>") : text.index("As text")]
    assert all(name in before for name in (first, written, second)) and gate not in before
    assert scored in after and gate in after and first not in after
    plain = text[text.index("<pre>") : text.index("</pre>")]
    assert plain.index(second) < plain.index(written) < plain.index(first) < plain.index("led to") < plain.index(gate)


def test_only_what_belongs_to_a_run_can_be_drawn(client: TestClient, pipeline: Callable[..., list[str]]) -> None:
    names, other = pipeline(), pipeline()
    drawn = boxes(page(client, f"/lineage/{names[3]}?show=related"))
    assert other[4] not in drawn and names[4] in drawn


def test_without_a_run_the_newest_verdict_is_shown_above_all_runs(
    client: TestClient, pipeline: Callable[..., list[str]]
) -> None:
    names = pipeline()
    text = page(client, "/lineage")
    assert f"Where {names[5]} comes from" in text
    listed = text[text.index("All runs") :]
    assert all(name in listed for name in names)


def test_a_parent_that_is_gone_is_said_and_drawn(
    client: TestClient, pipeline: Callable[..., list[str]], store: RunStore
) -> None:
    first, written, _, trained, *_ = pipeline()
    shutil.rmtree(store.root / "runs" / written)
    text = page(client, f"/lineage/{trained}")
    assert f"{written} is not in this store" in text and "assay runs import" in text
    assert "gone" in boxes(text)[written] and first not in boxes(text)
    assert "known by what came of it" in page(client, f"/lineage/{written}")
    page(client, "/lineage/train-neverwas", 404)


def test_a_store_in_which_runs_come_of_each_other_is_still_shown(
    client: TestClient, pipeline: Callable[..., list[str]], store: RunStore
) -> None:
    first, *_, gate = pipeline()
    manifest = store.root / "runs" / first / "manifest.json"
    data = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps(data | {"parents": [gate, first]}), encoding="utf-8")
    assert "selected" in boxes(page(client, f"/lineage/{gate}"))[gate]


def test_versions_of_an_adapter_hang_on_the_gate_that_let_them_out(
    client: TestClient, pipeline: Callable[..., list[str]], store: RunStore, tmp_path: Path
) -> None:
    gate = pipeline()[5]
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}", encoding="utf-8")
    (adapter / "adapter_model.safetensors").write_bytes(b"weights")
    from assay.storage import sha256_folder

    certificate = store.root / "runs" / gate / "certificate.json"
    claims = {"decision": {"verdict": "PASS"}, "adapter": sha256_folder(adapter)}
    certificate.write_text(json.dumps(claims), encoding="utf-8")
    releases = Releases(store.root / "adapters")
    releases.promote(releases.add("support", adapter, certificate))
    text = page(client, f"/lineage/{gate}")
    assert "related" in boxes(text)["support:1"] and "in use" in text
    after = text[text.index("Led to</h3>") :]
    assert "support:1" in after


def test_facts_of_the_manifest_are_readable_and_hostile_ones_harmless(
    client: TestClient, run: Callable[..., str]
) -> None:
    name = run(
        "train",
        settings={"note": HOSTILE, "seed": 7, "nested": {"deep": [1, 2]}, "long": "x" * 5000},
        inputs={HOSTILE: "d" * 64},
        facts={"recipe": {"device": "cuda:0"}},
    )
    text = page(client, f"/lineage/{name}")
    assert "<script>alert(1)" not in text and "<img" not in text and "\x1b" not in text and "\u202e" not in text
    assert "&lt;script&gt;" in text and "{{ 7*7 }}" in text
    for row in ("seed</th><td><code>7", "device</th><td><code>cuda:0", "nested.deep</th><td><code>1, 2"):
        assert row in text
    assert "(5,000 characters)" in text and "d" * 64 in text and "numpy" in text


def test_what_merge_proved_is_shown_in_words(client: TestClient, run: Callable[..., str]) -> None:
    checks = [
        {"name": "prompts", "outcome": "PASS", "required": True, "sentence": "40 prompts, the same tokens"},
        {"name": "suites", "outcome": "UNPROVED", "required": False, "sentence": "no suite was named"},
    ]
    proof = {"version": 1, "outcome": "PASS", "gated": "adapter", "shipped": HOSTILE, "kind": "folder",
             "answers": "records", "checks": checks}  # fmt: skip
    name = run(
        "merge", run("train"), files={"parity.json": json.dumps(proof), "odd.json": "{"}, facts={"parity": "PASS"}
    )
    text = page(client, f"/lineage/{name}")
    assert "Merged model" in text and "40 prompts, the same tokens" in text and "no suite was named" in text
    assert "<script>alert(1)" not in text
    assert "odd.json" in text and "cannot be read" in text
    assert f"/lineage/{name}" in page(client, "/")


def test_a_folder_that_was_opened_shows_its_result_files(store: RunStore, tmp_path: Path) -> None:
    from assay.web.app import application
    from assay.web.site import Site

    folder = tmp_path / "proof"
    folder.mkdir()
    (folder / "parity.json").write_text(json.dumps({"outcome": "FAIL", "checks": []}), encoding="utf-8")
    app, keys = application(Site(store, tmp_path / "r.jsonl", tmp_path, {"proof": folder}, who="ana"))
    with TestClient(app, base_url="http://127.0.0.1:8765") as client:
        client.get("/", params={"token": keys.token()})
        text = page(client, "/lineage/proof")
    assert "What is shipped" in text and "FAIL" in text


def test_the_saved_page_has_no_link_to_a_server(client: TestClient, pipeline: Callable[..., list[str]]) -> None:
    names = pipeline()
    text = page(client, f"/lineage/{names[3]}?save=1")
    assert 'href="/' not in text and "<script" not in text and "<svg" in text


def test_of_more_runs_than_can_be_looked_at_what_belongs_is_drawn(
    client: TestClient, pipeline: Callable[..., list[str]]
) -> None:
    runs = [pipeline() for _ in range(10)]
    text = page(client, f"/lineage/{runs[7][5]}")
    drawn = boxes(text)
    assert len(drawn) < 12 and set(runs[7]) <= drawn.keys()
    assert len(boxes(page(client, f"/lineage/{runs[7][5]}?show=all"))) > 60


def test_a_run_whose_process_is_gone_is_not_said_to_go_on(
    client: TestClient, pipeline: Callable[..., list[str]], store: RunStore
) -> None:
    trained = pipeline()[3]
    manifest = store.root / "runs" / trained / "manifest.json"
    data = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps(data | {"outcome": "running"}), encoding="utf-8")
    assert "failed" in boxes(page(client, f"/lineage/{trained}"))[trained]
    with held(manifest.parent, "this run"):
        text = page(client, f"/lineage/{trained}")
    assert "running" in boxes(text)[trained] and "stopped" not in text
