from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import SettingsError
from assay.records import Message, Record, Source, record_id
from assay.writing.house_rules import HouseRules, Said, read_house_rules


def rules(tmp_path: Path, body: str) -> HouseRules:
    """A file of rules; each of the body's rules gets its reason."""
    path = tmp_path / f"{abs(hash(body))}.yaml"
    path.write_text(f"version: 1\nrules:\n{body}", encoding="utf-8")
    return read_house_rules(path)


def rule(tmp_path: Path, line: str) -> HouseRules:
    """One rule, `line` being all of it but id and reason."""
    return rules(tmp_path, f"  - {{id: a, reason: so it is, {line}}}\n")


def record(*turns: tuple[str, str], **meta: str) -> Record:
    messages = tuple(Message(role, text) for role, text in turns)
    return Record(record_id(messages), "row", messages, Source("a.jsonl", 1, 0), meta=meta)


def broken(house: HouseRules, text: str, prompt: str | None = None) -> list[str]:
    return [text[hit.start : hit.end] for breach in house.judge(Said(text, prompt)).broken for hit in breach.hits]


SAY = 'say: sign in, instead_of: [login, "log in", log-in]'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Please login first.", ["login"]),
        ("Log in, then Log\nin again.", ["Log in", "Log\nin"]),
        ("Please sign in first.", []),
        ("The logins and prologin are other words.", []),
        ("See https://a.example/login or login.example.com, mail login@a.example, call `login`, user_login.", []),
        ("Run this:\n```\nlogin now\n```\nthen login.", ["login"]),
    ],
)
def test_forbidden_wording_is_found_where_it_is_wording(tmp_path: Path, text: str, found: list[str]) -> None:
    assert broken(rule(tmp_path, SAY), text) == found


def test_an_allowed_form_that_holds_a_forbidden_one_is_passed_over(tmp_path: Path) -> None:
    house = rule(tmp_path, "never: [Acme], allow: [Acme Bank], case: exact")
    assert broken(house, "Acme Bank is ours, Acme is not, acme is a word.") == ["Acme"]


def test_approved_wording_may_hold_a_forbidden_form(tmp_path: Path) -> None:
    house = rule(tmp_path, "say: log in to the portal, instead_of: log in")
    assert broken(house, "Log in to the portal. Then log in.") == ["log in"]


def test_names_must_not_appear_in_links_either_and_scripts_without_spaces_have_no_word_boundary(tmp_path: Path) -> None:
    house = rule(tmp_path, "never: [Acme, 阿克米]")
    assert broken(house, "See acme.example or 在阿克米公司") == ["acme", "阿克米"]


def test_inflection_is_left_to_patterns(tmp_path: Path) -> None:
    pytest.importorskip("re2")
    house = rule(tmp_path, r"say: order, patterns: ['\bbooking(s|)\b']")
    assert broken(house, "Your bookings and your BOOKING.") == ["bookings", "BOOKING"]


def test_a_replacement_takes_the_capitals_of_what_it_replaces(tmp_path: Path) -> None:
    house = rule(tmp_path, SAY + ", replace: true")
    before = record(("user", "login?"), ("assistant", "Login here. LOGIN now, login later, see a.example/login."))
    after = house.replaced(before)
    assert after.answer == "Sign in here. SIGN IN now, sign in later, see a.example/login."
    assert after.messages[0].content == "login?" and after.id != before.id
    assert house.replaced(after) is after


def test_nothing_is_replaced_where_the_rule_does_not_say_so(tmp_path: Path) -> None:
    before = record(("user", "a"), ("assistant", "Please login."))
    assert rule(tmp_path, SAY).replaced(before) is before


@pytest.mark.parametrize(
    ("line", "kept", "breaking"),
    [
        ("require: [This is no legal advice, Dies ist keine Rechtsberatung]", "... this is no\nlegal advice.", "No."),
        ("length: {unit: words, min: 2, max: 3}", "one two", "one two three four"),
        ("length: {unit: characters, max: 5}", " five5 ", "sixsix"),
        ("language: de", "Das ist nicht der Fall.", "That is not the case."),
        ("language: [de, en]", "That is not the case.", "Ce n'est pas le cas dans la ville."),
        ('person: "we"', "We looked at the case of the day.", "I looked at the case of the day."),
        ('person: "I"', "I looked at the case of the day.", "We and I looked at the case of the day."),
        (
            "person: impersonal",
            'The sign on the door says "We are closed" to all.',
            "The case is known to us and is old.",
        ),
        ('person: "we"', "我们在看。", "我在看。"),
        ('person: "we"', "弊社で確認します。", "私が確認します。"),
        ("address: formal", "Bitte klicken Sie auf den Knopf.", "Bitte klick auf den Knopf, wenn du das willst."),
        ("address: informal", "Puedes cambiar tu clave en la página.", "Usted puede cambiar la clave en la página."),
        ("address: formal", "Vous pouvez changer la clé de la porte.", "Tu peux changer la clé de la porte."),
        ("address: formal", "您可以修改。", "你可以修改。"),
        ("address: formal", "変更できます。", "変更できる。これは仕様である。"),
        ("markdown: none", "Plain text - with a dash.", "# A heading\nand text"),
        ("markdown: [bullets, code]", "- a\n- b", "- **a**\n- b"),
        ("format: json", '{"a": 1}', "a: 1"),
        ("format: text", "a: 1", '{"a": 1}'),
        ("end: sentence", 'He said: "Done."', "and then"),
        ("emoji: 1", "Done 😀", "Done 😀😀"),
        ("exclamation_marks: {max: 0}", "Done.", "Done!"),
    ],
)
def test_each_kind_of_rule_is_kept_and_broken(tmp_path: Path, line: str, kept: str, breaking: str) -> None:
    house = rule(tmp_path, line)
    assert house.judge(Said(kept)).kept == ("a",)
    assert [breach.rule.id for breach in house.judge(Said(breaking)).broken] == ["a"]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('person: "we"', "Я посмотрел."),
        ("address: formal", "You can change it on the page."),
        ("language: en", "42"),
        ("language: prompt", "That is not the case."),
        ("length: {unit: tokens, max: 3}", "one two three"),
        ("emoji: 0, when: {prompt: hello}", "Hi 😀"),
        ("emoji: 0, where: {slice: web}", "Hi 😀"),
    ],
)
def test_what_nobody_can_tell_is_left_out(tmp_path: Path, line: str, text: str) -> None:
    judged = rule(tmp_path, line).judge(Said(text))
    assert (judged.kept, judged.broken, judged.left_out) == ((), (), ("a",))
    assert judged.share_kept == 1.0


def test_the_language_of_the_prompt_can_be_asked_for(tmp_path: Path) -> None:
    house = rule(tmp_path, "language: prompt")
    assert broken(house, "That is not the case.", "Warum ist das nicht der Fall?") == [""]
    assert broken(house, "Das ist nicht der Fall.", "Warum ist das nicht der Fall?") == []


def test_tokens_are_counted_by_the_target(tmp_path: Path) -> None:
    house = rule(tmp_path, "length: {unit: tokens, max: 3}")
    assert house.counts_tokens == "a"
    assert house.judge(Said("abcd", tokens=len)).broken[0].hits[0].message == "4 tokens, where 3 are the most"


def test_a_rule_is_asked_when_prompt_and_answer_hold_what_it_names(tmp_path: Path) -> None:
    house = rule(tmp_path, "require: no legal advice, when: {prompt: [law, court], answer: must}")
    asked = record(("user", "What says the law?"), ("assistant", "You must pay."))
    other = record(("user", "What says the lawn?"), ("assistant", "You must pay."))
    assert len(list(house.breaches(asked))) == 1
    assert list(house.breaches(other)) == []


def test_a_rule_is_for_records_of_a_column_a_slice_or_a_system_turn(tmp_path: Path) -> None:
    house = rules(
        tmp_path,
        "  - {id: web, reason: r, emoji: 0, where: {meta: {channel: [web, app]}}}\n"
        "  - {id: system, reason: r, emoji: 0, where: {system: acme bot}}\n"
        "  - {id: slice, reason: r, emoji: 0, where: {slice: billing}}\n",
    )
    turns = (("user", "a"), ("assistant", "b 😀"))
    assert [b.rule.id for b in house.breaches(record(*turns, channel="app"))] == ["web"]
    assert [b.rule.id for b in house.breaches(record(*turns, channel="mail", slice="billing"))] == ["slice"]
    assert [b.rule.id for b in house.breaches(record(("system", "You are Acme Bot."), *turns))] == ["system"]


@pytest.mark.parametrize(("wanted", "value"), [("1", "1"), ("true", "True"), ("Web", "web"), ("[2, web]", "web")])
def test_a_value_of_a_column_is_compared_as_text(tmp_path: Path, wanted: str, value: str) -> None:
    house = rule(tmp_path, f"emoji: 0, where: {{meta: {{channel: {wanted}}}}}")
    turns = (("user", "a"), ("assistant", "b 😀"))
    assert len(list(house.breaches(record(*turns, channel=value)))) == 1
    assert list(house.breaches(record(*turns, channel="other"))) == list(house.breaches(record(*turns))) == []


def test_in_a_conversation_every_trained_answer_counts_but_a_required_phrase_once(tmp_path: Path) -> None:
    house = rules(
        tmp_path,
        "  - {id: plain, reason: r, emoji: 0}\n  - {id: hint, reason: r, require: no advice}\n",
    )
    turns = [("user", "a"), ("assistant", "No advice 😀"), ("user", "b"), ("assistant", "c 😀")]
    assert [(b.rule.id, b.message) for b in house.breaches(record(*turns))] == [("plain", 1), ("plain", 3)]
    without = record(("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))
    assert [b.rule.id for b in house.breaches(without)] == ["hint"]
    untrained = Message("assistant", "😀", train=False)
    kept = without.with_messages(
        [without.messages[0], untrained, Message("user", "c"), Message("assistant", "No advice")]
    )
    assert list(house.breaches(kept)) == []


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ("  - {id: a, reason: r}\n", 3, "asks for nothing"),
        ("  - id: a\n    reason: r\n    emojy: 0\n", 5, "did you mean 'emoji'?"),
        ("  - id: a\n    reason: ' '\n    emoji: 0\n", 4, "'reason' is empty"),
        ("  - id: a\n    emoji: 0\n", 3, "reason"),
        ("  - id: a\n    reason: r\n    emoji: 0\n    end: sentence\n", 5, "make a rule of each"),
        ("  - id: a\n    reason: r\n    emoji: 0\n    replace: true\n", 6, "'replace' goes with say, not with emoji"),
        ("  - id: a\n    reason: r\n    say: x\n", 5, "add instead_of or patterns"),
        ("  - id: a\n    reason: r\n    say: x\n    instead_of: [y, x]\n", 6, "both approved and forbidden"),
        ("  - id: a\n    reason: r\n    never: ['']\n", 5, "an empty text"),
        ("  - id: a\n    reason: r\n    never: [yes]\n", 5, "valid string"),
        ("  - id: a\n    reason: r\n    language: dee\n", 5, "did you mean 'de'?"),
        ("  - id: a\n    reason: r\n    length: {unit: words}\n", 5, "neither min nor max"),
        ("  - id: a\n    reason: r\n    length: {unit: words, min: 5, max: 1}\n", 5, "between 5 and 1"),
        ("  - id: a\n    reason: r\n    length: {unit: lines, max: 1}\n", 5, "words"),
        ("  - id: a\n    reason: r\n    emoji: 0\n    severity: fatal\n", 6, "severity"),
        ("  - id: a\n    reason: r\n    emoji: 0\n    when: {}\n", 6, "asks for nothing"),
        ("  - id: a\n    reason: r\n    emoji: 0\n    when:\n      promt: x\n", 7, "did you mean 'prompt'?"),
        ("  - {id: a, reason: r, emoji: 0}\n  - {id: a, reason: r, emoji: 1}\n", 4, "was given before"),
    ],
)
def test_a_fault_in_the_file_is_one_line_with_its_place(tmp_path: Path, body: str, line: int, said: str) -> None:
    path = tmp_path / "house_rules.yaml"
    path.write_text(f"version: 1\nrules:\n{body}")
    with pytest.raises(SettingsError) as caught:
        read_house_rules(path)
    assert caught.value.where == f"{path}:{line}"
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "rules"), ("version: 2\nrules: [{id: a, reason: r, emoji: 0}]", "version 2"), ("rules: []", "no rule in it")],
)
def test_a_file_without_rules_or_of_another_version_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "house_rules.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=said):
        read_house_rules(path)


def test_a_pattern_that_re2_does_not_know_is_a_fault_of_its_line(tmp_path: Path) -> None:
    pytest.importorskip("re2")
    with pytest.raises(SettingsError, match=r"yaml:3: .*RE2"):
        rule(tmp_path, "never: x, patterns: ['(?=a)']")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there are no house rules"):
        read_house_rules(tmp_path / "none.yaml")


def test_the_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "house_rules.yaml"
    path.write_text("rules: [{id: a, reason: r, emoji: 0}]")
    first = read_house_rules(path)
    assert read_house_rules(path) is first
    path.write_text("rules: [{id: changed, reason: r, emoji: 0}]")
    os.utime(path, ns=(1, 1))
    assert read_house_rules(path).rules[0].id == "changed"


def test_rules_can_be_chosen_by_id_whatever_they_are_for(tmp_path: Path) -> None:
    house = rules(
        tmp_path,
        "  - {id: web, reason: r, emoji: 0, where: {slice: web}}\n  - {id: end, reason: r, end: sentence}\n",
    )
    assert [breach.rule.id for breach in house.only(["web"], "a.yaml").judge(Said("no 😀")).broken] == ["web"]
    with pytest.raises(SettingsError, match=r"did you mean 'web'\?"):
        house.only(["wep"], "a.yaml")


EVERYTHING = """
  - {id: say, reason: r, say: sign in, instead_of: [login, log in], replace: true}
  - {id: never, reason: r, never: [Acme, Bolt], allow: [Acme Bank]}
  - {id: require, reason: r, require: no advice}
  - {id: words, reason: r, length: {unit: words, max: 9}}
  - {id: language, reason: r, language: prompt}
  - {id: person, reason: r, person: "we"}
  - {id: address, reason: r, address: formal}
  - {id: markdown, reason: r, markdown: none}
  - {id: format, reason: r, format: json}
  - {id: end, reason: r, end: sentence}
  - {id: emoji, reason: r, emoji: 0}
"""


@given(text=st.text(), prompt=st.text())
def test_any_text_can_be_judged_and_is_in_one_pile(
    tmp_path_factory: pytest.TempPathFactory, text: str, prompt: str
) -> None:
    house = rules(tmp_path_factory.getbasetemp(), EVERYTHING.lstrip("\n"))
    judged = house.judge(Said(text, prompt, "", {}))
    piles = [*judged.kept, *(breach.rule.id for breach in judged.broken), *judged.left_out]
    assert sorted(piles) == sorted(rule.id for rule in house.rules)
    house.replaced(record(("user", prompt), ("assistant", text)))


@pytest.mark.parametrize(
    "unit", ["login ", "log ", "Sie ", '"I ', "acme bank ", "a", "```login\n", "｡!", "\ud800", "私"]
)
def test_a_million_characters_of_the_worst_kind_are_judged_in_seconds(tmp_path: Path, unit: str) -> None:
    house = rules(tmp_path, EVERYTHING.lstrip("\n"))
    text = unit * (1_000_000 // len(unit))
    start = time.process_time()
    house.judge(Said(text, "", "", {}))
    assert time.process_time() - start < 5
