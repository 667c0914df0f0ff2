"""What a path may name."""

import gzip
import json
from pathlib import Path

import pytest

from assay.errors import SourceError
from assay.sources import ReadSettings, read

ROW = {"instruction": "a", "input": "", "output": "b"}


def saved(path: Path, *rows: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_folder_is_every_data_file_in_it_in_order(tmp_path: Path) -> None:
    saved(tmp_path / "b.jsonl", ROW, ROW)
    saved(tmp_path / "a" / "c.json", ROW)
    (tmp_path / "d.jsonl.gz").write_bytes(gzip.compress(json.dumps(ROW).encode()))
    (tmp_path / "README.md").write_text("none of it")
    saved(tmp_path / ".cache" / "x.jsonl", ROW)
    data = read([str(tmp_path)])
    assert [record.source.file for record in data.records()] == [
        str(tmp_path / name) for name in ("a/c.json", "b.jsonl", "b.jsonl", "d.jsonl.gz")
    ]


def test_a_glob_is_every_file_that_matches(tmp_path: Path) -> None:
    saved(tmp_path / "a.jsonl", ROW)
    saved(tmp_path / "sub" / "b.jsonl", ROW)
    assert len(read([str(tmp_path / "*.jsonl")])) == 1
    assert len(read([str(tmp_path / "**" / "*.jsonl")])) == 2


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path = str(saved(tmp_path / "a.jsonl", ROW))
    data = read([path, str(tmp_path)])
    assert len(data) == 1
    assert "read once" in data.notes[0]


def test_what_curate_wrote_is_its_data_and_not_what_it_held_back(tmp_path: Path) -> None:
    data = read([str(saved(tmp_path / "in.jsonl", ROW, {"instruction": "c", "output": "d"}))])
    out = tmp_path / "out"
    out.mkdir()
    data.head(1).write_parquet(out / "data.parquet")
    data.write_parquet(out / "held.parquet")
    data.write_parquet(out / "ledger.parquet")
    again = read([str(out)])
    assert len(again) == 1
    assert "held back" in again.notes[0]


@pytest.mark.parametrize("name", ["nowhere.jsonl", "no/where.jsonl", "a/b/c", "no*thing.jsonl", "./nowhere"])
def test_a_path_to_nothing_is_one_line_and_asks_no_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=r"no such file or folder|no file matches"):
        read([name])


def test_a_mistyped_file_in_a_folder_that_exists_is_not_sent_to_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "data" / "train.jsonl", ROW)
    with pytest.raises(SourceError, match="check the path"):
        read(["data/trian"])


def test_offline_no_hub_id_is_asked_for() -> None:
    with pytest.raises(SourceError, match="--offline forbids") as raised:
        read(["owner/name"], offline=True)
    assert "\n" not in str(raised.value)


def test_a_folder_without_data_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(SourceError, match="no data file in this folder"):
        read([str(tmp_path)])


def test_no_path_at_all_is_one_line() -> None:
    with pytest.raises(SourceError, match="no data source"):
        read([])


INFO = {
    "plain": {"file_name": "plain.json"},
    "renamed": {
        "file_name": "renamed.jsonl",
        "columns": {"prompt": "q", "query": "q2", "response": "a", "system": "s", "history": "h"},
        "num_samples": 1,
    },
    "tagged": {
        "file_name": "tagged.jsonl",
        "formatting": "sharegpt",
        "columns": {"messages": "log", "tools": "functions_text"},
        "tags": {"role_tag": "who", "content_tag": "said", "user_tag": "kunde", "assistant_tag": "helfer"},
    },
    "compared": {
        "file_name": "compared.jsonl",
        "ranking": True,
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", "chosen": "better", "rejected": "worse"},
    },
    "elsewhere": {"hf_hub_url": "owner/name"},
    "missing": {"file_name": "missing.json"},
}


@pytest.fixture
def described(tmp_path: Path) -> Path:
    (tmp_path / "dataset_info.json").write_text(json.dumps(INFO))
    saved(tmp_path / "plain.json", ROW)
    saved(tmp_path / "renamed.jsonl", *[{"q": "a", "q2": "b", "a": "c", "s": "d", "h": [["e", "f"]]}] * 3)
    saved(
        tmp_path / "tagged.jsonl",
        {"log": [{"who": "kunde", "said": "a"}, {"who": "helfer", "said": "b"}], "functions_text": '[{"name": "f"}]'},
    )
    saved(
        tmp_path / "compared.jsonl",
        {
            "conversations": [{"from": "human", "value": "a"}],
            "better": {"from": "gpt", "value": "b"},
            "worse": {"from": "gpt", "value": "c"},
        },
    )
    saved(tmp_path / "unlisted.jsonl", ROW)
    return tmp_path


def test_dataset_info_gives_every_data_set_whose_file_is_here(described: Path) -> None:
    data = read([str(described / "dataset_info.json")], ReadSettings(preference=True))
    assert not data.faults
    assert len(data) == 4
    assert data.notes[0] == f"{described / 'dataset_info.json'}: 4 data sets; 2 more have no file here"


def test_one_entry_is_named_after_a_colon(described: Path) -> None:
    (record,) = read([f"{described / 'dataset_info.json'}:renamed"]).records()
    assert [(m.role, m.content) for m in record.messages] == [
        ("system", "d"),
        ("user", "e"),
        ("assistant", "f"),
        ("user", "a\nb"),
        ("assistant", "c"),
    ]


def test_tags_rename_roles_and_keys(described: Path) -> None:
    (record,) = read([f"{described}:tagged"]).records()
    assert [(m.role, m.content) for m in record.messages] == [("user", "a"), ("assistant", "b")]
    assert record.tools == ({"type": "function", "function": {"name": "f"}},)


def test_the_folder_is_read_with_the_columns_of_its_dataset_info_and_leaves_no_file_out(described: Path) -> None:
    data = read([str(described)])
    assert {Path(record.source.file).name for record in data.records()} == {
        "plain.json",
        "renamed.jsonl",
        "tagged.jsonl",
        "unlisted.jsonl",
    }
    assert [fault.message.partition(":")[0] for fault in data.faults] == ["preference data"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("taged", "did you mean 'tagged'"), ("missing", "'missing.json', which 'missing' names, is not here")],
)
def test_an_entry_that_is_not_there_is_one_line(described: Path, name: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        read([f"{described / 'dataset_info.json'}:{name}"])


def test_saved_data_sets_are_read_without_the_datasets_package(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    labels = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["refund", "delivery"])}
    )
    one = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]}, features=labels)
    one.save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"train": one, "test": one.select([0])}).save_to_disk(tmp_path / "many")
    settings = ReadSettings(columns={"prompt": "text", "answer": "label"})
    assert [record.answer for record in read([str(tmp_path / "one")], settings).records()] == ["refund", "delivery"]
    train = read([str(tmp_path / "many")], settings)
    assert len(train) == 2
    assert "split train; test not read" in train.notes[0]
    assert len(read([f"{tmp_path / 'many'}:test"], settings)) == 1
    with pytest.raises(SourceError, match="has no split 'dev'"):
        read([f"{tmp_path / 'many'}:dev"], settings)
