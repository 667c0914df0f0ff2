"""A suite set aside from data: whole families, every record accounted for, references that their scorer counts."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from assay.dataset import Dataset
from assay.errors import SettingsError, SourceError, StorageError, SuiteError
from assay.evaluate.scorer import make_scorer
from assay.evaluate.suites.init import SuiteInit, init_suite, plan_suite
from assay.records import Record
from assay.sources.convert import as_dataset
from assay.suites import Suite, prompt_keys, prompt_text, read_suite

WORDS = [
    "amber", "anchor", "apple", "arrow", "autumn", "badge", "barrel", "basket", "beacon", "blanket", "bottle", "branch",
    "breeze", "bridge", "bucket", "butter", "button", "candle", "canyon", "carpet", "castle", "cedar", "chalk",
    "cherry", "circle", "cliff", "clover", "coffee", "copper", "cotton", "cradle", "crystal",
]  # fmt: skip
LABELS = ("card_arrival", "lost_card", "top_up_failed", "exchange_rate")


def sentence(rng: random.Random, length: int = 9) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(length))


def row(prompt: str, answer: str, **columns: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    return {"messages": turns, **columns}


def labelled(count: int, seed: int = 1, **columns: Callable[[int], Any]) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    return [
        row(sentence(rng), LABELS[i % len(LABELS)], **{name: value(i) for name, value in columns.items()})
        for i in range(count)
    ]


def make(rows: Sequence[dict[str, Any]], folder: Path, **options: Any) -> tuple[SuiteInit, Suite, Dataset]:
    """(what was said, the suite as it is read, the training data as it is read)"""
    made = init_suite(as_dataset(list(rows)), folder, name="desk", **options)
    return made, read_suite(made.suite_path), Dataset.read_parquet(made.training_path)


def said(made: SuiteInit, words: str) -> bool:
    return any(words in note for note in made.notes)


def test_every_record_is_an_item_in_training_or_a_counted_relative(tmp_path: Path) -> None:
    rows = labelled(200)
    rows += [rows[i] for i in range(0, 60, 3)]
    made, suite, training = make(rows, tmp_path)
    assert made.items == len(suite.items) and made.training == len(training)
    assert made.items + made.training + made.set_aside == len(rows) == 220
    assert made.set_aside > 0 and said(made, f"{made.set_aside} relatives of items are in neither")


def test_no_item_has_a_duplicate_a_near_duplicate_or_its_prompt_in_training(tmp_path: Path) -> None:
    rng = random.Random(2)
    rows = labelled(160)
    for index in range(0, 160, 4):
        long = sentence(rng, 60)
        rows[index] = row(long, LABELS[0])
        rows.append(row(long.replace(" ", "  ").upper() + "!", LABELS[0]))
        rows.append(row(" ".join(long.split()[:-1]) + " yesterday", LABELS[0]))
    _, suite, training = make(rows, tmp_path)
    trained = {key for record in training.records() for key in prompt_keys(prompt_text(record.prompt))}
    starts = {" ".join((record.messages[0].content or "").casefold().split()[:30]) for record in training.records()}
    near = 0
    for item in suite.items:
        assert not trained & set(prompt_keys(prompt_text(item.messages)))
        words = (item.messages[0].content or "").casefold().split()
        if len(words) > 50:
            near += 1
            assert " ".join(words[:30]) not in starts
    assert near > 5


def test_an_item_is_no_turn_of_a_longer_conversation_that_is_left_in_training(tmp_path: Path) -> None:
    rows = labelled(100)
    for index in range(0, 100, 2):
        turns = [*rows[index]["messages"], {"role": "user", "content": f"and {index}?"}]
        rows.append({"messages": [*turns, {"role": "assistant", "content": LABELS[1]}]})
    made, suite, training = make(rows, tmp_path)
    turns_trained = {m.content for record in training.records() for m in record.messages if m.role == "user"}
    assert len(suite.items) > 10
    assert not turns_trained & {prompt_text(item.messages) for item in suite.items}
    assert said(made, "whose prompt is a turn of another conversation")


def test_a_question_under_another_system_turn_leaves_training_with_the_item(tmp_path: Path) -> None:
    """The leak check compares what users wrote, and would drop such a record from training later."""
    rows = labelled(100)
    for one in rows[:50]:
        system = {"role": "system", "content": "Answer in one word, please."}
        rows.append({"messages": [system, *one["messages"]]})
    made, suite, training = make(rows, tmp_path)
    trained = {prompt_text(record.prompt) for record in training.records()}
    assert not trained & {prompt_text(item.messages) for item in suite.items}
    assert made.set_aside > 3


def test_each_reference_scores_1_and_the_suite_passes_its_own_check(tmp_path: Path) -> None:
    from assay.evaluate.suites.check import check_suite

    _, suite, training = make(labelled(800), tmp_path)
    scorer = make_scorer(suite.scorer, suite.scorer_settings, "here")
    assert all(scorer(item.reference, item.reference) == 1.0 for item in suite.items)
    assert check_suite(suite, training=training) == []


@pytest.mark.parametrize(("records", "items"), [(40, 10), (400, 100), (1600, 300)])
def test_a_quarter_of_the_data_at_most_and_300_items_at_most(tmp_path: Path, records: int, items: int) -> None:
    made, _, _ = make(labelled(records), tmp_path)
    assert made.items == items


def test_labels_are_in_proportion_and_become_slices(tmp_path: Path) -> None:
    rng = random.Random(3)
    rows = [row(sentence(rng), "common" if i % 10 else "rare") for i in range(400)]
    _, suite, _ = make(rows, tmp_path)
    slices = [item.slice for item in suite.items]
    assert (slices.count("common"), slices.count("rare")) == (90, 10)


def test_the_same_seed_sets_the_same_aside_and_another_seed_something_else(tmp_path: Path) -> None:
    ids = [
        tuple(item.id for item in make(labelled(200), tmp_path / str(number), seed=seed)[1].items)
        for number, seed in enumerate((0, 0, 1))
    ]
    assert ids[0] == ids[1] != ids[2]


def test_the_order_of_the_rows_changes_nothing(tmp_path: Path) -> None:
    rows = labelled(200)
    first = {item.id for item in make(rows, tmp_path / "a")[1].items}
    assert first == {item.id for item in make(rows[::-1], tmp_path / "b")[1].items}


def test_groups_of_a_column_leave_training_whole(tmp_path: Path) -> None:
    made, suite, training = make(labelled(300, customer_id=lambda i: f"c{i // 5}"), tmp_path)
    trained = {record.meta["customer_id"] for record in training.records()}
    assert len(trained) + len({item.cluster for item in suite.items}) == 60
    assert said(made, "whole groups of the column 'customer_id'")
    assert made.set_aside == 0


def test_the_newest_records_are_set_aside_where_there_are_times(tmp_path: Path) -> None:
    rows = labelled(200, createdAt=lambda i: f"2025-{1 + i % 12:02}-{1 + i % 28:02}T10:00:00Z")
    made, suite, training = make(rows, tmp_path)
    when = {as_dataset([one]).table.column("record_id")[0].as_py(): one["createdAt"] for one in rows}
    oldest_item = min(when[item.id] for item in suite.items)
    assert max(str(record.meta["createdAt"]) for record in training.records()) <= oldest_item
    assert said(made, "the newest by the column 'createdAt'")


def test_by_overrides_what_was_found_and_takes_times_of_any_usual_spelling(tmp_path: Path) -> None:
    rows = labelled(200, customer=lambda i: f"c{i // 4}", filed=lambda i: f"{1 + i % 28:02}.{1 + i % 12:02}.2025")
    made, _, training = make(rows, tmp_path / "time", by="filed")
    assert said(made, "the newest by the column 'filed', read as %d.%m.%Y") and not said(made, "customer")
    assert "12" not in {str(record.meta["filed"])[3:5] for record in training.records()}
    made, _, _ = make(rows, tmp_path / "group", by="customer")
    assert said(made, "whole groups of the column 'customer', at random")


def test_a_column_of_the_user_is_not_taken_for_groups_unless_it_is_one(tmp_path: Path) -> None:
    """Every value another: it ties nothing. Three values, or one that half of the records have: too large."""
    columns: dict[str, Callable[[int], Any]] = {
        "ticket": lambda i: i,
        "product_group": lambda i: i % 3,
        "client": lambda i: max(0, i - 60) // 2,
    }
    made, _, _ = make(labelled(120, **columns), tmp_path)
    assert said(made, "whole families of duplicates, at random")


def test_by_of_no_column_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="did you mean 'customer'"):
        make(labelled(60, customer=lambda i: i // 3), tmp_path, by="custmer")


def test_groups_too_large_to_set_aside_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"tied together by 'branch'.*--by"):
        make(labelled(90, branch=lambda i: i % 3), tmp_path, by="branch")


def json_answer(i: int, **more: Any) -> str:
    return json.dumps({"intent": LABELS[i % 4], "urgent": i % 2 == 0, "order": f"BW-{i:05}", **more})


@pytest.mark.parametrize(
    ("answer", "scorer", "settings"),
    [
        (lambda i: json_answer(i), "json_fields", {"fields": ["intent", "urgent"]}),
        (lambda i: json.dumps({"text": f"{WORDS[i % 32]} {i}"}), "json_fields", {}),
        (lambda i: LABELS[i % 4], "exact_match", {}),
        (lambda i: LABELS[i % 4].replace("_", " ").title(), "normalised_match", {}),
        (lambda i: "Yes" if i % 3 else "No", "normalised_match", {}),
        (lambda i: f"E{i % 5}", "exact_match", {}),
        (lambda i: "C" if i % 3 else "C++", "exact_match", {}),
        (lambda i: f"{i * 37 % 1000 + 0.5}", "numeric", {}),
        (lambda i: f"${i * 1370:,}", "numeric", {}),
        (lambda i: f"{WORDS[i % 32]} {WORDS[i * 7 % 32]} {i}", "normalised_match", {}),
        (lambda i: sentence(random.Random(i), 30), "rouge", {}),
    ],
    ids=[
        "json",
        "json of prose",
        "labels",
        "labels in words",
        "yes and no",
        "codes",
        "signs",
        "numbers",
        "money",
        "short text",
        "long text",
    ],
)
def test_the_scorer_is_proposed_from_the_answers(
    tmp_path: Path, answer: Callable[[int], str], scorer: str, settings: dict[str, Any]
) -> None:
    rng = random.Random(4)
    _, suite, _ = make([row(sentence(rng), answer(i)) for i in range(120)], tmp_path)
    assert (suite.scorer, dict(suite.scorer_settings)) == (scorer, settings)


def test_options_in_a_column_make_a_multiple_choice_suite(tmp_path: Path) -> None:
    rng = random.Random(5)
    rows = []
    for _ in range(80):
        options = rng.sample(WORDS, 4)
        rows.append(row(sentence(rng), rng.choice(options), options=options))
    _, suite, _ = make(rows, tmp_path)
    assert suite.scorer == "multiple_choice"
    assert all(item.reference in item.choices and len(item.choices) == 4 for item in suite.items)


def prose(rng: random.Random, number: int = 0) -> str:
    """A question, an answer's beginning, and so on, that nothing else in the data is like."""
    return f"{sentence(rng, 5)} {sentence(rng, 6)}"


def free(
    answer: Callable[[random.Random, int], str], **more: Callable[[random.Random, int], Any]
) -> list[dict[str, Any]]:
    rng = random.Random(6)
    return [
        row(f"{sentence(rng)}?", answer(rng, i), **{name: value(rng, i) for name, value in more.items()})
        for i in range(80)
    ]


def test_free_answers_whose_facts_stand_in_a_column_are_held_to_it(tmp_path: Path) -> None:
    def passage(rng: random.Random, i: int) -> str:
        return f"{sentence(rng, 30)}. On day {i + 700} the clerk Anna Bruun filed BW-{i + 20_000}. {sentence(rng, 20)}."

    rows = free(lambda rng, i: f"The {sentence(rng, 12)} was filed by Anna Bruun as BW-{i + 20_000}.", passage=passage)
    made, suite, _ = make(rows, tmp_path)
    assert suite.scorer == "quoted_facts" and said(made, "can prove that less is made up, not that the question")
    assert all("Anna Bruun filed BW-" in str(item.source) for item in suite.items)
    assert "not that the question was answered" in made.suite_path.read_text(encoding="utf-8")


def test_free_answers_with_one_new_figure_are_held_to_it(tmp_path: Path) -> None:
    rows = free(lambda rng, i: f"The {sentence(rng, 10)} comes to {1000 + i * 37:,} euros for the {sentence(rng, 4)}.")
    made, suite, _ = make(rows, tmp_path)
    assert suite.scorer == "contains" and said(made, "can prove that more answers hold the key figure")
    assert {item.reference for item in suite.items} <= {f"{1000 + i * 37:,}" for i in range(80)}
    scorer = make_scorer(suite.scorer, suite.scorer_settings, "here")
    answers = [one["messages"][1]["content"] for one in rows]
    assert all(sum(scorer(answer, item.reference) for answer in answers) >= 1 for item in suite.items)


def test_free_answers_with_several_new_facts_are_held_to_their_phrases(tmp_path: Path) -> None:
    names = ("Anna Bruun", "Ove Lind", "Ida Holm", "Per Dahl", "Liv Moe")
    rows = free(lambda rng, i: f"The {sentence(rng, 9)} of {names[i % 5]} is due on day {i + 31} in room {i + 400}.")
    made, suite, _ = make(rows, tmp_path)
    assert suite.scorer == "required_phrase" and said(made, "can prove that more answers hold those")
    assert all(len(json.loads(item.reference)) == 3 for item in suite.items)


def test_free_answers_with_nothing_to_look_up_are_scored_by_likeness_and_what_that_proves_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.evaluate.suites import free_text

    rows = free(lambda rng, i: f"the {sentence(rng, 25)}")
    made, suite, _ = make(rows, tmp_path / "rouge")
    assert suite.scorer == "rouge" and said(made, "come nearer to yours, not that they are true")
    words = free(lambda rng, i: f"дом {sentence(rng, 25)}")
    assert make(words, tmp_path / "chrf")[1].scorer == "chrf"
    monkeypatch.setattr(free_text, "find_spec", lambda name: None)
    made, suite, _ = make(rows, tmp_path / "none")
    assert suite.scorer == "normalised_match" and said(made, "no library for likeness is installed")
    assert "STRICT" in made.suite_path.read_text(encoding="utf-8")


def test_tool_calls_are_answers_where_most_answers_are(tmp_path: Path) -> None:
    rng = random.Random(8)
    properties = {"word": {"type": "string"}, "n": {"type": "integer"}}
    schema = {"type": "object", "properties": properties}
    tool = {"type": "function", "function": {"name": "look_up", "parameters": schema}}
    rows = []
    for i in range(80):
        arguments = json.dumps({"word": WORDS[i % 32], "n": i})
        call = {"id": "a1", "type": "function", "function": {"name": "look_up", "arguments": arguments}}
        turns = [
            {"role": "user", "content": sentence(rng)},
            {"role": "assistant", "content": None, "tool_calls": [call]}
            if i % 20
            else {"role": "assistant", "content": "No, that is not what I can do."},
        ]
        rows.append({"messages": turns, "tools": [tool]})
    made, suite, _ = make(rows, tmp_path)
    assert suite.scorer == "tool_call" and len(suite.items) > 10
    for item in suite.items:
        (call,) = json.loads(item.reference)
        assert call["name"] == item.slice == "look_up" and set(call["arguments"]) == {"word", "n"} and item.tools
    assert said(made, "whose answer is not what tool_call compares")


def test_every_proposed_suite_passes_its_own_check(tmp_path: Path) -> None:
    from assay.evaluate.suites.check import check_suite

    kinds: list[Callable[[random.Random, int], str]] = [
        lambda rng, i: f"The {sentence(rng, 10)} comes to {1000 + i * 37:,} euros for the {sentence(rng, 4)}.",
        lambda rng, i: f"The {sentence(rng, 9)} of Ida Holm is due on day {i + 31} in room {i + 400}.",
        lambda rng, i: f"the {sentence(rng, 25)}",
    ]
    for number, kind in enumerate(kinds):
        _, suite, training = make(free(kind), tmp_path / str(number))
        errors = [problem for problem in check_suite(suite, training=training) if problem.severity == "error"]
        assert errors == [], suite.scorer


def test_what_an_answer_leaves_no_room_for_is_no_item(tmp_path: Path) -> None:
    rows = labelled(100)
    rows[7]["messages"][1]["content"] = (
        "I cannot tell you that, sorry, whatever it is that you ask of me today or later."
    )
    made, suite, _ = make(rows, tmp_path)
    assert said(made, "1 whose answer is not what exact_match compares")
    assert {item.reference for item in suite.items} == set(LABELS)


def test_max_new_tokens_leaves_room_beyond_the_longest_reference(tmp_path: Path) -> None:
    """At three bytes a token, which is more tokens than a tokenizer makes of English or JSON."""
    rng = random.Random(7)
    rows = [row(sentence(rng), json_answer(i)) for i in range(80)]
    _, suite, _ = make(rows, tmp_path)
    longest = max(len(item.reference.encode()) for item in suite.items)
    assert longest / 3 * 1.5 <= suite.max_new_tokens <= longest


def test_conversations_are_asked_up_to_their_last_answer_with_system_turn_and_tools(tmp_path: Path) -> None:
    rng = random.Random(8)
    tool = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
    call = {"id": "a1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    rows = []
    for i in range(60):
        turns = [
            {"role": "system", "content": "You route tickets."},
            {"role": "user", "content": sentence(rng)},
            {"role": "assistant", "content": None, "tool_calls": [call], "weight": 0},
            {"role": "tool", "content": sentence(rng), "tool_call_id": "a1"},
            {"role": "assistant", "content": LABELS[i % 4], "weight": 1},
        ]
        rows.append({"messages": turns, "tools": [tool]})
    _, suite, _ = make(rows, tmp_path)
    for item in suite.items:
        assert [message.role for message in item.messages] == ["system", "user", "assistant", "tool"]
        assert item.messages[2].tool_calls[0].name == "look_up" and item.tools == (tool,)
        assert item.reference in LABELS


def test_records_that_cannot_be_items_stay_in_training_and_are_counted_by_reason(tmp_path: Path) -> None:
    rows = labelled(100)
    rng = random.Random(9)
    call = {"id": "a1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}]
    calling = [
        {"messages": [{"role": "user", "content": sentence(rng)},
                      {"role": "assistant", "content": None, "tool_calls": [call]}], "tools": tools}
        for _ in range(5)
    ]  # fmt: skip
    defective = [row(sentence(rng), "Dear {{customer_name}}, it is [ORDER NUMBER].") for _ in range(4)]
    made, suite, training = make([*rows, *calling, *defective], tmp_path)
    assert said(made, "5 whose answer is a tool call") and said(made, "4 that curate would hold or drop")
    assert made.items + made.training == 109
    assert sum(bool(record.messages[-1].tool_calls) for record in training.records()) == 5
    assert all("{{" not in item.reference for item in suite.items)


def test_what_curate_repairs_is_an_item_as_it_will_be_and_stays_as_it_is_in_training(tmp_path: Path) -> None:
    """A reference that ends in a control token is never generated as text."""
    rows = labelled(100)
    for one in rows:
        one["messages"][1]["content"] += "<|endoftext|>"
    _, suite, training = make(rows, tmp_path)
    assert {item.reference for item in suite.items} == set(LABELS) and suite.scorer == "exact_match"
    assert all(record.answer.endswith("<|endoftext|>") for record in training.records())


def test_a_prompt_with_several_answers_is_no_item(tmp_path: Path) -> None:
    rows = labelled(100)
    rows += [row(rows[i]["messages"][0]["content"], LABELS[(i + 1) % 4]) for i in range(20)]
    made, suite, _ = make(rows, tmp_path)
    contested = {one["messages"][0]["content"] for one in rows[:20]}
    assert not contested & {prompt_text(item.messages) for item in suite.items}
    assert made.items == 80 // 4


def test_what_a_model_wrote_is_no_item_and_leaves_training_with_its_seed(tmp_path: Path) -> None:
    from dataclasses import replace

    base = list(as_dataset(labelled(80)).records())
    rng = random.Random(10)

    def variant(record: Record) -> Record:
        messages = (replace(record.messages[0], content=sentence(rng)), record.messages[1])
        changed = replace(record.with_messages(messages), row_id=f"v{record.row_id}"[:16])
        return replace(changed, origin="synthetic", parents=(record.id,))

    dataset = Dataset.from_records([*base, *map(variant, base)])
    made = init_suite(dataset, tmp_path, name="desk")
    suite, training = read_suite(made.suite_path), Dataset.read_parquet(made.training_path)
    chosen = {item.id for item in suite.items}
    assert chosen <= {record.id for record in base} and made.set_aside == made.items > 0
    assert not [record for record in training.records() if set(record.parents) & chosen]


def test_an_open_prompt_with_several_right_answers_is_no_item(tmp_path: Path) -> None:
    """Curate keeps them all, and none of them is the one to compare with."""
    rng = random.Random(12)
    rows = labelled(60)
    for i in range(40):
        rows.append(row(f"Write a short poem about the {WORDS[i % 20]}.", sentence(rng, 12)))
    _, suite, training = make(rows, tmp_path)
    assert not [item for item in suite.items if "poem" in prompt_text(item.messages)]
    assert sum("poem" in (record.messages[0].content or "") for record in training.records()) == 40


@pytest.mark.parametrize("seed", range(8))
def test_relatives_count_towards_the_quarter_that_may_leave_training(seed: int) -> None:
    """One record given 60 times is one item, but would take all its copies along."""
    rows = labelled(100)
    plan = plan_suite(as_dataset([*rows, *([rows[5]] * 60)]), name="desk", seed=seed)
    assert len(plan.rows) + plan.set_aside <= 160 // 4


def test_training_keeps_rows_sources_columns_and_order(tmp_path: Path) -> None:
    rows = labelled(100, note=lambda i: {"nested": [i, None]}, shade=lambda i: WORDS[i % 7])
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    dataset = as_dataset(path)
    made = init_suite(dataset, tmp_path / "suites", name="desk")
    left = as_dataset(made.training_path)
    before = {record.row_id: record for record in dataset.records()}
    after = list(left.records())
    assert [record.source.line for record in after] == sorted(record.source.line or 0 for record in after)
    assert all(record == before[record.row_id] for record in after)
    assert path.read_text(encoding="utf-8").count("\n") == 100


def test_rows_that_could_not_be_read_are_said_to_be_in_neither_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    text = "".join(json.dumps(one) + "\n" for one in labelled(60))
    path.write_text(text + '{"messages": [{"role": "us\n', encoding="utf-8")
    made = init_suite(as_dataset(path), tmp_path / "suites", name="desk")
    assert said(made, "1 row could not be read, so neither file has them") and made.items + made.training == 60


def test_files_that_are_there_stay_unless_forced(tmp_path: Path) -> None:
    made, _, _ = make(labelled(60), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(SettingsError, match=r"desk\.yaml: is there already; --force overwrites it"):
        make(labelled(60, seed=2), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    make(labelled(60, seed=2), tmp_path, force=True)
    assert made.items_path.read_bytes() != before[made.items_path]


def test_the_data_itself_is_never_overwritten_not_even_by_force(tmp_path: Path) -> None:
    path = tmp_path / "desk.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in labelled(60)), encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(SettingsError, match="is the data itself"):
        init_suite(as_dataset(path), tmp_path, name="desk", force=True)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_no_file_behind(tmp_path: Path) -> None:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "desk_training.parquet").mkdir()
    with pytest.raises(StorageError):
        init_suite(as_dataset(labelled(60)), tmp_path / "suites", name="desk", force=True)
    assert [path.name for path in (tmp_path / "suites").iterdir()] == ["desk_training.parquet"]


def test_few_items_are_said_to_prove_only_a_large_difference(tmp_path: Path) -> None:
    made, _, _ = make(labelled(80), tmp_path / "few")
    assert said(made, "20 items can prove only a difference of about 25 points or more")
    made, _, _ = make(labelled(1200), tmp_path / "many")
    assert said(made, "300 items can prove a difference of about 8 points")


def test_items_can_be_asked_for_up_to_half_of_the_data(tmp_path: Path) -> None:
    assert make(labelled(100), tmp_path / "a", items=50)[0].items == 50
    with pytest.raises(SettingsError, match="--items is 51, but 50 items at most"):
        make(labelled(100), tmp_path / "b", items=51)


@pytest.mark.parametrize("name", ["", "a/b", "../up", "a b", "x.y"])
def test_a_name_that_would_be_another_path_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="no name for a suite"):
        init_suite(as_dataset(labelled(60)), tmp_path, name=name)
    assert not list(tmp_path.iterdir())


def test_too_few_records_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="of 3 records only 3 can be an item, too few to take any from training"):
        make(labelled(3), tmp_path)
    assert not list(tmp_path.iterdir())


def test_data_without_a_readable_row_names_the_first_fault(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("text,category\nhello,a\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"mine\.csv:2: no valid row.*--columns"):
        init_suite(as_dataset(path), tmp_path / "suites", name="desk")


@pytest.mark.parametrize("key", ["a\nname: evil", 'quo"ted', "{flow}", "# hash"])
def test_field_names_of_the_data_cannot_break_the_suite_file(tmp_path: Path, key: str) -> None:
    rng = random.Random(11)
    rows = [row(sentence(rng), json.dumps({key: LABELS[i % 4]})) for i in range(60)]
    _, suite, _ = make(rows, tmp_path)
    assert suite.name == "desk" and suite.scorer_settings == {"fields": [key]}


def test_a_plan_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = plan_suite(as_dataset(labelled(60)), name="desk")
    assert len(plan.rows) + len(plan.training) + plan.set_aside == 60 and not list(tmp_path.iterdir())
