"""General records are drawn by ratio, by seed and in whole families, and every row of theirs is accounted for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.chat import ChatTarget
from assay.cli import main
from assay.dataset import Dataset
from assay.errors import SettingsError, SourceError, TrainingError
from assay.evaluate.asking.leaks import find_leaks, training_prompts
from assay.findings import Finding, Severity
from assay.models import ModelRef
from assay.records import Message, Record, Source, record_id, row_id
from assay.suites import EvaluationText
from assay.train.mixing import GeneralFile, mix, read_general
from assay.train.prepared import prepare
from assay.train.rows import encode_rows
from assay.train.settings import TrainSettings
from assay.train.stage import train

Make = Callable[..., Dataset]


def general_record(number: int, prompt: str, answer: str, split: str = "", family: str = "") -> Record:
    messages = (Message("user", prompt), Message("assistant", answer))
    place = Source("general.jsonl", number + 1, number)
    return Record(
        record_id(messages), row_id("general.jsonl", number), messages, place, family=family, split=split
    )  # fmt: skip


def general(count: int, *more: Record) -> tuple[GeneralFile, ...]:
    """`count` records unlike each other and unlike the colours, and `more`."""
    usual = [general_record(number, f"What is {number} and one?", str(number + 1)) for number in range(count)]
    return (GeneralFile("general.jsonl", Dataset.from_records([*usual, *more])),)


def settings(ratio: float | None = None, **values: Any) -> TrainSettings:
    return TrainSettings(general_data=("general.jsonl",), general_ratio=ratio, **values)


def drawn(data: Dataset, files: tuple[GeneralFile, ...], ratio: float, seed: int = 0) -> set[str]:
    trained = sum(split != "validation" for split in data.table.column("split").to_pylist())
    return set(mix(data, trained, files, ratio, seed).drawn.table.column("row_id").to_pylist())


@pytest.mark.parametrize(("ratio", "count"), [(0.0, 0), (0.1, 7), (0.25, 20), (0.5, 60)])
def test_the_ratio_is_the_share_of_general_records_among_all_that_train(
    ratio: float, count: int, make_colours: Make, target: ChatTarget
) -> None:
    rows = encode_rows(make_colours(60, 10), settings(ratio), target, general(100))
    assert [row.role for row in rows.training] == ["domain"] * 60 + ["general"] * count
    assert rows.mixture is not None
    assert rows.mixture.reached == pytest.approx(ratio, abs=0.01)


def test_the_seed_decides_and_nothing_else_does(make_colours: Make) -> None:
    files = general(100)
    turned = (GeneralFile("general.jsonl", Dataset.from_records(reversed(list(files[0].data.records())))),)
    first = drawn(make_colours(60), files, 0.25)
    assert len(first) == 20
    assert drawn(make_colours(60), turned, 0.25) == first
    assert drawn(make_colours(60), files, 0.25, seed=1) != first


def test_families_are_drawn_whole_or_not_at_all(make_colours: Make) -> None:
    pairs = [general_record(2 * n + part, f"Say {n}!", "ab"[part] * n) for n in range(1, 40) for part in (0, 1)]
    files = (GeneralFile("general.jsonl", Dataset.from_records(pairs)),)
    taken = drawn(make_colours(60), files, 0.25)
    assert len(taken) == 20
    for one, other in zip(pairs[::2], pairs[1::2], strict=True):
        assert (one.row_id in taken) == (other.row_id in taken)


def test_what_shares_a_prompt_a_record_or_a_family_with_the_data_is_left_out_and_counted(
    make_colours: Make, target: ChatTarget
) -> None:
    data = make_colours(12, 4)
    records = list(data.records())
    shared = (
        general_record(50, (records[0].messages[0].content or "").upper(), "another answer"),
        general_record(51, records[-1].messages[0].content or "", records[-1].answer),
        general_record(52, "Of the family of a record that validates?", "yes", family=records[-2].family),
    )
    rows = encode_rows(data, settings(0.9), target, general(3, *shared))
    assert rows.mixture is not None
    assert rows.mixture.left_out == {"shared_with_data": 1, "shared_with_validation": 2}
    assert rows.mixture.drawn == 3
    assert "1 share a family with the data, 2 share a family with the validation set" in rows.mixture.line
    fates = {row.row_id: (str(row.fate), row.reasons) for row in rows.ledger.rows}
    assert fates[shared[1].row_id] == ("dropped", ("shared_with_validation",))


def test_a_repeated_record_trains_once(make_colours: Make, target: ChatTarget) -> None:
    rows = encode_rows(
        make_colours(12), settings(0.5), target, general(3, general_record(9, "What is 0 and one?", "1"))
    )
    assert rows.mixture is not None
    assert (rows.mixture.drawn, rows.mixture.left_out) == (3, {"repeated": 1})
    repeated = next(row for row in rows.ledger.rows if row.reasons == ("repeated",))
    assert repeated.kept_row_id == row_id("general.jsonl", 0)


def test_too_few_are_all_taken_once_and_the_missing_ones_are_said(make_colours: Make, target: ChatTarget) -> None:
    rows = encode_rows(make_colours(30), settings(0.5), target, general(10))
    assert sum(row.role == "general" for row in rows.training) == 10
    assert rows.warnings == (
        "general_ratio 0.5 asks for 30 general records beside 30 of the data, and 20 of them are missing: all 10 "
        "train, none twice, and the ratio is 0.250",
    )


def test_no_general_record_validates_not_even_one_that_says_so(make_colours: Make, target: ChatTarget) -> None:
    more = (general_record(50, "Held?", "yes", "validation"), general_record(51, "Tested?", "yes", "test"))
    alone = encode_rows(make_colours(12, 4), TrainSettings(), target)
    mixed = encode_rows(make_colours(12, 4), settings(0.5), target, general(20, *more))
    assert [row.row_id for row in mixed.validation] == [row.row_id for row in alone.validation]
    assert mixed.mixture is not None
    assert mixed.mixture.left_out == {"split_test": 1, "split_validation": 1}


def test_the_validation_set_of_data_without_a_split_is_the_same_with_and_without(
    make_colours: Make, target: ChatTarget
) -> None:
    from assay.sources.convert import as_dataset

    rows = [{"prompt": f"thing {number}?", "completion": "red"} for number in range(40)]
    alone = prepare(as_dataset(rows), TrainSettings(), target)
    mixed = prepare(as_dataset(rows), settings(0.3), target, general(40))
    assert [row.row_id for row in mixed.rows.validation] == [row.row_id for row in alone.rows.validation]
    assert len(mixed.rows.training) > len(alone.rows.training)


def test_the_ledger_holds_every_row_of_both(make_colours: Make, target: ChatTarget) -> None:
    files = general(40)
    fault = Finding("unreadable_row", Severity.ERROR, "is no JSON", "", "fault", Source("general.jsonl", 41, 40))
    files = (GeneralFile("general.jsonl", Dataset(files[0].data.table, (fault,))),)
    prepared = prepare(make_colours(12, 4), settings(0.25), target, files)
    assert prepared.rows.ledger.counts() == {"read": 57, "kept": 20, "repaired": 0, "dropped": 1, "held": 36}
    assert prepared.notes[-1] == (
        "general data: 41 rows read, 4 drawn, 25.0% of the 16 that train; 36 not drawn, 1 left out (1 cannot be read)"
    )
    assert prepared.recipe.general_ratio == 0.25
    assert prepared.recipe.grounds["general_ratio"] == "4 general records beside 12, 0.25 asked for"


def test_a_general_record_that_is_too_long_stops_the_run_or_is_dropped_as_any_other(
    make_colours: Make, target: ChatTarget
) -> None:
    files = general(3, general_record(50, "Long?", "a" * 300))
    with pytest.raises(TrainingError, match=r"general.jsonl:51: 1 records are longer than 128 tokens"):
        encode_rows(make_colours(4), settings(0.5, max_length=128), target, files)
    rows = encode_rows(make_colours(4), settings(0.5, max_length=128, truncation="drop"), target, files)
    assert rows.mixture is not None
    assert (rows.mixture.drawn, rows.mixture.left_out) == (3, {"over_long": 1})


def test_general_records_alone_are_nothing_to_train_on(make_colours: Make, target: ChatTarget) -> None:
    with pytest.raises(SourceError, match="no record to train on"):
        encode_rows(make_colours(0, 3), settings(0.5), target, general(10))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"general_ratio": 0.3}, "there is no general_data to draw from"),
        ({"general_data": "a.jsonl", "general_ratio": 1.0}, "should be at least 0 and below 1"),
        ({"general_data": "a.jsonl", "general_ratio": -0.1}, "should be at least 0 and below 1"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(values: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        TrainSettings(**values)


def test_a_file_is_read_once_in_any_format_and_must_hold_a_row(tmp_path: Path) -> None:
    (tmp_path / "general.csv").write_text("prompt,completion\nWhy?,Because.\n")
    files = read_general(["general.csv", "general.csv"], tmp_path)
    assert [(file.name, len(file.data)) for file in files] == [("general.csv", 1)]
    (tmp_path / "bad.jsonl").write_text('{"messages": 5}\n')
    with pytest.raises(SourceError, match=r"bad.jsonl: no valid row in general_data"):
        read_general("bad.jsonl", tmp_path)
    with pytest.raises(SourceError, match=r"missing\.jsonl"):
        read_general("missing.jsonl", tmp_path, offline=True)


def test_a_general_record_that_is_an_evaluation_item_is_found_by_the_adapters_records(
    make_colours: Make, target: ChatTarget, model_ref: ModelRef, tmp_path: Path
) -> None:
    import pyarrow.parquet as pq

    chosen = settings(
        0.5, load_in_4bit=False, dtype="float32", device="cpu", num_train_epochs=1, effective_batch_size=8
    )
    files = general(12)
    trained = train(make_colours(12), chosen, tmp_path, target, model_ref, general=files)
    table = pq.read_table(trained.adapter / "trained_records.parquet")
    assert table.column("role").to_pylist().count("general") == 12
    text = EvaluationText("arithmetic", "item-3", "what is 3 AND one?")
    found = find_leaks(training_prompts(trained.adapter) or [], [text])
    assert [(leak.item_id, leak.kind) for leak in found] == [("item-3", "normalised")]
    card = json.loads((trained.adapter / "assay.json").read_text())
    assert [one["digest"] for one in card["data_digests"]] == [make_colours(12).digest, files[0].data.digest]
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["inputs"]["general_data general.jsonl"] == files[0].data.digest
    assert manifest["facts"]["mixture"]["files"][0]["drawn"] == 12
    assert manifest["facts"]["counts"]["read"] == 24


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main([*arguments])
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


def written(path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_dry_run_shows_the_mixture_with_paths_from_the_settings_file(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "project").mkdir()
    written(tmp_path / "project" / "data.jsonl", [{"prompt": f"thing {n}?", "completion": "red"} for n in range(40)])
    written(tmp_path / "project" / "general.jsonl", [{"prompt": f"What is {n}?", "completion": "1"} for n in range(40)])
    settings_file = tmp_path / "project" / "assay.yaml"
    settings_file.write_text(
        f"model_name_or_path: {model_folder}\ndata: [{{path: data.jsonl}}]\n"
        "train: {general_data: [general.jsonl], general_ratio: 0.1}\n"
    )
    code, out, err = run(capsys, "train", "-c", str(settings_file), "--dry-run")
    assert code == 0
    assert "note: general data: 40 rows read, 4 drawn, 10.0% of the 40 that train; 36 not drawn, 0 left out" in err
    assert "40 records train, 4 validate" in out
    assert "general_ratio                0.1                   4 general records beside 36, 0.1 asked for" in out
    code, out, _ = run(capsys, "train", "-c", str(settings_file), "--dry-run", "--json", "train.general_ratio=0.25")
    shown = json.loads(out)
    assert (shown["mixture"]["drawn"], shown["mixture"]["not_drawn"]) == (12, 28)
    assert shown["counts"]["read"] == 80


def test_what_the_settings_name_is_read_where_nobody_read_it(
    make_colours: Make, target: ChatTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "general.jsonl", [{"prompt": f"What is {n}?", "completion": "1"} for n in range(4)])
    prepared = prepare(make_colours(4), settings(0.5), target)
    assert sum(row.role == "general" for row in prepared.rows.training) == 4


def test_a_plan_counts_general_records_with_paths_from_the_settings_file(model_folder: Path, tmp_path: Path) -> None:
    from assay.console import Options
    from assay.train.planning.inputs import Request, read_request

    written(tmp_path / "data.jsonl", [{"prompt": f"thing {n}?", "completion": "red"} for n in range(20)])
    written(tmp_path / "general.jsonl", [{"prompt": f"What is {n}?", "completion": "1"} for n in range(20)])
    settings_file = tmp_path / "assay.yaml"
    settings_file.write_text(
        f"model_name_or_path: {model_folder}\ndata: [{{path: data.jsonl}}]\n"
        "train: {general_data: [general.jsonl], general_ratio: 0.25}\n"
    )
    request = Request((), "auto", None, None, None, None, None, None)
    assert read_request(request, Options(config=settings_file, quiet=True)).lengths.records == 24


def test_general_records_go_along_to_another_trainer(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from assay.console import Options
    from assay.train.exporting.described_run import read_run

    written(tmp_path / "data.jsonl", [{"prompt": f"thing {n}?", "completion": "red"} for n in range(20)])
    written(tmp_path / "general.jsonl", [{"prompt": f"What is {n}?", "completion": "1"} for n in range(20)])
    settings_file = tmp_path / "assay.yaml"
    settings_file.write_text(
        f"model_name_or_path: {model_folder}\ndata: [{{path: data.jsonl}}]\n"
        "train: {general_data: [general.jsonl], general_ratio: 0.25}\n"
    )
    described = read_run(settings_file, (), Options(quiet=True))
    prompts = [record.messages[0].content or "" for record in described.records["train"]]
    assert sum(prompt.startswith("What is") for prompt in prompts) == 6
    assert len(prompts) == len(described.rows["train"]) == 24


def test_another_general_file_is_another_run(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "data.jsonl", [{"prompt": f"thing {n}?", "completion": "red"} for n in range(10)])
    written(tmp_path / "general.jsonl", [{"prompt": f"What is {n}?", "completion": "1"} for n in range(4)])
    arguments = (
        "train", "data.jsonl", "--model", str(model_folder), "--json", "train.load_in_4bit=false",
        "train.dtype=float32", "train.device=cpu", "train.num_train_epochs=1", "train.general_data=general.jsonl",
    )  # fmt: skip
    _, first, _ = run(capsys, *arguments)
    _, again, err = run(capsys, *arguments)
    assert json.loads(again) == json.loads(first) and "not trained again" in err
    assert json.loads(first)["mixture"]["drawn"] == 4
    _, shown, _ = run(capsys, *(argument for argument in arguments if argument != "--json"))
    assert "4 of the 13 that train are general ones" in shown
    written(tmp_path / "general.jsonl", [{"prompt": f"What is {n}?", "completion": "2"} for n in range(4)])
    _, changed, _ = run(capsys, *arguments)
    assert json.loads(changed)["run"] != json.loads(first)["run"]
