"""A run is named by what went in; it is done once, and says what came out."""

import json
from pathlib import Path

import pytest

from assay.errors import NoSuchRunError, RunError, SettingsError
from assay.runs import RunStore, run_digest

SETTINGS = {"lora_r": 8}
INPUTS = {"data": "abc"}


def manifest(path: Path) -> dict[str, object]:
    loaded: dict[str, object] = json.loads((path / "manifest.json").read_text())
    return loaded


def test_the_second_time_a_run_is_complete(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    with store.open("train", SETTINGS, INPUTS) as run:
        assert not run.complete
        (run.path / "out.txt").write_text("result")
        run.facts["seed"] = 3
    with store.open("train", SETTINGS, INPUTS) as again:
        assert again.complete and again.path == run.path
    written = manifest(run.path)
    assert written["outcome"] == "done" and written["facts"] == {"seed": 3}
    assert list(written["outputs"]) == ["out.txt"]  # type: ignore[call-overload]


def test_other_settings_or_inputs_are_another_run() -> None:
    digests = {
        run_digest("train", SETTINGS, INPUTS),
        run_digest("train", {"lora_r": 9}, INPUTS),
        run_digest("train", SETTINGS, {"data": "abd"}),
        run_digest("curate", SETTINGS, INPUTS),
    }
    assert len(digests) == 4


def test_a_changed_output_means_the_run_is_not_complete(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    with store.open("train", SETTINGS, INPUTS) as run:
        (run.path / "out.txt").write_text("result")
    (run.path / "out.txt").write_text("tampered")
    with store.open("train", SETTINGS, INPUTS) as again:
        assert not again.complete


def test_a_failed_run_keeps_its_line_and_is_not_complete(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    with pytest.raises(SettingsError), store.open("train", SETTINGS, INPUTS) as run:
        raise SettingsError("wrong", fix="mend it")
    assert manifest(run.path)["outcome"] == "failed"
    assert manifest(run.path)["error"] == "wrong; mend it"
    with store.open("train", SETTINGS, INPUTS) as again:
        assert not again.complete


def test_an_error_of_a_library_leaves_only_its_kind_in_the_manifest(tmp_path: Path) -> None:
    """Its message may quote a key or a record."""
    with pytest.raises(ValueError), RunStore(tmp_path).open("train", SETTINGS, INPUTS) as run:
        raise ValueError("sk-secret")
    assert "sk-secret" not in (run.path / "manifest.json").read_text()


def test_two_processes_cannot_hold_one_run(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    with (
        store.open("train", SETTINGS, INPUTS),
        pytest.raises(RunError, match="another assay process"),
        store.open("train", SETTINGS, INPUTS),
    ):
        pass


def test_runs_are_listed_newest_first_and_damaged_ones_left_out(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    for name in ("curate", "train"):
        with store.open(name, SETTINGS, INPUTS):
            pass
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "manifest.json").write_text("{")
    assert {found.stage for found in store.manifests()} == {"curate", "train"}


def test_an_unknown_run_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="assay runs"):
        RunStore(tmp_path).get("train-none")


@pytest.mark.parametrize(
    "text", ["{}", "[]", "null", '{"run": "x", "stage": "curate", "outcome": "done"}', "\x80", "{"]
)
def test_a_manifest_that_lacks_what_all_have_is_left_out_like_a_broken_one(tmp_path: Path, text: str) -> None:
    store = RunStore(tmp_path / "store")
    with store.open("curate", {}, {}) as run:
        pass
    damaged = store.root / "runs" / "curate-damaged"
    damaged.mkdir()
    (damaged / "manifest.json").write_text(text, encoding="latin-1")
    assert [manifest.run for manifest in store.manifests()] == [run.id]
    with pytest.raises(NoSuchRunError):
        store.get("curate-damaged")


def test_runs_of_one_second_are_listed_in_the_order_in_which_they_began(tmp_path: Path) -> None:
    store, names = RunStore(tmp_path), []
    for number in range(12):
        with store.open("gate", {"number": number}, INPUTS) as run:
            names.append(run.id)
    same = str(manifest(tmp_path / "runs" / names[0])["started"])
    for name in names:
        path = tmp_path / "runs" / name / "manifest.json"
        data = json.loads(path.read_text())
        path.write_text(json.dumps({**data, "started": same}))
    assert [found.run for found in store.manifests()] == names[::-1]


def test_a_gate_has_its_verdict_and_no_other_run_has_one(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    with store.open("gate", {}, {}) as gate:
        gate.facts["verdict"] = "BLOCK"
    with store.open("gate", {"of": "before"}, {}) as older:
        (older.path / "decision.json").write_text('{"verdict": "PASS"}')
    with store.open("train", {}, {}) as train:
        train.facts["verdict"] = "BLOCK"
    assert {run.id: store.get(run.id).verdict for run in (gate, older, train)} == {
        gate.id: "BLOCK", older.id: "PASS", train.id: ""
    }  # fmt: skip
