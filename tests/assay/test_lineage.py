"""From an adapter to its data, without a gap; a gap is an error."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from assay.errors import ModelError, RunError
from assay.lineage import lineage
from assay.runs import RunStore


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """curate -> train -> evaluate, with an adapter that the second wrote."""
    store = RunStore(tmp_path / "store")
    with store.open("curate", {}, {"data": "d"}) as curated:
        pass
    with store.open("train", {}, {"data": "e"}, parents=[curated.id]) as trained:
        (tmp_path / "adapter").mkdir()
        (tmp_path / "adapter" / "assay.json").write_text(json.dumps({"run": trained.id, "base": "b"}))
    with store.open("evaluate", {}, {"adapter": "a"}, parents=[trained.id]) as evaluated:
        pass
    with store.open("gate", {}, {"evaluation": "e"}, parents=[evaluated.id]):
        pass
    return store


def test_the_walk_goes_back_to_the_data_and_forward_to_the_verdict(store: RunStore, tmp_path: Path) -> None:
    found = lineage(tmp_path / "adapter", store)
    assert [(step.depth, step.manifest.stage) for step in found.back] == [(0, "train"), (1, "curate")]
    assert [manifest.stage for manifest in found.forward] == ["evaluate", "gate"]


def test_a_broken_link_is_an_error(store: RunStore, tmp_path: Path) -> None:
    [curated] = [found for found in store.manifests() if found.stage == "curate"]
    shutil.rmtree(curated.path)
    with pytest.raises(RunError, match="a link is broken: no run 'curate-"):
        lineage(tmp_path / "adapter", store)


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_an_adapter_from_elsewhere_says_that_its_lineage_is_unknown(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "assay.json").write_text(text)
    with pytest.raises(ModelError, match="unknown"):
        lineage(tmp_path, RunStore(tmp_path))


def test_the_records_that_trained_are_traced_to_people_and_models(store: RunStore, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    adapter = tmp_path / "adapter"
    [curated] = [found for found in store.manifests() if found.stage == "curate"]
    written = json.dumps({"synth": {"model": "m-1", "reviewer": "ada"}})
    rows = [
        {"row_id": "a", "origin": "human", "parents": [], "meta": "{}"},
        {"row_id": "b", "origin": "synthetic", "parents": ["seed"], "meta": written},
        {"row_id": "held", "origin": "human", "parents": [], "meta": "{}"},
    ]
    pq.write_table(pa.Table.from_pylist(rows), curated.path / "data.parquet")
    pq.write_table(pa.table({"row_id": ["a", "b"]}), adapter / "records.parquet")
    card = json.loads((adapter / "assay.json").read_text()) | {"training_records": "records.parquet"}
    (adapter / "assay.json").write_text(json.dumps(card))
    origins = lineage(adapter, store).origins
    assert origins is not None
    assert (origins.human, origins.synthetic, dict(origins.writers)) == (1, 1, {"m-1": 1})
    assert origins.parents == {"seed"} and dict(origins.readers) == {"ada": 1}


def test_general_records_that_were_mixed_in_are_counted_apart(store: RunStore, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    adapter = tmp_path / "adapter"
    [curated] = [found for found in store.manifests() if found.stage == "curate"]
    rows = [{"row_id": "a", "origin": "human", "parents": [], "meta": "{}"}]
    pq.write_table(pa.Table.from_pylist(rows), curated.path / "data.parquet")
    trained = pa.table({"row_id": ["a", "g1", "g2"], "role": ["domain", "general", "general"]})
    pq.write_table(trained, adapter / "records.parquet")
    card = json.loads((adapter / "assay.json").read_text()) | {"training_records": "records.parquet"}
    (adapter / "assay.json").write_text(json.dumps(card))
    origins = lineage(adapter, store).origins
    assert origins is not None
    assert (origins.human, origins.synthetic, origins.general) == (1, 0, 2)
