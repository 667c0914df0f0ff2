"""Checks that look at all records together: duplicates, conflicting answers, contradictions, leaks."""

from __future__ import annotations

from collections.abc import Callable

from assay.curate.check import CHECKS, Context
from assay.curate.stage import audit
from assay.dataset import Dataset
from assay.findings import Finding, Severity
from assay.records import Message, Record
from assay.suites import EvaluationText

Make = Callable[..., Record]

LONG = (
    "my order has not arrived although it was to be here last week and the courier says that nobody was at home "
    "which is not true since I was in all day waiting for it with the door open and a kettle on for him and the dog"
)


def run(name: str, *records: Record, **context: object) -> list[Finding]:
    return list(CHECKS.get(name).function(records, Context(records, **context)))  # type: ignore[arg-type]


def test_exact_duplicates_share_a_group_and_name_each_other(make: Make) -> None:
    records = [make("a", "1"), make("b", "2"), make("a", "1"), make("a", "1")]
    found = run("exact_duplicate", *records)
    assert [finding.source.line for finding in found] == [1, 3, 4]
    assert len({finding.group for finding in found}) == 1
    assert found[1].message == "the same as line 1 (3 copies)"


def test_near_duplicates_carry_their_similarity(make: Make) -> None:
    records = [make(LONG, "ok"), make(LONG.replace("dog", "cat"), "ok"), make("something else", "ok")]
    found = run("near_duplicate", *records)
    assert [finding.source.line for finding in found] == [1, 2]
    assert 0.8 <= found[0].evidence["similarity"] < 1.0


def test_nearly_the_same_question_with_another_answer_is_no_duplicate(make: Make) -> None:
    assert run("near_duplicate", make(LONG, "send a new one"), make(LONG.replace("dog", "cat"), "no claim")) == []
    assert (
        run("near_duplicate", make(LONG, '{"order": "A-1"}'), make(LONG.replace("dog", "cat"), '{"order": "A-2"}'))
        == []
    )
    one = make(LONG, "We are sorry and will send another one on Monday morning.")
    other = make(LONG, "We are so sorry and will send another one on Monday morning!")
    assert len(run("near_duplicate", one, other)) == 2


def test_an_instruction_before_every_question_makes_no_duplicates(make: Make) -> None:
    instruction = f"{LONG} and answer with the one label that fits best. " * 3
    questions = [" ".join(f"thing{n * word % 97} of kind{n + word}" for word in range(2, 20)) for n in range(60)]
    records = [make(f"{instruction} {question}", "theft") for question in questions]
    copy = make(f"{instruction} {questions[9].upper()}! Please.", "theft")
    assert {finding.row_id for finding in run("near_duplicate", *records, copy)} == {records[9].row_id, copy.row_id}


def test_several_questions_on_one_passage_are_no_duplicates(make: Make) -> None:
    passage = f"{LONG}. {LONG.replace('kettle', 'lamp')}. "
    assert run("near_duplicate", make(f"{passage}Was he at home?", "Yes"), make(f"{passage}Did it rain?", "Yes")) == []


def test_formulas_that_differ_in_brackets_or_operators_are_no_duplicates(make: Make) -> None:
    pairs = [
        ("not (a and b) or c or d", "not (a) and (b or c or d)"),
        ("a < b and b < c and c", "a < b and b > c and c"),
    ]
    for one, other in pairs:
        words = "with all of them being values of the one table that we have"
        assert run("near_duplicate", make(f"{one} {words}", "x"), make(f"{other} {words}", "x")) == []


def test_exact_copies_are_left_to_the_exact_tier(make: Make) -> None:
    assert run("near_duplicate", make(LONG, "ok"), make(LONG, "ok")) == []


def test_a_shared_system_turn_does_not_make_short_conversations_alike(make: Make) -> None:
    system = "You are the friendly assistant of a large shop. " * 5
    records = [make(f"where is order {n}?", f"it is in town {n}", system=system) for n in range(6)]
    assert run("near_duplicate", *records) == []


def test_the_same_conversation_under_another_shared_system_turn_is_another_record(make: Make) -> None:
    systems = ["Answer in one word.", "Answer at length."]
    records = [make(f"{LONG} {n // 2}", "ok", system=systems[n % 2]) for n in range(8)]
    for finding in run("near_duplicate", *records):
        twin = next(record for record in records if record.row_id == finding.evidence["other"])
        own = next(record for record in records if record.row_id == finding.row_id)
        assert twin.messages[0] == own.messages[0]


def test_one_passage_with_two_questions_that_one_word_answers_is_no_duplicate(make: Make) -> None:
    asked = [f"Is it so? {LONG}. Did the {cause} make him miss it?" for cause in ("open door", "kettle")]
    assert run("near_duplicate", *(make(prompt, "Yes") for prompt in [*asked, *"abc"])) == []


def test_short_edited_messages_under_one_label_must_share_more(make: Make) -> None:
    one = "what cards can i use to add money to the account that i opened with you last week in town"
    two = "what currencies may i use to add money to the account which i opened with you this week in town"
    assert len(run("edited_duplicate", make(one, "We look into it."), make(two, "We look into it."))) == 2
    labelled = [make(text, "topping_up") for text in (one, two, *"abc")]
    assert run("edited_duplicate", *labelled) == []


def test_conflicting_answers_need_the_same_context(make: Make) -> None:
    same = [make("Who are you?", "I am Ada."), make("who are you", "My name is Ada, at your service.")]
    assert len(run("conflicting_answers", *same)) == 2
    other_system = [make("Who?", "Ada.", system="You are Ada."), make("Who?", "Bob.", system="You are Bob.")]
    assert run("conflicting_answers", *other_system) == []
    other_history = [make("Hi", "Yes?", "Which?", "The red one."), make("Hi", "Hello.", "Which?", "The blue one.")]
    assert run("conflicting_answers", *other_history) == []


def test_answers_that_differ_in_form_only_do_not_conflict(make: Make) -> None:
    assert run("conflicting_answers", make("a?", '{"x": 1, "y": 2}'), make("a?", '{"y": 2, "x": 1}')) == []
    assert run("conflicting_answers", make("Write a poem.", "Roses"), make("Write a poem.", "Violets")) == []


def test_long_answers_and_refusals_to_one_prompt_do_not_conflict(make: Make) -> None:
    tall, broad = ("The tower was built of stone by many masons. " * 12, "Masons from all over the land laid it. " * 14)
    assert run("conflicting_answers", make("What is it?", tall), make("What is it?", broad)) == []
    refusals = ["I'm sorry, but I can't help with that.", "I cannot provide instructions for doing so."]
    assert run("conflicting_answers", *(make("How is it done?", answer) for answer in refusals)) == []


def test_one_answer_in_two_wordings_does_not_conflict_and_another_number_does(make: Make) -> None:
    said = "No, I am a language model trained by the researchers of Acme"
    assert (
        run("conflicting_answers", make("Are you Ada?", f"{said}."), make("Are you Ada?", f"{said}, and glad.")) == []
    )
    assert (
        len(run("conflicting_answers", make("Since when?", f"{said} in 2021"), make("Since when?", f"{said} in 2023")))
        == 2
    )


def test_what_other_checks_say_of_two_answers_is_not_said_again(make: Make) -> None:
    returned = [
        make("How long?", "You have 30 days to return it."),
        make("How long?", "You have 14 days to return it."),
    ]
    named = [make("Who are you?", "I am Ada."), make("Who are you?", "My name is Ada, at your service.")]
    found = audit(Dataset.from_records([*returned, *named])).findings
    told = [finding.row_id for finding in found if finding.check == "conflicting_answers"]
    assert told == [record.row_id for record in named]


def test_a_formula_is_no_question_whose_words_may_change_places(make: Make) -> None:
    formulas = [("not ( True or False ) is", "False"), ("( not True ) or False or True is", "True"),
                ("True and not False and False is", "False"), ("False and True and not False is", "False"),
                ("not True or True or False is", "True"), ("not ( True or True or False ) is", "False")]  # fmt: skip
    records = [make(prompt, answer) for prompt, answer in formulas]
    assert run("conflicting_answers", *records) == [] == run("contradiction", *records)


def test_two_records_that_contradict_each_other_are_both_at_fault(make: Make) -> None:
    records = [make("How long?", "You have 30 days to return it."), make("How long?", "You have 14 days to return it.")]
    found = run("contradiction", *records)
    assert [finding.severity for finding in found] == [Severity.ERROR, Severity.ERROR]
    assert found[0].evidence["kind"] == "number"
    assert [span["text"] for span in found[0].evidence["spans"]] == ["30 days", "14 days"]
    assert [span["record_id"] for span in found[0].evidence["spans"]] == [records[0].id, records[1].id]
    assert not found[0].evidence["dissenter"]


def test_of_five_records_the_one_that_dissents_is_named(make: Make) -> None:
    records = [make("How long?", f"You have {days} days to return it.") for days in (30, 30, 14, 30, 30)]
    found = run("contradiction", *records)
    at_fault = [finding for finding in found if finding.severity is Severity.ERROR]
    assert [finding.source.line for finding in at_fault] == [3]
    assert at_fault[0].evidence["dissenter"]
    assert len({finding.group for finding in found}) == 1
    assert {finding.severity for finding in found if finding.source.line != 3} == {Severity.INFO}


def test_labels_are_found_from_the_data(make: Make) -> None:
    records = [make(f"message {n} about a thing", ("card_arrival", "top_up_failed")[n % 2]) for n in range(12)]
    records += [make("my card?", "card_arrival"), make("My card", "top_up_failed")]
    found = run("contradiction", *records)
    assert {finding.evidence["kind"] for finding in found} == {"label"}
    assert [finding.source.line for finding in found] == [13, 14]


def test_an_evaluation_item_is_found_whatever_its_case_and_punctuation(make: Make) -> None:
    texts = [EvaluationText("s", "1", "What is the capital of Peru?"), EvaluationText("s", "2", "thank you")]
    records = [
        make("What is the capital of Peru?", "Lima"),
        make("what  is the capital of peru", "Lima"),
        make("Thank you!", "Welcome."),
        make("Hi", "Hello", "What is the capital of Peru?", "Lima"),
        make("What is the capital of Chile?", "Santiago"),
    ]
    found = run("evaluation_leak", *records, evaluation_texts=texts)
    assert [finding.source.line for finding in found] == [1, 2, 4]
    assert [finding.evidence["match"] for finding in found] == ["exact", "normalised", "exact"]
    assert found[0].evidence["item"] == "1"


def test_a_number_is_not_lost_in_the_comparison_of_prompts(make: Make) -> None:
    texts = [EvaluationText("s", "1", "How much is 1.5 times -2?")]
    records = [make("how much is 15 times 2", "30"), make("How much is 1.5 times 2?", "3")]
    assert run("evaluation_leak", *records, evaluation_texts=texts) == []


def test_records_without_any_turn_are_no_trouble(make: Make) -> None:
    records = [make(), make(), make(Message("assistant", None))]
    for name, check in CHECKS.all().items():
        if check.scope == "dataset" and not (check.reads or check.asks or "releases" in check.needs):
            assert all(f.check == name for f in run(name, *records, evaluation_texts=[EvaluationText("s", "1", "")]))
