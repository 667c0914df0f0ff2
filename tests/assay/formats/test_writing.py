"""Reading, writing and reading again gives the same records, in every format and container that can hold them."""

import gzip
import json
from pathlib import Path

import pytest

from assay.errors import SettingsError
from assay.formats import FORMATS, write
from assay.sources import ReadSettings, read

PAIRS = [
    {"instruction": "Add.", "input": "1, 2", "output": "3", "id": 1},
    {"instruction": "Say 'a,\"b\"'\nand = go", "input": "", "output": 'a,"b"\r\n= \u00e9\U0001f600\x00'},
    {"instruction": " Spaces stay. ", "input": "", "output": " yes\n"},
]
CHATS = [
    {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello", "weight": 0},
            {"role": "user", "content": "Weather in Oslo?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": '{"city": "Oslo", "n": [1.5]}'}}],
            },
            {"role": "tool", "tool_call_id": "c1", "name": "f", "content": "5"},
            {"role": "assistant", "content": "5 degrees."},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "meta": {"deep": [1, {"a": None}]},
    },
    {"messages": [{"role": "user", "content": "Hi", "at": "09:12"}, {"role": "assistant", "content": "Hello"}]},
]
RATED = [{"prompt": "a", "completion": "b", "label": True}]
COMPARED = [{"prompt": "a", "chosen": "b", "rejected": "c"}]
TABLE = [
    {"conversation_id": "x", "turn": 1, "role": "user", "content": "Hi"},
    {"conversation_id": "x", "turn": 2, "role": "assistant", "content": "Hello", "weight": 0},
    {"conversation_id": "y", "turn": 1, "role": "user", "content": "Hi"},
    {"conversation_id": "y", "turn": 2, "role": "assistant", "content": "Bye"},
]

CARRIED = [
    *(("alpaca", PAIRS, name) for name in ("alpaca", "dolly", "question_answer", "self_instruct")),
    *(("alpaca", PAIRS, name) for name in ("prompt_completion", "messages", "sharegpt", "message_table")),
    *(("messages", CHATS, name) for name in ("messages", "sharegpt", "prompt_completion")),
    ("message_table", TABLE, "message_table"),
    ("message_table", TABLE, "messages"),
    ("kto", RATED, "kto"),
    ("preference", COMPARED, "preference"),
    ("preference", COMPARED, "preferred_output"),
]
SUFFIXES = [".jsonl", ".json", ".csv", ".tsv", ".parquet", ".jsonl.gz", ".csv.zst"]
LISTS_IN_CELLS = {("prompt_completion", "messages"), ("preference", "preference"), ("preferred_output", "preference")}


def saved(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("read_as", "rows", "written_as"), CARRIED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_round_trip_keeps_every_record(
    tmp_path: Path, read_as: str, rows: list[dict[str, object]], written_as: str, suffix: str
) -> None:
    if (written_as, read_as) in LISTS_IN_CELLS and suffix.startswith((".csv", ".tsv", ".parquet")):
        pytest.skip("refused: the next tests")
    before = read([saved(tmp_path / "in.jsonl", rows)], ReadSettings(format=read_as))
    assert not before.faults
    out = tmp_path / f"out{suffix}"
    write(before, out, written_as)
    after = read([str(out)], ReadSettings(preference=True))
    assert not after.faults
    assert after.table["record_id"].to_pylist() == before.table["record_id"].to_pylist()


@pytest.mark.parametrize(("written_as", "read_as"), sorted(LISTS_IN_CELLS))
def test_csv_refuses_lists_of_messages_that_would_come_back_as_text(
    tmp_path: Path, written_as: str, read_as: str
) -> None:
    rows = {"messages": CHATS, "preference": COMPARED}[read_as]
    before = read([saved(tmp_path / "in.jsonl", rows)], ReadSettings(format=read_as))
    with pytest.raises(SettingsError, match="lists of messages"):
        write(before, tmp_path / "out.csv", written_as)


def test_parquet_refuses_text_and_lists_in_one_column(tmp_path: Path) -> None:
    before = read([saved(tmp_path / "in.jsonl", CHATS)])
    with pytest.raises(SettingsError, match="text and lists in one column"):
        write(before, tmp_path / "out.parquet", "prompt_completion")


def test_parquet_holds_lists_of_messages_where_every_row_has_them(tmp_path: Path) -> None:
    before = read([saved(tmp_path / "in.jsonl", COMPARED)], ReadSettings(format="preference"))
    write(before, tmp_path / "out.parquet", "preference")
    after = read([str(tmp_path / "out.parquet")], ReadSettings(preference=True))
    assert after.table["record_id"].to_pylist() == before.table["record_id"].to_pylist()


def test_meta_comes_back_under_its_own_names(tmp_path: Path) -> None:
    write(read([saved(tmp_path / "in.jsonl", CHATS)]), tmp_path / "out.jsonl", "messages")
    first, second = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines())
    assert first["meta"] == {"deep": [1, {"a": None}]}
    assert second["messages"][0] == {"at": "09:12", "role": "user", "content": "Hi"}


def test_a_record_that_cannot_be_held_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    data = read([saved(tmp_path / "in.jsonl", [CHATS[1], CHATS[0]])])
    with pytest.raises(SettingsError, match=r"declared tools.*in\.jsonl:2") as raised:
        write(data, tmp_path / "out.jsonl", "alpaca")
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_an_unknown_suffix_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\.xlsx"):
        write(read([saved(tmp_path / "in.jsonl", CHATS)]), tmp_path / "out.xlsx", "messages")


def test_the_same_data_give_the_same_bytes(tmp_path: Path) -> None:
    data = read([saved(tmp_path / "in.jsonl", CHATS)])
    for name in ("a", "b"):
        write(data, tmp_path / f"{name}.jsonl.gz", "messages")
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).count(b"\n") == 2


def test_an_empty_data_set_can_be_written(tmp_path: Path) -> None:
    data = read([saved(tmp_path / "in.jsonl", CHATS)]).head(0)
    for suffix in (".jsonl", ".json", ".csv", ".parquet"):
        write(data, tmp_path / f"out{suffix}", "messages")
    assert json.loads((tmp_path / "out.json").read_text()) == []


def test_every_format_is_tested_here() -> None:
    assert {name for _, _, name in CARRIED} == set(FORMATS)
