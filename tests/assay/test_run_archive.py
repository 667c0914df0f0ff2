"""Runs move from machine to machine whole: to the byte, with all they came from, or not at all."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from assay.cli import main
from assay.errors import RunError, SourceError
from assay.run_archive import export_runs, import_runs
from assay.runs import RunStore


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """curate <- train <- evaluate"""
    store = RunStore(tmp_path / "here")
    parents: tuple[str, ...] = ()
    for stage in ("curate", "train", "evaluate"):
        with store.open(stage, {}, {}, parents) as run:
            (run.path / "out").mkdir()
            (run.path / "out" / "data.bin").write_bytes(stage.encode())
            (run.path / "checkpoints").mkdir()
            (run.path / "checkpoints" / "optimizer.bin").write_bytes(b"large")
        parents = (run.id,)
    return store


def names(store: RunStore) -> list[str]:
    return [manifest.run for manifest in store.manifests()]


def run_named(store: RunStore, stage: str) -> str:
    return next(name for name in names(store) if name.startswith(stage))


def test_a_run_goes_with_all_it_came_from_and_without_checkpoints(store: RunStore, tmp_path: Path) -> None:
    file, there = tmp_path / "runs.zip", RunStore(tmp_path / "there")
    packed = export_runs(store, [run_named(store, "evaluate")], file)
    assert sorted(packed) == sorted(names(store))
    assert set(import_runs(there, file).new) == set(names(store)) == set(names(there))
    for name in names(store):
        assert (there.get(name).path / "out" / "data.bin").read_bytes() == name.partition("-")[0].encode()
        assert not (there.get(name).path / "checkpoints").exists()
        assert there.get(name).data == store.get(name).data
    again = import_runs(there, file)
    assert again.new == () and set(again.known) == set(names(store))
    assert [path.name for path in there.root.iterdir()] == ["runs"]


def test_an_earlier_run_goes_alone(store: RunStore, tmp_path: Path) -> None:
    curate = run_named(store, "curate")
    assert export_runs(store, [curate], tmp_path / "runs.zip") == [curate]


def test_an_unfinished_run_and_a_broken_link_are_refused(store: RunStore, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), store.open("gate", {}, {}):
        raise RuntimeError("stopped")
    with pytest.raises(RunError, match="is not finished"):
        export_runs(store, [run_named(store, "gate")], tmp_path / "runs.zip")
    (store.get(run_named(store, "curate")).path / "manifest.json").unlink()
    with pytest.raises(RunError, match="no run 'curate-"):
        export_runs(store, [run_named(store, "evaluate")], tmp_path / "runs.zip")
    assert not (tmp_path / "runs.zip").exists()


def edited(file: Path, out: Path, change: dict[str, bytes]) -> Path:
    """A copy of the archive with other or more entries."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, change.pop(entry, old.read(entry)))
        for entry, data in change.items():
            new.writestr(entry, data)
    return out


def test_what_does_not_match_its_manifest_is_not_taken_in_and_nothing_else_is(store: RunStore, tmp_path: Path) -> None:
    file, there = tmp_path / "runs.zip", RunStore(tmp_path / "there")
    curate = run_named(store, "curate")
    export_runs(store, names(store), file)
    for change, message in (
        ({f"{curate}/out/data.bin": b"other"}, "is not what its manifest says"),
        ({f"{curate}/out/more.bin": b"more"}, "do not name the same files"),
        ({f"{curate}/manifest.json": b"{"}, "has no readable manifest"),
        ({f"{curate}/../../escaped": b"x"}, "which is no file of a run"),
        ({"notes.txt": b"x"}, "which is no file of a run"),
    ):
        with pytest.raises(SourceError, match=message):
            import_runs(there, edited(file, tmp_path / "edited.zip", dict(change)))
        assert names(there) == [] and not (tmp_path / "escaped").exists()


def test_what_is_no_archive_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"not a zip")
    for file, message in ((tmp_path / "no.zip", "no archive of runs"), (tmp_path / "absent.zip", "no such file")):
        with pytest.raises(SourceError, match=message):
            import_runs(RunStore(tmp_path / "there"), file)


def test_another_run_of_the_same_name_is_never_overwritten(store: RunStore, tmp_path: Path) -> None:
    file = tmp_path / "runs.zip"
    curate = run_named(store, "curate")
    export_runs(store, [curate], file)
    manifest = store.get(curate).path / "manifest.json"
    changed = json.loads(manifest.read_text(encoding="utf-8"))
    changed["outputs"]["out/data.bin"] = "0" * 64
    manifest.write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(RunError, match="another run"):
        import_runs(store, file)


def test_the_shell_exports_and_imports(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ["runs", "export", run_named(store, "train"), "--store", "here", "-o", "moved.zip"],
        ["runs", "import", "moved.zip", "--store", "there"],
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert not ended.value.code, capsys.readouterr().err
    assert len(names(RunStore(tmp_path / "there"))) == 2
