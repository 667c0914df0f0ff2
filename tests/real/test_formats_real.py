"""Files that nobody here wrote: every row of every one is a record or a fault, in the numbers of their SOURCE.md."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.errors import SettingsError
from assay.formats import FORMATS, write
from assay.sources import ReadSettings, read

SUFFIXES = (".json", ".jsonl", ".csv")
ONE_OBJECT = ("conversation.tokenized.json", "conversation.tokenized_llama2chat.json")
"""SOURCE.md counts the keys of their one object as records."""

UNREADABLE = {
    "axolotl_fixtures/conversation.tokenized.json": "tokenised already",
    "axolotl_fixtures/conversation.tokenized_llama2chat.json": "tokenised already",
    "fastchat/fastchat/llm_judge/data/judge_prompts.jsonl": "prompt_template",
    "fastchat/fastchat/llm_judge/data/mt_bench/question.jsonl": "turns",
    "fastchat/fastchat/llm_judge/data/mt_bench/reference_answer/gpt-4.jsonl": "choices",
    "fastchat/fastchat/llm_judge/data/vicuna_bench/question.jsonl": "turns",
    "llamafactory/v1_dpo_demo.jsonl": "--preference",
    "oumi_examples/vision_language_dpo_format.jsonl": "images",
    "oumi_examples/vision_language_oumi_format.jsonl": "image_url",
    "torchtune_assets/hh_rlhf_tiny.json": "--preference",
    "torchtune_assets/stack_exchange_paired_tiny.json": "--preference",
}
"""Files of which no row is a record to train on, and a word of the reason."""


def listed(folder: Path) -> Iterator[tuple[Path, int]]:
    """(file, number of records) of every SOURCE.md, for the files that are here."""
    for source in sorted(folder.glob("*/SOURCE.md")):
        for name, records in re.findall(r"^\| (\S+) \| \d+ \| (\d+) \|", source.read_text(), re.MULTILINE):
            path = source.parent / name
            if path.is_file() and path.suffix in SUFFIXES and path.name != "dataset_info.json":
                yield path, 1 if path.name in ONE_OBJECT else int(records)


def test_every_row_of_every_file_is_accounted_for(shared: Path) -> None:
    folder = shared / "data" / "instruction"
    counted = dict(listed(folder))
    assert len(counted) >= 30
    for path in sorted(folder.rglob("*")):
        if path.suffix not in SUFFIXES or path.name == "dataset_info.json":
            continue
        data = read([str(path)])
        relative = str(path.relative_to(folder))
        assert data.rows_read == counted.get(path, 1), relative
        assert len(set(data.row_ids())) == data.rows_read, relative
        if relative in UNREADABLE:
            assert len(data) == 0, relative
            assert UNREADABLE[relative] in data.faults[0].message, relative
        else:
            assert not data.faults, relative


def test_the_whole_folder_reads_at_once(shared: Path) -> None:
    folder = shared / "data" / "instruction"
    data = read([str(folder)])
    assert data.rows_read == sum(records for _, records in listed(folder))
    assert len(set(data.row_ids())) == data.rows_read


@pytest.mark.parametrize(
    ("name", "records"),
    [
        ("llamafactory/v1_dpo_demo.jsonl", 10),
        ("torchtune_assets/hh_rlhf_tiny.json", 1),
        ("torchtune_assets/stack_exchange_paired_tiny.json", 25),
    ],
)
def test_preference_files_give_their_chosen_side_on_request(shared: Path, name: str, records: int) -> None:
    data = read([str(shared / "data" / "instruction" / name)], ReadSettings(preference=True))
    assert (len(data), len(data.faults)) == (records, 0)
    assert all(record.meta["rejected"] for record in data.records())


def test_dataset_info_of_llamafactory_reads_the_files_that_are_here(shared: Path) -> None:
    path = shared / "data" / "instruction" / "llamafactory" / "dataset_info.json"
    assert len(read([str(path)])) == 999 + 91 + 300
    assert len(read([f"{path}:identity"])) == 91


def test_tool_calls_and_reasoning_are_understood(shared: Path) -> None:
    folder = shared / "data" / "instruction" / "llamafactory"
    glaive = list(read([str(folder / "glaive_toolcall_en_demo.json")]).records())
    calls = [call for record in glaive for message in record.messages for call in message.tool_calls]
    assert len(calls) == 211
    assert all(isinstance(call.arguments, dict) and call.name for call in calls)
    reasoning = list(read([str(folder / "reason_tool_use_demo_50.jsonl")]).records())
    assert sum(len(message.tool_calls) for record in reasoning for message in record.messages) == 41 + 2 * 9 + 3 * 3
    answers = [message for record in reasoning for message in record.messages if message.role == "assistant"]
    assert all((message.content or "").startswith("<think>\n") for message in answers)


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".parquet"])
@pytest.mark.parametrize("name", ["alpaca", "messages", "sharegpt", "prompt_completion", "question_answer"])
def test_real_files_survive_a_round_trip(shared: Path, tmp_path: Path, name: str, suffix: str) -> None:
    folder = shared / "data" / "instruction"
    for source in (
        "llamafactory/alpaca_en_demo.json",
        "llamafactory/glaive_toolcall_en_demo.json",
        "llamafactory/reason_tool_use_demo_50.jsonl",
        "openai_cookbook_toy/toy_chat_fine_tuning.jsonl",
        "t0_prompt_completion/glue_qqp_duplicate.jsonl",
    ):
        before = read([str(folder / source)])
        out = tmp_path / f"{Path(source).stem}{suffix}"
        try:
            write(before, out, name)
        except SettingsError as error:
            assert "\n" not in str(error)
            assert not out.exists()
            continue
        after = read([str(out)])
        assert after.table["record_id"].to_pylist() == before.table["record_id"].to_pylist(), source
        assert FORMATS[name].title in after.notes[0]


def test_alpaca_is_written_as_it_was_read(shared: Path, tmp_path: Path) -> None:
    import json

    path = shared / "data" / "instruction" / "llamafactory" / "alpaca_en_demo.json"
    write(read([str(path)]), tmp_path / "out.json", "alpaca")
    assert json.loads((tmp_path / "out.json").read_text()) == json.loads(path.read_text())


def test_banking77_reads_with_its_columns_named(shared: Path) -> None:
    settings = ReadSettings(columns={"prompt": "text", "answer": "category"}, system="Name the intent.")
    folder = shared / "data" / "domain" / "banking77"
    assert [len(read([str(folder / name)], settings)) for name in ("train.csv", "test.csv")] == [10_003, 3_080]


def test_pubmedqa_reads_from_its_object_of_objects(shared: Path) -> None:
    path = shared / "data" / "domain" / "pubmedqa" / "ori_pqal.json"
    data = read([str(path)], ReadSettings(columns={"prompt": "QUESTION", "answer": "final_decision"}))
    assert (len(data), len(data.faults)) == (1_000, 0)
    assert {record.answer for record in data.records()} == {"yes", "no", "maybe"}
