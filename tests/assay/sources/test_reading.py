"""Each row of a file is a record or a fault with its place, and notes say what was taken for what."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.dataset import Dataset
from assay.errors import InputError, SettingsError, SourceError, UnknownNameError
from assay.findings import Severity
from assay.sources import ReadSettings, read

CHAT = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
ALPACA = {"instruction": "a", "input": "", "output": "b"}


def saved(path: Path, *rows: object) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_rows_become_records_with_their_place(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jsonl", CHAT, ALPACA)
    first, second = read([path]).records()
    assert first.id == second.id
    assert first.row_id != second.row_id
    assert (str(first.source), str(second.source)) == (f"{path}:1", f"{path}:2")


def test_row_ids_depend_on_the_bytes_of_the_file_and_not_on_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    one, other = saved(tmp_path / "a.jsonl", CHAT), saved(tmp_path / "sub" / "b.jsonl", CHAT)
    assert read([one]).row_ids() == read([other]).row_ids()
    assert len(set(read([one, other]).row_ids())) == 2


def test_faults_and_records_account_for_every_row(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        "\n".join(
            [
                json.dumps(CHAT),
                "not json",
                "[1, 2]",
                "null",
                "7",
                json.dumps({"messages": []}),
                json.dumps({"messages": None}),
                json.dumps({"messages": [{"role": "user", "content": None}]}),
                json.dumps({"instruction": "a", "output": 7}),
                json.dumps({"foo": 1}),
                json.dumps({"prompt": "a", "chosen": "b", "rejected": "c"}),
                json.dumps({**ALPACA, "images": ["a.png"]}),
                json.dumps(ALPACA),
                '{"messages": [{"ro',
            ]
        )
    )
    data = read([str(path)])
    assert data.rows_read == 14
    assert [record.source.line for record in data.records()] == [1, 13]
    assert [fault.source.line for fault in data.faults] == [*range(2, 13), 14]
    assert len(set(data.row_ids())) == 14
    assert all(fault.check == "unreadable_row" and fault.severity is Severity.ERROR for fault in data.faults)
    assert all(fault.record_id == "" and fault.message and "\n" not in fault.message for fault in data.faults)


def test_notes_say_what_each_file_was_taken_for(tmp_path: Path) -> None:
    alone = saved(tmp_path / "a.jsonl", CHAT, CHAT)
    mixed = saved(tmp_path / "b.jsonl", CHAT, CHAT, ALPACA, {"foo": 1})
    columns = saved(tmp_path / "c.jsonl", {"question": "a", "answer": "b"})
    assert read([alone, mixed, columns]).notes == (
        f"{alone}: 2 rows, OpenAI messages",
        f"{mixed}: 4 rows, 2 OpenAI messages, 1 Alpaca, 1 unreadable",
        f"{columns}: 1 row, prompt and answer columns; 'question' as the prompt, 'answer' as the answer",
    )


def test_a_file_without_one_valid_row_is_still_accounted_for(tmp_path: Path) -> None:
    data = read([saved(tmp_path / "a.jsonl", {"foo": 1}, {"foo": 2})])
    assert (len(data), data.rows_read) == (0, 2)
    assert data.table.num_rows == 0


def test_preference_data_are_read_when_asked_for_and_say_how_to_ask(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jsonl", {"prompt": "a", "chosen": "b", "rejected": "c"})
    refused = read([path])
    assert "--preference" in refused.faults[0].message
    for settings in (ReadSettings(preference=True), ReadSettings(format="preference")):
        (record,) = read([path], settings).records()
        assert record.answer == "b"
        assert record.meta["rejected"] == [{"role": "assistant", "content": "c"}]


def test_the_format_can_be_overridden(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jsonl", {"instruction": "a", "context": "c", "response": "b", "output": "x"})
    assert next(read([path]).records()).answer == "x"
    assert next(read([path], ReadSettings(format="dolly")).records()).prompt[0].content == "a\nc"


def test_a_format_may_be_called_by_its_other_names(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jsonl", CHAT)
    for name in ("messages", "openai", "chatml"):
        assert len(read([path], ReadSettings(format=name))) == 1
    with pytest.raises(UnknownNameError, match="did you mean 'openai'"):
        read([path], ReadSettings(format="opnai"))


def test_columns_and_a_constant_system_turn(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,category,id\nWhere is it?,card_arrival,7\n")
    settings = ReadSettings(columns={"prompt": "text", "answer": "category"}, system="Name the intent.")
    data = read([str(path)], settings)
    (record,) = data.records()
    assert [(m.role, m.content) for m in record.messages] == [
        ("system", "Name the intent."),
        ("user", "Where is it?"),
        ("assistant", "card_arrival"),
    ]
    assert record.meta == {"id": "7"}
    assert data.notes == (f"{path}: 1 row, prompt and answer columns; 'text' as the prompt, 'category' as the answer",)


def test_a_constant_system_turn_is_only_for_records_without_one(tmp_path: Path) -> None:
    own = {"messages": [{"role": "system", "content": "own"}, {"role": "user", "content": "a", "at": 1}]}
    bare = {"messages": [{"role": "user", "content": "a", "at": 1}]}
    records = list(read([saved(tmp_path / "a.jsonl", own, bare)], ReadSettings(system="given")).records())
    assert [record.messages[0].content for record in records] == ["own", "given"]
    assert [record.meta["message_extras"] for record in records] == [{"1": {"at": 1}}, {"1": {"at": 1}}]


def test_a_column_that_is_nowhere_is_one_error_and_not_a_fault_a_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,category\na,b\nc,d\n")
    with pytest.raises(SourceError, match=r"has no column 'txt'; did you mean 'text'\?"):
        read([str(path)], ReadSettings(columns={"prompt": "txt", "answer": "category"}))


def test_a_table_of_messages_is_grouped(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ticket_id,turn,role,content\n1,2,assistant,b\n1,1,user,a\n2,1,user,c\n,1,user,lost\n")
    data = read([str(path)])
    assert [[m.content for m in record.messages] for record in data.records()] == [["a", "b"], ["c"]]
    assert [fault.source.line for fault in data.faults] == [5]
    assert data.notes == (f"{path}: 4 rows, 4 one message a row (2 conversations), 1 unreadable",)


def test_a_list_of_turns_is_one_conversation_as_a_file_and_as_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(CHAT["messages"], indent=1))
    saved(tmp_path / "b.jsonl", CHAT["messages"], CHAT["messages"])
    assert [len(read([str(tmp_path / name)])) for name in ("a.json", "b.jsonl")] == [1, 2]


def test_the_limit_counts_rows_over_all_files_and_says_what_it_leaves(tmp_path: Path) -> None:
    one, other = saved(tmp_path / "a.jsonl", {"foo": 1}, CHAT, CHAT), saved(tmp_path / "b.jsonl", CHAT)
    assert read([one], ReadSettings(limit=2)).rows_read == 2
    data = read([one, other], ReadSettings(limit=3))
    assert data.rows_read == 3
    assert data.notes[-1] == f"{other}: not read; the first 3 rows are enough"


def test_a_seed_with_several_instances_gives_records_with_ids_of_their_own(tmp_path: Path) -> None:
    instances = [{"input": "1", "output": "2"}, {"input": "3", "output": "4"}]
    path = saved(tmp_path / "a.jsonl", {"instruction": "Add one.", "instances": instances})
    data = read([path])
    assert len(set(data.row_ids())) == len(data) == 2
    assert data.notes == (f"{path}: 1 row, Self-Instruct seeds, 2 records",)


def test_what_assay_wrote_keeps_its_row_ids_families_and_splits(tmp_path: Path) -> None:
    data = read([saved(tmp_path / "a.jsonl", CHAT, ALPACA)])
    data.write_parquet(tmp_path / "data.parquet")
    again = read([str(tmp_path / "data.parquet")])
    assert again.table.equals(data.table)
    assert again.notes == (f"{tmp_path / 'data.parquet'}: 2 rows, written by assay",)


def test_rows_that_are_in_two_files_are_said_with_both_names_and_with_what_to_leave_out(tmp_path: Path) -> None:
    source, grown, more = (str(tmp_path / name) for name in ("a.jsonl", "grown.parquet", "more.parquet"))
    data = read([saved(tmp_path / "a.jsonl", CHAT, ALPACA, CHAT)])
    data.write_parquet(Path(grown))
    data.head(1).write_parquet(Path(more))
    for order in ([grown, more], [more, grown]):
        with pytest.raises(SourceError, match=r"1 of its 1 rows are in .*grown\.parquet already") as said:
            read(order)
        assert (said.value.where, said.value.fix) == (more, f"leave {more} out")
    with pytest.raises(SourceError, match=r"3 of its 3 rows are in .*grown\.parquet already"):
        read([source, grown])
    faulty = read([saved(tmp_path / "c.jsonl", ALPACA, {"foo": 1}), more])
    assert (len(faulty), len(faulty.faults)) == (2, 1)
    Dataset(pa.concat_tables([data.table.slice(0, 2), data.table.slice(0, 1)])).write_parquet(Path(more))
    with pytest.raises(SourceError, match="1 of its rows stand there twice"):
        read([more])
    saved(tmp_path / "b.jsonl", ALPACA)
    other = read([str(tmp_path / "b.jsonl")])
    Dataset(pa.concat_tables([data.table.slice(1, 1), other.table])).write_parquet(Path(more))
    with pytest.raises(SourceError, match=r"1 of its 2 rows are in .*grown\.parquet too") as said:
        read([grown, more])
    assert said.value.fix == "name only one of the two"


def test_of_a_folder_that_synth_wrote_what_was_accepted_is_read(tmp_path: Path) -> None:
    """combined.parquet holds the accepted records too, beside those that were there before."""
    data = read([saved(tmp_path / "a.jsonl", CHAT, ALPACA)])
    (tmp_path / "more").mkdir()
    data.write_parquet(tmp_path / "more" / "combined.parquet")
    data.head(1).write_parquet(tmp_path / "more" / "accepted.parquet")
    pq.write_table(pa.table({"key": ["a"], "fate": ["accepted"]}), tmp_path / "more" / "ledger.parquet")
    found = read([str(tmp_path / "more")])
    assert (len(found), found.faults) == (1, ())
    assert "what `assay synth` wrote; accepted.parquet is read" in found.notes[0]


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        (ReadSettings(format="alpacca"), UnknownNameError, "did you mean 'alpaca'"),
        (ReadSettings(columns={"promt": "text"}), SettingsError, "did you mean 'prompt'"),
    ],
)
def test_settings_that_cannot_be_meant_are_one_line(
    tmp_path: Path, settings: ReadSettings, error: type[InputError], said: str
) -> None:
    with pytest.raises(error, match=said):
        read([saved(tmp_path / "a.jsonl", CHAT)], settings)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.jsonl", b"", "is empty"),
        ("a.csv", b"", "is empty"),
        ("a.parquet", b"", "is empty"),
        ("a.parquet", b"none", "is not Parquet"),
        ("a.bin", b"\x00\x01", "is no kind of file that assay reads"),
        ("a.xlsx", b"PK\x03\x04", "save its sheet as CSV"),
        ("a.jsonl", b"prose\n", "no line of it is JSON"),
    ],
)
def test_a_source_that_cannot_be_read_is_one_line_with_its_name(
    tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError, match=said) as raised:
        read([str(tmp_path / name)])
    assert str(tmp_path / name) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_name_that_says_nothing_is_told_by_content(tmp_path: Path) -> None:
    assert len(read([saved(tmp_path / "export", CHAT)])) == 1


def test_importing_the_reader_loads_nothing_heavy() -> None:
    import subprocess
    import sys

    heavy = ("pyarrow", "pandas", "datasets", "numpy")
    code = f"import assay.sources, assay.sources.convert, sys; print([name for name in {heavy} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("file_name", [None, 3, "", [], "a" * 5_000, "x\0y"])
def test_an_entry_that_names_no_file_has_none_here(tmp_path: Path, file_name: object) -> None:
    (tmp_path / "dataset_info.json").write_text(json.dumps({"one": {"file_name": file_name}}))
    for named in (tmp_path, tmp_path / "dataset_info.json"):
        with pytest.raises(SourceError, match="no data"):
            read([str(named)])
