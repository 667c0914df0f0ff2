from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.curate.check import Context
from assay.curate.checks.mixed_styles import mixed_styles
from assay.findings import Finding
from assay.records import Message, Record, Source, record_id, row_id

Make = Callable[..., Record]

THINGS = [
    f"{colour} {thing}"
    for colour in ("red", "old", "new", "blue")
    for thing in ("lamp", "chair", "table", "clock", "radio")
]
PLAIN = "Put the {} back into its box, print the label from the account and give it to the driver on Monday."
LISTED = "To send the {} back:\n- put it back into its box\n- print the label\n- give it to the driver"
ASK = "How do I return the {} that came yesterday?"


def found(records: Sequence[Record], **settings: object) -> list[Finding]:
    return list(mixed_styles.function(records, Context(records), **settings))


def kinds(findings: Sequence[Finding]) -> set[str]:
    return {str(finding.evidence["kind"]) for finding in findings}


def plain(make: Make, ask: str = ASK, **rest: object) -> list[Record]:
    return [make(ask.format(thing), PLAIN.format(thing), **rest) for thing in THINGS]


def test_each_dissenter_is_told_with_the_majority_and_an_example_of_it(make: Make) -> None:
    usual = plain(make)
    listed = [make(ASK.format(thing), LISTED.format(thing)) for thing in ("green jug", "tall vase", "round bin")]
    findings = found([*usual, *listed])
    assert [finding.row_id for finding in findings] == [record.row_id for record in listed]
    assert findings[0].message == 'bulleted; of 23 answers to prompts that begin "how do" 20 have: no list'
    assert findings[0].evidence["counts"] == {"no list": 20, "bulleted": 3}
    assert findings[0].evidence["other"][0] == usual[0].row_id
    assert len({finding.group for finding in findings}) == 1


def test_a_minority_of_two_is_no_style(make: Make) -> None:
    listed = [make(ASK.format(thing), LISTED.format(thing)) for thing in ("green jug", "tall vase")]
    assert found([*plain(make), *listed]) == []
    assert len(found([*plain(make), *listed], min_minority=2)) == 2


def test_three_copies_of_one_record_are_no_style_either(make: Make) -> None:
    listed = [make(ASK.format("green jug"), LISTED.format("green jug")) for _ in range(3)]
    assert found([*plain(make), *listed]) == []


def test_without_a_clear_majority_nothing_is_said(make: Make) -> None:
    listed = [make(ASK.format(thing), LISTED.format(thing)) for thing in THINGS]
    assert found([*plain(make), *listed]) == []


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        ("How do I return the {} that came yesterday? Give me a list.", LISTED),
        (
            "How do I return the {} that came yesterday? Wie bitte, auf Deutsch?",
            "Legen Sie das in den Karton und das ist es.",
        ),
        ("How do I return the {} that came yesterday? Answer as JSON.", '{{"answer": "box the {}"}}'),
        ("How do I return the {} that came yesterday? 😀", "Put it back into the box and print the label 😀"),
        ("How do I return the {} that came yesterday? Nerbl.", '{{"answer": "box the {}"}}'),
    ],
)
def test_what_the_prompt_asks_for_or_shows_is_explained(make: Make, ask: str, answer: str) -> None:
    others = [make(ask.format(thing), answer.format(thing)) for thing in ("green jug", "tall vase", "round bin", "mug")]
    assert found([*plain(make), *others]) == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ('{{"answer": "box the {}"}}', "form"),
        ("Put the {} back into the box and print the label 😀", "emoji"),
        ("## Return\nPut the {} back.\n\n## Label\nPrint it.", "headings"),
        (
            "Put the {} **back** into its box, print the label from the account and give it to the driver on Monday.",
            "bold",
        ),
        ("Legen Sie das in den Karton und drucken Sie das Etikett aus, dann ist es gut: {}.", "language"),
        ("We take the {} back from our customers, print the label and give it to the driver on Monday.", "person"),
    ],
)
def test_a_style_without_a_reason_is_found_under_one_kind(make: Make, answer: str, kind: str) -> None:
    others = [make(ASK.format(thing), answer.format(thing)) for thing in ("green jug", "tall vase", "round bin")]
    findings = found([*plain(make), *others])
    assert kind in kinds(findings)
    assert {finding.row_id for finding in findings} == {record.row_id for record in others}


def test_form_of_address_is_compared_by_language(make: Make) -> None:
    formal = [make(f"Wo ist {thing}?", f"Wir senden Ihnen {thing}, sobald Sie das wollen.") for thing in THINGS]
    informal = [make(f"Wo ist {thing}?", f"Wir senden dir {thing}, sobald du das willst.") for thing in ("a", "b", "c")]
    findings = found([*formal, *informal])
    assert kinds(findings) == {"address"}
    assert {finding.row_id for finding in findings} == {record.row_id for record in informal}


def test_what_is_usual_in_one_language_is_not_held_against_another(make: Make) -> None:
    german = [make(f"Wo ist {thing}?", f"Wir senden Ihnen {thing}, sobald Sie das wollen.") for thing in THINGS * 2]
    french = [make(f"Wo {thing}?", f"Tu peux changer la {thing} dans tes réglages.") for thing in ("a", "b", "c")]
    assert "address" not in kinds(found([*german, *french]))


def test_a_task_of_its_own_is_no_dissenter(make: Make) -> None:
    """Under one system turn, a fifth of the prompts ask for something that is always answered as JSON."""
    system = "You work for Acme."
    chat = [make(f"{word} is my {thing}", f"It is with the driver, the {thing}.", system=system)
            for word in ("Where", "How", "When") for thing in THINGS]  # fmt: skip
    labels = [make(f"Label it: {thing}", f'{{"thing": "{thing}"}}', system=system) for thing in THINGS[:5]]
    assert found([*chat, *labels]) == []


def test_records_of_a_source_are_compared(make: Make) -> None:
    openings = [f"{word} {thing}?" for word in ("Why", "Where", "When", "Whose") for thing in THINGS]
    records = [make(ask, f"It is the {ask}", meta={"category": "faq"}) for ask in openings]
    others = ("Why red jug?", "Where old vase?", "When new bin?")
    json_too = [make(ask, f'{{"it": "{ask}"}}', meta={"category": "faq"}) for ask in others]
    findings = found([*records, *json_too])
    assert {finding.row_id for finding in findings} == {record.row_id for record in json_too}


def test_a_refusal_has_no_layout(make: Make) -> None:
    listed = [make(ASK.format(thing), LISTED.format(thing)) for thing in THINGS]
    refused = [make(ASK.format(thing), "Sorry, but I can't help with the return of this thing, it is not what I do.")
               for thing in ("jug", "vase", "bin")]  # fmt: skip
    assert "bullets" not in kinds(found([*listed, *refused]))


def test_a_layout_is_compared_with_that_of_prompts_which_are_alike_and_the_evidence_names_them(make: Make) -> None:
    """Two words in common are no task: of what opens alike, only what goes on alike is held against each other."""
    usual = [make(f"How do I {n} {n + 1} {n + 2} {n + 3}?", PLAIN.format(n)) for n in range(100, 200, 5)]
    listed = [make(ASK.format(thing), LISTED.format(thing)) for thing in ("green jug", "tall vase", "round bin")]
    assert found([*usual, *listed]) == []
    likes = plain(make)
    findings = found([*usual, *likes, *listed])
    assert {item.row_id for item in findings} == {record.row_id for record in listed}
    assert {name for item in findings for name in item.evidence["other"]} <= {record.row_id for record in likes}


def test_a_thinking_block_has_a_style_of_its_own(make: Make) -> None:
    thought = [
        make(ASK.format(thing), f"<think>\n- a\n- b\n</think>{PLAIN.format(thing)}") for thing in ("jug", "vase", "bin")
    ]
    assert found([*plain(make), *thought]) == []


def test_nothing_is_found_in_nothing(make: Make) -> None:
    assert found([]) == []
    assert found([make("a")] * 30) == []


def _records(texts: Sequence[tuple[str, str]]) -> Iterator[Record]:
    for row, (prompt, answer) in enumerate(texts):
        messages = (Message("user", prompt), Message("assistant", answer))
        yield Record(record_id(messages), row_id("any", row), messages, Source("a.jsonl", row + 1, row))


@given(st.lists(st.tuples(st.text(), st.text()), max_size=40))
def test_any_texts_can_be_compared(texts: list[tuple[str, str]]) -> None:
    found(list(_records(texts)), min_group=2, min_minority=1, majority=0.5)
